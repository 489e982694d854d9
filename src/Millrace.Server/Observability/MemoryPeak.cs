namespace Millrace.Server.Observability;

/// <summary>The most bytes that data has taken, as seen once a second and at each INFO. Thread-safe.</summary>
public sealed class MemoryPeak
{
    private long _bytes;

    /// <summary>The most so far.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Says how many bytes there are now.</summary>
    public void Observe(long bytes)
    {
        var seen = Volatile.Read(ref _bytes);
        while (bytes > seen)
        {
            var before = Interlocked.CompareExchange(ref _bytes, bytes, seen);
            if (before == seen) return;
            seen = before;
        }
    }
}
