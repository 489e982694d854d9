namespace Millrace.Memory;

/// <summary>
/// The part of a region that is kept for those who take a little without asking, and how near it is.
/// </summary>
/// <remarks>
/// <code>
///   left:  all ............ 2 reserves ........ 1 reserve ........ half of it ........ 0
///                           | IsNear                               | IsSpent
///          everybody takes    who asks is refused more than         only what gives memory
///                             what is left of it; data goes         back goes on
/// </code>
/// Written under the source's lock, read by any thread.
/// </remarks>
/// <param name="regionBytes">The size of the region.</param>
internal sealed class RegionReserve(long regionBytes)
{
    private const int PartsOfRegion = 16;
    private const long MaxBytes = 8L << 30;

    private volatile bool _isNear;
    private volatile bool _isSpent;

    /// <summary>Its size.</summary>
    internal long Bytes { get; } = Math.Min(regionBytes / PartsOfRegion, MaxBytes);

    /// <summary>Whether less than twice its size is left.</summary>
    internal bool IsNear => _isNear;

    /// <summary>Whether less than half of it is left.</summary>
    internal bool IsSpent => _isSpent;

    /// <summary>Is told whenever <see cref="IsNear"/> has changed.</summary>
    internal Action? NearnessChanged { get; set; }

    /// <summary>Notes how much of the region is left.</summary>
    internal void Note(long leftBytes)
    {
        _isSpent = leftBytes < Bytes / 2;
        var isNear = leftBytes < 2 * Bytes;
        if (isNear == _isNear) return;
        _isNear = isNear;
        NearnessChanged?.Invoke();
    }
}
