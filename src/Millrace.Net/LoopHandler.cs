// What the server hangs into a loop and into a connection. All calls come on the loop's thread.

namespace Millrace.Net;

/// <summary>The server's part of one loop.</summary>
public abstract class LoopHandler
{
    /// <summary>The longest that the loop may sleep, in milliseconds; negative: without bound. Asked before each
    /// sleep.</summary>
    public virtual int MaxIdleMs => 1000;

    /// <summary>A connection has come in.</summary>
    /// <param name="connection">The new connection; nothing has been read from it yet.</param>
    /// <returns>Its handler; null when it was refused: what has been written to it is sent, then it is
    /// closed.</returns>
    public abstract ConnectionHandler? Accepted(Connection connection);

    /// <summary>A turn begins: the loop has slept, the clock is fresh, nothing has been read yet.</summary>
    public virtual void TurnStarted()
    {
    }

    /// <summary>All work of the turn is done; what is written to connections now is still part of this turn's
    /// flush.</summary>
    public virtual void TurnEnding()
    {
    }

    /// <summary>A listener could not accept for want of a descriptor or memory; it tries again after
    /// <see cref="LoopOptions.AcceptPauseMs"/>. Called on the listener's loop.</summary>
    /// <param name="listener">The listener.</param>
    /// <param name="reason">The system's text.</param>
    public virtual void AcceptFailed(Listener listener, string reason)
    {
    }
}
