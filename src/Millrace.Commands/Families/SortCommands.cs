// SORT and SORT_RO: the elements of a list, set or sorted set, in an order that they decide themselves or values that
// are found by way of them.
//
//     collect    the elements; of one whose order stays (BY without *), only those that LIMIT asks for
//     weigh      each by itself or by what BY names: a number, or with ALPHA a text
//     order      by weight, then by the element's bytes
//     answer     the elements, or what each GET names for them; with STORE as a list
//
// BY and GET name keys that nobody knows before, so the unit holds all partitions. Texts are compared byte by byte.
// Source: Redis 7.2 documentation, "SORT".

using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Memory;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>SORT and SORT_RO.</summary>
public static class SortCommands
{
    private const string Options = "key [BY by-pattern:pattern] [LIMIT offset:integer count:integer]"
        + " [GET get-pattern:pattern]... [ASC | DESC] [ALPHA]";

    private const string Complexity = "O(N+M*log(M)) where N is the number of elements to sort and M the number of"
        + " those that are returned; O(N) when they are not sorted.";

    private static ReadOnlySpan<byte> NotANumber => "ERR One or more scores can't be converted into double"u8;

    private static ReadOnlySpan<byte> TooLarge => "ERR what is to be sorted takes more than 1 GB"u8;

    private static readonly KeySpec Source = KeySpec.One(KeyFlags.RO | KeyFlags.Access);

    private static readonly KeySpec Named = new()
    {
        Flags = KeyFlags.RO | KeyFlags.Access,
        IsUnknown = true,
        Notes = "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content"
            + " of the key we sort",
    };

    private static readonly KeySpec Destination = new()
    {
        Flags = KeyFlags.OW | KeyFlags.Update,
        IsUnknown = true,
        Locate = SortOptions.FindDestination,
        Notes = "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the"
            + " argument array",
    };

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("sort", -2, Sort)
        {
            Flags = Write | DenyOom | MovableKeys,
            Categories = AclCategories.Set | AclCategories.SortedSet | AclCategories.List | AclCategories.Dangerous,
            Keys = [Source, Named, Destination],
            Locks = LockScope.All,
            Syntax = Options + " [STORE destination:key]",
            CopiesOfKeys = 2,
            Summary = "Sorts the elements of a list, set or sorted set; stores them where wanted.",
            Since = "1.0.0",
            Complexity = Complexity,
            Group = "generic",
        },
        new("sort_ro", -2, SortReadOnly)
        {
            Flags = ReadOnly | MovableKeys,
            Categories = AclCategories.Set | AclCategories.SortedSet | AclCategories.List | AclCategories.Dangerous,
            Keys = [Source, Named],
            Locks = LockScope.All,
            Syntax = Options,
            Summary = "Returns the elements of a list, set or sorted set, sorted.",
            Since = "7.0.0",
            Complexity = Complexity,
            Group = "generic",
        },
    ];

    private static void Sort(ref Call call) => Run(call, mayStore: true);

    private static void SortReadOnly(ref Call call) => Run(call, mayStore: false);

    private static void Run(in Call call, bool mayStore)
    {
        if (!SortOptions.TryRead(call, mayStore, out var options)) return;
        var entry = call.Read(1);
        if (!entry.IsMissing && entry.Type is not (ValueType.List or ValueType.Set or ValueType.SortedSet))
        {
            call.Reply.Error(ErrorTexts.WrongType);
            return;
        }

        if (entry.IsMissing) Finish(call, null, 0, 0, options);
        else Run(call, entry, options);
    }

    private static void Run(in Call call, in Entry entry, SortOptions options)
    {
        var length = CountOf(entry);
        var (start, count) = options.RangeOf(length);
        var takesRange = options.KeepsOrder && entry.Type != ValueType.Set;
        using var rows = new SortRows(SetValue.HeapOf(entry), takesRange ? count : length);
        var isCollected = takesRange
            ? TryCollect(entry, rows, start, count, options.IsDescending)
            : TryCollect(entry, rows, 0, length, isReversed: false);
        if (!isCollected)
        {
            call.Reply.Error(TooLarge);
            return;
        }

        if (!options.KeepsOrder || MustSortAnyway(entry, options))
        {
            var key = KeyOf(call, entry, options);
            if (!TryWeigh(call, rows, key, options)) return;
            rows.Sort(key, options.IsDescending);
        }

        Finish(call, rows, takesRange ? 0 : start, count, options);
    }

    private static void Finish(in Call call, SortRows? rows, long start, long count, SortOptions options)
    {
        if (options.StoreAt > 0) Store(call, rows, (int)start, (int)count, options);
        else Answer(call, rows, (int)start, (int)count, options);
    }

    // What is stored must not depend on how a set's table lies.
    private static bool MustSortAnyway(in Entry entry, SortOptions options) =>
        !entry.IsMissing && entry.Type == ValueType.Set && options.KeepsOrder && options.StoreAt > 0;

    private static SortKey KeyOf(in Call call, in Entry entry, SortOptions options)
    {
        if (MustSortAnyway(entry, options)) return SortKey.Element;
        if (!options.IsAlpha) return SortKey.Score;
        return options.By(call).IsNone ? SortKey.Element : SortKey.Weight;
    }

    private static long CountOf(in Entry entry) => entry.Type switch
    {
        ValueType.List => ListValue.Length(entry),
        ValueType.Set => SetValue.Count(entry),
        _ => SortedSetValue.Count(entry),
    };

    // Requires: for a set, all of it. False when there is too much of it.
    private static bool TryCollect(in Entry entry, SortRows rows, long start, long count, bool isReversed)
    {
        if (entry.Type == ValueType.Set)
        {
            var visitor = new AddingVisitor(rows);
            SetValue.Walk(entry, ref visitor);
            return rows.Count == count;
        }

        Span<byte> scratch = stackalloc byte[ListpackElement.MaxIntegerBytes];
        if (entry.Type == ValueType.List)
        {
            var from = isReversed ? ListValue.Length(entry) - 1 - start : start;
            using var cursor = ListValue.Walk(entry, from, isReversed);
            for (; count > 0 && cursor.TryNext(out var element); count--)
            {
                if (!rows.TryAdd(element.Text(scratch))) return false;
            }

            return true;
        }

        var member = SortedSetCursor.At(entry, start, isReversed);
        for (; count > 0 && member.IsValid; count--)
        {
            if (!rows.TryAdd(member.Text(scratch))) return false;
            member.Next();
        }

        return true;
    }

    // Writes the error and returns false when a number is wanted and something is none, or when it is too much.
    private static bool TryWeigh(in Call call, SortRows rows, SortKey key, SortOptions options)
    {
        if (key == SortKey.Element) return true;
        var by = options.By(call);
        var lookup = new SortLookup(call, rows);
        var asScore = new SortLookup.AsScore(rows);
        var asWeight = new SortLookup.AsWeight(rows);
        var isNumber = true;
        for (var i = 0; i < rows.Count; i++)
        {
            var isTaken = key == SortKey.Weight ? lookup.TryHandOver(by, i, ref asWeight, out _)
                : by.IsNone ? rows.TryScore(i, rows.Element(i))
                : lookup.TryHandOver(by, i, ref asScore, out _);
            if (!isTaken && key == SortKey.Weight)
            {
                call.Reply.Error(TooLarge);
                return false;
            }

            isNumber &= isTaken; // all are looked at: those that are missing are counted, and told
        }

        if (!isNumber) call.Reply.Error(NotANumber);
        return isNumber;
    }

    private static void Answer(in Call call, SortRows? rows, int start, int count, SortOptions options)
    {
        var gets = options.Gets;
        call.Reply.Array((long)count * Math.Max(1, gets.Length));
        if (rows is null) return;
        var lookup = new SortLookup(call, rows);
        var asReply = new SortLookup.AsReply(call.Reply);
        for (var i = start; i < start + count; i++)
        {
            if (gets.IsEmpty) call.Reply.Bulk(rows.Element(i));
            foreach (var at in gets)
            {
                lookup.TryHandOver(new SortPattern(call.Args[at]), i, ref asReply, out var isThere);
                if (!isThere) call.Reply.Null();
            }
        }
    }

    private static void Store(in Call call, SortRows? rows, int start, int count, SortOptions options)
    {
        var expected = (long)count * Math.Max(1, options.Gets.Length);
        using var results = rows is null ? null : new SortRows(rows.Heap, expected);
        if (rows is not null && !TryGather(call, rows, results!, start, count, options))
        {
            call.Reply.Error(TooLarge);
            return;
        }

        var key = call.Key(options.StoreAt);
        var target = call.Write(options.StoreAt);
        if (!target.IsMissing) call.Unit.Remove(key, target);
        call.Unit.TellsNew = target.IsMissing; // a list in the place of something is no new key
        if (results is { Count: > 0 })
        {
            var list = ListValue.BeforeAdding(call.Unit, key, default, results.Bytes, results.Count);
            for (var i = 0; i < results.Count; i++)
                list = ListValue.Push(call.Unit, key, list, ListEnd.Right, ListpackElement.Of(results.Element(i)));
            ListCommands.Changed(call.Unit, key, results.Count);
            call.Unit.Notify(NotifyClasses.List, "sortstore"u8, key);
        }
        else if (!target.IsMissing)
        {
            call.Unit.Changed(key);
            call.Unit.Notify(NotifyClasses.Generic, "del"u8, key);
        }

        call.Unit.TellsNew = true;
        call.Reply.Integer(results?.Count ?? 0);
    }

    private static bool TryGather(
        in Call call, SortRows rows, SortRows results, int start, int count, SortOptions options)
    {
        var lookup = new SortLookup(call, rows);
        var asResult = new SortLookup.AsResult(results);
        for (var i = start; i < start + count; i++)
        {
            if (options.Gets.IsEmpty && !results.TryAdd(rows.Element(i))) return false;
            foreach (var at in options.Gets)
            {
                if (!lookup.TryHandOver(new SortPattern(call.Args[at]), i, ref asResult, out var isThere)) return false;
                if (!isThere && !results.TryAdd(default)) return false;
            }
        }

        return true;
    }

    private readonly ref struct AddingVisitor(SortRows rows) : IMemberVisitor
    {
        public bool Visit(ListpackElement member)
        {
            Span<byte> scratch = stackalloc byte[ListpackElement.MaxIntegerBytes];
            return rows.TryAdd(member.Text(scratch));
        }
    }
}
