using System.Buffers.Binary;
using System.Text.Unicode;
using Millrace.Engine.Codec;
using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>
/// Streams: how one is laid out in an entry, and what every type of value can do.
/// </summary>
/// <remarks>
/// <code>
///   value area   8 bytes: the header of a <see cref="StreamLog"/> in the partition's heap
/// </code>
/// A stream may be without entries: it is removed by deleting the key only.
/// </remarks>
public static class StreamValue
{
    // Freeing a node is taken to cost as much as freeing so many members of other collections.
    private const int NodeCost = 4;
    private const int MaxNodesAtOnce = 16;
    private const int MaxPendingAtOnce = 64;

    /// <summary>The stream of an entry.</summary>
    public static StreamLog Log(in Entry entry) => Log(entry.Heap, entry);

    /// <summary>Makes a stream without entries. Requires: the key is missing.</summary>
    public static StreamLog Create(Unit unit, in Key key)
    {
        var log = StreamLog.Create(unit.PartitionFor(key).Heap);
        var entry = unit.Store(key, default, new EntryShape(ValueType.Stream, 0, sizeof(ulong), -1, 0));
        Write(entry, log);
        return log;
    }

    /// <summary>An entry in no table for a stream.</summary>
    internal static Entry Make(in ValuePlace place, StreamLog log)
    {
        var entry = place.Make(ValueType.Stream, 0, sizeof(ulong));
        Write(entry, log);
        return entry;
    }

    /// <summary>Notes what a producer's message became. Requires: it is not known.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="key">The stream's key.</param>
    /// <param name="log">The stream.</param>
    /// <param name="producer">The producer's name.</param>
    /// <param name="message">The message's.</param>
    /// <param name="id">The entry.</param>
    public static void Remember(
        Unit unit, in Key key, StreamLog log, ReadOnlySpan<byte> producer, ReadOnlySpan<byte> message, StreamId id)
    {
        var known = log.ProducersOrNew(unit.Keyspace.Encodings.Producers);
        var before = known.EarliestMs;
        known.Add(producer, message, unit.NowMs, id);
        NoteEarliest(unit, key, before, known.EarliestMs);
    }

    /// <summary>Sets for how long a stream knows messages; what it knows is forgotten when that is new.</summary>
    public static void Configure(Unit unit, in Key key, StreamLog log, ProducerLimits limits)
    {
        var before = log.Producers.IsMissing ? -1 : log.Producers.EarliestMs;
        if (log.TryConfigure(limits, out var rest))
            unit.PartitionFor(key).Discards.Add(ValueType.Stream, rest.Header);
        NoteEarliest(unit, key, before, log.Producers.EarliestMs);
    }

    /// <summary>Removes a group with all its consumers; what a large one has is freed in parts.</summary>
    public static void RemoveGroup(Unit unit, in Key key, StreamLog log, StreamGroup group)
    {
        if (group.Pending.Count + group.ConsumerCount <= MaxPendingAtOnce)
        {
            log.Groups.Remove(group);
            return;
        }

        var partition = unit.PartitionFor(key);
        var rest = StreamLog.Create(partition.Heap);
        log.Groups.Give(group, rest.Groups);
        partition.Discards.Add(ValueType.Stream, rest.Header);
    }

    /// <summary>The last moment at which the oldest message is known, or -1.</summary>
    internal static long EarliestMs(in Entry entry)
    {
        var known = Log(entry).Producers;
        return known.IsMissing ? -1 : known.EarliestMs;
    }

    /// <summary>Forgets messages whose time has passed.</summary>
    /// <returns>How many.</returns>
    internal static int RemoveDue(Unit unit, in Key key, in Entry entry, int max)
    {
        var known = Log(entry).Producers;
        if (known.IsMissing) return 0;
        var before = known.EarliestMs;
        var forgotten = known.ForgetDue(unit.NowMs, max);
        NoteEarliest(unit, key, before, known.EarliestMs);
        return forgotten;
    }

    private static void NoteEarliest(Unit unit, in Key key, long before, long after)
    {
        if (after != before) unit.MoveMemberDeadline(key, before, after);
    }

    internal static void AddTo(ref DataDigest digest, in Entry entry)
    {
        Span<byte> id = stackalloc byte[64];
        var cursor = Log(entry).Walk(StreamRange.All);
        while (cursor.TryNext())
        {
            Utf8.TryWrite(id, $"{cursor.Id.Ms}.{cursor.Id.Seq}", out var length);
            digest.Mix(id[..length]);
            while (cursor.TryNextField(out var field, out var value))
            {
                digest.Mix(field);
                digest.Mix(value);
            }
        }
    }

    internal static void FreeOutside(Discards discards, in Entry entry)
    {
        var log = Log(entry);
        var isLarge = log.NodeCount > MaxNodesAtOnce || log.Groups.Count > 0 || !log.Producers.IsMissing
            || discards.IsNeeded(log.Header);
        if (isLarge) discards.Add(ValueType.Stream, log.Header);
        else FreeSome(discards.Heap, log.Header, int.MaxValue);
    }

    /// <summary>Frees a part of a stream; true when nothing is left.</summary>
    internal static bool FreeSome(Heap heap, BlockRef root, int max)
    {
        var log = new StreamLog(heap, root);
        if (!log.FreeNodes(max / NodeCost) || !log.Groups.FreeSome(max) || !log.FreeProducers(max)) return false;
        log.FreeEmpty();
        return true;
    }

    internal static long OutsideBytes(in Entry entry)
    {
        var log = Log(entry);
        return log.AllocatedBytes + log.Groups.AllocatedBytes;
    }

    /// <summary>Gives a copy of the entry's bytes what the stream keeps outside of them, in its own heap.</summary>
    internal static void CopyOutside(in Entry entry, Heap target, in Entry copy)
    {
        var log = Log(entry);
        var made = log.CopyTo(target);
        log.Groups.CopyTo(made.Groups);
        Write(copy, made);
    }

    private static StreamLog Log(Heap heap, in Entry entry) =>
        new(heap, BlockRef.FromValue(BinaryPrimitives.ReadUInt64LittleEndian(entry.Value)));

    private static void Write(in Entry entry, StreamLog log) =>
        BinaryPrimitives.WriteUInt64LittleEndian(entry.Value, log.Header.Value);
}
