using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Memory;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Fuzz;

/// <summary>
/// Looks at a value in every way, then changes it: the answers must agree with each other.
/// </summary>
internal static class ValueSurvey
{
    internal static void Run(Unit unit, in Key key)
    {
        var entry = unit.Find(key, Access.Peek);
        Promise(Value.SizeBytes(unit.Keyspace[0].Heap, entry) > 0, "a value takes memory");
        Promise(!Value.EncodingName(entry).SequenceEqual("unknown"u8), "an encoding has a name");
        switch (entry.Type)
        {
            case ValueType.String:
                StringValue.WriteAt(unit, key, entry, 3, "abc"u8);
                break;
            case ValueType.List:
                SurveyList(unit, key, entry);
                break;
            case ValueType.Set:
                SurveySet(unit, key, entry);
                break;
            case ValueType.SortedSet:
                SurveySortedSet(unit, key, entry);
                break;
            case ValueType.Stream:
                SurveyStream(unit, StreamValue.Log(entry));
                break;
            default:
                SurveyHash(unit, key, entry);
                break;
        }
    }

    private static void Promise(bool kept, string sentence)
    {
        if (!kept) throw new BrokenPromiseException(sentence);
    }

    private static void SurveyList(Unit unit, in Key key, in Entry entry)
    {
        var length = ListValue.Length(entry);
        foreach (var isBackwards in (bool[])[false, true])
        {
            using var cursor = ListValue.Walk(entry, isBackwards ? length - 1 : 0, isBackwards);
            var count = 0L;
            while (cursor.TryNext(out _)) count++;
            Promise(count == length, "a walk does not meet every element");
        }

        var list = ListValue.BeforeAdding(unit, key, entry, 6, 2);
        list = ListValue.Push(unit, key, list, ListEnd.Left, ListpackElement.Of("first"u8));
        list = ListValue.Push(unit, key, list, ListEnd.Right, ListpackElement.Of(7));
        Promise(ListValue.Length(list) == length + 2, "two elements more");
        ListEdits.TryInsert(
            unit, key, list, ListpackElement.Of(7), isBehind: false, ListpackElement.Of("x"u8), out var longer);
        Promise(longer == length + 3, "an element more");
        list = unit.Find(key, Access.Peek);
        ListEdits.TrySet(unit, key, list, length / 2, ListpackElement.Of("y"u8));
        list = unit.Find(key, Access.Peek);
        ListValue.Drop(unit, key, list, ListEnd.Left, (length / 2) + 1);
        list = unit.Find(key, Access.Peek);
        ListValue.Drop(unit, key, list, ListEnd.Right, 1);
        Promise(ListValue.Length(unit.Find(key, Access.Peek)) == longer - (length / 2) - 2, "fewer elements");
    }

    private static void SurveyStream(Unit unit, StreamLog log)
    {
        foreach (var isBackwards in (bool[])[false, true])
        {
            var cursor = log.Walk(StreamRange.All, isBackwards);
            var count = 0L;
            while (cursor.TryNext())
            {
                count++;
                Promise(cursor.Id <= log.LastId, "no entry is above the last ID");
                var fields = 0L;
                while (cursor.TryNextField(out _, out _)) fields++;
                Promise(fields == cursor.FieldCount, "an entry has the fields that it counts");
            }

            Promise(count == log.Length, "a walk does not meet every entry");
        }

        for (var i = 0L; i < log.Groups.Count; i++) SurveyGroup(log.Groups[i]);
        if (log.LastId.TryNext(out var id))
        {
            var fields = default(OneField);
            log.Append(unit.Keyspace.Encodings.StreamNodes, id, ref fields);
            Promise(log.Has(id) && log.LastEntryId() == id, "what was added is the last entry");
        }

        var length = log.Length;
        var first = log.FirstId;
        Promise(length == 0 || log.Delete(first), "the first entry can be deleted");
        var trim = new StreamTrim(TrimStrategy.Length, 1, default, IsApproximate: false, 0);
        Promise(log.Trim(trim) == Math.Max(length - 2, 0), "a trim leaves what it is to leave");
    }

    private static void SurveyGroup(StreamGroup group)
    {
        var owned = 0L;
        for (var i = 0L; i < group.ConsumerCount; i++) owned += group.Consumer(i).Pending.Count;
        Promise(owned == group.Pending.Count, "every pending entry has one owner");
        while (group.Pending.TryFirst(out var delivery))
        {
            Promise(!group.OwnerOf(delivery).IsMissing, "an owner is there");
            var id = new StreamId(delivery.High, delivery.Low);
            Promise(group.Acknowledge(id), "what is pending can be acknowledged");
        }

        for (var i = 0L; i < group.ConsumerCount; i++)
            Promise(group.Consumer(i).Pending.Count == 0, "nothing is left of what was pending");
    }

    private static void SurveySet(Unit unit, in Key key, in Entry entry)
    {
        var finder = new MemberFinder { Unit = unit, Entry = entry };
        SetValue.Walk(entry, ref finder);
        Promise(finder.Count == SetValue.Count(entry), "a walk does not meet every member");
        var count = SetValue.Count(entry);
        var writer = new SetWriter(unit, key, entry);
        var added = writer.Add(ListpackElement.Of("no integer"u8)) ? 1 : 0;
        added += writer.Add(ListpackElement.Of(987_654)) ? 1 : 0;
        Promise(writer.Count == count + added, "as many members as were added");
        writer.Remove(ListpackElement.Of(987_654));
        writer.Remove(ListpackElement.Of("no integer"u8));
    }

    private static void SurveySortedSet(Unit unit, in Key key, in Entry entry)
    {
        var count = SortedSetValue.Count(entry);
        Span<byte> scratch = stackalloc byte[ListpackElement.MaxIntegerBytes];
        var rank = 0L;
        var before = double.NegativeInfinity;
        for (var cursor = SortedSetCursor.At(entry, 0); cursor.IsValid; cursor.Next(), rank++)
        {
            var place = SortedSetValue.Find(unit, entry, cursor.Text(scratch));
            Promise(place.IsFound && place.Score.Equals(cursor.Score), "a member is not found");
            Promise(SortedSetValue.RankOf(entry, place) == rank, "a member has another rank");
            Promise(cursor.Score >= before, "members are out of order");
            before = cursor.Score;
        }

        for (var cursor = SortedSetCursor.At(entry, 0, isReversed: true); cursor.IsValid; cursor.Next()) rank--;
        Promise(rank == 0 && count > 0, "a walk does not meet every member");
        var set = entry;
        var there = SortedSetValue.Find(unit, set, "new member"u8);
        if (!there.IsFound) set = SortedSetValue.Add(unit, key, set, there, "new member"u8, 0.5);
        set = SortedSetValue.SetScore(
            unit, key, set, SortedSetValue.Find(unit, set, "new member"u8), "new member"u8, -1e300);
        SortedSetValue.Remove(unit, key, set, SortedSetValue.Find(unit, set, "new member"u8));
        set = unit.Find(key, Access.Peek);
        if (!set.IsMissing) SortedSetValue.RemoveRange(unit, key, set, new RankRange(0, 1));
    }

    private static void SurveyHash(Unit unit, in Key key, in Entry entry)
    {
        var finder = new FieldFinder { Unit = unit, Entry = entry };
        HashValue.Walk(entry, unit.NowMs, ref finder);
        Promise(finder.Count == HashValue.Count(entry, unit.NowMs), "a walk does not meet every field");
        var hash = HashValue.Set(unit, key, entry, "new field"u8, "value"u8, unit.NowMs + 5_000, out _);
        hash = HashValue.SetDeadline(unit, key, hash, "new field"u8, -1);
        Promise(HashValue.TryFind(unit, hash, "new field"u8, out var item) && item.DeadlineMs < 0, "a field is lost");
        hash = HashValue.Set(unit, key, hash, "new field"u8, "another value"u8, HashValue.KeepsDeadline, out var isNew);
        Promise(!isNew && HashValue.Remove(unit, key, hash, "new field"u8), "a field is lost");
        HashValue.Settle(unit, key, hash);
    }

    private struct MemberFinder : IMemberVisitor
    {
        internal Unit Unit;
        internal Entry Entry;
        internal long Count;

        public bool Visit(scoped ListpackElement member)
        {
            Promise(SetValue.Contains(Unit, Entry, member), "a member is not found");
            Count++;
            return true;
        }
    }

    private struct FieldFinder : IHashVisitor
    {
        internal Unit Unit;
        internal Entry Entry;
        internal long Count;

        public void Visit(scoped in HashItem item)
        {
            Span<byte> scratch = stackalloc byte[ListpackElement.MaxIntegerBytes];
            Promise(HashValue.TryFind(Unit, Entry, item.Name.Text(scratch), out _), "a field is not found");
            Count++;
        }
    }

    private readonly struct OneField : IStreamFields
    {
        public int Count => 1;

        public long TextBytes => 10;

        public ReadOnlySpan<byte> Field(int index) => "field"u8;

        public ReadOnlySpan<byte> Value(int index) => "value"u8;
    }
}
