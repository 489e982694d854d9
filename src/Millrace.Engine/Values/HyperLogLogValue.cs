using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>What adding an element to a HyperLogLog did.</summary>
public enum Addition
{
    /// <summary>No register changed.</summary>
    None,

    /// <summary>A register was raised.</summary>
    Changed,

    /// <summary>The registers are not in order; nothing was done.</summary>
    Corrupted,
}

/// <summary>
/// HyperLogLogs as the strings of entries: sparse ones grow with their entry, up to
/// <see cref="EncodingLimits.HyperLogLogSparseBytes"/>, and are dense from there on.
/// </summary>
/// <remarks>What is written to is of the encoding raw, whatever a client made it by, as in Redis.</remarks>
public static class HyperLogLogValue
{
    /// <summary>Makes a HyperLogLog ready to be changed in place; false when the string is none, as far as its header
    /// tells.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="key">The key.</param>
    /// <param name="entry">Its entry, a string; may move.</param>
    /// <param name="value">The bytes, valid until the next write to the partition.</param>
    public static bool TryOpen(Unit unit, in Key key, ref Entry entry, out Span<byte> value)
    {
        value = default;
        if ((StringEncoding)entry.Encoding == StringEncoding.Raw)
        {
            value = entry.Value;
            return HyperLogLog.IsValid(value);
        }

        var length = StringValue.Length(entry);
        if (!HyperLogLog.IsValid(StringValue.Read(entry, default))) return false;
        value = StringValue.Open(unit, key, ref entry, length);
        return true;
    }

    /// <summary>Makes a missing key hold a HyperLogLog that nothing was added to.</summary>
    public static Entry Create(Unit unit, in Key key)
    {
        var entry = default(Entry);
        HyperLogLog.WriteEmpty(StringValue.Open(unit, key, ref entry, HyperLogLog.EmptyBytes));
        return entry;
    }

    /// <summary>Adds an element. The cached estimate of a dense one is left to the caller.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="key">The key.</param>
    /// <param name="entry">Its entry, which is valid; may move.</param>
    /// <param name="element">The element.</param>
    public static Addition Add(Unit unit, in Key key, ref Entry entry, RankedElement element)
    {
        var value = StringValue.Read(entry, default);
        if (HyperLogLog.IsDense(value))
        {
            var dense = StringValue.Open(unit, key, ref entry, HyperLogLog.DenseBytes);
            return HyperLogLog.AddToDense(dense, element) ? Addition.Changed : Addition.None;
        }

        var addition = HyperLogLog.FindInSparse(value, element);
        if (addition.IsCorrupted) return Addition.Corrupted;
        if (addition.IsNone) return Addition.None;
        var length = value.Length;
        var grown = length + Math.Max(addition.Growth, 0);
        if (addition.NeedsDense || (addition.Growth > 0 && grown > unit.Keyspace.Encodings.HyperLogLogSparseBytes))
        {
            if (!TryMakeDense(unit, key, ref entry)) return Addition.Corrupted;
            var dense = StringValue.Open(unit, key, ref entry, HyperLogLog.DenseBytes);
            HyperLogLog.AddToDense(dense, element);
            return Addition.Changed;
        }

        length = HyperLogLog.AddToSparse(StringValue.Open(unit, key, ref entry, grown), length, addition);
        if (length != grown) StringValue.Open(unit, key, ref entry, length);
        return Addition.Changed;
    }

    /// <summary>Makes the registers dense; false when they are not in order.</summary>
    public static bool TryMakeDense(Unit unit, in Key key, ref Entry entry)
    {
        var value = StringValue.Read(entry, default);
        if (HyperLogLog.IsDense(value)) return true;
        Span<byte> loose = stackalloc byte[HyperLogLog.Registers];
        loose.Clear();
        if (!HyperLogLog.TryMergeInto(value, loose)) return false;
        SetDense(unit, key, ref entry, loose);
        return true;
    }

    /// <summary>Raises the registers to loose ones, which are those of the entry merged with others.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="key">The key.</param>
    /// <param name="entry">Its entry, whose registers are in order.</param>
    /// <param name="loose">A byte for each register, none less than the entry's.</param>
    /// <param name="makesDense">Whether the result is to be dense in any case.</param>
    public static void Raise(Unit unit, in Key key, ref Entry entry, ReadOnlySpan<byte> loose, bool makesDense)
    {
        if (makesDense || HyperLogLog.IsDense(StringValue.Read(entry, default)))
        {
            SetDense(unit, key, ref entry, loose);
            return;
        }

        // One register after the other, as Redis does it: the runs then are the same.
        for (var index = 0; index < loose.Length; index++)
        {
            if (loose[index] == 0) continue;
            Add(unit, key, ref entry, new RankedElement(index, loose[index]));
            if (!HyperLogLog.IsDense(StringValue.Read(entry, default))) continue;
            SetDense(unit, key, ref entry, loose);
            return;
        }
    }

    private static void SetDense(Unit unit, in Key key, ref Entry entry, ReadOnlySpan<byte> loose)
    {
        Span<byte> dense = stackalloc byte[HyperLogLog.DenseBytes];
        StringValue.Read(entry, default)[..HyperLogLog.HeaderBytes].CopyTo(dense);
        HyperLogLog.Pack(dense, loose);
        entry = StringValue.SetBytes(unit, key, entry, dense, entry.DeadlineMs);
    }
}
