using Millrace.Engine;
using Millrace.Net;

namespace Millrace.Server;

/// <summary>
/// A client whose next request waits, as a letter to its loop: whoever ends the wait posts it.
/// </summary>
/// <remarks>Made when a client parks; the releasing thread never touches the client itself.</remarks>
public sealed class ParkedClient(Client client) : Mail, IParked
{
    /// <inheritdoc/>
    public void Released()
    {
        SchedulePoint.Yield();
        client.Connection.Loop.Post(this);
    }

    /// <inheritdoc/>
    public override void Deliver(EventLoop loop)
    {
        if (client.IsClosing || !client.Connection.IsOpen) return;
        client.IsParked = client.IsPostponed = false;
        client.Connection.ResumeReading();
        loop.MarkReady(client.Connection);
    }
}
