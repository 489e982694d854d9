using System.Net;
using System.Net.Sockets;
using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Differential;

/// <summary>
/// Stands between the clients and one server and changes one reply: the first integer or string reply of at least one
/// byte from a given number of replies on gets its last byte changed. Everything else passes as it is.
/// </summary>
public sealed class CorruptingProxy : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly int _serverPort;
    private readonly Predicate<byte[]> _isVictim;
    private readonly int _firstCandidate;
    private int _replies;
    private int _corrupted;

    /// <summary>A proxy before a port that corrupts one reply chosen by a predicate.</summary>
    public CorruptingProxy(int serverPort, int firstCandidate, Predicate<byte[]> isVictim)
    {
        _serverPort = serverPort;
        _firstCandidate = firstCandidate;
        _isVictim = isVictim;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        Start(Accept);
    }

    /// <summary>The port to connect to.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>The reply as the server sent it, once one was corrupted.</summary>
    public byte[]? Original { get; private set; }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    private static void Start(Action action) => new Thread(() =>
    {
        try
        {
            action();
        }
        catch (Exception fault)
            when (fault is SocketException or IOException or ObjectDisposedException or TimeoutException)
        {
            // One side has closed: so is this direction.
        }
    })
    { IsBackground = true }.Start();

    private void Accept()
    {
        while (true)
        {
            Socket client = _listener.Accept();
            client.NoDelay = true;
            var server = new RawConnection(_serverPort, timeoutMs: 0);
            Start(() => Upstream(client, server));
            Start(() => Downstream(server, client));
        }
    }

    private static void Upstream(Socket client, RawConnection server)
    {
        byte[] buffer = new byte[64 * 1024];
        int received;
        while ((received = client.Receive(buffer)) > 0)
            server.Send(buffer.AsSpan(0, received));
        server.Socket.Shutdown(SocketShutdown.Send);
    }

    private void Downstream(RawConnection server, Socket client)
    {
        try
        {
            while (true)
            {
                byte[] reply = server.ReadReply();
                Corrupt(reply);
                ReadOnlySpan<byte> rest = reply;
                while (!rest.IsEmpty)
                    rest = rest[client.Send(rest)..];
            }
        }
        finally
        {
            client.Dispose();
        }
    }

    private void Corrupt(byte[] reply)
    {
        if (Interlocked.Increment(ref _replies) < _firstCandidate || !_isVictim(reply))
            return;
        if (Interlocked.Exchange(ref _corrupted, 1) != 0)
            return;
        Original = [.. reply];
        // The byte before the closing CRLF: the last digit of a number, the last byte of a string.
        reply[^3] = reply[^3] == (byte)'1' ? (byte)'2' : (byte)'1';
    }
}
