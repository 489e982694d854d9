using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine.Codec;

/// <summary>
/// Sets in RDB files and payloads.
/// </summary>
/// <remarks>
/// <code>
///    2  count, count x [ text ]     each a member
///   11  text                        an integer set
///   20  text                        a listpack; not before version 11
/// </code>
/// Source: redis-rdb-tools, "Redis RDB Dump File Format"; Redis 7.2 release notes.
/// </remarks>
internal static class SetCodec
{
    internal static RdbType TypeOf(in Entry entry, RdbFormat format) => SetValue.EncodingOf(entry) switch
    {
        SetEncoding.IntSet => RdbType.SetIntegers,
        SetEncoding.Listpack when format.Version > RdbFormat.OldestVersion => RdbType.SetListpack,
        _ => RdbType.Set,
    };

    internal static void Write(ref ValueWriter writer, in Entry entry, RdbType type)
    {
        if (type != RdbType.Set)
        {
            writer.Text(entry.Value);
            return;
        }

        writer.Length(SetValue.Count(entry));
        var visitor = new MemberWriter { Writer = writer };
        SetValue.Walk(entry, ref visitor);
        writer = visitor.Writer;
    }

    internal static bool TryRead(scoped ref ValueReader reader, RdbType type, in ValuePlace place, out Entry made) =>
        type switch
        {
            RdbType.SetIntegers => TryReadIntegers(ref reader, place, out made),
            RdbType.SetListpack => TryReadListpack(ref reader, place, out made),
            _ => TryReadMembers(ref reader, place, out made),
        };

    private static bool TryReadIntegers(scoped ref ValueReader reader, in ValuePlace place, out Entry made)
    {
        if (!place.TryMake(ref reader, ValueType.Set, (int)SetEncoding.IntSet, IntSet.EmptyBytes, out made))
            return false;
        if (!IntSet.IsValid(made.Value, deep: true)) return place.Refuse(ref made);
        return Convert(place, ref made);
    }

    private static bool TryReadListpack(scoped ref ValueReader reader, in ValuePlace place, out Entry made)
    {
        if (!place.TryMake(ref reader, ValueType.Set, (int)SetEncoding.Listpack, Listpack.EmptyBytes, out made))
            return false;
        ReadOnlySpan<byte> listpack = made.Value;
        if (!Listpack.IsValid(listpack, deep: true) || Listpack.IsEmpty(listpack)) return place.Refuse(ref made);
        Span<ulong> filter = stackalloc ulong[SeenMembers.FilterWords];
        using (var seen = new SeenMembers(place, listpack, skip: 0, filter))
        {
            for (var at = Listpack.First(listpack); at >= 0;)
            {
                var memberAt = at;
                if (!seen.TryAdd(memberAt, Listpack.Take(listpack, ref at))) return place.Refuse(ref made);
            }
        }

        return Convert(place, ref made);
    }

    private static bool TryReadMembers(scoped ref ValueReader reader, in ValuePlace place, out Entry made)
    {
        made = default;
        if (!reader.TryCount(1, out var count)) return false;
        var room = default(TextRoom);
        var writer = SetWriter.Apart(place.Unit, place.Key, default, place.DeadlineMs);
        var isRight = true;
        for (var i = 0L; i < count && isRight; i++)
        {
            isRight = reader.TryReadText(ref room, out var text);
            if (!isRight) break;
            var member = ListpackElement.Of(text);
            if (i == 0) writer.Expect(member, count);
            isRight = writer.Add(member);
        }

        room.Dispose();
        made = writer.Entry;
        return isRight || (!made.IsMissing && place.Refuse(ref made));
    }

    // What is packed and has more members than may be becomes a table, as in Redis.
    private static bool Convert(in ValuePlace place, ref Entry made)
    {
        var writer = SetWriter.Apart(place.Unit, place.Key, made, place.DeadlineMs);
        writer.Unpack();
        made = writer.Entry;
        return true;
    }

    private ref struct MemberWriter : IMemberVisitor
    {
        internal ValueWriter Writer;

        public bool Visit(scoped ListpackElement member)
        {
            Writer.Text(member);
            return true;
        }
    }
}
