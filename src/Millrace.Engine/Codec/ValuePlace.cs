using System.Diagnostics;
using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine.Codec;

/// <summary>
/// Where a value that is read is made: in the heap of its key's partition, in an entry that is in no table. The key
/// keeps what it holds until the value is complete and sound.
/// </summary>
/// <remarks>
/// <code>
///   Make -> filled -> Unit.Install, or Drop
/// </code>
/// </remarks>
/// <param name="unit">Holds the key's partition.</param>
/// <param name="key">The key.</param>
public readonly ref struct ValuePlace(Unit unit, Key key)
{
    private readonly Key _key = key;

    /// <summary>When the key will expire, in Unix milliseconds; -1: never.</summary>
    public long DeadlineMs { get; init; } = -1;

    /// <summary>The unit.</summary>
    internal Unit Unit { get; } = unit;

    /// <summary>The key's name.</summary>
    internal Key Key => _key;

    /// <summary>The heap of the key's partition.</summary>
    internal Heap Heap => Unit.PartitionFor(_key).Heap;

    /// <summary>The keyspace.</summary>
    internal Keyspace Keyspace => Unit.Keyspace;

    /// <summary>Up to where collections are packed.</summary>
    internal EncodingLimits Limits => Keyspace.Encodings;

    /// <summary>An entry with the key's name and deadline; the value area is undefined. Requires: no longer a
    /// value than <see cref="EncodingLimits.MaxPackedBytes"/>.</summary>
    internal Entry Make(ValueType type, int encoding, int valueLength)
    {
        Debug.Assert(valueLength <= EncodingLimits.MaxPackedBytes, "whoever read the length has compared it");
        return Entry.Create(Heap, _key.Bytes, new EntryShape(type, encoding, valueLength, DeadlineMs, 0));
    }

    /// <summary>An entry whose value area is the next text; false, with nothing made, when there is none, or one that
    /// is longer than a packed value may be.</summary>
    internal bool TryMake(
        scoped ref ValueReader reader, ValueType type, int encoding, int leastBytes, out Entry entry)
    {
        entry = default;
        if (!reader.TryText(out var text) || text.Length < leastBytes) return false;
        if (text.Length > EncodingLimits.MaxPackedBytes) return false;
        entry = Make(type, encoding, text.Length);
        if (reader.TryCopy(text, entry.Value))
        {
            if (IsEmptyListpack(entry)) reader.NoteNoMembers();
            else if (reader.TryClaim(BytesAsTable(entry))) return true;
        }

        Heap.Free(entry.Block);
        entry = default;
        return false;
    }

    /// <summary>An entry whose value area is a listpack with the elements of the ziplist that is the next text; false,
    /// with nothing made, when there is none, or one that is longer than a packed value may be.</summary>
    internal bool TryMakeOfZiplist(scoped ref ValueReader reader, ValueType type, int encoding, out Entry entry)
    {
        entry = default;
        var room = default(TextRoom);
        var (count, bytes) = (0, 0);
        ReadOnlySpan<byte> ziplist = default;
        // The ziplist's own length first: there is to be room for it, too.
        var isRight = reader.TryText(out var text)
            && text.Length <= EncodingLimits.MaxPackedBytes
            && reader.TryView(text, ref room, out ziplist)
            && Ziplist.TryMeasure(ziplist, out count, out bytes)
            && bytes <= EncodingLimits.MaxPackedBytes
            && !IsEmpty(ref reader, count)
            && reader.TryClaim(bytes + ((long)count * ValueReader.MemberBytes));
        if (isRight)
        {
            entry = Make(type, encoding, bytes);
            Ziplist.WriteListpack(ziplist, entry.Value);
        }

        room.Dispose();
        return isRight;
    }

    private static bool IsEmpty(scoped ref ValueReader reader, int count)
    {
        if (count == 0) reader.NoteNoMembers();
        return count == 0;
    }

    private static bool IsEmptyListpack(in Entry entry)
    {
        Span<byte> empty = stackalloc byte[Listpack.EmptyBytes];
        Listpack.WriteEmpty(empty);
        return entry.Value.SequenceEqual(empty); // an integer set has another length
    }

    // What is packed may become a table, with a copy of every member; nothing of it has been checked yet.
    private static long BytesAsTable(in Entry entry)
    {
        ReadOnlySpan<byte> bytes = entry.Value;
        var isIntSet = entry.Type == ValueType.Set && (SetEncoding)entry.Encoding == SetEncoding.IntSet;
        var count = isIntSet ? bytes.Length / IntSet.LeastElementBytes : Listpack.MostElements(bytes);
        return (long)count * ValueReader.MemberBytes;
    }

    /// <summary>Frees an entry that is in no table with everything it owns.</summary>
    public void Drop(in Entry entry) => Value.Free(Unit.PartitionFor(_key).Discards, entry);

    /// <summary>Frees what is no value after all.</summary>
    /// <returns>False.</returns>
    internal bool Refuse(ref Entry entry)
    {
        Drop(entry);
        entry = default;
        return false;
    }
}
