using System.Diagnostics;
using Millrace.Commands;

namespace Millrace.Server.Observability;

/// <summary>What one loop counts of one command.</summary>
public struct CommandCounters
{
    /// <summary>Calls that ran.</summary>
    public long Calls;

    /// <summary>Time of those calls, in ticks of <see cref="Stopwatch"/>.</summary>
    public long Ticks;

    /// <summary>Calls refused before they ran: arity, gates.</summary>
    public long Rejected;

    /// <summary>Calls that ran and answered with an error.</summary>
    public long Failed;
}

/// <summary>How often replies had one error code.</summary>
/// <param name="code">The code: the text of an error up to the first space.</param>
public sealed class ErrorCounter(ReadOnlySpan<byte> code)
{
    private readonly byte[] _code = code.ToArray();

    /// <summary>The code.</summary>
    public ReadOnlySpan<byte> Code => _code;

    /// <summary>How often it was sent.</summary>
    public long Count { get; internal set; }
}

/// <summary>
/// The counters of one loop: per command and per error code.
/// </summary>
/// <remarks>
/// Written by its loop with plain increments; a sum over loops is taken while all stand still. Times come from
/// <see cref="CommandTimer"/>.
/// </remarks>
public sealed class CommandStatistics(CommandTable table)
{
    /// <summary>How many different error codes are counted apart; further ones are summed
    /// (<see cref="OtherErrors"/>).</summary>
    public const int MaxErrorCodes = 128;

    private const int MaxCodeBytes = 64;

    private readonly CommandCounters[] _counters = new CommandCounters[table.Numbered.Length];
    private readonly List<ErrorCounter> _errors = []; // few: searched from the first on
    private readonly LatencyHistogram?[] _latencies = new LatencyHistogram?[table.Numbered.Length];

    /// <summary>Requests that ran, of whatever command.</summary>
    public long Processed { get; private set; }

    /// <summary>Error replies with a code that came when there were <see cref="MaxErrorCodes"/> others already.
    /// </summary>
    public long OtherErrors { get; private set; }

    /// <summary>The time of all commands, in ticks of <see cref="Stopwatch"/>. O(commands).</summary>
    public long Ticks
    {
        get
        {
            var sum = 0L;
            foreach (ref readonly var one in _counters.AsSpan()) sum += one.Ticks;
            return sum;
        }
    }

    /// <summary>Error replies sent.</summary>
    public long ErrorReplies { get; private set; }

    /// <summary>Changes of the keyspace that commands made. CONFIG RESETSTAT leaves it alone.</summary>
    public long Changes { get; private set; }

    /// <summary>The counters of a command.</summary>
    public ref CommandCounters this[CommandSpec command] => ref _counters[command.Id];

    /// <summary>Counts a call that has run: INFO does not count itself, and CONFIG RESETSTAT is the first call after
    /// it.</summary>
    [Conditional("COUNTERS")]
    public void CountCall(CommandSpec command)
    {
        Processed++;
        _counters[command.Id].Calls++;
    }

    /// <summary>Counts how long calls took. Makes the command's histogram at its first call.</summary>
    /// <param name="command">The command.</param>
    /// <param name="ticks">The time of each call, in ticks of <see cref="Stopwatch"/>.</param>
    /// <param name="calls">How many calls.</param>
    public void CountLatency(CommandSpec command, long ticks, long calls) =>
        (_latencies[command.Id] ??= new LatencyHistogram()).Add(ticks, calls);

    /// <summary>How long the calls of a command took; null when none was measured.</summary>
    public LatencyHistogram? LatencyOf(CommandSpec command) => _latencies[command.Id];

    /// <summary>Counts changes of the keyspace.</summary>
    [Conditional("COUNTERS")]
    public void CountChanges(long changes) => Changes += changes;

    /// <summary>Counts an error reply by its code, the text up to the first space.</summary>
    [Conditional("COUNTERS")]
    public void CountError(ReadOnlySpan<byte> code)
    {
        ErrorReplies++;
        if (CounterOf(code[..Math.Min(code.Length, MaxCodeBytes)]) is { } counter) counter.Count++;
        else OtherErrors++;
    }

    /// <summary>Adds what this loop counted to the sums. All loops stand still.</summary>
    public void AddTo(CommandStatistics sum)
    {
        for (var i = 0; i < _counters.Length; i++)
        {
            sum._counters[i].Calls += _counters[i].Calls;
            sum._counters[i].Ticks += _counters[i].Ticks;
            sum._counters[i].Rejected += _counters[i].Rejected;
            sum._counters[i].Failed += _counters[i].Failed;
            _latencies[i]?.AddTo(sum._latencies[i] ??= new LatencyHistogram());
        }

        sum.Processed += Processed;
        sum.ErrorReplies += ErrorReplies;
        sum.Changes += Changes;
        foreach (var mine in _errors)
        {
            if (sum.CounterOf(mine.Code) is { } counter) counter.Count += mine.Count;
            else sum.OtherErrors += mine.Count;
        }

        sum.OtherErrors += OtherErrors;
    }

    /// <summary>Error replies by code.</summary>
    public IReadOnlyList<ErrorCounter> Errors => _errors;

    /// <summary>Error replies with one code. O(codes).</summary>
    public long ErrorsOf(ReadOnlySpan<byte> code)
    {
        foreach (var one in _errors)
        {
            if (code.SequenceEqual(one.Code)) return one.Count;
        }

        return 0;
    }

    /// <summary>Forgets all. All loops stand still.</summary>
    public void Reset()
    {
        Array.Clear(_counters);
        Array.Clear(_latencies);
        _errors.Clear();
        Processed = ErrorReplies = OtherErrors = 0;
    }

    // Null when there are too many others already.
    private ErrorCounter? CounterOf(ReadOnlySpan<byte> code)
    {
        foreach (var one in _errors)
        {
            if (code.SequenceEqual(one.Code)) return one;
        }

        if (_errors.Count >= MaxErrorCodes) return null;
        var made = new ErrorCounter(code);
        _errors.Add(made);
        return made;
    }
}
