using System.Globalization;
using System.Text;
using Millrace.Commands;

namespace Millrace.Server.Observability;

/// <summary>A call that took long: its end, or the end of the run of calls that it stands for.</summary>
/// <param name="command">The command.</param>
/// <param name="client">Who called.</param>
/// <param name="args">The request. Belongs to whoever reports the call.</param>
/// <param name="microseconds">How long it took.</param>
/// <param name="calls">1; or how many equal short calls were timed as one (<see cref="CommandTimer"/>).</param>
/// <param name="unixMs">When it ended.</param>
public readonly ref struct SlowCall(
    CommandSpec command, Client client, Resp.Args args, long microseconds, long calls, long unixMs)
{
    /// <summary>The command.</summary>
    public CommandSpec Command { get; } = command;

    /// <summary>Who called. Only what never changes of it, and its name, may be looked at: it may live elsewhere.
    /// </summary>
    public Client Client { get; } = client;

    /// <summary>The request.</summary>
    public Resp.Args Args { get; } = args;

    /// <summary>How long it took, in microseconds.</summary>
    public long Microseconds { get; } = microseconds;

    /// <summary>How many equal short calls were timed as one.</summary>
    public long Calls { get; } = calls;

    /// <summary>When it ended, in Unix milliseconds.</summary>
    public long UnixMs { get; } = unixMs;
}

/// <summary>One entry of the slow log. Immutable.</summary>
/// <param name="Id">Its number: never given twice, and larger for what was logged later.</param>
/// <param name="UnixSeconds">When the call ended.</param>
/// <param name="Microseconds">How long it took.</param>
/// <param name="Arguments">The request, cut to a length (<see cref="SlowLog"/>).</param>
/// <param name="Address">Where the client comes from.</param>
/// <param name="ClientName">What it has called itself.</param>
public sealed record SlowLogEntry(
    long Id, long UnixSeconds, long Microseconds, byte[][] Arguments, string Address, string ClientName);

/// <summary>
/// The calls that took longer than <c>slowlog-log-slower-than</c>, newest first, at most <c>slowlog-max-len</c>.
/// </summary>
/// <remarks>
/// Shared by all loops. Its lock guards everything in it; it comes last in the order of locks and is held for moments:
/// an entry is made before it is taken. Nobody comes near it while no call is slow.
/// Source: Redis 7.2 documentation, "SLOWLOG GET"; what is cut and how, redis-server 7.0.15.
/// </remarks>
public sealed class SlowLog
{
    /// <summary>The most arguments that an entry keeps; the last one says how many are left out.</summary>
    public const int MaxArguments = 32;

    /// <summary>The most bytes that an entry keeps of an argument.</summary>
    public const int MaxArgumentBytes = 128;

    private readonly object _sync = new();
    private readonly LinkedList<SlowLogEntry> _entries = new(); // newest first
    private long _nextId;
    private long _thresholdUs = -1;
    private long _maxLength;

    /// <summary>How many entries there are.</summary>
    public int Length
    {
        get
        {
            lock (_sync) return _entries.Count;
        }
    }

    /// <summary>Brings settings into force; what is beyond the new length goes.</summary>
    public void Adopt(LatencySettings settings)
    {
        lock (_sync)
        {
            _thresholdUs = settings.SlowLogMicroseconds;
            _maxLength = settings.SlowLogLength;
            Trim();
        }
    }

    /// <summary>Logs a call, if it took long enough and its command belongs into the log.</summary>
    public void Note(in SlowCall call)
    {
        if (!IsSlow(call.Microseconds) || (call.Command.Flags & CommandFlags.SkipSlowlog) != 0) return;
        var entry = new SlowLogEntry(
            0, call.UnixMs / 1000, call.Microseconds, Cut(call), call.Client.Connection.RemoteAddress,
            call.Client.Name);
        lock (_sync)
        {
            _entries.AddFirst(entry with { Id = _nextId++ });
            Trim();
        }
    }

    /// <summary>The newest entries, newest first.</summary>
    /// <param name="count">How many at most.</param>
    public SlowLogEntry[] Newest(long count)
    {
        lock (_sync) return [.. _entries.Take((int)Math.Min(count, _entries.Count))];
    }

    /// <summary>Forgets all entries. Numbers go on.</summary>
    public void Reset()
    {
        lock (_sync) _entries.Clear();
    }

    private bool IsSlow(long microseconds)
    {
        var threshold = Volatile.Read(ref _thresholdUs);
        return threshold >= 0 && microseconds >= threshold;
    }

    private void Trim()
    {
        while (_entries.Count > _maxLength) _entries.RemoveLast();
    }

    // A run that was timed as one says so behind its arguments, or in the place of the last of them.
    private static byte[][] Cut(in SlowCall call)
    {
        var count = call.Args.Count;
        var isRun = call.Calls > 1;
        var kept = Math.Min(count, MaxArguments - (isRun ? 1 : 0));
        var cut = new byte[kept + (isRun ? 1 : 0)][];
        for (var i = 0; i < kept; i++) cut[i] = Shown(call, i);
        if (kept < count) cut[kept - 1] = Text($"... ({count - kept + 1} more arguments)");
        if (isRun) cut[kept] = Text($"... (one of {call.Calls} in a row)");
        return cut;
    }

    private static byte[] Shown(in SlowCall call, int index)
    {
        var argument = call.Args[index];
        if (call.Command.Secrets is { } isSecret && isSecret(call.Args, index)) return Text($"(redacted)");
        return argument.Length <= MaxArgumentBytes
            ? argument.ToArray()
            : [.. argument[..MaxArgumentBytes], .. Text($"... ({argument.Length - MaxArgumentBytes} more bytes)")];
    }

    private static byte[] Text(FormattableString text) =>
        Encoding.ASCII.GetBytes(text.ToString(CultureInfo.InvariantCulture));
}
