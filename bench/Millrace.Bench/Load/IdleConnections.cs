// Connections that are opened, asked nothing and held: the verb `hold`. It prints a line when all are there, and lets go
// when its standard input ends.

using System.Net;
using System.Net.Sockets;

namespace Millrace.Bench.Load;

/// <summary>Many idle connections to a server on loopback.</summary>
internal sealed class IdleConnections : IDisposable
{
    // The ports of one source address run short at about 28,000; every further 20,000 come from the next address.
    private const int PerAddress = 20_000;

    private readonly List<Socket> _sockets = [];

    public IdleConnections(int port, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            _sockets.Add(socket);
            if (i >= PerAddress) socket.Bind(new IPEndPoint(new IPAddress([127, 0, 0, (byte)(1 + (i / PerAddress))]), 0));
            socket.Connect(IPAddress.Loopback, port);
        }
    }

    public static int Run(Arguments arguments)
    {
        var port = arguments.Number("--port", 6379, max: 65535);
        var count = arguments.Number("--count", 10_000, max: 1_000_000);
        arguments.End();
        using var held = new IdleConnections(port, count);
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
}
