using System.Diagnostics;
using System.Text;
using Millrace.Commands;
using Millrace.Engine;
using Millrace.Resp;
using Millrace.Server.Effects;
using Millrace.Server.Observability;

namespace Millrace.Server.Execution;

/// <summary>How a request ended.</summary>
public enum Outcome
{
    /// <summary>Its reply is written.</summary>
    Replied,

    /// <summary>It waits; nothing is written and nothing has happened.</summary>
    Parked,
}

/// <summary>
/// Runs requests as execution units: gates, locks, gates again, handler, effects, unlock.
/// </summary>
/// <remarks>
/// <code>
///   spec, arity -> gates (one AND) -> TryBegin(lock set) -> gates -> handler -> effects to the log -> End
///                     |                   |                  |
///                     +-> error or park   +-> park           +-> End, then error or park
/// </code>
/// One per loop. An exception that escapes a handler while partitions are held would leave them in an unknown state:
/// the process ends with a report.
/// </remarks>
public sealed class Executor
{
    private const int ImpatientTries = 3;

    private static readonly long ClockTicks = Stopwatch.Frequency / 1000;

    private readonly Keyspace _keyspace;
    private readonly Gates _gates;
    private readonly ExecutionHost _host;
    private readonly EffectRecorder _effects;
    private readonly Unit _unit;
    private long _clockTicks;

    /// <summary>An executor for one loop; <paramref name="seed"/> is for what chance decides in its units.</summary>
    public Executor(Keyspace keyspace, Gates gates, EffectLog log, ExecutionHost host, CommandTable table, uint seed)
    {
        _keyspace = keyspace;
        _gates = gates;
        _host = host;
        _effects = new EffectRecorder(log, gates);
        _unit = new Unit(keyspace, seed);
        Statistics = new CommandStatistics(table);
    }

    /// <summary>What the loop's commands cost.</summary>
    public CommandStatistics Statistics { get; }

    /// <summary>The loop's unit; between requests, upkeep uses it.</summary>
    public Unit Unit => _unit;

    /// <summary>Runs one request.</summary>
    /// <param name="client">Who sent it.</param>
    /// <param name="request">What it is.</param>
    /// <param name="input">The array that holds its bytes.</param>
    /// <param name="reply">Where the reply goes.</param>
    public Outcome Run(Client client, Request request, byte[] input, ReplyWriter reply)
    {
        var args = new Args(input.AsSpan(request.Start, request.End - request.Start), request.Slices.AsSpan());
        var spec = request.Spec;
        if (spec?.Handler is null || !spec.AcceptsCount(args.Count) || IsUnknownSubcommand(spec, args))
            return Malformed(client, spec, args, reply);

        var closed = spec.StoppedBy & (_gates.Word | client.Gates);
        if (closed != 0) return Stopped(client, request, input, closed, reply);

        var call = new Call(spec, args, request.Keys, reply, _unit, client, _effects.Named);
        if (!ReferenceEquals(client.Recorder, _effects)) client.Recorder = _effects;
        Statistics.Begin(spec);
        KeepTime();
        if (request.End - request.Start > LargeValues.MinStagedBytes && spec.Locks != LockScope.Quiesced)
            LargeValues.Stage(_unit, spec, input, request.Start, request.Slices.AsSpan());
        if (spec.Locks == LockScope.Quiesced)
        {
            closed = RunQuiesced(client, ref call);
            if (closed != 0) return Stopped(client, request, input, closed, reply);
        }
        else if (!_unit.TryBegin(LockSet(spec, request), _host.UnixMs, IsPatient(client), out var contended))
            return ParkOnPartition(client, request, input, contended);
        else
        {
            closed = PlantedFault.GateTestedOnlyBeforeLock ? 0 : spec.StoppedBy & _gates.Word;
            if (closed != 0)
            {
                _unit.End();
                return Stopped(client, request, input, closed, reply);
            }

            RunUnit(ref call);
        }

        client.LockTries = 0;
        if (!ReferenceEquals(client.LastCommand, spec)) client.LastCommand = spec; // a reference costs a write barrier
        return Outcome.Replied;
    }

    /// <summary>
    /// Removes due keys of a partition in slices; false when the partition was busy and nothing was done.
    /// </summary>
    public bool RemoveDue(int partition, int sliceKeys, long untilTicks, LatenessHistogram lateness)
    {
        if (!_unit.TryBegin(1UL << partition, _host.UnixMs, patient: false, out _)) return false;
        if ((_gates.Word & (Gate.WritesPaused | Gate.AllPaused)) != 0)
        {
            _unit.End();
            return false;
        }

        _effects.Begin(_unit);
        while (_unit.RemoveDue(partition, sliceKeys, lateness) == sliceKeys && Stopwatch.GetTimestamp() < untilTicks)
        {
        }

        _effects.AppendRemovals(_unit);
        _unit.End();
        return true;
    }

    /// <summary>Frees discarded tables of a partition in slices; gives up when the partition is busy.</summary>
    public void FreeDiscarded(int partition, int sliceKeys, long untilTicks)
    {
        if (!_unit.TryBegin(1UL << partition, _host.UnixMs, patient: false, out _)) return;
        while (!_keyspace[partition].FreeDiscarded(sliceKeys) && Stopwatch.GetTimestamp() < untilTicks)
        {
        }

        _unit.End();
    }

    // The batch stage leaves the container in place when it knows no such subcommand.
    private static bool IsUnknownSubcommand(CommandSpec spec, Args args) =>
        spec.Subcommands.Length > 0 && args.Count > 1;

    private static bool IsPatient(Client client) => client.LockTries >= ImpatientTries;

    private ulong LockSet(CommandSpec spec, Request request)
    {
        if (spec.Locks == LockScope.All) return _keyspace.AllPartitions;
        if (request.KeyCount == 1) return 1UL << _keyspace.PartitionOf(request.Keys[0].Hash);
        var mask = 0UL;
        foreach (ref readonly var key in request.Keys) mask |= 1UL << _keyspace.PartitionOf(key.Hash);
        return mask;
    }

    // The loop reads its clock once per turn; whoever works longer than a millisecond reads it again.
    private void KeepTime()
    {
        var ticks = Statistics.LastTicks;
        if (ticks - _clockTicks < ClockTicks) return;
        _clockTicks = ticks;
        _host.RefreshClock();
    }

    private void RunUnit(ref Call call)
    {
        var database = call.Caller.Database;
        _effects.Begin(_unit);
        Handle(ref call);
        Statistics.CountChanges(_unit.Dirty);
        if (PlantedFault.EffectsAfterUnlock) _unit.End();
        SchedulePoint.Yield();
        _effects.Append(call, database);
        if (!PlantedFault.EffectsAfterUnlock) _unit.End();
        if (_unit.Retained.Count > 0) LargeValues.Fill(_unit, call.Reply);
    }

    // While it waited for the other loops, somebody may have closed a gate, or this very client.
    private Gate RunQuiesced(Client client, ref Call call)
    {
        _host.BeginQuiescence();
        try
        {
            var closed = call.Spec.StoppedBy & (_gates.Word | client.Gates);
            if (closed != 0) return closed;
            _unit.TryBegin(0, _host.UnixMs, patient: true, out _);
            RunUnit(ref call);
            return Gate.None;
        }
        finally
        {
            _host.EndQuiescence();
        }
    }

    private void Handle(ref Call call)
    {
        var errors = call.Reply.ErrorCount;
        var written = call.Reply.Written;
        try
        {
            call.Spec.Handler!(ref call);
        }
        catch (Exception e)
        {
            // What a handler leaves behind is unknown, unless it held nothing and had not begun to answer.
            if (_unit.Held != 0 || call.Reply.Written != written || call.Reply.IsDeferred)
                Environment.FailFast($"the command '{call.Spec.FullName}' failed in the middle of its work", e);
            call.Reply.Error("ERR internal error"u8);
        }

        Statistics.CountCall(call.Spec);
        if (call.Reply.ErrorCount == errors) return;
        Statistics[call.Spec].Failed++;
        Statistics.CountError(call.Reply.LastErrorCode);
    }

    private Outcome Malformed(Client client, CommandSpec? spec, Args args, ReplyWriter reply)
    {
        if (spec is null) UnknownCommand(args, reply);
        else if (IsUnknownSubcommand(spec, args))
            UnknownSubcommand(spec, args, reply);
        else Refuse(reply, $"ERR wrong number of arguments for '{spec.FullName}' command");
        if (spec is not null) Statistics[spec].Rejected++;
        var isUnknown = spec is null || IsUnknownSubcommand(spec, args);
        client.LastCommand = isUnknown ? null : spec;
        client.LockTries = 0;
        return Outcome.Replied;
    }

    private Outcome Stopped(Client client, Request request, byte[] input, Gate closed, ReplyWriter reply)
    {
        var spec = request.Spec!;
        if ((closed & Gate.Unauthenticated) != 0) Reject(spec, reply, ErrorTexts.AuthenticationRequired);
        else if ((closed & Gate.Loading) != 0) Reject(spec, reply, ErrorTexts.Loading);
        else if ((closed & Gate.Closing) == 0) return ParkOnGates(client, request, input);
        return Outcome.Replied;
    }

    private void Reject(CommandSpec spec, ReplyWriter reply, ReadOnlySpan<byte> text)
    {
        Statistics[spec].Rejected++;
        reply.Error(text);
        Statistics.CountError(reply.LastErrorCode);
    }

    private Outcome ParkOnPartition(Client client, Request request, byte[] input, int partition)
    {
        client.LockTries++;
        var parked = Park(client, request, input);
        if (!_keyspace[partition].Lock.TryPark(parked)) parked.Released();
        return Outcome.Parked;
    }

    private Outcome ParkOnGates(Client client, Request request, byte[] input)
    {
        var parked = Park(client, request, input);
        if (!_gates.TryPark(parked, request.Spec!.StoppedBy)) parked.Released();
        return Outcome.Parked;
    }

    // A request that came as a line was unescaped in place and cannot be parsed again: it is kept in protocol form.
    private IParked Park(Client client, Request request, byte[] input)
    {
        client.IsParked = true;
        if (request.IsInline) KeepRequest(client, request, input);
        return _host.Park(client);
    }

    private static void KeepRequest(Client client, Request request, byte[] input)
    {
        var copy = new EffectBuffer();
        copy.Reset(isRecording: true);
        copy.AddRequest(new Args(input.AsSpan(request.Start, request.End - request.Start), request.Slices.AsSpan()));
        client.ParkedRequest = copy.Bytes.ToArray();
    }

    private void UnknownCommand(Args args, ReplyWriter reply)
    {
        const int MaxQuoted = 128;
        var text = new StringBuilder("ERR unknown command '").Append(Quoted(args[0], MaxQuoted));
        text.Append("', with args beginning with: ");
        var room = MaxQuoted;
        for (var i = 1; i < args.Count && room > 0; i++)
        {
            var argument = Quoted(args[i], room);
            text.Append('\'').Append(argument).Append("' ");
            room -= argument.Length + 3;
        }

        Refuse(reply, text.ToString());
    }

    private void UnknownSubcommand(CommandSpec spec, Args args, ReplyWriter reply) => Refuse(
        reply,
        $"ERR unknown subcommand '{Quoted(args[1], 128)}'. Try {spec.Name.ToUpperInvariant()} HELP.");

    private void Refuse(ReplyWriter reply, string text)
    {
        reply.Error(Encoding.Latin1.GetBytes(text.Trim('\r', '\n')));
        Statistics.CountError(reply.LastErrorCode);
    }

    private static string Quoted(ReadOnlySpan<byte> bytes, int most) =>
        Encoding.Latin1.GetString(ErrorTexts.Quotable(bytes, most));
}
