using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine.Codec;

/// <summary>
/// Lists in RDB files and payloads.
/// </summary>
/// <remarks>
/// <code>
///   18  count, count x [ container, text ]      container 1: the text is one element; 2: a listpack
///   14  count, count x [ text ]                 each a ziplist
///   10  text                                    a ziplist
///    1  count, count x [ text ]                 each an element
/// </code>
/// Written is 18 alone, chunk by chunk; one that is compressed in memory is written as it is. Chunks that were read
/// stay as they were where they are no larger than ours can be; parts without elements are passed over, as in Redis.
/// Source: redis-rdb-tools, "Redis RDB Dump File Format"; Redis 7.0 release notes.
/// </remarks>
internal static class ListCodec
{
    private const int Plain = 1;
    private const int Packed = 2;

    internal static void Write(ref ValueWriter writer, in Entry entry)
    {
        if (ListValue.IsPacked(entry))
        {
            writer.Length(1);
            writer.Length(Packed);
            writer.Text(entry.Value);
            return;
        }

        var deque = ListValue.Deque(entry);
        writer.Length(deque.ChunkCount);
        var walk = deque.WalkChunks();
        while (walk.TryNext(out var chunk)) WriteChunk(ref writer, chunk);
    }

    internal static void WriteChunk(ref ValueWriter writer, scoped in ChunkView chunk)
    {
        writer.Length(chunk.IsPlain ? Plain : Packed);
        if (chunk.IsCompressed) writer.CompressedText(chunk.Bytes, chunk.RawBytes);
        else writer.Text(chunk.Bytes);
    }

    internal static bool TryRead(scoped ref ValueReader reader, RdbType type, in ValuePlace place, out Entry made)
    {
        made = default;
        var deque = PackedDeque.Create(place.Heap);
        var room = default(TextRoom);
        var isRight = type == RdbType.ListZiplist
            ? TryReadPart(ref reader, type, place, deque, ref room)
            : TryReadParts(ref reader, type, place, deque, ref room);
        room.Dispose();
        if (isRight && deque.Count > 0)
        {
            made = Finish(place, deque);
            return true;
        }

        if (isRight) reader.NoteNoMembers();

        // With an entry around it, it is freed in slices when there is much of it.
        place.Drop(ListValue.Make(place, deque));
        return false;
    }

    private static bool TryReadParts(
        scoped ref ValueReader reader, RdbType type, in ValuePlace place, PackedDeque deque, ref TextRoom room)
    {
        if (!reader.TryCount(1, out var count)) return false;
        for (; count > 0; count--)
        {
            if (!TryReadPart(ref reader, type, place, deque, ref room)) return false;
        }

        return true;
    }

    private static bool TryReadPart(
        scoped ref ValueReader reader, RdbType type, in ValuePlace place, PackedDeque deque, ref TextRoom room)
    {
        var container = type == RdbType.List ? (ulong)Plain : Packed;
        if (type == RdbType.ListOfListpacks && !reader.TryLength(out container)) return false;
        if (!reader.TryReadText(ref room, out var text)) return false;
        switch (type)
        {
            case RdbType.ListOfListpacks when container == Packed:
                if (!Listpack.IsValid(text, deep: true)) return false;
                Append(place, deque, text);
                return true;
            case RdbType.ListOfListpacks when container != Plain || text.IsEmpty:
                return false;
            case RdbType.ListOfZiplists or RdbType.ListZiplist:
                return TryAppendZiplist(place, deque, text);
            default:
                deque.PushLast(ListpackElement.Of(text), place.Keyspace.ListChunks);
                return true;
        }
    }

    private static bool TryAppendZiplist(in ValuePlace place, PackedDeque deque, ReadOnlySpan<byte> text)
    {
        if (!Ziplist.TryMeasure(text, out _, out var bytes)) return false;
        var room = default(TextRoom);
        var listpack = room.Take(place.Heap, bytes);
        Ziplist.WriteListpack(text, listpack);
        Append(place, deque, listpack);
        room.Dispose();
        return true;
    }

    // Requires: valid.
    private static void Append(in ValuePlace place, PackedDeque deque, ReadOnlySpan<byte> listpack)
    {
        if (Listpack.IsEmpty(listpack)) return;
        ref readonly var limits = ref place.Keyspace.ListChunks;
        var isSingle = Listpack.Next(listpack, Listpack.First(listpack)) < 0;
        if (!isSingle && listpack.Length <= ChunkLimits.LargestBytes)
        {
            deque.AppendListpack(listpack, limits);
            return;
        }

        for (var at = Listpack.First(listpack); at >= 0;)
            deque.PushLast(Listpack.Take(listpack, ref at), limits);
    }

    private static Entry Finish(in ValuePlace place, PackedDeque deque)
    {
        if (!deque.IsOneListpack(out var listpack)
            || !place.Keyspace.ListChunks.Allow(listpack.Length, deque.Count))
        {
            return ListValue.Make(place, deque);
        }

        var packed = place.Make(ValueType.List, (int)ListEncoding.Listpack, listpack.Length);
        listpack.CopyTo(packed.Value);
        deque.Free();
        return packed;
    }
}
