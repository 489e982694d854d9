// Opening listening sockets, the same way for all pollers. Cold path: System.Net.Sockets does it.
//
// A Unix socket gets its permissions between bind and listen: until it listens, nobody can connect to it. A file that
// is in the way is removed when it is a socket on which nobody listens.
// SO_REUSEADDR: System.Net.Sockets sets it for TCP on Unix in Bind; SO_REUSEPORT is not set, so a busy port is refused.

using System.Net;
using System.Net.Sockets;

namespace Millrace.Net;

internal static class ListenSocket
{
    private const int MaxUnixPathBytes = 107;   // sun_path without its terminating zero

    /// <summary>A listening socket, or null and why.</summary>
    public static Socket? TryOpen(ListenEndpoint endpoint, out BindError? error)
    {
        error = null;
        Socket? socket = null;
        string step = "socket";
        try
        {
            socket = Create(endpoint);
            step = "bind";
            if (endpoint.IsUnix) BindUnix(socket, endpoint.Path!, out step);
            else socket.Bind(new IPEndPoint(endpoint.Address!, endpoint.Port));
            if (endpoint.Mode is { } mode && !OperatingSystem.IsWindows())
            {
                step = "chmod";
                File.SetUnixFileMode(endpoint.Path!, mode);
            }
            step = "listen";
            socket.Listen(endpoint.Backlog);
            return socket;
        }
        catch (SocketException e)
        {
            error = new BindError(e.SocketErrorCode, TextOf(e), step);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            error = new BindError(SocketError.AccessDenied, e.Message, step);
        }
        socket?.Dispose();
        return null;
    }

    private static Socket Create(ListenEndpoint endpoint)
    {
        if (endpoint.IsUnix) return new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        AddressFamily family = endpoint.Address!.AddressFamily;
        var socket = new Socket(family, SocketType.Stream, ProtocolType.Tcp);
        if (family == AddressFamily.InterNetworkV6) socket.DualMode = false;
        if (OperatingSystem.IsWindows()) socket.ExclusiveAddressUse = true;
        return socket;
    }

    private static void BindUnix(Socket socket, string path, out string step)
    {
        step = "bind";
        if (System.Text.Encoding.UTF8.GetByteCount(path) > MaxUnixPathBytes)
            throw new SocketException((int)SocketError.InvalidArgument, "the path of the socket is too long");
        RemoveStale(path);
        socket.Bind(new UnixDomainSocketEndPoint(path));
    }

    /// <summary>Removes the file of a socket on which nobody listens.</summary>
    private static void RemoveStale(string path)
    {
        if (!File.Exists(path) || !IsSocket(path)) return;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
        }
        catch (SocketException)
        {
            // Somebody is there, or nobody can tell: bind will say what is wrong.
        }
    }

    /// <summary>A socket's file cannot be opened (ENXIO); others can, or fail in other ways.</summary>
    private static bool IsSocket(string path)
    {
        if ((File.GetAttributes(path) & FileAttributes.Directory) != 0) return false;
        try
        {
            using FileStream file = File.Open(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            return false;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    private static string TextOf(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => "Address already in use",
        SocketError.AddressNotAvailable => "Cannot assign requested address",
        SocketError.AccessDenied => "Permission denied",
        _ => e.Message,
    };
}
