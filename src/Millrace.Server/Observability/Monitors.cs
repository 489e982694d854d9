using System.Buffers;
using System.Globalization;
using System.Text;
using Millrace.Commands;
using Millrace.Net;
using Millrace.Server.PubSub;

namespace Millrace.Server.Observability;

/// <summary>
/// The clients that see every command of all others (MONITOR).
/// </summary>
/// <remarks>
/// <code>
///   +1795774485.098066 [3 127.0.0.1:41134] "get" "a"       seconds.microseconds [database address] request
/// </code>
/// A line is posted while the command's unit holds its partitions, so commands on one key are seen in the order in
/// which they ran. A loop's list belongs to that loop. While nobody watches, a command costs one look at
/// <see cref="IsWatched"/>. Source: Redis 7.2 documentation, "MONITOR".
/// </remarks>
/// <param name="loops">How many loops there are.</param>
/// <param name="underWay">Counts lines on their way.</param>
internal sealed class Monitors(int loops, LettersUnderWay underWay)
{
    // Of longer ones only the beginning is shown: a line is made while partitions are held.
    private const int MostArgumentBytes = 64 * 1024;
    private const int MostLineBytes = 256 * 1024;

    private readonly Watchers[] _watchers = new Watchers[loops];
    private int _count;

    /// <summary>Whether anybody watches.</summary>
    public bool IsWatched => Volatile.Read(ref _count) > 0;

    /// <summary>Takes a loop in, before anything runs.</summary>
    public void Attach(EventLoop loop, PushWriter pushes) => _watchers[loop.Index] = new Watchers(loop, pushes);

    /// <summary>A client begins to watch. On its loop.</summary>
    public void Begin(Client client)
    {
        if (client.IsMonitor) return;
        client.IsMonitor = true;
        client.SettleListening();
        _watchers[client.Connection.Loop.Index].Add(client);
        Interlocked.Increment(ref _count);
    }

    /// <summary>A client watches no more. On its loop.</summary>
    public void End(Client client)
    {
        if (!client.IsMonitor) return;
        client.IsMonitor = false;
        client.SettleListening();
        _watchers[client.Connection.Loop.Index].Remove(client);
        Interlocked.Decrement(ref _count);
    }

    /// <summary>A command has run. Those that administer the server are not shown.</summary>
    /// <param name="call">What ran.</param>
    /// <param name="client">Who sent it.</param>
    public void Show(in Call call, Client client)
    {
        if ((call.Spec.Flags & (CommandFlags.SkipMonitor | CommandFlags.Admin)) != 0) return;
        var line = LineOf(call, client);
        foreach (var watchers in _watchers)
        {
            if (watchers.Count > 0) new Line(watchers, line, client).Send(watchers.Loop, underWay);
        }
    }

    private static byte[] LineOf(in Call call, Client client)
    {
        const long UsPerSecond = 1_000_000;
        var connection = client.Connection;
        var (seconds, us) = Math.DivRem(connection.Loop.UnixUs, UsPerSecond);
        var address = connection.IsUnixSocket ? "unix:" + connection.LocalAddress : connection.RemoteAddress;
        var line = new ArrayBufferWriter<byte>();
        line.Write(Encoding.Latin1.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"+{seconds}.{us:000000} [{client.Database} {address}]")));
        for (var i = 0; i < call.Args.Count; i++)
        {
            if (line.WrittenCount > MostLineBytes)
            {
                line.Write(Encoding.ASCII.GetBytes(string.Create(
                    CultureInfo.InvariantCulture, $" \"... ({call.Args.Count - i} more arguments)\"")));
                break;
            }

            line.Write(" \""u8);
            if (call.Spec.Secrets is { } isSecret && isSecret(call.Args, i)) line.Write("(redacted)"u8);
            else WriteEscaped(line, call.Args[i]);
            line.Write("\""u8);
        }

        line.Write("\r\n"u8);
        return line.WrittenSpan.ToArray();
    }

    private static void WriteEscaped(ArrayBufferWriter<byte> line, ReadOnlySpan<byte> argument)
    {
        const int LongestEscape = 4;
        var shown = argument[..Math.Min(argument.Length, MostArgumentBytes)];
        var to = line.GetSpan((shown.Length * LongestEscape) + 1);
        var length = 0;
        foreach (var one in shown) length += Escape(to[length..], one);
        line.Advance(length);
        if (shown.Length == argument.Length) return;
        line.Write(Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"... ({argument.Length - shown.Length} more bytes)")));
    }

    private static int Escape(Span<byte> to, byte one)
    {
        ReadOnlySpan<byte> letters = "abtn\0\0r"u8; // of the bytes from 7 to 13 that have one
        const int FirstLetter = 7;
        if (one is >= (byte)' ' and <= (byte)'~' and not ((byte)'\\' or (byte)'"'))
        {
            to[0] = one;
            return 1;
        }

        to[0] = (byte)'\\';
        if (one is (byte)'\\' or (byte)'"')
        {
            to[1] = one;
            return 2;
        }

        if (one - FirstLetter is >= 0 and var place && place < letters.Length && letters[place] != 0)
        {
            to[1] = letters[place];
            return 2;
        }

        to[1] = (byte)'x';
        Convert.TryToHexStringLower([one], to[2..], out _);
        return 4;
    }

    // The clients of one loop that watch.
    private sealed class Watchers(EventLoop loop, PushWriter pushes)
    {
        private readonly List<Client> _clients = [];
        private int _count;

        public EventLoop Loop => loop;

        // Any thread.
        public int Count => Volatile.Read(ref _count);

        public void Add(Client client)
        {
            _clients.Add(client);
            Volatile.Write(ref _count, _clients.Count);
        }

        public void Remove(Client client)
        {
            _clients.Remove(client);
            Volatile.Write(ref _count, _clients.Count);
        }

        public void Show(byte[] line, Client origin)
        {
            pushes.BeginLetter();
            pushes.Begin(line.Length, protocol: 2).Raw(line);
            var push = pushes.End();
            foreach (var client in _clients) pushes.Send(client, push, origin);
        }
    }

    private sealed class Line(Watchers watchers, byte[] line, Client origin) : Letter
    {
        protected override long Bytes => line.Length;

        protected override long Deliveries => watchers.Count;

        protected override void DeliverTo(EventLoop loop) => watchers.Show(line, origin);
    }
}
