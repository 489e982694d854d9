namespace Millrace.Memory;

/// <summary>
/// Freed blocks of a checked heap that must not be used again yet, oldest first, so that a late write to one is
/// noticed.
/// </summary>
/// <remarks>A ring of fixed size: it allocates nothing after construction.</remarks>
internal sealed class Quarantine
{
    private const int MaxBlocks = 1024;
    private const long MaxBytes = 16L << 20;

    private readonly (ulong Raw, long SizeBytes)[] _ring = new (ulong, long)[MaxBlocks + 1];
    private int _first;
    private int _count;
    private long _bytes;

    /// <summary>Adds a block. Requires: <see cref="TryRelease"/> was asked until it said no.</summary>
    internal void Add(ulong raw, long sizeBytes)
    {
        _ring[(_first + _count) % _ring.Length] = (raw, sizeBytes);
        _count++;
        _bytes += sizeBytes;
    }

    /// <summary>Takes the oldest block out when there are too many.</summary>
    internal bool TryRelease(out ulong raw)
    {
        raw = 0;
        if (_count <= MaxBlocks && (_bytes <= MaxBytes || _count == 0)) return false;
        (raw, var sizeBytes) = _ring[_first];
        _first = (_first + 1) % _ring.Length;
        _count--;
        _bytes -= sizeBytes;
        return true;
    }
}
