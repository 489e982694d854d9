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
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"+{seconds}.{us:000000} [{client.Database} {address}]");
        for (var i = 0; i < call.Args.Count; i++)
        {
            text.Append(" \"");
            if (call.Spec.Secrets is { } isSecret && isSecret(call.Args, i)) text.Append("(redacted)");
            else AppendEscaped(text, call.Args[i]);
            text.Append('"');
        }

        return Encoding.Latin1.GetBytes(text.Append("\r\n").ToString());
    }

    private static void AppendEscaped(StringBuilder text, ReadOnlySpan<byte> bytes)
    {
        foreach (var one in bytes)
        {
            switch (one)
            {
                case (byte)'\\' or (byte)'"':
                    text.Append('\\').Append((char)one);
                    break;
                case (byte)'\n':
                    text.Append("\\n");
                    break;
                case (byte)'\r':
                    text.Append("\\r");
                    break;
                case (byte)'\t':
                    text.Append("\\t");
                    break;
                case (byte)'\a':
                    text.Append("\\a");
                    break;
                case (byte)'\b':
                    text.Append("\\b");
                    break;
                case >= (byte)' ' and <= (byte)'~':
                    text.Append((char)one);
                    break;
                default:
                    text.Append(CultureInfo.InvariantCulture, $"\\x{one:x2}");
                    break;
            }
        }
    }

    private sealed class Letter(Monitors monitors, int loop, byte[] line, Client origin) : Mail
    {
        public override void Deliver(EventLoop at)
        {
            var pushes = monitors._pushes[loop];
            pushes.Begin(line.Length, protocol: 2).Raw(line);
            var push = pushes.End();
            foreach (var client in monitors._watching[loop]) pushes.Send(client, push, origin);
        }
    }
}
