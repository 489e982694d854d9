using System.Net;
using System.Net.Sockets;

namespace Millrace;

/// <summary>Ports for servers of tests.</summary>
internal static class Ports
{
    // Below those that systems give to clients: none of the many connections of other tests takes one in the moment
    // before the server does. Linux begins at 32768.
    private const int First = 10_240;
    private const int End = 32_768;

    /// <summary>A port of the loopback address on which nobody listens, by chance: two that look at the same moment
    /// hardly find the same.</summary>
    internal static int Free()
    {
        while (true)
        {
            var port = Random.Shared.Next(First, End);
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException fault) when (fault.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // Somebody listens; another one.
            }
        }
    }
}
