using System.Buffers.Binary;
using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine.Codec;

/// <summary>
/// Streams in RDB files and payloads.
/// </summary>
/// <remarks>
/// <code>
///   nodes, nodes x [ text of 16 bytes, text ]       the node's ID, big-endian; its listpack (StreamNode)
///   length, last ID                                 an ID is two numbers
///   first ID, greatest deleted ID, entries added    19 and 21 only
///   groups, groups x [
///     text, last ID                                 the name
///     entries read                                  19 and 21 only; 2^64 - 1: not known
///     pending, pending x [ 16 bytes, int64, number ]                 ID, time of delivery, deliveries
///     consumers, consumers x [
///       text, int64                                 the name, when it was last heard of
///       int64                                       21 only: when it last got an entry, or -1
///       pending, pending x [ 16 bytes ] ] ]         IDs that are pending in the group
///
///   15 to version 9, 19 in version 10, 21 since version 11
/// </code>
/// What is read must be consistent: the IDs of entries that are there ascend over all nodes, counts are those of the
/// entries, every pending entry has exactly one consumer. Entries that nobody has (XNACK) stand with a consumer without
/// a name, who was heard of at 0; so do entries of a real consumer of that name. What it has with a time of delivery of
/// 0 is nobody's when it is read. The first ID is found in the entries, whatever is said of it.
/// Of entries that were deleted Redis's own files promise no order.
/// Source: librdb and redis-rdb-tools, streams; Redis 7.0 and 7.2 release notes.
/// </remarks>
internal static class StreamCodec
{
    private const int IdBytes = 16;

    // What is taken beside the texts: blocks, headers of indexes, and indexes of nodes that may be half full.
    private const int GroupBytes = 160;
    private const int ConsumerBytes = 80;
    private const int DeliveryBytes = 48;
    private const int IndexNodeBytes = 512;

    internal static RdbType TypeOf(RdbFormat format) =>
        format.Version < RdbFormat.UsualVersion ? RdbType.StreamOfSevenZero : RdbType.Stream;

    internal static void Write(ref ValueWriter writer, in Entry entry, RdbType type)
    {
        var log = StreamValue.Log(entry);
        writer.Length(log.NodeCount);
        var nodes = new NodeWriter(entry.Heap) { Writer = writer };
        log.Nodes.VisitFrom(0, 0, ref nodes);
        writer = nodes.Writer;
        WriteRest(ref writer, log, type);
    }

    /// <summary>A node.</summary>
    internal static void WriteNode(ref ValueWriter writer, in BlockRecord node, ReadOnlySpan<byte> content)
    {
        Span<byte> id = stackalloc byte[IdBytes];
        Put(id, node.High, node.Low);
        writer.Text(id);
        writer.Text(content);
    }

    /// <summary>What stands behind the nodes.</summary>
    internal static void WriteRest(ref ValueWriter writer, StreamLog log, RdbType type)
    {
        writer.Length(log.Length);
        WriteId(ref writer, log.LastId);
        WriteId(ref writer, log.FirstId);
        WriteId(ref writer, log.MaxDeletedId);
        writer.Length(log.EntriesAdded);
        writer.Length(log.Groups.Count);
        for (var i = 0L; i < log.Groups.Count; i++) WriteGroup(ref writer, log.Groups[i], type);
    }

    internal static bool TryRead(scoped ref ValueReader reader, RdbType type, in ValuePlace place, out Entry made)
    {
        var log = StreamLog.Create(place.Heap);
        made = StreamValue.Make(place, log);
        var isSound = TryReadNodes(ref reader, log) && TryReadMemory(ref reader, type, log)
            && TryReadGroups(ref reader, type, log);
        return isSound || place.Refuse(ref made);
    }

    private static void WriteId(ref ValueWriter writer, StreamId id)
    {
        writer.Number(id.Ms);
        writer.Number(id.Seq);
    }

    private static void WriteGroup(ref ValueWriter writer, StreamGroup group, RdbType type)
    {
        writer.Text(group.Name);
        WriteId(ref writer, group.LastId);
        writer.Number((ulong)group.EntriesRead);
        writer.Length(group.Pending.Count);
        var pending = new PendingWriter { Writer = writer };
        group.Pending.VisitFrom(0, 0, ref pending);
        writer = pending.Writer;
        var unnamed = group.FindConsumer(default);
        var adds = group.UnownedCount > 0 && unnamed.IsMissing;
        writer.Length(group.ConsumerCount + (adds ? 1 : 0));
        if (adds) WriteUnnamed(ref writer, group, unnamed, type);
        for (var i = 0L; i < group.ConsumerCount; i++)
        {
            var consumer = group.Consumer(i);
            if (group.UnownedCount > 0 && consumer.Name.IsEmpty) WriteUnnamed(ref writer, group, consumer, type);
            else WriteConsumer(ref writer, consumer, type);
        }
    }

    private static void WriteConsumer(ref ValueWriter writer, StreamConsumer consumer, RdbType type)
    {
        writer.Text(consumer.Name);
        writer.Int64(consumer.SeenMs);
        if (type == RdbType.Stream) writer.Int64(consumer.ActiveMs);
        writer.Length(consumer.Pending.Count);
        var own = new IdWriter { Writer = writer };
        consumer.Pending.VisitFrom(0, 0, ref own);
        writer = own.Writer;
    }

    // With what nobody has.
    private static void WriteUnnamed(
        ref ValueWriter writer, StreamGroup group, StreamConsumer unnamed, RdbType type)
    {
        writer.Text(""u8);
        writer.Int64(unnamed.IsMissing ? 0 : unnamed.SeenMs);
        if (type == RdbType.Stream) writer.Int64(unnamed.IsMissing ? StreamConsumer.NeverActive : unnamed.ActiveMs);
        writer.Length(group.UnownedCount + (unnamed.IsMissing ? 0 : unnamed.Pending.Count));
        Span<byte> id = stackalloc byte[IdBytes];
        var walk = group.Walk(StreamRange.All);
        while (walk.TryNext(out var delivery))
        {
            if (!group.OwnerName(delivery).IsEmpty) continue;
            Put(id, delivery.High, delivery.Low);
            writer.Bytes(id);
        }
    }

    private static void Put(Span<byte> to, ulong ms, ulong seq)
    {
        BinaryPrimitives.WriteUInt64BigEndian(to, ms);
        BinaryPrimitives.WriteUInt64BigEndian(to[sizeof(ulong)..], seq);
    }

    private static StreamId IdOf(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[sizeof(ulong)..]));

    private static bool TryReadId(scoped ref ValueReader reader, out StreamId id)
    {
        id = default;
        if (!reader.TryLength(out var ms) || !reader.TryLength(out var seq)) return false;
        id = new StreamId(ms, seq);
        return true;
    }

    private static bool TryReadNumber(scoped ref ValueReader reader, out long number)
    {
        var isThere = reader.TryLength(out var value);
        number = unchecked((long)value);
        return isThere && number >= 0;
    }

    // Counters stop at the greatest number; those of Redis go on below zero.
    private static long Counter(ulong number) => (long)Math.Min(number, long.MaxValue);

    // How many parts follow, perhaps none.
    private static bool TryReadCount(scoped ref ValueReader reader, int leastBytes, out long count) =>
        TryReadNumber(ref reader, out count) && reader.CanCome(count, leastBytes);

    private static bool TryReadNodes(scoped ref ValueReader reader, StreamLog log)
    {
        if (!TryReadCount(ref reader, IdBytes, out var count)) return false;
        var idRoom = default(TextRoom);
        var nodeRoom = default(TextRoom);
        var last = StreamId.Min;
        var isRight = true;
        for (; count > 0 && isRight; count--)
        {
            isRight = reader.TryReadText(ref idRoom, out var idText) && idText.Length == IdBytes
                && reader.TryReadText(ref nodeRoom, out var node) && TryAddNode(log, IdOf(idText), node, ref last);
        }

        idRoom.Dispose();
        nodeRoom.Dispose();
        return isRight;
    }

    private static bool TryAddNode(StreamLog log, StreamId id, ReadOnlySpan<byte> node, ref StreamId last)
    {
        if (id <= last || !StreamNodeCheck.IsSound(node, id, out var live, out var greatest)) return false;
        last = greatest;
        if (live > 0) log.AddNode(id, node, live, greatest); // Redis may leave nodes without entries
        return true;
    }

    private static bool TryReadMemory(scoped ref ValueReader reader, RdbType type, StreamLog log)
    {
        if (!TryReadNumber(ref reader, out var length) || length != log.Length) return false;
        if (!TryReadId(ref reader, out var lastId) || lastId < log.LastId) return false;
        var maxDeletedId = StreamId.Min;
        var entriesAdded = (ulong)length;
        if (type != RdbType.StreamOfFive && (!TryReadId(ref reader, out _) || !TryReadId(ref reader, out maxDeletedId)
            || !reader.TryLength(out entriesAdded)))
        {
            return false;
        }

        log.SetMemory(lastId, Counter(entriesAdded), maxDeletedId);
        return true;
    }

    private static bool TryReadGroups(scoped ref ValueReader reader, RdbType type, StreamLog log)
    {
        if (!TryReadCount(ref reader, 1, out var count)) return false;
        var room = default(TextRoom);
        var isRight = true;
        for (; count > 0 && isRight; count--)
        {
            isRight = reader.TryReadText(ref room, out var name) && log.Groups.Find(name).IsMissing
                && TryReadGroup(ref reader, type, log, name);
        }

        room.Dispose();
        return isRight;
    }

    private static bool TryReadGroup(
        scoped ref ValueReader reader, RdbType type, StreamLog log, scoped ReadOnlySpan<byte> name)
    {
        if (!reader.TryClaim(GroupBytes) || !TryReadId(ref reader, out var lastId)) return false;
        var read = 0UL;
        if (type != RdbType.StreamOfFive && !reader.TryLength(out read)) return false;
        var entriesRead = read > long.MaxValue ? StreamGroup.UnknownEntriesRead : (long)read;
        if (type == RdbType.StreamOfFive && !log.TryCountUpTo(lastId, out entriesRead))
            entriesRead = StreamGroup.UnknownEntriesRead;
        var group = log.Groups.Add(name, lastId, entriesRead);
        return TryReadPending(ref reader, group) && TryReadConsumers(ref reader, type, group);
    }

    // Whose they are is told by the consumers.
    private static bool TryReadPending(scoped ref ValueReader reader, StreamGroup group)
    {
        const int LeastBytes = IdBytes + sizeof(long) + 1;
        if (!TryReadCount(ref reader, LeastBytes, out var count)) return false;
        if (!reader.TryClaim(IndexBytes(count, DeliveryBytes))) return false;
        Span<byte> bytes = stackalloc byte[IdBytes];
        for (; count > 0; count--)
        {
            if (!reader.TryBytes(bytes) || !reader.TryInt64(out var delivered)
                || !reader.TryLength(out var deliveries)) return false;
            if (!group.Load(IdOf(bytes), delivered, Counter(deliveries))) return false;
        }

        return true;
    }

    private static bool TryReadConsumers(scoped ref ValueReader reader, RdbType type, StreamGroup group)
    {
        if (!TryReadCount(ref reader, 1 + sizeof(long), out var count)) return false;
        if (!reader.TryClaim(IndexBytes(count, 0))) return false;
        var room = default(TextRoom);
        var isRight = true;
        for (; count > 0 && isRight; count--)
        {
            isRight = reader.TryReadText(ref room, out var name) && group.FindConsumer(name).IsMissing
                && TryReadConsumer(ref reader, type, group, name);
        }

        room.Dispose();
        if (!isRight || group.UnownedCount > 0) return false;
        var unnamed = group.FindConsumer(default);
        if (!unnamed.IsMissing) GiveBack(group, unnamed);
        return true;
    }

    private static bool TryReadConsumer(
        scoped ref ValueReader reader, RdbType type, StreamGroup group, scoped ReadOnlySpan<byte> name)
    {
        if (!reader.TryInt64(out var seenMs)) return false;
        var activeMs = seenMs;
        if (type == RdbType.Stream && !reader.TryInt64(out activeMs)) return false;
        if (!TryReadCount(ref reader, IdBytes, out var count)) return false;
        if (!reader.TryClaim(ConsumerBytes + IndexBytes(count, IdBytes))) return false;
        var consumer = group.AddConsumer(name, seenMs);
        consumer.ActiveMs = activeMs;
        Span<byte> bytes = stackalloc byte[IdBytes];
        for (; count > 0; count--)
        {
            if (!reader.TryBytes(bytes) || !group.TryGiveOwner(IdOf(bytes), consumer)) return false;
        }

        return true;
    }

    // What stood with the consumer without a name because nobody has it. There may be nobody of that name.
    private static void GiveBack(StreamGroup group, StreamConsumer unnamed)
    {
        var from = StreamId.Min;
        bool hasMore;
        do
        {
            var walk = group.Walk(new StreamRange(from, StreamId.Max), unnamed);
            if (!walk.TryNext(out var delivery)) break;
            if (delivery.DeliveredMs == 0) group.TakeFromOwner(delivery);
            hasMore = new StreamId(delivery.High, delivery.Low).TryNext(out from);
        }
        while (hasMore);

        if (unnamed.SeenMs == 0 && unnamed.Pending.Count == 0) group.RemoveConsumer(unnamed);
    }

    private static long IndexBytes(long records, int recordBytes) =>
        records > 0 ? IndexNodeBytes + (records * 2 * recordBytes) : 0;

    private ref struct NodeWriter(Heap heap) : IRecordVisitor<BlockRecord>
    {
        private readonly Heap _heap = heap;
        internal ValueWriter Writer;

        public bool Visit(in BlockRecord record)
        {
            WriteNode(ref Writer, record, StreamLog.Content(_heap, record.Block));
            return true;
        }
    }

    private ref struct PendingWriter : IRecordVisitor<DeliveryRecord>
    {
        internal ValueWriter Writer;

        public bool Visit(in DeliveryRecord record)
        {
            Span<byte> id = stackalloc byte[IdBytes];
            Put(id, record.High, record.Low);
            Writer.Bytes(id);
            Writer.Int64(record.DeliveredMs);
            Writer.Length(record.Deliveries);
            return true;
        }
    }

    private ref struct IdWriter : IRecordVisitor<IndexKey>
    {
        internal ValueWriter Writer;

        public bool Visit(in IndexKey record)
        {
            Span<byte> id = stackalloc byte[IdBytes];
            Put(id, record.High, record.Low);
            Writer.Bytes(id);
            return true;
        }
    }
}
