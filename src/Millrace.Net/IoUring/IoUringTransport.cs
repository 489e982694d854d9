// What a connection needs beyond its bits once it has sent something or has had to wait.

namespace Millrace.Net;

/// <summary>What few connections need: it is made when a connection first does.</summary>
internal sealed class IoUringTransport
{
    /// <summary>Bytes that wait until the connection takes them.</summary>
    public HeldInput? Held { get; set; }

    /// <summary>The short reply that is being sent; its array is ours.</summary>
    public OutputPiece Sending { get; set; }

    /// <summary>The description of the message that is being sent, from the loop's pool.</summary>
    public byte[]? Message { get; private set; }

    public byte[] RentMessage(BufferPool pool) => Message ??= pool.Rent(RingCalls.MessageBytes);

    public void GiveBackMessage(BufferPool pool)
    {
        if (Message is null) return;
        pool.Return(Message);
        Message = null;
    }
}
