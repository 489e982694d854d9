// How much garbage the process lets lie. INFO both leaves some and says how much there is.

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Millrace.Host.Tests;

public sealed class GarbageTests
{
    /// <summary>The limit is 16 MB; a runtime that did not know the setting would wait longer on processors with a
    /// large cache.</summary>
    private const long MostBytes = 40 * 1024 * 1024;

    [Fact]
    public void Garbage_is_collected_before_there_is_much_of_it()
    {
        int port = Ports.Free();
        using HostProcess host = HostProcess.Start("--port", $"{port}");
        host.WaitFor("Ready to accept connections tcp");
        using var client = new TcpClient();
        client.Connect(IPAddress.Loopback, port);
        using NetworkStream stream = client.GetStream();
        using var reader = new StreamReader(stream, Encoding.Latin1);
        byte[] request = Encoding.Latin1.GetBytes("INFO everything\r\n");
        long bytes;
        do
        {
            stream.Write(request);
            string info = ReadBulk(reader);
            if (Figure(info, "millrace_managed_heap_collections") > 0) return;
            bytes = Figure(info, "millrace_managed_heap_bytes");
        }
        while (bytes < MostBytes);
        Assert.Fail($"{bytes} bytes of managed memory and no collection");
    }

    private static string ReadBulk(StreamReader reader)
    {
        int length = int.Parse(reader.ReadLine()!.AsSpan(1), CultureInfo.InvariantCulture);
        char[] text = new char[length + 2];
        if (reader.ReadBlock(text) != text.Length) throw new EndOfStreamException();
        return new string(text, 0, length);
    }

    private static long Figure(string info, string name)
    {
        string line = info.Split("\r\n").Single(line => line.StartsWith(name + ":", StringComparison.Ordinal));
        return long.Parse(line.AsSpan(name.Length + 1), CultureInfo.InvariantCulture);
    }
}
