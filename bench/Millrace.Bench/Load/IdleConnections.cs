// Connections that are opened and held: the verb `hold`. Each has asked PING once, as real ones that idle have spoken
// before, unless they are to be silent. It prints a line when all are there, and lets go when its standard input ends.

using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Millrace.Bench.Load;

/// <summary>Many idle connections to a server on loopback.</summary>
internal sealed class IdleConnections : IDisposable
{
    // The ports of one source address run short at about 28,000; every further 20,000 come from the next address.
    private const int PerAddress = 20_000;

    private readonly List<Socket> _sockets = [];

    public IdleConnections(int port, int count, bool isSilent)
    {
        for (var i = 0; i < count; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            _sockets.Add(socket);
            if (i >= PerAddress) socket.Bind(new IPEndPoint(Address(1 + (i / PerAddress)), 0));
            socket.Connect(IPAddress.Loopback, port);
            if (!isSilent) Ping(socket);
        }
    }

    public static int Run(Arguments arguments)
    {
        var port = arguments.Number("--port", 6379, max: 65535);
        var count = arguments.Number("--count", 10_000, max: 1_000_000);
        var isSilent = arguments.Flag("--silent");
        arguments.End();
        using var held = new IdleConnections(port, count, isSilent);
        Console.WriteLine("holding");
        while (Console.ReadLine() is not null)
        {
        }

        return 0;
    }

    public void Dispose()
    {
        foreach (var socket in _sockets) socket.Dispose();
    }

    private static IPAddress Address(int last) => new([127, 0, 0, (byte)last]);

    private static void Ping(Socket socket)
    {
        socket.Send("*1\r\n$4\r\nPING\r\n"u8);
        Span<byte> answer = stackalloc byte[64];
        var count = socket.Receive(answer);
        if (!answer[..count].SequenceEqual("+PONG\r\n"u8))
            throw new IOException("answer to PING: " + Encoding.Latin1.GetString(answer[..count]).Trim());
    }
}
