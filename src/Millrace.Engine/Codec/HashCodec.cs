using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine.Codec;

/// <summary>
/// Hashes in RDB files and payloads.
/// </summary>
/// <remarks>
/// <code>
///    4  count, count x [ text, text ]                         name, value
///    9  text                                                  a zipmap
///   13  text                                                  a ziplist: name, value, ...
///   16  text                                                  a listpack: name, value, ...
///   22         count, count x [ number, text, text ]          deadline or 0, name, value
///   23         text                                           a listpack: name, value, deadline or 0, ...
///   24  int64, count, count x [ number, text, text ]          0, or 1 more than the deadline is behind the earliest
///   25  int64, text                                           a listpack: name, value, deadline or 0, ...
///   22         count, count x [ text, text, int64 ]           name, value, deadline or -1: in files of Valkey 9
/// </code>
/// The eight bytes in front of 24 and 25 are the earliest deadline, in Unix milliseconds; in a listpack the fields with
/// deadlines come first, by their deadlines. Fields that are due are not written. Those that are due when they are read
/// are never shown, and removed as any others.
/// Source: redis-rdb-tools, "Redis RDB Dump File Format"; for deadlines librdb, README, and the parsers of
/// redis-replicator and RDBParser, which agree; for Valkey 9 HDT3213/rdb, pull request 62.
/// </remarks>
internal static class HashCodec
{
    private const long MaxDeadlineMs = (1L << 48) - 1;
    private const int LeastZipmapBytes = 3; // that a field takes

    internal static RdbType TypeOf(in Entry entry, RdbFormat format, long nowMs)
    {
        var isPacked = HashValue.IsPacked(entry);
        if (HashValue.EarliestMs(entry) < 0)
            return isPacked && !HashValue.HasDeadlines(entry) ? RdbType.HashListpack : RdbType.Hash;
        if (format.Version < RdbFormat.UsualVersion) return RdbType.None;
        return isPacked && HashValue.EarliestMs(entry) >= nowMs
            ? RdbType.HashDeadlinesListpack
            : RdbType.HashDeadlines;
    }

    internal static void Write(ref ValueWriter writer, in Entry entry, RdbType type, long nowMs)
    {
        var hasDeadlines = type is RdbType.HashDeadlines or RdbType.HashDeadlinesListpack;
        var earliest = Math.Max(HashValue.EarliestMs(entry), nowMs);
        if (hasDeadlines) writer.Int64(earliest);
        if (type is RdbType.HashListpack or RdbType.HashDeadlinesListpack)
        {
            writer.Text(entry.Value);
            return;
        }

        writer.Length(HashValue.Count(entry, nowMs));
        var visitor = new FieldWriter { Writer = writer, EarliestMs = hasDeadlines ? earliest : -1 };
        HashValue.Walk(entry, nowMs, ref visitor);
        writer = visitor.Writer;
    }

    /// <summary>Writes one field, which is not due.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="field">The field.</param>
    /// <param name="earliestMs">What stands in front of the count, or -1: deadlines are not written.</param>
    internal static void WriteField(ref ValueWriter writer, in HashField field, long earliestMs)
    {
        if (earliestMs >= 0) WriteDeadline(ref writer, field.DeadlineMs, earliestMs);
        writer.Text(field.Name);
        writer.Text(field.Value);
    }

    private static void WriteDeadline(ref ValueWriter writer, long deadlineMs, long earliestMs) =>
        writer.Length(deadlineMs < 0 ? 0 : deadlineMs - earliestMs + 1);

    internal static bool TryRead(scoped ref ValueReader reader, RdbType type, in ValuePlace place, out Entry made)
    {
        made = default;
        var earliest = 0L;
        if (type is RdbType.HashDeadlines or RdbType.HashDeadlinesListpack
            && (!reader.TryInt64(out earliest) || earliest is < 0 or > MaxDeadlineMs))
        {
            return false;
        }

        switch (type)
        {
            case RdbType.HashZipmap:
                return TryReadZipmap(ref reader, place, out made);
            case RdbType.HashZiplist:
                return place.TryMakeOfZiplist(ref reader, ValueType.Hash, (int)HashEncoding.Packed, out made)
                    && TryAccept(place, ref made);
            case RdbType.HashListpack:
                return place.TryMake(
                        ref reader, ValueType.Hash, (int)HashEncoding.Packed, Listpack.EmptyBytes, out made)
                    && TryAccept(place, ref made);
            case RdbType.HashDeadlinesListpack or RdbType.HashDeadlinesListpackEarly:
                return place.TryMake(
                        ref reader, ValueType.Hash, (int)HashEncoding.ExpiringPacked, Listpack.EmptyBytes, out made)
                    && TryAccept(place, ref made);
            default:
                return TryReadFields(ref reader, type, earliest, place, out made);
        }
    }

    private static bool TryReadFields(
        scoped ref ValueReader reader, RdbType type, long earliest, in ValuePlace place, out Entry made)
    {
        var hasDeadlines = type != RdbType.Hash;
        var isOfValkey = type == RdbType.HashDeadlinesOfValkey;
        made = default;
        if (!reader.TryCount(hasDeadlines ? 3 : 2, out var count)) return false;
        var builder = new HashBuilder(place, hasDeadlines, count);
        var nameRoom = default(TextRoom);
        var valueRoom = default(TextRoom);
        var isRight = true;
        for (; count > 0 && isRight; count--)
        {
            var deadline = -1L;
            isRight = (!hasDeadlines || isOfValkey || TryReadDeadline(ref reader, type, earliest, out deadline))
                && reader.TryReadText(ref nameRoom, out var name)
                && reader.TryReadText(ref valueRoom, out var value)
                && (!isOfValkey || TryReadDeadlineOfValkey(ref reader, out deadline))
                && builder.TryAdd(name, value, deadline);
        }

        nameRoom.Dispose();
        valueRoom.Dispose();
        return builder.TryFinish(isRight, out made);
    }

    private static bool TryReadDeadline(
        scoped ref ValueReader reader, RdbType type, long earliest, out long deadlineMs)
    {
        deadlineMs = -1;
        if (!reader.TryLength(out var number) || number > MaxDeadlineMs) return false;
        if (number == 0) return true;
        deadlineMs = type == RdbType.HashDeadlines ? earliest + (long)number - 1 : (long)number;
        return deadlineMs is > 0 and <= MaxDeadlineMs;
    }

    private static bool TryReadDeadlineOfValkey(scoped ref ValueReader reader, out long deadlineMs) =>
        reader.TryInt64(out deadlineMs) && deadlineMs is -1 or > 0 and <= MaxDeadlineMs;

    private static bool TryReadZipmap(scoped ref ValueReader reader, in ValuePlace place, out Entry made)
    {
        made = default;
        var room = default(TextRoom);
        var isRight = reader.TryReadText(ref room, out var zipmap);
        var most = zipmap.Length / LeastZipmapBytes;
        if (!isRight || zipmap.Length <= Zipmap.First || !reader.TryClaim((long)most * ValueReader.MemberBytes))
        {
            room.Dispose();
            return false;
        }

        var builder = new HashBuilder(place, hasDeadlines: false, most);
        var count = 0L;
        for (var at = Zipmap.First; at >= 0 && isRight; count++)
            isRight = Zipmap.TryTake(zipmap, ref at, out var name, out var value) && builder.TryAdd(name, value, -1);
        isRight = isRight && Zipmap.IsCount(zipmap, count);
        room.Dispose();
        return builder.TryFinish(isRight, out made);
    }

    // Checks what is packed; one with more fields than may be becomes a table, as in Redis.
    private static bool TryAccept(in ValuePlace place, ref Entry made)
    {
        var hasDeadlines = HashValue.HasDeadlines(made);
        var width = PackedHash.WidthOf(hasDeadlines);
        if (!IsSound(place, made.Value, width)) return place.Refuse(ref made);
        var count = Listpack.Count(made.Value) / width;
        if (count <= place.Limits.HashEntries) return true;
        var table = HashBuilder.MakeTable(place, hasDeadlines, out var fields);
        Span<byte> nameDigits = stackalloc byte[ListpackElement.MaxIntegerBytes];
        Span<byte> valueDigits = stackalloc byte[ListpackElement.MaxIntegerBytes];
        ReadOnlySpan<byte> listpack = made.Value;
        for (var at = Listpack.First(listpack); at >= 0;)
        {
            var item = PackedHash.Take(listpack, width, ref at);
            var name = item.Name.Text(nameDigits);
            fields.Add(place.Keyspace.HashOf(name), name, item.Value.Text(valueDigits), item.DeadlineMs);
        }

        place.Drop(made);
        made = table;
        return true;
    }

    private static bool IsSound(in ValuePlace place, ReadOnlySpan<byte> listpack, int width)
    {
        if (!Listpack.IsValid(listpack, deep: true) || Listpack.IsEmpty(listpack)) return false;
        Span<ulong> filter = stackalloc ulong[SeenMembers.FilterWords];
        using var seen = new SeenMembers(place, listpack, width - 1, filter);
        var before = 0L;
        var isPlain = false; // fields without a deadline have begun
        for (var at = Listpack.First(listpack); at >= 0;)
        {
            var nameAt = at;
            if (!seen.TryAdd(nameAt, Listpack.Take(listpack, ref at)) || at < 0) return false;
            Listpack.Take(listpack, ref at);
            if (width == 2) continue;
            if (at < 0) return false;
            var deadline = Listpack.Take(listpack, ref at);
            if (!deadline.IsInteger || deadline.Integer is < 0 or > MaxDeadlineMs) return false;
            var isOutOfOrder = deadline.Integer > 0 && (isPlain || deadline.Integer < before);
            if (isOutOfOrder) return false;
            isPlain |= deadline.Integer == 0;
            before = deadline.Integer;
        }

        return true;
    }

    private ref struct FieldWriter : IHashVisitor
    {
        internal ValueWriter Writer;
        internal long EarliestMs;

        public void Visit(scoped in HashItem item)
        {
            if (EarliestMs >= 0) WriteDeadline(ref Writer, item.DeadlineMs, EarliestMs);
            Writer.Text(item.Name);
            Writer.Text(item.Value);
        }
    }
}
