using Millrace.Engine;

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
}
