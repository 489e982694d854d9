// One timer of a loop; a handle that can be started again any number of times without allocating.

namespace Millrace.Net;

/// <summary>What a timer calls when it is due, on its loop's thread.</summary>
/// <param name="timer">The timer, no longer active; it may be started again from here.</param>
public delegate void LoopTimerCallback(LoopTimer timer);

/// <summary>A timer of an <see cref="EventLoop"/>. To be used on the loop's thread only.</summary>
public sealed class LoopTimer
{
    internal LoopTimer(EventLoop loop, LoopTimerCallback target, object? state)
    {
        Loop = loop;
        Target = target;
        State = state;
    }

    /// <summary>The loop that it belongs to.</summary>
    public EventLoop Loop { get; }

    /// <summary>What its starter wants to find in the callback.</summary>
    public object? State { get; set; }

    /// <summary>It waits to fire.</summary>
    public bool IsActive => HeapIndex >= 0;

    /// <summary>The time on <see cref="EventLoop.NowUs"/> at which it fires (or fired last), in microseconds.</summary>
    public long DueUs { get; internal set; }

    internal LoopTimerCallback Target { get; }

    /// <summary>Decides among timers of the same time: started first, fires first.</summary>
    internal long Sequence { get; set; }

    internal int HeapIndex { get; set; } = -1;

    /// <summary>Starts it, or moves it when it is active.</summary>
    /// <param name="dueInMs">Milliseconds from now; 0 or less: in the next turn.</param>
    public void Start(long dueInMs) => Loop.Timers.Start(this, dueInMs);

    /// <summary>Stops it; without effect when it is not active.</summary>
    public void Cancel() => Loop.Timers.Cancel(this);
}
