// What a poller reports to its loop. Each report changes the connection's state and calls its handler where there is
// something to handle; nothing here makes a system call.

using System.Diagnostics;

namespace Millrace.Net;

/// <summary>Takes a poller's reports, on the loop's thread.</summary>
internal sealed class PollerSink(EventLoop loop)
{
    private readonly byte[] _shared =
        GC.AllocateUninitializedArray<byte>(loop.Options.ReceiveBufferBytes, pinned: true);

    /// <summary>The number of the loop's turn.</summary>
    public long Turn => loop.Tally.Turns;

    /// <summary>Where the bytes of the next read should go. False when the connection can take no more and will be
    /// cut.</summary>
    public bool TryPrepareRead(Connection connection, out byte[] array, out int offset, out int length)
    {
        connection.PrepareRead(_shared, out array, out offset, out length);
        if (length > 0) return true;
        connection.CloseNow();
        return false;
    }

    /// <summary>Bytes have come.</summary>
    public void Arrived(Connection connection, byte[] array, int offset, int count)
    {
        loop.Tally.Reads++;
        loop.Tally.BytesIn += count;
        connection.BytesIn += count;
        if (connection.Stage != ConnectionStage.Open || connection.IsCut) return;
        connection.LastActivityUs = loop.NowUs;
        if (connection.TryTakeIn(_shared, array, offset, count)) connection.HandOver();
        else connection.CloseNow();
    }

    /// <summary>The peer has ended its stream.</summary>
    public void Ended(Connection connection)
    {
        if (connection.PeerEnded) return;
        connection.PeerEnded = true;
        connection.Touch();
        if (connection.Stage == ConnectionStage.Open) TellEnd(connection);
    }

    /// <summary>The connection is broken.</summary>
    public void Broken(Connection connection) => connection.CloseNow();

    /// <summary>The peer may take more output, or has taken what it was given.</summary>
    public void MaySend(Connection connection)
    {
        connection.IsSending = false;
        connection.Touch();
    }

    /// <summary>The system has taken output.</summary>
    public void Sent(Connection connection, long count)
    {
        loop.Tally.Writes++;
        loop.Tally.BytesOut += count;
        connection.BytesOut += count;
        connection.LastActivityUs = loop.NowUs;
        connection.Output.Advance(count);
    }

    /// <summary>No operation of the poller touches the connection's memory any more, its descriptor is
    /// closed.</summary>
    public void Released(Connection connection)
    {
        Debug.Assert(connection.Stage == ConnectionStage.Closed, "released after its end");
        connection.Output.Release();
        loop.Unreleased--;
        loop.Group.Unassign(loop);
    }

    /// <summary>A piece was taken from the output, and the system will take it for certain, or nearly
    /// so.</summary>
    public void Submitted(Connection connection, int count)
    {
        loop.Tally.Writes++;
        loop.Tally.BytesOut += count;
        connection.BytesOut += count;
        connection.LastActivityUs = loop.NowUs;
    }

    /// <summary>The system has not taken the end of a submitted piece after all.</summary>
    public void NotTaken(Connection connection, in OutputPiece rest)
    {
        loop.Tally.BytesOut -= rest.Length;
        connection.BytesOut -= rest.Length;
        connection.Output.PutBack(rest);
    }

    /// <summary>A listener has a new socket.</summary>
    public void Accepted(Listener listener, in AcceptedPeer peer)
    {
        EventLoop target = loop.Group.Assign();
        if (loop.Group.IsStopping) target = loop;   // which refuses it
        if (ReferenceEquals(target, loop)) loop.Adopt(listener, peer);
        else target.Post(new AdoptMail(listener, peer));
    }

    /// <summary>A listener found no descriptor or memory: it rests for a while.</summary>
    public void AcceptFailed(Listener listener, string reason)
    {
        loop.Tally.AcceptFailures++;
        listener.Rest(loop.Options.AcceptPauseMs);
        loop.Handler.AcceptFailed(listener, reason);
    }

    /// <summary>Hands over unread input again, and then the peer's end when it was held back.</summary>
    public static void HandOverAgain(Connection connection)
    {
        connection.HandOver();
        if (connection.PeerEnded) TellEnd(connection);
    }

    private static void TellEnd(Connection connection)
    {
        if (connection.EndTold || !connection.IsOpen) return;
        if (connection.IsReady || connection.IsPaused || connection.IsThrottled) return;
        connection.EndTold = true;
        connection.Handler?.Ended(connection);
    }
}
