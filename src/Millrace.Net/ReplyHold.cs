// How far the work of other threads has come that output may have to wait for, as a number that only grows: a position
// in a log, say. Output that waits for a position stays in its queue until that is reached; loops never wait.
//
//     loop:    settles its connections; some wait: sets HasHeld (fence), reads the mark again -> settles them once more
//     marker:  moves the mark (fence), reads HasHeld of each loop -> posts a letter, after which it settles them again
//
// So either the loop sees the new mark or the marker sees that somebody waits: nothing is forgotten.

namespace Millrace.Net;

/// <summary>Up to where output may leave that waits for something. One per <see cref="LoopGroup"/>.</summary>
public sealed class ReplyHold
{
    private readonly LoopGroup _group;
    private long _reached = long.MaxValue;
    private long _moves;
    private volatile bool _holdsOwnOnly;

    internal ReplyHold(LoopGroup group) => _group = group;

    /// <summary>Output that waits for this position, or an earlier one, may leave; <see cref="long.MaxValue"/> while
    /// nothing has to wait. Any thread.</summary>
    public long Reached => Volatile.Read(ref _reached);

    /// <summary>Whether only output waits that acknowledges something of its own (<see cref="OutputQueue.Hold"/>).
    /// </summary>
    internal bool HoldsOwnOnly => _holdsOwnOnly;

    /// <summary>How often the mark was moved: whoever sees the same number twice has missed nothing in between.
    /// </summary>
    internal long Moves => Volatile.Read(ref _moves);

    /// <summary>Moves the mark. Any thread, one at a time; never blocks.</summary>
    /// <param name="reached">The new position.</param>
    /// <param name="holdsOwnOnly">Whether whatever acknowledges nothing of its own may leave all the same.</param>
    public void Move(long reached, bool holdsOwnOnly = false)
    {
        _holdsOwnOnly = holdsOwnOnly;
        Volatile.Write(ref _reached, reached);
        Interlocked.Increment(ref _moves);
        foreach (EventLoop loop in _group.Loops) loop.LookAtHeld();
    }
}
