// What of one connection's output waits, and for what: drawn in OutputQueue.cs. Made when output has to wait for the
// first time, so that connections of a server without a log do not pay for it.

namespace Millrace.Net;

internal sealed class OutputHold
{
    /// <summary>Something waits: the output is cut in generations.</summary>
    public bool IsOn { get; set; }

    /// <summary>Pieces that may be sent.</summary>
    public int OpenPieces { get; set; }

    /// <summary>Pieces of the first generation, behind those.</summary>
    public int FirstPieces { get; set; }

    /// <summary>What the first generation waits for.</summary>
    public HoldMark First { get; set; }

    /// <summary>What everything behind it waits for.</summary>
    public HoldMark Rest { get; private set; }

    public void Raise(long position, long own)
    {
        HoldMark rest = Rest;
        Rest = new HoldMark(Math.Max(rest.Position, position), Math.Max(rest.Own, own));
    }
}

/// <summary>What output waits for.</summary>
/// <param name="Position">The position that has to be reached.</param>
/// <param name="Own">The same for what acknowledges something of its own; 0: nothing does.</param>
internal readonly record struct HoldMark(long Position, long Own)
{
    public bool IsReached(ReplyHold hold)
    {
        long reached = hold.Reached;
        return Position <= reached || (hold.HoldsOwnOnly && Own <= reached);
    }
}
