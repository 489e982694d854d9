namespace Millrace.Net;

internal struct SocketPoller(LoopGroup group) : IPoller
{
    private readonly LoopGroup _group = group;
    public static string Name => "sockets";
    public readonly void Wake() => throw new NotSupportedException(_group.PollerName);
    public void Wait(int timeoutMs) => throw new NotSupportedException();
    public void Dispatch(PollerSink sink) => throw new NotSupportedException();
    public void WatchListener(Listener listener, PollerSink sink) => throw new NotSupportedException();
    public void RemoveListener(Listener listener) => throw new NotSupportedException();
    public bool TryAdd(Connection connection, in AcceptedPeer peer) => throw new NotSupportedException();
    public void Discard(in AcceptedPeer peer) => throw new NotSupportedException();
    public void Watch(Connection connection) => throw new NotSupportedException();
    public void Send(Connection connection, PollerSink sink) => throw new NotSupportedException();
    public void EndSending(Connection connection) => throw new NotSupportedException();
    public void Close(Connection connection, PollerSink sink) => throw new NotSupportedException();
    public void Dispose() { }
}
