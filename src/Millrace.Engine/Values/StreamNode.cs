using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>The fields and values of an entry that is to be added to a stream.</summary>
public interface IStreamFields
{
    /// <summary>How many pairs there are, at least one.</summary>
    int Count { get; }

    /// <summary>How many bytes all names and values have.</summary>
    long TextBytes { get; }

    /// <summary>The name of a field.</summary>
    ReadOnlySpan<byte> Field(int index);

    /// <summary>Its value.</summary>
    ReadOnlySpan<byte> Value(int index);
}

/// <summary>
/// A node of a stream: a listpack with up to <c>stream-node-max-entries</c> entries, byte for byte as in Redis 7.2,
/// because it travels in RDB files and in DUMP.
/// </summary>
/// <remarks>
/// <code>
///   head:    | live | deleted | fields n | field 1 | ... | field n | 0 |
///   entry:   | flags | ms | seq | value 1 | ... | value n | pieces |                              the head's fields
///   or       | flags | ms | seq | fields m | field 1 | value 1 | ... | value m | pieces |         fields of its own
///
///   live, deleted   how many entries of either kind there are
///   flags           1: deleted; 2: the fields are the head's, in its order
///   ms, seq         what is to be added to the ID that the node stands under, which is that of its first entry
///   pieces          how many elements of the listpack the entry takes in front of this one; the 0 in the place of it
///                   ends the head, so that a walk from the right knows where to stop
/// </code>
/// The functions work on memory of the caller. Places are offsets in the listpack. A change is made in a room that
/// begins with the listpack and has <see cref="CountersSlack"/> bytes more than the new total.
/// Source: Redis 7.2 documentation, "Streams", and the format of RDB type 21.
/// </remarks>
internal static class StreamNode
{
    /// <summary>How much counting up may lengthen the head.</summary>
    internal const int CountersSlack = 2 * (Listpack.MaxIntegerSize - 2);

    /// <summary>The most bytes that a node may take, and all texts of one entry.</summary>
    internal const int MaxBytes = 1 << 30;

    internal const int DeletedFlag = 1;
    internal const int SameFieldsFlag = 2;

    /// <summary>The number of elements in front of the values of an entry with the head's fields.</summary>
    internal const int FixedPieces = 3;

    /// <summary>Entries that are there, and entries that were deleted.</summary>
    internal static (long Live, long Deleted) Counts(ReadOnlySpan<byte> node)
    {
        var at = Listpack.First(node);
        var live = Listpack.Take(node, ref at).Integer;
        return (live, Listpack.Get(node, at).Integer);
    }

    /// <summary>Notes that entries were added or deleted. The room is longer than the listpack.</summary>
    internal static void SetCounts(Span<byte> room, long live, long deleted)
    {
        var at = Listpack.First(room);
        Listpack.Replace(room, at, live);
        Listpack.Replace(room, Listpack.Next(room, at), deleted);
    }

    /// <summary>The head's fields.</summary>
    /// <param name="node">The node.</param>
    /// <param name="at">Becomes the place of the first of them, or of the 0 behind them.</param>
    /// <returns>How many there are.</returns>
    internal static long Fields(ReadOnlySpan<byte> node, out int at)
    {
        at = Listpack.First(node);
        at = Listpack.Next(node, at);
        at = Listpack.Next(node, at);
        return Listpack.Take(node, ref at).Integer;
    }

    /// <summary>The place of the first entry, or -1.</summary>
    internal static int FirstEntry(ReadOnlySpan<byte> node)
    {
        for (var left = Fields(node, out var at) + 1; ; left--)
        {
            if (left == 0 || at < 0) return at;
            at = Listpack.Next(node, at);
        }
    }

    /// <summary>Whether the head has the fields of an entry, in its order.</summary>
    internal static bool HasFields<TFields>(ReadOnlySpan<byte> node, scoped ref TFields fields)
        where TFields : struct, IStreamFields, allows ref struct
    {
        if (Fields(node, out var at) != fields.Count) return false;
        for (var i = 0; i < fields.Count; i++)
        {
            if (!Listpack.Take(node, ref at).SameAs(fields.Field(i))) return false;
        }

        return true;
    }

    /// <summary>The bytes that the head of a node takes whose first entry has these fields.</summary>
    internal static int HeadSize<TFields>(scoped ref TFields fields)
        where TFields : struct, IStreamFields, allows ref struct
    {
        var size = Listpack.EmptyBytes + Listpack.SizeOf(1) + Listpack.SizeOf(0) + Listpack.SizeOf(fields.Count)
            + Listpack.SizeOf(0);
        for (var i = 0; i < fields.Count; i++) size = checked(size + Listpack.SizeOf(fields.Field(i)));
        return size;
    }

    /// <summary>The bytes that an entry takes.</summary>
    internal static int EntrySize<TFields>(scoped ref TFields fields, long ms, long seq, bool hasHeadsFields)
        where TFields : struct, IStreamFields, allows ref struct
    {
        var size = Listpack.SizeOf(SameFieldsFlag) + Listpack.SizeOf(ms) + Listpack.SizeOf(seq)
            + Listpack.SizeOf(Pieces(fields.Count, hasHeadsFields));
        if (!hasHeadsFields) size += Listpack.SizeOf(fields.Count);
        for (var i = 0; i < fields.Count; i++)
        {
            size = checked(size + Listpack.SizeOf(fields.Value(i)));
            if (!hasHeadsFields) size = checked(size + Listpack.SizeOf(fields.Field(i)));
        }

        return size;
    }

    /// <summary>Writes the head of a node that is about to get its first entry.</summary>
    internal static void WriteHead<TFields>(Span<byte> room, scoped ref TFields fields)
        where TFields : struct, IStreamFields, allows ref struct
    {
        var builder = ListpackBuilder.Begin(room);
        builder.Append(0);
        builder.Append(0);
        builder.Append(fields.Count);
        for (var i = 0; i < fields.Count; i++) builder.Append(fields.Field(i));
        builder.Append(0);
        builder.Finish();
    }

    /// <summary>Adds an entry and counts it.</summary>
    internal static void Append<TFields>(
        Span<byte> room, scoped ref TFields fields, long ms, long seq, bool hasHeadsFields)
        where TFields : struct, IStreamFields, allows ref struct
    {
        var builder = ListpackBuilder.Continue(room);
        builder.Append(hasHeadsFields ? SameFieldsFlag : 0);
        builder.Append(ms);
        builder.Append(seq);
        if (!hasHeadsFields) builder.Append(fields.Count);
        for (var i = 0; i < fields.Count; i++)
        {
            if (!hasHeadsFields) builder.Append(fields.Field(i));
            builder.Append(fields.Value(i));
        }

        builder.Append(Pieces(fields.Count, hasHeadsFields));
        builder.Finish();
        var at = Listpack.First(room);
        Listpack.Replace(room, at, Listpack.Get(room, at).Integer + 1);
    }

    /// <summary>Marks the entry at a place as deleted, without counting it. Its flags take the same bytes.</summary>
    internal static void MarkDeleted(Span<byte> node, int at) =>
        Listpack.Replace(node, at, Listpack.Get(node, at).Integer | DeletedFlag);

    private static long Pieces(int fields, bool hasHeadsFields) =>
        hasHeadsFields ? FixedPieces + fields : FixedPieces + 1 + (2L * fields);
}
