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
        Keyword = "STORE",
        KeywordFrom = -2,
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

        using var rows = new SortRows();
        var (start, count) = options.RangeOf(entry.IsMissing ? 0 : CountOf(entry));
        if (options.KeepsOrder && !entry.IsMissing && entry.Type != ValueType.Set)
        {
            Collect(entry, rows, start, count, options.IsDescending);
            start = 0;
        }
        else if (!entry.IsMissing)
        {
            Collect(entry, rows, 0, CountOf(entry), isReversed: false);
        }

        if (!options.KeepsOrder || MustSortAnyway(entry, options))
        {
            if (!TryWeigh(call, rows, entry, options))
            {
                call.Reply.Error("ERR One or more scores can't be converted into double"u8);
                return;
            }

            rows.Sort(IsByText(entry, options), options.IsDescending);
        }

        if (options.StoreAt > 0) Store(call, rows, start, count, options);
        else Answer(call, rows, start, count, options);
    }

    // What is stored must not depend on how a set's table lies.
    private static bool MustSortAnyway(in Entry entry, SortOptions options) =>
        !entry.IsMissing && entry.Type == ValueType.Set && options.KeepsOrder && options.StoreAt > 0;

    private static bool IsByText(in Entry entry, SortOptions options) =>
        options.IsAlpha || MustSortAnyway(entry, options);

    private static long CountOf(in Entry entry) => entry.Type switch
    {
        ValueType.List => ListValue.Length(entry),
        ValueType.Set => SetValue.Count(entry),
        _ => SortedSetValue.Count(entry),
    };

    // Requires: for a set, all of it.
    private static void Collect(in Entry entry, SortRows rows, long start, long count, bool isReversed)
    {
        if (entry.Type == ValueType.Set)
        {
            var visitor = new AddingVisitor(rows);
            SetValue.Walk(entry, ref visitor);
            return;
        }

        Span<byte> scratch = stackalloc byte[ListpackElement.MaxIntegerBytes];
        if (entry.Type == ValueType.List)
        {
            var from = isReversed ? ListValue.Length(entry) - 1 - start : start;
            using var cursor = ListValue.Walk(entry, from, isReversed);
            for (; count > 0 && cursor.TryNext(out var element); count--) rows.Add(element.Text(scratch));
            return;
        }

        var member = SortedSetCursor.At(entry, start, isReversed);
        for (; count > 0 && member.IsValid; count--)
        {
            rows.Add(member.Text(scratch));
            member.Next();
        }
    }

    // False when a number is wanted and something is none.
    private static bool TryWeigh(in Call call, SortRows rows, in Entry source, SortOptions options)
    {
        var isByText = IsByText(source, options);
        var by = options.KeepsOrder ? default : options.By(call);
        if (by.IsNone && isByText) return true;
        var lookup = new SortLookup(call, rows);
        for (var i = 0; i < rows.Count; i++)
        {
            if (!by.IsNone && !lookup.TryFindWeight(by, i)) continue;
            if (!isByText && !rows.TryScore(i, ofWeight: !by.IsNone)) return false;
        }

        return true;
    }

    private static void Answer(in Call call, SortRows rows, long start, long count, SortOptions options)
    {
        call.Reply.Array(count * Math.Max(1, options.GetCount));
        var lookup = new SortLookup(call, rows);
        for (var i = (int)start; i < start + count; i++)
        {
            if (options.GetCount == 0) call.Reply.Bulk(rows.Element(i));
            for (var n = 0; n < options.GetCount; n++)
            {
                if (lookup.TryGet(options.Get(call, n), i, out var value)) call.Reply.Bulk(value);
                else call.Reply.Null();
            }
        }
    }

    private static void Store(in Call call, SortRows rows, long start, long count, SortOptions options)
    {
        using var results = new SortRows();
        var lookup = new SortLookup(call, rows);
        for (var i = (int)start; i < start + count; i++)
        {
            if (options.GetCount == 0) results.Add(rows.Element(i));
            for (var n = 0; n < options.GetCount; n++)
            {
                lookup.TryGet(options.Get(call, n), i, out var value);
                results.Add(value);
            }
        }

        var key = call.Key(options.StoreAt);
        var target = call.Write(options.StoreAt);
        if (!target.IsMissing) call.Unit.Remove(key, target);
        if (results.Count > 0)
        {
            var list = ListValue.BeforeAdding(call.Unit, key, default, results.Bytes, results.Count);
            for (var i = 0; i < results.Count; i++)
                list = ListValue.Push(call.Unit, key, list, ListEnd.Right, ListpackElement.Of(results.Element(i)));
            ListCommands.Changed(call.Unit, key, results.Count);
        }
        else if (!target.IsMissing)
        {
            call.Unit.Changed(key);
        }

        call.Reply.Integer(results.Count);
    }

    private readonly ref struct AddingVisitor(SortRows rows) : IMemberVisitor
    {
        public bool Visit(ListpackElement member)
        {
            Span<byte> scratch = stackalloc byte[ListpackElement.MaxIntegerBytes];
            rows.Add(member.Text(scratch));
            return true;
        }
    }
}
