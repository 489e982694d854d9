namespace Millrace.Memory;

/// <summary>
/// How many chunks should have memory before they are asked for: about what was taken in twice the last
/// <see cref="TickMs"/>, at once twice as many when one was taken that had none, and fewer again one by one.
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

    private long _openedBefore;
    private long _missedBefore;
    private long _openedAtTick;
    private long _tickMs;
    private long _lastOpenedMs;

    /// <summary>A pace that begins now.</summary>
    internal AheadPace(long nowMs)
    {
        Chunks = MinChunks;
        _tickMs = nowMs;
        _lastOpenedMs = nowMs;
    }

    /// <summary>How many chunks should be ready.</summary>
    internal int Chunks { get; private set; }

    /// <summary>Whether nothing was taken for <see cref="IdleMs"/>.</summary>
    internal bool IsIdle { get; private set; }

    /// <summary>Whether time alone changes nothing any more.</summary>
    internal readonly bool IsResting => IsIdle && Chunks == MinChunks;

    /// <summary>Takes note of how many chunks were ever taken, and how many of those had no memory.</summary>
    internal void Observe(long nowMs, long openedCount, long missedCount)
    {
        if (openedCount != _openedBefore) _lastOpenedMs = nowMs;
        if (missedCount != _missedBefore) Chunks = Math.Min(MaxChunks, Chunks * 2);
        _openedBefore = openedCount;
        _missedBefore = missedCount;
        IsIdle = nowMs - _lastOpenedMs >= IdleMs;
        var elapsedMs = nowMs - _tickMs;
        if (elapsedMs < TickMs) return;
        var wanted = (openedCount - _openedAtTick) * 2 * TickMs / elapsedMs;
        Chunks = (int)Math.Clamp(Math.Max(wanted, Chunks - 1), MinChunks, MaxChunks);
        _openedAtTick = openedCount;
        _tickMs = nowMs;
    }
}
