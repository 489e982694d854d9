// Subscribers that do nothing but read, and the one who publishes to them: the verb `hear`. It subscribes, prints a
// line, and then publishes for each line of its input, until that ends:
//
//     "P M"    M messages, P at a time; the next P when their replies are in and everybody has heard all of them
//     "close"  one message at a time until the subscriber that does not read is gone
//
// With patterns the messages go to several channels in turn, or a server could remember what it found for the last one.
// All messages of a kind have one length, so that a subscriber counts bytes: what a reader spends must not decide how
// the server's work is cut into turns.

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Millrace.Bench.Load;

/// <summary>Subscribers of a server on loopback. One thread.</summary>
internal sealed class Subscribers : IDisposable
{
    /// <summary>Of a channel's name so many bytes are a question mark in a pattern or are not.</summary>
    public const int MaskedBytes = 10;

    /// <summary>Subscribers that share the patterns of <see cref="HearOptions.Few"/>.</summary>
    public const int FewCount = 10;

    private const int SilenceMs = 60_000; // a server that delivers nothing for so long is taken for dead
    private const int ReadBytes = 256 * 1024;
    private const int MostUntilClosed = 100_000;
    private const string ChannelName = "news:0123456789";
    private const int Channels = 4; // of patterns, which differ in the digit that follows the slash
    private const string ChannelEnd = "/0";

    private readonly HearOptions _options;
    private readonly PollSet _poll;
    private readonly Socket[] _sockets; // the publisher's is the last one
    private readonly long[] _owed; // bytes that are still to come
    private readonly int[] _frames; // bytes of one message, as each subscriber gets it
    private readonly byte[] _request;
    private readonly byte[] _read = new byte[ReadBytes];
    private Socket? _stopped;
    private readonly int _receivers;
    private readonly int _digit; // where a channel's digit is in a request, or 0
    private byte[] _requests = [];
    private int _turns;
    private long _published; // since the one that does not read came

    public Subscribers(HearOptions options)
    {
        _options = options;
        var count = options.Shape == HearOptions.Few ? FewCount : options.Count;
        if (options.Shape == HearOptions.Stopped) count--;
        _sockets = new Socket[count + 1];
        _owed = new long[count + 1];
        _frames = new int[count];
        _poll = new PollSet(count + 1);
        for (var i = 0; i < count; i++) (_sockets[i], _frames[i]) = Subscribe(i);
        if (options.Shape == HearOptions.Stopped) (_stopped, _) = Subscribe(count);
        _sockets[count] = Connect(options.Port);
        for (var i = 0; i <= count; i++) _poll.WatchReadable((int)_sockets[i].Handle, i);
        _receivers = count + (_stopped is null ? 0 : 1);
        _request = Encode("PUBLISH", Name, new string('m', options.Size));
        _digit = _request.AsSpan().IndexOf(Encoding.ASCII.GetBytes(ChannelEnd)) + 1;
    }

    public static int Run(Arguments arguments)
    {
        var options = HearOptions.From(arguments);
        arguments.End();
        using var all = new Subscribers(options);
        Console.WriteLine("hearing");
        while (Console.ReadLine() is { } line)
        {
            if (line == "close")
            {
                Console.WriteLine(all.PublishUntilClosed());
                continue;
            }

            var words = line.Split(' ');
            if (words.Length != 2) throw new UsageException("hear: 'PIPELINE MESSAGES', or 'close'");
            var pipeline = Arguments.NumberOf("PIPELINE", words[0], 1, 10_000);
            Console.WriteLine(all.Publish(pipeline, Arguments.NumberOf("MESSAGES", words[1], 1, int.MaxValue)));
        }

        return 0;
    }

    /// <summary>Publishes, and waits until everybody has heard it.</summary>
    /// <returns>How many messages were delivered.</returns>
    public long Publish(int pipeline, int messages)
    {
        var reply = Encoding.ASCII.GetByteCount($":{_receivers}\r\n");
        if (_requests.Length < pipeline * _request.Length)
            _requests = [.. Enumerable.Repeat(_request, pipeline).SelectMany(static one => one)];
        for (var left = messages; left > 0; left -= pipeline)
        {
            var now = Math.Min(left, pipeline);
            _owed[^1] += now * reply;
            for (var i = 0; i < _frames.Length; i++) _owed[i] += (long)now * _frames[i];
            for (var i = 0; i < now && _digit > 0; i++)
                _requests[(i * _request.Length) + _digit] = (byte)('0' + (_turns++ % Channels));
            PollSet.Send((int)_sockets[^1].Handle, _requests, now * _request.Length);
            Hear(_sockets.Length);
        }

        _published += messages;
        return (long)messages * _receivers;
    }

    /// <summary>Publishes until the one who does not read is closed; another one comes then.</summary>
    /// <returns>How many messages that took in all, and how many bytes it was sent and will never see.</returns>
    public string PublishUntilClosed()
    {
        while (_published < MostUntilClosed)
        {
            for (var i = 0; i < _frames.Length; i++) _owed[i] += _frames[i];
            PollSet.Send((int)_sockets[^1].Handle, _request, _request.Length);
            var receivers = ReadCount();
            Hear(_frames.Length);
            if (receivers < _receivers) break; // the message before was too much
            _published++;
        }

        if (_published == MostUntilClosed) throw new IOException($"still open after {_published} messages");
        var lost = _published * FrameBytes;
        for (var count = 1; count > 0; lost -= count) count = ReadLate();
        var seen = string.Create(CultureInfo.InvariantCulture, $"{_published} {lost}");
        _stopped!.Dispose();
        (_stopped, _) = Subscribe(_frames.Length);
        _published = 0;
        return seen;
    }

    public void Dispose()
    {
        foreach (var socket in _sockets) socket.Dispose();
        _stopped?.Dispose();
        _poll.Dispose();
    }

    private string Name => IsOfPatterns ? ChannelName + ChannelEnd : ChannelName;

    private bool IsOfPatterns => _options.Shape is HearOptions.Patterns or HearOptions.Few;

    private int FrameBytes => Encode("message", ChannelName, new string('m', _options.Size)).Length;

    private (Socket Socket, int Frame) Subscribe(int index)
    {
        var socket = Connect(_options.Port);
        if (!IsOfPatterns)
        {
            Ask(socket, "SUBSCRIBE", ChannelName);
            return (socket, FrameBytes);
        }

        var pattern = PatternOf(index);
        Ask(socket, "PSUBSCRIBE", pattern);
        var frame = Encode("pmessage", pattern, Name, new string('m', _options.Size)).Length;
        if (_options.Shape != HearOptions.Few) return (socket, frame);

        // Others begin as it does and differ later, or differ at once.
        for (var i = FewCount + index; i < _options.Count; i += FewCount)
            Ask(socket, "PSUBSCRIBE", (i / FewCount) % 2 == 0 ? $"news:{i}:*" : $"{i}:news:*");
        return (socket, frame);
    }

    // The bits of the index tell which of the last bytes may be any.
    private static string PatternOf(int index)
    {
        var pattern = new StringBuilder(ChannelName);
        for (var bit = 0; bit < MaskedBytes; bit++)
        {
            if ((index >> bit & 1) != 0) pattern[ChannelName.Length - 1 - bit] = '?';
        }

        return pattern.Append('*').ToString();
    }

    private static Socket Connect(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(IPAddress.Loopback, port);
        return socket;
    }

    // The acknowledgement has three parts, the last of which is a number in a line of its own.
    private static void Ask(Socket socket, params ReadOnlySpan<string> request)
    {
        socket.Send(Encode(request));
        var answer = new byte[512];
        var length = 0;
        while (!IsWhole(answer.AsSpan(0, length)))
        {
            var count = socket.Receive(answer.AsSpan(length));
            length += count;
            if (count == 0 || length == answer.Length || answer[0] != (byte)'*')
                throw new IOException("answer: " + Encoding.Latin1.GetString(answer, 0, length).Trim());
        }
    }

    private static bool IsWhole(ReadOnlySpan<byte> answer) =>
        answer.LastIndexOf((byte)':') is >= 0 and var at && answer[at..].EndsWith("\r\n"u8)
            && answer[(at + 1)..^2].IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0;

    private static byte[] Encode(params ReadOnlySpan<string> words)
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"*{words.Length}\r\n");
        foreach (var word in words) text.Append(CultureInfo.InvariantCulture, $"${word.Length}\r\n{word}\r\n");
        return Encoding.ASCII.GetBytes(text.ToString());
    }

    // Until the first so many sockets have what they are owed.
    private void Hear(int sockets)
    {
        var missing = 0;
        for (var i = 0; i < sockets; i++) missing += _owed[i] > 0 ? 1 : 0;
        while (missing > 0)
        {
            var count = _poll.Wait(SilenceMs);
            if (count == 0) throw new IOException($"{missing} subscribers have not heard for {SilenceMs / 1000} s");
            for (var i = 0; i < count; i++)
            {
                var at = _poll.TagAt(i);
                var taken = PollSet.Receive((int)_sockets[at].Handle, _read);
                if (taken == 0) continue;
                if (_owed[at] == 0 || taken > _owed[at]) throw new InvalidDataException("more than was published");
                _owed[at] -= taken;
                if (_owed[at] == 0) missing--;
            }
        }
    }

    private int ReadCount()
    {
        var length = 0;
        while (length < 2 || _read[length - 1] != (byte)'\n')
        {
            var count = _sockets[^1].Receive(_read.AsSpan(length, 32));
            if (count == 0) throw new IOException("the server closed the publisher's connection");
            length += count;
        }

        var text = Encoding.ASCII.GetString(_read, 0, length).Trim();
        return text[0] == ':' ? int.Parse(text.AsSpan(1), CultureInfo.InvariantCulture) : throw new IOException(text);
    }

    // What the system still holds for the one that has not read so far.
    private int ReadLate()
    {
        _stopped!.ReceiveTimeout = SilenceMs;
        try
        {
            return _stopped.Receive(_read);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return 0;
        }
    }
}
