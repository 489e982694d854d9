// One listening socket. It is served by one loop, which spreads the connections over the group.

using System.Net;
using System.Net.Sockets;

namespace Millrace.Net;

/// <summary>A socket that takes connections in.</summary>
public sealed class Listener
{
    private readonly LoopGroup _group;
    private LoopTimer? _rest;
    private volatile LocalEnd? _lastLocalEnd;

    internal Listener(LoopGroup group, EventLoop loop, ListenEndpoint endpoint, Socket socket)
    {
        _group = group;
        Loop = loop;
        Endpoint = endpoint;
        Socket = socket;
        Descriptor = (int)socket.Handle;
        Port = socket.LocalEndPoint is IPEndPoint ip ? ip.Port : 0;
        UnixAddress = endpoint.IsUnix ? $"{endpoint.Path}:0" : "";
    }

    /// <summary>What was asked for.</summary>
    public ListenEndpoint Endpoint { get; }

    /// <summary>The TCP port, also when the system chose it; 0 for a Unix socket.</summary>
    public int Port { get; }

    /// <summary>The loop that serves it.</summary>
    public EventLoop Loop { get; }

    /// <summary>It takes no more connections in.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Whatever the server wants to find here, such as the name of the directive.</summary>
    public object? Tag { get; set; }

    /// <summary>Both ends of a connection through a Unix socket, as text.</summary>
    internal string UnixAddress { get; }

    internal Socket Socket { get; }

    internal int Descriptor { get; }

    /// <summary>It waits a while because no descriptor was free.</summary>
    internal bool IsResting { get; private set; }

    /// <summary>The poller's own: its slot, or -1.</summary>
    internal int PollerSlot { get; set; } = -1;

    /// <summary>The poller's own: the operation that accepts.</summary>
    internal object? Transport { get; set; }

    /// <summary>Stops listening; when it returns the address is free again. Connections taken in stay. Any thread, also
    /// from within <see cref="LoopGroup.Quiesce"/>; without effect when closed before.</summary>
    public void Close() => _group.CloseListener(this);

    /// <summary>The text of our end of a connection. Nearly all connections of a listener have the same, and share it.
    /// Any loop.</summary>
    /// <param name="local">Our end; ignored for a Unix socket.</param>
    internal string TextOf(IpEndpoint local)
    {
        if (Endpoint.IsUnix) return UnixAddress;
        LocalEnd? last = _lastLocalEnd;
        if (last is null || last.Value != local) _lastLocalEnd = last = new LocalEnd(local, local.ToString());
        return last.Text;
    }

    /// <summary>Requires: on its loop, or all loops stand still, or none runs.</summary>
    internal void CloseDirectly()
    {
        if (IsClosed) return;
        IsClosed = true;
        Loop.RemoveListener(this);
        Socket.Dispose();
    }

    /// <summary>On its loop: takes nothing in for a while.</summary>
    internal void Rest(int pauseMs)
    {
        if (IsClosed) return;
        IsResting = true;
        Loop.WatchListener(this);
        _rest ??= Loop.CreateTimer(static timer => ((Listener)timer.State!).EndRest(), this);
        _rest.Start(pauseMs);
    }

    private void EndRest()
    {
        IsResting = false;
        if (!IsClosed) Loop.WatchListener(this);
    }

    /// <summary>An end with its text, in one object, so that loops see both or neither.</summary>
    private sealed record LocalEnd(IpEndpoint Value, string Text);

    /// <summary>Brings a new listener to its loop.</summary>
    internal sealed class OpenMail(Listener listener) : Mail
    {
        public override void Deliver(EventLoop loop)
        {
            if (!listener.IsClosed) loop.WatchListener(listener);
        }
    }
}
