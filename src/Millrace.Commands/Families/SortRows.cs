using System.Buffers;
using System.Runtime.InteropServices;
using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Resp;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>
/// The elements that are sorted, copied, each with its weight.
/// </summary>
/// <remarks>
/// <code>
///   rows    [ element at, length | weight at, length | score ] ...
///   bytes   [ element | element | ... | weight | ... ]
/// </code>
/// Both arrays come from pools and go back with Dispose. Views are valid until something is added.
/// </remarks>
internal sealed class SortRows : IDisposable
{
    private const int FirstRows = 64;
    private const int FirstBytes = 1024;

    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(FirstBytes);
    private Row[] _rows = new Row[FirstRows];
    private int _used;

    private bool HasWeights
    {
        get
        {
            foreach (ref readonly var row in _rows.AsSpan(0, Count))
            {
                if (row.WeightAt >= 0) return true;
            }

            return false;
        }
    }

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of all that was added.</summary>
    public long Bytes => _used;

    /// <summary>Adds an element.</summary>
    public void Add(ReadOnlySpan<byte> element)
    {
        if (Count == _rows.Length) Array.Resize(ref _rows, checked(Count * 2));
        _rows[Count++] = new Row { At = Append(element), Length = element.Length, WeightAt = -1 };
    }

    /// <summary>An element.</summary>
    public ReadOnlySpan<byte> Element(int index) => _bytes.AsSpan(_rows[index].At, _rows[index].Length);

    /// <summary>Gives a row the text that it is compared by.</summary>
    public void SetWeight(int index, ReadOnlySpan<byte> text)
    {
        var at = Append(text);
        _rows[index].WeightAt = at;
        _rows[index].WeightLength = text.Length;
    }

    /// <summary>Gives a row the number that its weight or its element is; false when that is none.</summary>
    public bool TryScore(int index, bool ofWeight)
    {
        ref var row = ref _rows[index];
        var text = ofWeight ? _bytes.AsSpan(row.WeightAt, row.WeightLength) : _bytes.AsSpan(row.At, row.Length);
        var end = text.IndexOf((byte)0); // where a C string ends
        if (end >= 0) text = text[..end];
        if (text.IsEmpty) return true;
        return Numbers.TryParseDouble(text.TrimStart(" \t\n\v\f\r"u8), out row.Score);
    }

    /// <summary>Orders the rows. O(n log n).</summary>
    /// <param name="byText">By the text of the weight, or of the element where no row has one; otherwise by the number
    /// and, where that is the same, the element.</param>
    /// <param name="isDescending">The largest first.</param>
    public void Sort(bool byText, bool isDescending) =>
        _rows.AsSpan(0, Count).Sort(new Order(_bytes, byText, HasWeights, isDescending));

    /// <inheritdoc/>
    public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);

    private int Append(ReadOnlySpan<byte> text)
    {
        var at = _used;
        var end = checked(at + text.Length);
        if (end > _bytes.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Array.MaxLength, Math.Max(end, 2L * _bytes.Length)));
            _bytes.AsSpan(0, at).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }

        text.CopyTo(_bytes.AsSpan(at));
        _used = end;
        return at;
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

    private readonly struct Order(byte[] bytes, bool byText, bool byWeight, bool isDescending) : IComparer<Row>
    {
        public int Compare(Row x, Row y)
        {
            var order = byText ? CompareTexts(x, y) : CompareNumbers(x, y);
            if (order == 0) return x.At.CompareTo(y.At);
            return isDescending ? -order : order;
        }

        private int CompareNumbers(Row x, Row y)
        {
            var order = x.Score.CompareTo(y.Score);
            return order != 0 ? order : CompareElements(x, y);
        }

        // Who has no weight comes first.
        private int CompareTexts(Row x, Row y)
        {
            if (!byWeight) return CompareElements(x, y);
            if (x.WeightAt < 0 || y.WeightAt < 0) return (x.WeightAt < 0 ? 0 : 1) - (y.WeightAt < 0 ? 0 : 1);
            return bytes.AsSpan(x.WeightAt, x.WeightLength).SequenceCompareTo(
                bytes.AsSpan(y.WeightAt, y.WeightLength));
        }

        private int CompareElements(Row x, Row y) =>
            bytes.AsSpan(x.At, x.Length).SequenceCompareTo(bytes.AsSpan(y.At, y.Length));
    }
}

/// <summary>Finds what patterns name for the elements of a sort.</summary>
internal ref struct SortLookup
{
    private readonly Call _call;
    private readonly SortRows _rows;
    private readonly byte[] _scratch = new byte[StringValue.ScratchBytes];
    private byte[] _name = [];
    private byte[] _value = [];

    /// <summary>A lookup for these rows.</summary>
    public SortLookup(in Call call, SortRows rows)
    {
        _call = call;
        _rows = rows;
    }

    /// <summary>Gives a row the weight that a pattern names; false when there is none.</summary>
    public bool TryFindWeight(SortPattern by, int index)
    {
        if (!TryGet(by, index, out var text)) return false;
        _rows.SetWeight(index, text);
        return true;
    }

    /// <summary>What a pattern names for an element.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="index">The row of the element.</param>
    /// <param name="value">A view, until something is added to the rows or looked up.</param>
    public bool TryGet(SortPattern pattern, int index, out ReadOnlySpan<byte> value)
    {
        var element = _rows.Element(index);
        value = pattern.IsElement ? element : default;
        if (pattern.IsElement || !pattern.NamesKeys) return pattern.IsElement;
        var name = NameOf(pattern, element);
        var unit = _call.Unit;
        var key = new Key(_call.Caller.Database, unit.Keyspace.HashOf(name), name);
        var entry = unit.Find(key, _call.Caller.ReadAccess);
        if (entry.IsMissing) return false;
        if (pattern.Field.IsEmpty)
        {
            if (entry.Type != ValueType.String) return false;
            value = Copied(StringValue.Read(entry, _scratch));
            return true;
        }

        if (entry.Type != ValueType.Hash || !HashValue.TryFind(unit, entry, pattern.Field, out var item)) return false;
        value = Copied(item.Value.Text(_scratch));
        return true;
    }

    private ReadOnlySpan<byte> NameOf(SortPattern pattern, ReadOnlySpan<byte> element)
    {
        var length = checked(pattern.Prefix.Length + element.Length + pattern.Suffix.Length);
        if (_name.Length < length) _name = new byte[Math.Max(length, 2 * _name.Length)];
        pattern.Prefix.CopyTo(_name);
        element.CopyTo(_name.AsSpan(pattern.Prefix.Length));
        pattern.Suffix.CopyTo(_name.AsSpan(pattern.Prefix.Length + element.Length));
        return _name.AsSpan(0, length);
    }

    private ReadOnlySpan<byte> Copied(scoped ReadOnlySpan<byte> text)
    {
        if (_value.Length < text.Length) _value = new byte[Math.Max(text.Length, 2 * _value.Length)];
        text.CopyTo(_value);
        return _value.AsSpan(0, text.Length);
    }
}
