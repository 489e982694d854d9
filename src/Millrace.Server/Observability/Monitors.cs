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
internal sealed class Monitors(int loops)
{
    // Of longer ones only the beginning is shown: a line is made while partitions are held.
    private const int MostArgumentBytes = 64 * 1024;
    private const int MostLineBytes = 256 * 1024;

    private readonly List<Client>[] _watching = [.. Enumerable.Range(0, loops).Select(static _ => new List<Client>())];
    private readonly int[] _counts = new int[loops];
    private readonly PushWriter[] _pushes = new PushWriter[loops];
    private readonly EventLoop[] _loops = new EventLoop[loops];
    private int _count;

    /// <summary>Whether anybody watches.</summary>
    public bool IsWatched => Volatile.Read(ref _count) > 0;

    /// <summary>Takes a loop in, before anything runs.</summary>
    public void Attach(EventLoop loop, PushWriter pushes)
    {
        _loops[loop.Index] = loop;
        _pushes[loop.Index] = pushes;
    }

    /// <summary>A client begins to watch. On its loop.</summary>
    public void Begin(Client client)
    {
        if (client.IsMonitor) return;
        client.IsMonitor = true;
        client.SettleListening();
        var loop = client.Connection.Loop.Index;
        _watching[loop].Add(client);
        Volatile.Write(ref _counts[loop], _watching[loop].Count);
        Interlocked.Increment(ref _count);
    }

    /// <summary>A client watches no more. On its loop.</summary>
    public void End(Client client)
    {
        if (!client.IsMonitor) return;
        client.IsMonitor = false;
        client.SettleListening();
        var loop = client.Connection.Loop.Index;
        _watching[loop].Remove(client);
        Volatile.Write(ref _counts[loop], _watching[loop].Count);
        Interlocked.Decrement(ref _count);
    }

    /// <summary>A command has run. Those that administer the server are not shown.</summary>
    /// <param name="call">What ran.</param>
    /// <param name="client">Who sent it.</param>
    public void Show(in Call call, Client client)
    {
        if ((call.Spec.Flags & (CommandFlags.SkipMonitor | CommandFlags.Admin)) != 0) return;
        var line = LineOf(call, client);
        for (var i = 0; i < _counts.Length; i++)
        {
            if (Volatile.Read(ref _counts[i]) > 0) _loops[i].Post(new Letter(this, i, line, client));
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

    private sealed class Letter(Monitors monitors, int loop, byte[] line, Client origin) : Mail
    {
        public override void Deliver(EventLoop at)
        {
            var pushes = monitors._pushes[loop];
            pushes.BeginLetter();
            pushes.Begin(line.Length, protocol: 2).Raw(line);
            var push = pushes.End();
            foreach (var client in monitors._watching[loop]) pushes.Send(client, push, origin);
        }
    }
}
