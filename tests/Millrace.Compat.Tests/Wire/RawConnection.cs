using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Millrace.Compat.Tests.Wire;

/// <summary>
/// A blocking client connection that gives each reply's exact bytes. A reply is one RESP value, together with the
/// attribute and the pushes that stand before it. Not thread-safe.
/// </summary>
public sealed class RawConnection : IDisposable
{
    private const int DefaultTimeoutMs = 20_000;
    private readonly Socket _socket;
    private byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    /// <summary>Connects to a port of 127.0.0.1.</summary>
    public RawConnection(int port, int timeoutMs = DefaultTimeoutMs)
    {
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            _socket.Connect(new IPEndPoint(IPAddress.Loopback, port));
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
        _socket.ReceiveTimeout = timeoutMs;
        _socket.SendTimeout = timeoutMs;
    }

    /// <summary>The socket, for tests that shut it down or make it slow.</summary>
    public Socket Socket => _socket;

    /// <summary>Encodes one request as an array of bulk strings.</summary>
    public static byte[] Encode(params ReadOnlySpan<byte[]> arguments)
    {
        using var bytes = new MemoryStream();
        bytes.Write(Encoding.ASCII.GetBytes($"*{arguments.Length}\r\n"));
        foreach (byte[] argument in arguments)
        {
            bytes.Write(Encoding.ASCII.GetBytes($"${argument.Length}\r\n"));
            bytes.Write(argument);
            bytes.Write("\r\n"u8);
        }
        return bytes.ToArray();
    }

    /// <summary>Encodes one request given as text (Latin-1: one byte per character).</summary>
    public static byte[] Encode(params string[] arguments) =>
        Encode(arguments.Select(Encoding.Latin1.GetBytes).ToArray().AsSpan());

    /// <summary>Sends bytes as they are.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[_socket.Send(bytes)..];
    }

    /// <summary>Sends one request and gives its reply's bytes.</summary>
    public byte[] Call(params string[] arguments)
    {
        Send(Encode(arguments));
        return ReadReply();
    }

    /// <summary>Sends one request of exact bytes and gives its reply's bytes.</summary>
    public byte[] Call(byte[][] arguments)
    {
        Send(Encode(arguments.AsSpan()));
        return ReadReply();
    }

    /// <summary>Sends one request and gives its reply as Latin-1 text with CRLF kept.</summary>
    public string Ask(params string[] arguments) => Encoding.Latin1.GetString(Call(arguments));

    /// <summary>Reads the exact bytes of the next reply. Throws <see cref="IOException"/> at the end of the
    /// stream.</summary>
    public byte[] ReadReply()
    {
        int length;
        while ((length = ReplyScanner.Measure(_buffer.AsSpan(_start, _end - _start))) < 0)
            Fill();
        byte[] reply = _buffer.AsSpan(_start, length).ToArray();
        _start += length;
        return reply;
    }

    /// <summary>Reads the next reply as Latin-1 text.</summary>
    public string ReadText() => Encoding.Latin1.GetString(ReadReply());

    /// <summary>Reads everything up to the end of the stream (or a reset by the peer).</summary>
    public byte[] ReadToEnd()
    {
        try
        {
            while (true)
                Fill();
        }
        catch (IOException)
        {
            byte[] rest = _buffer.AsSpan(_start, _end - _start).ToArray();
            _start = _end;
            return rest;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private void Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }
        if (_end == _buffer.Length)
            Array.Resize(ref _buffer, _buffer.Length * 2);
        int received;
        try
        {
            received = _socket.Receive(_buffer.AsSpan(_end));
        }
        catch (SocketException fault) when (fault.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            throw new TimeoutException("No reply in time.", fault);
        }
        catch (SocketException fault)
        {
            throw new IOException(fault.Message, fault);
        }
        if (received == 0)
            throw new IOException("The server has closed the connection.");
        _end += received;
    }
}
