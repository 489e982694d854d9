// The two ends of an accepted socket, asked of the system.

namespace Millrace.Net;

internal static class SocketEnds
{
    /// <summary>Our end of a TCP connection; nothing for a Unix socket.</summary>
    public static IpEndpoint LocalOf(Connection connection)
    {
        if (connection.IsUnixSocket) return default;
        Span<byte> address = stackalloc byte[LinuxCalls.AddressBytes];
        int result = LinuxCalls.LocalAddress(connection.Descriptor, address, out int length);
        return result < 0 ? default : IpEndpoint.Parse(address[..length]);
    }

    /// <summary>The peer's end of a socket that a listener has accepted; nothing for a Unix socket.</summary>
    public static IpEndpoint PeerOf(Listener listener, int descriptor)
    {
        if (listener.Endpoint.IsUnix) return default;
        Span<byte> address = stackalloc byte[LinuxCalls.AddressBytes];
        int result = LinuxCalls.PeerAddress(descriptor, address, out int length);
        return result < 0 ? default : IpEndpoint.Parse(address[..length]);
    }
}
