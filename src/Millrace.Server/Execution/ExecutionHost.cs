using Millrace.Commands;
using Millrace.Engine;
using Millrace.Server.Blocking;
using Millrace.Server.Observability;

namespace Millrace.Server.Execution;

/// <summary>What an <see cref="Executor"/> needs of the loop that it runs on. Tests put a schedule of their own behind
/// it.</summary>
public abstract class ExecutionHost
{
    /// <summary>The loop's wall clock in Unix milliseconds.</summary>
    public abstract long UnixMs { get; }

    /// <summary>Reads the clock again: more than a millisecond of execution has passed.</summary>
    public abstract void RefreshClock();

    /// <summary>Returns when all other loops stand still between units.</summary>
    public abstract void BeginQuiescence();

    /// <summary>Lets the other loops go on.</summary>
    public abstract void EndQuiescence();

    /// <summary>Stops reading from a client; what is returned ends that when it is told.</summary>
    public abstract IParked Park(Client client);

    /// <summary>What a client has sent and is not run yet comes up again in the loop's next turn.</summary>
    public abstract void RunNextTurn(Client client);

    /// <summary>A client of this loop begins to wait for a key; called while its unit holds its partitions.</summary>
    /// <param name="request">What it waits with; <see cref="Client.Blocked"/> of its client.</param>
    /// <param name="timeoutMs">For how long, in milliseconds; 0: for ever.</param>
    public abstract void Wait(BlockedRequest request, long timeoutMs);

    /// <summary>The error that a write gets while changes cannot be made to last.</summary>
    public virtual ReadOnlySpan<byte> NotDurableError => "MISCONF Changes cannot be made to last."u8;

    /// <summary>A call has taken so long that somebody may want to know (<see cref="CommandTimer.Adopt"/>).</summary>
    public virtual void NoteSlow(in SlowCall call)
    {
    }

    /// <summary>A call was answered with an error, and still holds its partitions.</summary>
    public virtual void NoteFailed(in Call call)
    {
    }

    /// <summary>Something that the latency monitor watches has happened.</summary>
    /// <param name="what">What.</param>
    /// <param name="ticks">How long it took, in ticks of the stopwatch.</param>
    public virtual void Note(LatencyEvent what, long ticks)
    {
    }

    /// <summary>Brings the reply of a request that was served here to its client, which may live on another loop.
    /// Called while partitions are held: it posts and returns.</summary>
    public abstract void Deliver(BlockedRequest request);

    /// <summary>Sets apart what others have told the loop so far: it stands before the reply of the command that runs.
    /// Called while its unit holds its partitions, so that what is told of later changes stands behind.</summary>
    public virtual void GatherMail()
    {
    }
}
