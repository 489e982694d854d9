using System.Diagnostics;
using Millrace.Commands;
using Millrace.Engine;
using Millrace.Resp;
using Millrace.Server.Execution;

namespace Millrace.Server.Observability;

/// <summary>Where a <see cref="CommandTimer"/> finds what ran, when something took long.</summary>
internal interface IRequestTrail
{
    /// <summary>Whose requests they are.</summary>
    Client Client { get; }

    /// <summary>The request that stands for a run of requests of one command; among them may be some that were
    /// refused.</summary>
    /// <param name="command">The command.</param>
    /// <param name="first">The number of the first one (<see cref="CommandTimer.Current"/>); it has run.</param>
    /// <param name="last">That of the last one.</param>
    /// <param name="args">What it is.</param>
    bool TryFind(CommandSpec command, int first, int last, out Args args);
}

/// <summary>
/// Times the commands of one loop.
/// </summary>
/// <remarks>
/// <code>
///   GET GET GET GET  SET  GET GET  (end of the batch)
///   |--------------|-----|--------|                       two timestamps to a run of equal short commands
/// </code>
/// A run has at most 32 calls, of one connection and, where none of them blocks, one batch. It counts as so many calls
/// of its mean time, and as one slow one when all of it took too long: several calls that take 10 ms together are
/// almost always one that was interrupted. Where the slow log asks for times that a run may well take
/// (<see cref="LatencySettings.TimesEach"/>), each command is timed. So it is, always, when it is not short
/// (<see cref="CommandSpec.IsShort"/>).
/// Not counted: waiting for partitions, for the other loops to stand still, and making room. A command that blocks is
/// counted when it has its reply, with all the time that it has run. EXEC's time includes that of its commands.
/// Belongs to its loop; others touch it while all stand still.
/// </remarks>
public sealed class CommandTimer
{
    /// <summary>The most commands of a transaction that are timed as one.</summary>
    public const int MaxRun = RequestBatch.Capacity;

    private readonly CommandStatistics _statistics;
    private readonly Unit _unit;
    private readonly ExecutionHost _host;
    private CommandSpec? _running;
    private int _first; // request of the run
    private long _startedTicks;
    private long _startedCalls; // of the running command
    private long _waitedTicks; // of the unit, then
    private long _noticedTicks = long.MaxValue;
    private bool _timesEach;
    private bool _tracks;

    internal CommandTimer(CommandStatistics statistics, Unit unit, ExecutionHost host)
    {
        _statistics = statistics;
        _unit = unit;
        _host = host;
    }

    /// <summary>When a run last began or ended, in ticks of <see cref="Stopwatch"/>.</summary>
#if COUNTERS
    public long LastTicks => _startedTicks;
#else
    public long LastTicks => Stopwatch.GetTimestamp();
#endif

    /// <summary>When the command that runs began, had it not waited.</summary>
    internal long BeganTicks => _startedTicks + _unit.WaitedTicks - _waitedTicks;

    /// <summary>The number of the request that begins or runs, as <see cref="Trail"/> counts them.</summary>
    internal int Current { get; set; }

    /// <summary>Where to find what ran; null: nobody wants to know.</summary>
    internal IRequestTrail? Trail { get; set; }

    /// <summary>Brings settings into force.</summary>
    internal void Adopt(LatencySettings settings)
    {
        _timesEach = settings.TimesEach;
        _noticedTicks = settings.NoticedTicks;
        _tracks = settings.Tracks;
    }

    /// <summary>Says that a command begins. The clock is read when it differs from the one before, and for each command
    /// that may be slow (<see cref="CommandSpec.IsShort"/>).</summary>
    /// <param name="command">The command.</param>
    /// <param name="args">How many arguments this call has, the name included.</param>
    [Conditional("COUNTERS")]
    public void Begin(CommandSpec command, int args)
    {
        if (!ReferenceEquals(command, _running) || !command.IsShort(args) || _timesEach)
            StartRun(command, hasNextBegun: true);
    }

    /// <summary>Ends the run of equal commands, if there is one.</summary>
    [Conditional("COUNTERS")]
    public void EndRun()
    {
        if (_running is not null) StartRun(null, hasNextBegun: false);
    }

    /// <summary>Leaves time out that belongs to no command: the loop did something else meanwhile.</summary>
    internal void LeaveOut(long ticks) => _startedTicks += ticks;

    /// <summary>How long the command that runs has run, in ticks. Reads the clock.</summary>
    internal long TicksSoFar() => Stopwatch.GetTimestamp() - BeganTicks;

    /// <summary>The command that has begun goes on where it was interrupted, by others or by a wait.</summary>
    /// <param name="ticks">For how long it had run by then.</param>
    [Conditional("COUNTERS")]
    internal void GoOn(long ticks) => _startedTicks -= ticks;

    /// <summary>Counts a call that ends while another command may be running: the end of a wait.</summary>
    internal void EndApart(CommandSpec command, Client client, Args args, long ticks)
    {
        _statistics.CountCall(command);
        if (ReferenceEquals(command, _running)) _startedCalls++;
        _statistics[command].Ticks += ticks;
        if (_tracks) _statistics.CountLatency(command, ticks, 1);
        if (ticks >= _noticedTicks) Notice(command, client, args, ticks, 1);
    }

    /// <summary>The counters begin anew. All loops stand still.</summary>
    internal void Reset()
    {
        _startedCalls = 0;
        _startedTicks = Stopwatch.GetTimestamp();
        _waitedTicks = _unit.WaitedTicks;
    }

    private void StartRun(CommandSpec? command, bool hasNextBegun)
    {
        var now = Stopwatch.GetTimestamp();
        if (_running is { } ended) End(ended, now - BeganTicks, hasNextBegun);
        _running = command;
        _first = Current;
        _startedTicks = now;
        _waitedTicks = _unit.WaitedTicks;
        if (command is not null) _startedCalls = _statistics[command].Calls;
    }

    // A run without calls is that of a command that waits, is interrupted, or comes again.
    private void End(CommandSpec ended, long ticks, bool hasNextBegun)
    {
        ref var counters = ref _statistics[ended];
        var calls = counters.Calls - _startedCalls;
        if (calls <= 0) return;
        counters.Ticks += ticks;
        if (_tracks) _statistics.CountLatency(ended, calls == 1 ? ticks : ticks / calls, calls);
        if (ticks < _noticedTicks || Trail is null) return;
        var last = calls == 1 ? _first : hasNextBegun ? Current - 1 : Current;
        if (Trail.TryFind(ended, _first, last, out var args)) Notice(ended, Trail.Client, args, ticks, calls);
    }

    private void Notice(CommandSpec command, Client client, Args args, long ticks, long calls)
    {
        _host.RefreshClock();
        var microseconds = (long)Stopwatch.GetElapsedTime(0, ticks).TotalMicroseconds;
        _host.NoteSlow(new SlowCall(command, client, args, microseconds, calls, _host.UnixMs));
    }
}
