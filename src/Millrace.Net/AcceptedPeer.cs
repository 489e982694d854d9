// A socket between its acceptance on one loop and its adoption by another.

using System.Net.Sockets;

namespace Millrace.Net;

/// <summary>An accepted socket that is no connection yet.</summary>
/// <param name="Descriptor">The system's descriptor.</param>
/// <param name="Socket">The socket object, for pollers that use one.</param>
/// <param name="Address">The peer's address; none for a Unix socket, or when the system did not say.</param>
internal readonly record struct AcceptedPeer(int Descriptor, Socket? Socket, IpEndpoint Address);

/// <summary>Brings an accepted socket to the loop that will serve it.</summary>
internal sealed class AdoptMail(Listener listener, AcceptedPeer peer) : Mail
{
    public override void Deliver(EventLoop loop) => loop.Adopt(listener, peer);
}
