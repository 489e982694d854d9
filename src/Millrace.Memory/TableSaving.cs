namespace Millrace.Memory;

/// <summary>
/// How far a snapshot has come with a hash table, in four bytes.
/// </summary>
/// <remarks>
/// <code>
///   bit   0      a snapshot is under way
///         1      all chains are saved
///         6..31  the beginning of the hashes of the first segment that is not saved as a whole
/// </code>
/// Chains of segments before that are saved, of those behind it the ones whose bucket says so. Segments begin at
/// multiples of 64, because a directory has at most 2^26 places.
/// </remarks>
internal readonly record struct TableSaving(uint Value)
{
    private const uint IsOnBit = 1;
    private const uint IsAllBit = 2;
    private const uint FlagMask = 63;

    /// <summary>Nothing is saved yet.</summary>
    internal static TableSaving Begun => new(IsOnBit);

    /// <summary>All of it is saved.</summary>
    internal static TableSaving All => new(IsOnBit | IsAllBit);

    internal bool IsOn => Value != 0;

    internal bool IsAll => (Value & IsAllBit) != 0;

    /// <summary>The beginning of the hashes of the first segment that is not saved.</summary>
    internal uint Point => Value & ~FlagMask;

    /// <summary>Whether the segment of a hash is saved as a whole.</summary>
    internal bool Covers(ulong hash) => IsAll || (uint)(hash >> 32) < Point;

    /// <summary>All before a segment is saved.</summary>
    internal static TableSaving Before(uint point) => new((point & ~FlagMask) | IsOnBit);
}
