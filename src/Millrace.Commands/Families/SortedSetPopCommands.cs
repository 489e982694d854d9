// Sorted sets: members taken out at the ends.
//
// What they share with their relatives that wait is in SortedSetPops.
// Source: Redis 7.2 documentation, "ZPOPMIN", "ZMPOP".

using Millrace.Engine;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands that take members out of sorted sets at the ends.</summary>
public static class SortedSetPopCommands
{
    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("zmpop", -4, ZMPop)
        {
            Flags = Write | MovableKeys,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.Counted(KeyFlags.RW | KeyFlags.Access | KeyFlags.Delete, 1)],
            Syntax = "numkeys:integer key... (MIN | MAX) [COUNT count:integer]",
            Summary = "Removes and returns members with the lowest or the highest scores of the first sorted set among"
                + " several keys that has any.",
            Since = "7.0.0",
            Complexity = "O(K) + O(M*log(N)) where K is the number of keys, N the number of members of the sorted set"
                + " and M of those that are removed.",
            Group = "sorted-set",
        },
        new("zpopmax", -2, ZPopMax)
        {
            Flags = Write | Fast,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Delete)],
            Syntax = "key [count:integer]",
            Summary = "Removes and returns the members of a sorted set with the highest scores.",
            Since = "5.0.0",
            Complexity = "O(log(N)*M) where N is the number of members of the sorted set and M of those removed.",
            Group = "sorted-set",
        },
        new("zpopmin", -2, ZPopMin)
        {
            Flags = Write | Fast,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Delete)],
            Syntax = "key [count:integer]",
            Summary = "Removes and returns the members of a sorted set with the lowest scores.",
            Since = "5.0.0",
            Complexity = "O(log(N)*M) where N is the number of members of the sorted set and M of those removed.",
            Group = "sorted-set",
        },
    ];

    private static void ZMPop(ref Call call)
    {
        if (!TryReadMPop(call, 1, out var request)) return;
        if (!call.TryWriteFirst(ValueType.SortedSet, request.FirstKey, request.Keys, out var at, out var entry)) return;
        if (entry.IsMissing) call.Reply.NullArray();
        else PopMany(call, call.Key(at), entry, request);
    }

    private static void ZPopMax(ref Call call) => Pop(call, isMax: true);

    private static void ZPopMin(ref Call call) => Pop(call, isMax: false);

    /// <summary>Takes out what ZMPOP or BZMPOP asks for, replies it, and records its effect.</summary>
    internal static void PopMany(in Call call, in Key key, Entry entry, in MPopRequest request)
    {
        var taken = SortedSetPops.Pop(
            call.Unit, call.Reply, key, entry, request.IsMax, request.Count, PopForm.KeyNested);
        SortedSetPops.Record(call.Effects, key, request.IsMax, taken);
    }

    /// <summary>Reads what ZMPOP and BZMPOP have in common: <c>numkeys key ... MIN|MAX [COUNT count]</c>. Writes the
    /// error and returns false when it is wrong.</summary>
    /// <param name="call">The call.</param>
    /// <param name="at">The argument with the number of keys.</param>
    /// <param name="request">What was read.</param>
    internal static bool TryReadMPop(in Call call, int at, out MPopRequest request)
    {
        request = default;
        if (!TryAtLeastOne(call, at, "ERR numkeys should be greater than 0"u8, out var keys)) return false;
        var where = keys < call.Args.Count ? at + (int)keys + 1 : call.Args.Count;
        var isMax = where < call.Args.Count && call.Is(where, "MAX"u8);
        if (where >= call.Args.Count || (!isMax && !call.Is(where, "MIN"u8)))
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return false;
        }

        var count = 1L;
        var left = call.Args.Count - where - 1;
        if (left != 0 && (left != 2 || !call.Is(where + 1, "COUNT"u8)))
        {
            // A count is read before what follows it is looked at.
            if (left > 2 && call.Is(where + 1, "COUNT"u8)
                && !TryAtLeastOne(call, where + 2, "ERR count should be greater than 0"u8, out count)) return false;
            call.Reply.Error(ErrorTexts.Syntax);
            return false;
        }

        if (left == 2 && !TryAtLeastOne(call, where + 2, "ERR count should be greater than 0"u8, out count))
            return false;
        request = new MPopRequest(at + 1, (int)keys, isMax, count);
        return true;
    }

    private static bool TryAtLeastOne(in Call call, int at, ReadOnlySpan<byte> error, out long number)
    {
        if (Numbers.TryParseInt64(call.Args[at], out number) && number >= 1) return true;
        call.Reply.Error(error);
        return false;
    }

    private static void Pop(in Call call, bool isMax)
    {
        if (call.Args.Count > 3)
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return;
        }

        var count = 1L;
        var isCounted = call.Args.Count == 3;
        if (isCounted && !call.TryPositive(2, out count)) return;
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.SortedSet)) return;
        if (entry.IsMissing || count == 0)
        {
            call.Reply.Array(0);
            return;
        }

        var form = isCounted && call.Reply.Protocol == 3 ? PopForm.Nested : PopForm.Flat;
        SortedSetPops.Pop(call.Unit, call.Reply, call.Key(1), entry, isMax, count, form);
    }
}

/// <summary>What ZMPOP and BZMPOP are asked for.</summary>
/// <param name="FirstKey">The argument with the first key.</param>
/// <param name="Keys">How many keys, one behind the other.</param>
/// <param name="IsMax">Whether the highest scores go.</param>
/// <param name="Count">How many at most.</param>
internal readonly record struct MPopRequest(int FirstKey, int Keys, bool IsMax, long Count);
