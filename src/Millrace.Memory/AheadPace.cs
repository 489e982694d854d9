namespace Millrace.Memory;

/// <summary>
/// How many chunks should have memory before they are asked for: about twice as many as came into use in the last
/// <see cref="TickMs"/>, at once twice as many when one was taken that had none, and fewer again one by one. Chunks
/// that come into use and out of it again do not count.
/// </summary>
internal struct AheadPace
{
    /// <summary>The most chunks ahead: 32 MB.</summary>
    internal const int MaxChunks = 16;

    /// <summary>The fewest.</summary>
    internal const int MinChunks = 1;

    /// <summary>How often the number is adapted, in milliseconds.</summary>
    internal const int TickMs = 100;

    /// <summary>How long nothing has to be taken until spare memory goes back to the system, in milliseconds.</summary>
    internal const int IdleMs = 2_000;

    private long _inUseBefore;
    private long _missedBefore;
    private long _inUseAtTick;
    private long _tickMs;
    private long _lastChangeMs;

    /// <summary>A pace that begins now.</summary>
    internal AheadPace(long nowMs)
    {
        Chunks = MinChunks;
        _tickMs = nowMs;
        _lastChangeMs = nowMs;
    }

    /// <summary>How many chunks should be ready.</summary>
    internal int Chunks { get; private set; }

    /// <summary>Whether the number in use has not changed for <see cref="IdleMs"/>.</summary>
    internal bool IsIdle { get; private set; }

    /// <summary>Whether time alone changes nothing any more.</summary>
    internal readonly bool IsResting => IsIdle && Chunks == MinChunks;

    /// <summary>Takes note of how many chunks are in use, and how many were ever taken that had no memory.</summary>
    internal void Observe(long nowMs, long inUseCount, long missedCount)
    {
        if (inUseCount != _inUseBefore || missedCount != _missedBefore) _lastChangeMs = nowMs;
        if (missedCount != _missedBefore) Chunks = Math.Min(MaxChunks, Chunks * 2);
        _inUseBefore = inUseCount;
        _missedBefore = missedCount;
        IsIdle = nowMs - _lastChangeMs >= IdleMs;
        var elapsedMs = nowMs - _tickMs;
        if (elapsedMs < TickMs) return;
        var wanted = (inUseCount - _inUseAtTick) * 2 * TickMs / elapsedMs;
        Chunks = (int)Math.Clamp(Math.Max(wanted, Chunks - 1), MinChunks, MaxChunks);
        _inUseAtTick = inUseCount;
        _tickMs = nowMs;
    }
}
