namespace Millrace.Memory;

/// <summary>
/// Names a block of native memory: a 40-bit count of 8-byte units from the base of its <see cref="MemorySource"/>'s
/// region.
/// </summary>
/// <remarks>
/// Five bytes are enough to store one, and a reference that was damaged can be checked with one compare, which a
/// pointer cannot. The default is null. A reference says nothing about its heap: whoever keeps one knows where it
/// belongs.
/// </remarks>
public readonly record struct BlockRef
{
    /// <summary>The number of bits that a reference takes where it is stored packed.</summary>
    public const int Bits = 40;

    internal const int UnitShift = 3;
    internal const ulong Mask = (1UL << Bits) - 1;

    internal BlockRef(ulong value) => Value = value;

    /// <summary>Whether this refers to nothing.</summary>
    public bool IsNull => Value == 0;

    /// <summary>The count of units; 0 for null. Below 2 to the power of 40.</summary>
    public ulong Value { get; }

    /// <summary>The reference that <see cref="Value"/> was read from.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value takes more than 40 bits.</exception>
    public static BlockRef FromValue(ulong value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, Mask);
        return new BlockRef(value);
    }
}
