// A client that speaks RESP and shows replies as short text: [a b] for aggregates, (nil) for null, the bytes otherwise.

using System.Net;
using System.Net.Sockets;
using System.Text;
using Millrace.Resp;

namespace Millrace.Server.Tests;

/// <summary>One connection to an <see cref="InProcessServer"/>; texts are Latin-1.</summary>
internal sealed class Conversation : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream,
        ProtocolType.Tcp) { NoDelay = true };
    private byte[] _unread = [];

    public Conversation(InProcessServer server)
        : this(server.Port)
    {
    }

    public Conversation(int port)
    {
        _socket.Connect(IPAddress.Loopback, port);
        _socket.ReceiveTimeout = 30_000;
    }

    /// <summary>Our end's address, as the server sees it.</summary>
    public string Address => _socket.LocalEndPoint!.ToString()!;

    /// <summary>Sends words that are separated by blanks and returns the reply as text.</summary>
    public string Say(string request) => SayWords(request.Split(' '));

    /// <summary>Sends words and returns the reply as text.</summary>
    public string SayWords(params string[] words)
    {
        Send(words);
        return Read();
    }

    /// <summary>Sends words that are separated by blanks and returns the reply's bytes.</summary>
    public string Bytes(string request)
    {
        Send(request.Split(' '));
        return ReadReply().Bytes;
    }

    public void Send(params string[] words) => SendText(Peer.Encode(words));

    /// <summary>Sends text as it is: part of a request, or several at once.</summary>
    public void SendText(string text) => _socket.Send(Encoding.Latin1.GetBytes(text));

    /// <summary>The next reply as text.</summary>
    public string Read() => Render(ReadReply().Value);

    /// <summary>The bytes of the next reply.</summary>
    public string ReadBytes() => ReadReply().Bytes;

    /// <summary>Whether the server closes the connection without sending anything more.</summary>
    public bool IsClosed()
    {
        try
        {
            return _unread.Length == 0 && _socket.Receive(new byte[1]) == 0;
        }
        catch (SocketException fault) when (fault.SocketErrorCode == SocketError.ConnectionReset)
        {
            return true;
        }
    }

    /// <summary>Whether nothing has come that was not read.</summary>
    public bool IsSilent() => _unread.Length == 0 && _socket.Available == 0;

    public void Dispose() => _socket.Dispose();

    private (RespValue Value, string Bytes) ReadReply()
    {
        var buffer = new byte[64 * 1024];
        while (true)
        {
            if (new RespReader().Read(_unread, out var value, out var consumed) == ReadStatus.Complete)
            {
                var bytes = Encoding.Latin1.GetString(_unread, 0, consumed);
                _unread = _unread[consumed..];
                return (value!, bytes);
            }

            var count = _socket.Receive(buffer);
            if (count == 0) throw new EndOfStreamException("the server closed the connection");
            _unread = [.. _unread, .. buffer.AsSpan(0, count)];
        }
    }

    private static string Render(RespValue value) => value switch
    {
        { IsNull: true } => "(nil)",
        { IsAggregate: true } => "[" + string.Join(' ', value.Items.Select(Render)) + "]",
        { Kind: RespKind.Integer } => value.Integer.ToString(),
        _ => Encoding.Latin1.GetString(value.Bytes.Span),
    };
}
