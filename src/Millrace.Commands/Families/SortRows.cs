// What SORT holds of the elements while it sorts: copies, in native memory that is given back at once, and an array of
// where they are.

using System.Runtime.InteropServices;
using Millrace.Memory;
using Millrace.Resp;

namespace Millrace.Commands.Families;

/// <summary>
/// The elements that are sorted, copied, each with its weight.
/// </summary>
/// <remarks>
/// <code>
///   rows    [ element at, length | weight at, length | score ] ...     managed
///   bytes   [ element | element | ... | weight | ... ]                 a block of a heap, which grows by doubling
/// </code>
/// The block is in a partition's heap, which is held throughout, and goes with Dispose. Views are valid until something
/// is added.
/// </remarks>
/// <param name="heap">Where the block is.</param>
/// <param name="count">How many elements are to be expected.</param>
internal sealed class SortRows(Heap heap, long count) : IDisposable
{
    /// <summary>The most bytes of texts.</summary>
    public const int MaxBytes = 1 << 30;

    private const int MaxRows = 40_000_000;
    private const int FirstBytes = 1024;

    private Row[] _rows = new Row[Math.Min(count, MaxRows)];
    private BlockRef _bytes;
    private int _room;
    private int _used;

    /// <summary>Where they are.</summary>
    public Heap Heap => heap;

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of all that was added.</summary>
    public long Bytes => _used;

    /// <summary>Adds an element; false when there is no room for it.</summary>
    public bool TryAdd(ReadOnlySpan<byte> element)
    {
        if (Count == MaxRows || !TryAppend(element, out var at)) return false;
        if (Count == _rows.Length) Array.Resize(ref _rows, Math.Min(MaxRows, (2 * Count) + 1));
        _rows[Count++] = new Row { At = at, Length = element.Length, WeightAt = -1 };
        return true;
    }

    /// <summary>An element.</summary>
    public ReadOnlySpan<byte> Element(int index)
    {
        ref readonly var row = ref _rows[index];
        return row.Length == 0 ? default : heap.Span(_bytes, row.At, row.Length);
    }

    /// <summary>Gives a row the text that it is compared by; false when there is no room for it.</summary>
    public bool TrySetWeight(int index, ReadOnlySpan<byte> text)
    {
        if (!TryAppend(text, out var at)) return false;
        ref var row = ref _rows[index];
        (row.WeightAt, row.WeightLength) = (at, text.Length);
        return true;
    }

    /// <summary>Gives a row the number that a text is; false when that is none.</summary>
    public bool TryScore(int index, ReadOnlySpan<byte> text)
    {
        var end = text.IndexOf((byte)0); // where a C string ends
        if (end >= 0) text = text[..end];
        if (text.IsEmpty) return true;
        // Of numbers so small that they lose digits C says that they are out of range, too.
        var isNumber = Numbers.TryParseDouble(text.TrimStart(" \t\n\v\f\r"u8), out var score);
        _rows[index].Score = score;
        return isNumber && !double.IsSubnormal(score);
    }

    /// <summary>Orders the rows. O(n log n).</summary>
    /// <param name="key">What they are compared by; where that is the same, the element decides.</param>
    /// <param name="isDescending">The largest first.</param>
    public void Sort(SortKey key, bool isDescending)
    {
        if (Count > 1) _rows.AsSpan(0, Count).Sort(new Order(heap, _bytes, key, isDescending));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_bytes.IsNull) heap.Free(_bytes);
        _bytes = default;
    }

    private bool TryAppend(ReadOnlySpan<byte> text, out int at)
    {
        at = _used;
        if (text.IsEmpty) return true;
        var end = at + (long)text.Length;
        if (end > MaxBytes) return false;
        if (end > _room)
        {
            _room = (int)Math.Clamp(2L * end, FirstBytes, MaxBytes);
            _bytes = _bytes.IsNull ? heap.Allocate(_room) : heap.Resize(_bytes, _used, _room);
        }

        _used = (int)end;
        text.CopyTo(heap.Span(_bytes, at, text.Length));
        return true;
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Row
    {
        public int At;
        public int Length;
        public int WeightAt;    // -1: none
        public int WeightLength;
        public double Score;
    }

    private readonly struct Order(Heap heap, BlockRef bytes, SortKey key, bool isDescending) : IComparer<Row>
    {
        public int Compare(Row x, Row y)
        {
            var order = key switch
            {
                SortKey.Score => x.Score.CompareTo(y.Score),
                SortKey.Weight => CompareWeights(x, y),
                _ => 0,
            };
            if (order == 0) order = Text(x.At, x.Length).SequenceCompareTo(Text(y.At, y.Length));
            return isDescending ? -order : order;
        }

        // Who has no weight comes first.
        private int CompareWeights(Row x, Row y)
        {
            if (x.WeightAt < 0 || y.WeightAt < 0) return (x.WeightAt < 0 ? 0 : 1) - (y.WeightAt < 0 ? 0 : 1);
            return Text(x.WeightAt, x.WeightLength).SequenceCompareTo(Text(y.WeightAt, y.WeightLength));
        }

        private ReadOnlySpan<byte> Text(int at, int length) => length == 0 ? default : heap.Span(bytes, at, length);
    }
}

/// <summary>What the rows of a sort are compared by.</summary>
internal enum SortKey
{
    /// <summary>The element's own text.</summary>
    Element,

    /// <summary>The text of the weight.</summary>
    Weight,

    /// <summary>A number.</summary>
    Score,
}
