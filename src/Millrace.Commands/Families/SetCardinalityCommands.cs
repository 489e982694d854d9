// How many members a union or a difference of sets would have, without replying with them. SINTERCARD is with the
// intersections in SetAlgebraCommands.
//
// A union is counted by building it apart, up to the limit; with APPROX its members go into a HyperLogLog on the stack
// instead. A difference looks the members of the first set up in the others.
// Source: Redis 8.10 documentation, "SUNIONCARD", "SDIFFCARD".

using Millrace.Engine.Values;
using Millrace.Memory;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Commands.Families;

/// <summary>The commands that count what several sets make.</summary>
public static class SetCardinalityCommands
{
    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("sdiffcard", -3, SDiffCard)
        {
            Flags = ReadOnly | MovableKeys,
            Categories = AclCategories.Set,
            Keys = [KeySpec.Counted(KeyFlags.RO | KeyFlags.Access, 1)],
            Syntax = "numkeys:integer key... [LIMIT limit:integer]",
            Summary = "Returns how many members of the first set are in none of the others, up to a limit.",
            Since = "8.10.0",
            Complexity = "O(N) where N is the total number of members of all sets.",
            Group = "set",
        },
        new("sunioncard", -3, SUnionCard)
        {
            Flags = ReadOnly | MovableKeys,
            Categories = AclCategories.Set,
            Keys = [KeySpec.Counted(KeyFlags.RO | KeyFlags.Access, 1)],
            CopiesOfKeys = 2,
            Syntax = "numkeys:integer key... [APPROX] [LIMIT limit:integer]",
            Summary = "Returns how many different members the sets have, or an estimate, up to a limit.",
            Since = "8.10.0",
            Complexity = "O(N) where N is the total number of members of all sets.",
            Group = "set",
        },
    ];

    private static void SDiffCard(ref Call call)
    {
        if (!SetAlgebraCommands.TryReadCounted(call, out var count)
            || !SetAlgebraCommands.TryReadLimit(call, 2 + count, takesApprox: false, out var limit, out _)) return;
        var sources = new SetSources(call, 2, count);
        if (!sources.TryRead(call)) return;
        var found = new FoundMembers(reply: null, limit);
        sources.Subtract(ref found);
        sources.Release();
        call.Reply.Integer(found.Count);
    }

    private static void SUnionCard(ref Call call)
    {
        if (!SetAlgebraCommands.TryReadCounted(call, out var count)
            || !SetAlgebraCommands.TryReadLimit(call, 2 + count, takesApprox: true, out var limit, out var isApprox))
            return;
        var sources = new SetSources(call, 2, count);
        if (!sources.TryRead(call)) return;
        var found = isApprox ? Estimate(sources) : Count(call, sources, limit);
        sources.Release();
        call.Reply.Integer(limit > 0 ? Math.Min(found, limit) : found);
    }

    private static long Count(in Call call, SetSources sources, long limit)
    {
        var counting = new CountedMembers(SetWriter.Apart(call.Unit, call.Key(2), SetEncoding.IntSet), limit);
        sources.Unite(ref counting);
        var count = counting.Result.Count;
        counting.Result.Drop();
        return count;
    }

    private static long Estimate(SetSources sources)
    {
        Span<byte> dense = stackalloc byte[HyperLogLog.DenseBytes];
        HyperLogLog.WriteEmptyDense(dense);
        var estimating = new EstimatedMembers(dense);
        sources.Unite(ref estimating);
        HyperLogLog.TryCount(dense, out var estimate);
        return estimate;
    }

    /// <summary>Adds the members that it is shown to a set, up to a limit.</summary>
    private ref struct CountedMembers(SetWriter result, long limit) : IMemberVisitor
    {
        private readonly long _limit = limit;
        private SetWriter _result = result;

        public readonly SetWriter Result => _result;

        public bool Visit(scoped ListpackElement member)
        {
            if (_limit > 0 && _result.Count >= _limit) return false;
            _result.Add(member);
            return true;
        }
    }

    /// <summary>Adds the members that it is shown to a dense HyperLogLog.</summary>
    private readonly ref struct EstimatedMembers(Span<byte> dense) : IMemberVisitor
    {
        private readonly Span<byte> _dense = dense;

        public bool Visit(scoped ListpackElement member)
        {
            Span<byte> scratch = stackalloc byte[ListpackElement.MaxIntegerBytes];
            HyperLogLog.AddToDense(_dense, HyperLogLog.Rank(member.Text(scratch)));
            return true;
        }
    }
}
