// Several sets at once: difference, intersection, union, and storing them.
//
// Intersections walk the smallest set and look its members up in the others. Differences do one of two things:
//     look every member of the first set up in the others, the largest first     |first| * sets
//     copy the first set and take the members of all others out of it             sum of all sizes
// whichever is less work, where looking up counts half (Redis's rule). What is stored is built apart, so that the
// destination may be one of the sources.
// Source: Redis 7.2 documentation, "Sets".

using System.Buffers;
using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Memory;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands on several sets.</summary>
public static class SetAlgebraCommands
{
    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("sdiff", -2, SDiff)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Set,
            Keys = [KeySpec.Rest(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key...",
            CopiesOfKeys = 2,
            Summary = "Returns the members of the first set that are in none of the others.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the total number of members of all sets.",
            Group = "set",
            Tips = ["nondeterministic_output_order"],
        },
        new("sdiffstore", -3, SDiffStore)
        {
            Flags = Write | DenyOom,
            Categories = AclCategories.Set,
            Keys = [KeySpec.One(KeyFlags.OW | KeyFlags.Update), KeySpec.Rest(KeyFlags.RO | KeyFlags.Access, 2)],
            Syntax = "destination:key key...",
            CopiesOfKeys = 2,
            Summary = "Stores the members of the first set that are in none of the others.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the total number of members of all sets.",
            Group = "set",
        },
        new("sinter", -2, SInter)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Set,
            Keys = [KeySpec.Rest(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key...",
            CopiesOfKeys = 2,
            Summary = "Returns the members that all sets have.",
            Since = "1.0.0",
            Complexity = "O(N*M) where N is the size of the smallest set and M the number of sets.",
            Group = "set",
            Tips = ["nondeterministic_output_order"],
        },
        new("sintercard", -3, SInterCard)
        {
            Flags = ReadOnly | MovableKeys,
            Categories = AclCategories.Set,
            Keys = [KeySpec.Counted(KeyFlags.RO | KeyFlags.Access, 1)],
            Syntax = "numkeys:integer key... [LIMIT limit:integer]",
            Summary = "Returns how many members all sets have, up to a limit.",
            Since = "7.0.0",
            Complexity = "O(N*M) where N is the size of the smallest set and M the number of sets.",
            Group = "set",
        },
        new("sinterstore", -3, SInterStore)
        {
            Flags = Write | DenyOom,
            Categories = AclCategories.Set,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update), KeySpec.Rest(KeyFlags.RO | KeyFlags.Access, 2)],
            Syntax = "destination:key key...",
            CopiesOfKeys = 2,
            Summary = "Stores the members that all sets have.",
            Since = "1.0.0",
            Complexity = "O(N*M) where N is the size of the smallest set and M the number of sets.",
            Group = "set",
        },
        new("sunion", -2, SUnion)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Set,
            Keys = [KeySpec.Rest(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key...",
            CopiesOfKeys = 2,
            Summary = "Returns the members that any of the sets has.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the total number of members of all sets.",
            Group = "set",
            Tips = ["nondeterministic_output_order"],
        },
        new("sunionstore", -3, SUnionStore)
        {
            Flags = Write | DenyOom,
            Categories = AclCategories.Set,
            Keys = [KeySpec.One(KeyFlags.OW | KeyFlags.Update), KeySpec.Rest(KeyFlags.RO | KeyFlags.Access, 2)],
            Syntax = "destination:key key...",
            CopiesOfKeys = 2,
            Summary = "Stores the members that any of the sets has.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the total number of members of all sets.",
            Group = "set",
        },
    ];

    private static void SDiff(ref Call call)
    {
        var sources = new SetSources(call, 1, call.Args.Count - 1);
        if (!sources.TryRead(call)) return;
        if (!sources.First.IsMissing && sources.IsFirstRepeated)
        {
            call.Reply.Set(0);
        }
        else if (sources.First.IsMissing || sources.LookingUpIsLess)
        {
            var mark = call.Reply.BeginDeferred();
            var found = new FoundMembers(call.Reply, limit: 0);
            sources.Subtract(ref found);
            call.Reply.EndDeferredSet(mark, found.Count);
        }
        else
        {
            var result = SetWriter.Apart(call.Unit, call.Key(1), SetEncoding.IntSet);
            sources.SubtractFrom(ref result);
            ReplyAndDrop(call, result);
        }

        sources.Release();
    }

    private static void SDiffStore(ref Call call)
    {
        var sources = new SetSources(call, 2, call.Args.Count - 2);
        if (!sources.TryRead(call)) return;
        var result = SetWriter.Apart(call.Unit, call.Key(1), SetEncoding.IntSet);
        if (!sources.First.IsMissing && !sources.IsFirstRepeated)
        {
            if (sources.LookingUpIsLess)
            {
                var adding = new AddedMembers(result);
                sources.Subtract(ref adding);
                result = adding.Result;
            }
            else
            {
                sources.SubtractFrom(ref result);
            }
        }

        sources.Release();
        Store(call, result, "sdiffstore"u8);
    }

    private static void SInter(ref Call call)
    {
        var sources = new SetSources(call, 1, call.Args.Count - 1);
        if (!sources.TryRead(call)) return;
        if (sources.AnyIsMissing)
        {
            call.Reply.Set(0);
        }
        else
        {
            var mark = call.Reply.BeginDeferred();
            var found = new FoundMembers(call.Reply, limit: 0);
            sources.Intersect(ref found);
            call.Reply.EndDeferredSet(mark, found.Count);
        }

        sources.Release();
    }

    private static void SInterCard(ref Call call)
    {
        if (!TryReadCounted(call, out var count)) return;
        if (!TryReadLimit(call, 2 + count, takesApprox: false, out var limit, out _)) return;
        var sources = new SetSources(call, 2, count);
        if (!sources.TryRead(call)) return;
        var found = new FoundMembers(reply: null, limit);
        if (!sources.AnyIsMissing) sources.Intersect(ref found);
        sources.Release();
        call.Reply.Integer(found.Count);
    }

    private static void SInterStore(ref Call call)
    {
        var sources = new SetSources(call, 2, call.Args.Count - 2);
        if (!sources.TryRead(call)) return;
        var adding = new AddedMembers(SetWriter.Apart(call.Unit, call.Key(1), SetEncoding.IntSet));
        if (!sources.AnyIsMissing) sources.Intersect(ref adding);
        sources.Release();
        Store(call, adding.Result, "sinterstore"u8);
    }

    private static void SUnion(ref Call call)
    {
        var sources = new SetSources(call, 1, call.Args.Count - 1);
        if (!sources.TryRead(call)) return;
        var adding = new AddedMembers(SetWriter.Apart(call.Unit, call.Key(1), SetEncoding.IntSet));
        sources.Unite(ref adding);
        sources.Release();
        ReplyAndDrop(call, adding.Result);
    }

    private static void SUnionStore(ref Call call)
    {
        var sources = new SetSources(call, 2, call.Args.Count - 2);
        if (!sources.TryRead(call)) return;
        var adding = new AddedMembers(SetWriter.Apart(call.Unit, call.Key(1), SetEncoding.IntSet));
        sources.Unite(ref adding);
        sources.Release();
        Store(call, adding.Result, "sunionstore"u8);
    }

    /// <summary>Reads how many keys follow, and that they do; writes the error and returns false otherwise.</summary>
    internal static bool TryReadCounted(in Call call, out int count)
    {
        count = 0;
        if (!Numbers.TryParseInt64(call.Args[1], out var number) || number < 1)
        {
            call.Reply.Error("ERR numkeys should be greater than 0"u8);
            return false;
        }

        if (number > call.Args.Count - 2)
        {
            call.Reply.Error("ERR Number of keys can't be greater than number of args"u8);
            return false;
        }

        count = (int)number;
        return true;
    }

    /// <summary>Reads the options of a command that counts; writes the error and returns false when one is
    /// none.</summary>
    /// <param name="call">The call.</param>
    /// <param name="from">The first argument behind the keys.</param>
    /// <param name="takesApprox">Whether APPROX is an option.</param>
    /// <param name="limit">Where to stop; 0: nowhere.</param>
    /// <param name="isApprox">Whether APPROX was given.</param>
    internal static bool TryReadLimit(in Call call, int from, bool takesApprox, out long limit, out bool isApprox)
    {
        limit = 0;
        isApprox = false;
        for (var at = from; at < call.Args.Count; at += 2)
        {
            if (takesApprox && call.Is(at, "APPROX"u8))
            {
                isApprox = true;
                at--;
                continue;
            }

            if (!call.Is(at, "LIMIT"u8) || at + 1 == call.Args.Count)
            {
                call.Reply.Error(ErrorTexts.Syntax);
                return false;
            }

            if (Numbers.TryParseInt64(call.Args[at + 1], out limit) && limit >= 0) continue;
            call.Reply.Error("ERR LIMIT can't be negative"u8);
            return false;
        }

        return true;
    }

    private static void ReplyAndDrop(in Call call, SetWriter result)
    {
        call.Reply.Set(result.Count);
        SetCommands.ReplyAll(call.Reply, result.Entry);
        result.Drop();
    }

    // An empty result removes the destination.
    private static void Store(in Call call, SetWriter result, ReadOnlySpan<byte> name)
    {
        var key = call.Key(1);
        var target = call.Write(1);
        var count = result.Count;
        if (count > 0)
        {
            result.Commit(target);
            call.Unit.Changed(key);
            call.Unit.Notify(NotifyClasses.Set, name, key);
        }
        else
        {
            result.Drop();
            if (!target.IsMissing)
            {
                call.Unit.Remove(key, target);
                call.Unit.Changed(key);
                call.Unit.Notify(NotifyClasses.Generic, "del"u8, key);
            }
        }

        call.Reply.Integer(count);
    }
}

/// <summary>The sets that a command works on, in the order of its arguments until it sorts them.</summary>
internal struct SetSources
{
    private readonly Unit _unit;
    private readonly int _firstArg;
    private readonly int _count;
    private Entry[] _pooled = [];

    /// <summary>The sets named by so many arguments.</summary>
    public SetSources(in Call call, int firstArg, int count)
    {
        _unit = call.Unit;
        _firstArg = firstArg;
        _count = count;
    }

    /// <summary>The first set.</summary>
    public readonly Entry First => _pooled[0];

    /// <summary>Whether one of the keys does not exist.</summary>
    public bool AnyIsMissing { get; private set; }

    /// <summary>Whether the first set is named again: taking it away leaves nothing.</summary>
    public readonly bool IsFirstRepeated
    {
        get
        {
            foreach (ref readonly var one in Sets[1..])
            {
                if (one.Block == First.Block && ReferenceEquals(HeapOf(one), HeapOf(First))) return true;
            }

            return false;
        }
    }

    /// <summary>Whether a difference is less work by looking the first set's members up in the others.</summary>
    public readonly bool LookingUpIsLess
    {
        get
        {
            var lookingUp = 0L;
            var takingOut = 0L;
            foreach (ref readonly var one in Sets)
            {
                if (one.IsMissing) continue;
                lookingUp += SetValue.Count(First);
                takingOut += SetValue.Count(one);
            }

            return lookingUp / 2 <= takingOut;
        }
    }

    private readonly Span<Entry> Sets => _pooled.AsSpan(0, _count);

    /// <summary>Looks all of them up; writes the error and returns false when one is no set.</summary>
    public bool TryRead(in Call call)
    {
        _pooled = ArrayPool<Entry>.Shared.Rent(_count);
        for (var i = 0; i < _count; i++)
        {
            var entry = call.Read(_firstArg + i);
            if (!call.IsTypeOrMissing(entry, ValueType.Set))
            {
                Release();
                return false;
            }

            if (entry.IsMissing) AnyIsMissing = true;
            _pooled[i] = entry;
        }

        return true;
    }

    /// <summary>Gives the memory back.</summary>
    public readonly void Release() => ArrayPool<Entry>.Shared.Return(_pooled, clearArray: true);

    /// <summary>Shows the members of the first set that are in no other. Sorts the others.</summary>
    public readonly void Subtract<TVisitor>(ref TVisitor visitor)
        where TVisitor : struct, IMemberVisitor, allows ref struct
    {
        if (First.IsMissing) return;

        // The largest set first: a member that goes is most likely found there.
        Sets[1..].Sort(static (a, b) => SizeOf(b).CompareTo(SizeOf(a)));
        var filter = new Filter<TVisitor>(_unit, Sets[1..], mustBeThere: false, visitor);
        SetValue.Walk(First, ref filter);
        visitor = filter.Visitor;
    }

    /// <summary>Makes an empty set the first one without the members of the others. Requires: the first is not
    /// missing.</summary>
    public readonly void SubtractFrom(ref SetWriter result)
    {
        var adding = new AddedMembers(result);
        SetValue.Walk(First, ref adding);
        var removing = new RemovedMembers(adding.Result);
        foreach (ref readonly var one in Sets[1..])
        {
            if (!one.IsMissing) SetValue.Walk(one, ref removing);
        }

        result = removing.Result;
    }

    /// <summary>Shows the members that all sets have. Requires: none is missing. Sorts the sets.</summary>
    public readonly void Intersect<TVisitor>(ref TVisitor visitor)
        where TVisitor : struct, IMemberVisitor, allows ref struct
    {
        Sets.Sort(static (a, b) => SizeOf(a).CompareTo(SizeOf(b)));
        var filter = new Filter<TVisitor>(_unit, Sets[1..], mustBeThere: true, visitor);
        SetValue.Walk(First, ref filter);
        visitor = filter.Visitor;
    }

    /// <summary>Shows the members of all sets; what two sets have comes twice.</summary>
    public readonly void Unite<TVisitor>(ref TVisitor visitor)
        where TVisitor : struct, IMemberVisitor, allows ref struct
    {
        foreach (ref readonly var one in Sets)
        {
            if (!one.IsMissing) SetValue.Walk(one, ref visitor);
        }
    }

    private static long SizeOf(in Entry entry) => entry.IsMissing ? 0 : SetValue.Count(entry);

    private static Heap? HeapOf(in Entry entry) => entry.IsMissing ? null : SetValue.HeapOf(entry);

    /// <summary>Passes on the members that are in all of some sets, or in none of them.</summary>
    private ref struct Filter<TVisitor> : IMemberVisitor
        where TVisitor : struct, IMemberVisitor, allows ref struct
    {
        internal TVisitor Visitor;
        private readonly Unit _unit;
        private readonly ReadOnlySpan<Entry> _others;
        private readonly bool _mustBeThere;

        internal Filter(Unit unit, ReadOnlySpan<Entry> others, bool mustBeThere, TVisitor visitor)
        {
            _unit = unit;
            _others = others;
            _mustBeThere = mustBeThere;
            Visitor = visitor;
        }

        public bool Visit(scoped ListpackElement member)
        {
            foreach (ref readonly var other in _others)
            {
                var isThere = !other.IsMissing && SetValue.Contains(_unit, other, member);
                if (isThere != _mustBeThere) return true;
            }

            return Visitor.Visit(member);
        }
    }
}

/// <summary>Counts the members that it is shown up to a limit, and writes them if there is a reply.</summary>
internal struct FoundMembers(ReplyWriter? reply, long limit) : IMemberVisitor
{
    /// <summary>How many there were.</summary>
    public long Count { get; private set; }

    /// <inheritdoc/>
    public bool Visit(scoped ListpackElement member)
    {
        if (limit > 0 && Count == limit) return false;
        if (reply is not null) SetCommands.Reply(reply, member);
        Count++;
        return limit == 0 || Count < limit;
    }
}

/// <summary>Adds the members that it is shown to a set.</summary>
internal ref struct AddedMembers : IMemberVisitor
{
    private SetWriter _result;

    /// <summary>A visitor that adds to a set.</summary>
    public AddedMembers(SetWriter result) => _result = result;

    /// <summary>The set as it is now.</summary>
    public readonly SetWriter Result => _result;

    /// <inheritdoc/>
    public bool Visit(scoped ListpackElement member)
    {
        _result.Add(member);
        return true;
    }
}

/// <summary>Removes the members that it is shown from a set, until it is empty.</summary>
internal ref struct RemovedMembers : IMemberVisitor
{
    private SetWriter _result;

    /// <summary>A visitor that removes from a set.</summary>
    public RemovedMembers(SetWriter result) => _result = result;

    /// <summary>The set as it is now.</summary>
    public readonly SetWriter Result => _result;

    /// <inheritdoc/>
    public bool Visit(scoped ListpackElement member)
    {
        _result.Remove(member);
        return _result.Count > 0;
    }
}
