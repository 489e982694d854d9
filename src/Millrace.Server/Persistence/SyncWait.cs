using Millrace.Net;

namespace Millrace.Server.Persistence;

/// <summary>
/// A client that waits until its writes are on the disk (WAITAOF), as a letter to its loop.
/// </summary>
/// <param name="client">Who waits.</param>
/// <param name="position">The position in the log that has to be on the disk.</param>
/// <param name="late">The reply that it gets when its time is over.</param>
/// <param name="endsWait">Whether being on the disk is all that it waits for; otherwise it waits for replicas as well,
/// and only the number in its reply changes.</param>
internal sealed class SyncWait(Client client, long position, byte[] late, bool endsWait) : Mail
{
    private const int LocalDigit = 5; // *2 CR LF :0
    private const int MostOver = 64;
    private bool _isOff;

    /// <summary>The position in the log that has to be on the disk.</summary>
    public long Position => position;

    /// <summary>Whether nobody waits any more. Any thread; it may be a moment old.</summary>
    public bool IsOver => !client.WaitsWith(late);

    /// <summary>Adds one to a list, from which those that are over go first when there are many.</summary>
    public static void Add(List<SyncWait> waits, SyncWait wait)
    {
        if (waits.Count >= MostOver) waits.RemoveAll(static one => one.IsOver);
        waits.Add(wait);
    }

    /// <summary>Tells the client.</summary>
    /// <param name="isOff">It never will be on the disk: there is no append-only file any more.</param>
    public void Post(bool isOff)
    {
        _isOff = isOff;
        client.Connection.Loop.Post(this);
    }

    /// <inheritdoc/>
    public override void Deliver(EventLoop loop)
    {
        if (_isOff)
        {
            if (endsWait) client.ReplyInstead(late, AofCommands.IsOff);
            return;
        }

        late[LocalDigit] = (byte)'1';
        if (endsWait) client.ReplyInstead(late, late);
    }
}
