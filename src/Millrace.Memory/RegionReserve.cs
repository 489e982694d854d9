namespace Millrace.Memory;

/// <summary>
/// The part of a region that is kept for those who take a little without asking, and how near it is.
/// </summary>
/// <remarks>
/// <code>
///   left:  all ................. 2 reserves ........ 1 reserve ........ half of it ........ 0
///                                | IsScarce                             | IsSpent
///          who asks takes what     commands that take memory are          so are those that take a
///          leaves the reserve      refused, as at the memory limit        little without being stopped there
/// </code>
/// Written under the source's lock, read by any thread.
/// </remarks>
/// <param name="regionBytes">The size of the region.</param>
internal sealed class RegionReserve(long regionBytes)
{
    private const int PartsOfRegion = 16;
    private const long MaxBytes = 8L << 30;

    private volatile bool _isScarce;
    private volatile bool _isSpent;

    /// <summary>Its size.</summary>
    internal long Bytes { get; } = Math.Min(regionBytes / PartsOfRegion, MaxBytes);

    /// <summary>Whether less than twice its size is left.</summary>
    internal bool IsScarce => _isScarce;

    /// <summary>Whether less than half of it is left.</summary>
    internal bool IsSpent => _isSpent;

    /// <summary>Is told whenever <see cref="IsScarce"/> has changed.</summary>
    internal Action? ScarcityChanged { get; set; }

    /// <summary>Notes how much of the region is left: nothing, if no whole chunk is.</summary>
    internal void Note(long leftBytes)
    {
        _isSpent = leftBytes < Bytes / 2;
        var isScarce = leftBytes < 2 * Bytes;
        if (isScarce == _isScarce) return;
        _isScarce = isScarce;
        ScarcityChanged?.Invoke();
    }
}
