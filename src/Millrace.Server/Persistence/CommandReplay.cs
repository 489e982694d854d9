using System.Diagnostics;
using System.Text;
using Millrace.Commands;
using Millrace.Engine;
using Millrace.Persistence.Aof;
using Millrace.Resp;
using Millrace.Server.Logging;

namespace Millrace.Server.Persistence;

/// <summary>
/// Runs the commands of an append-only file, as they ran when they were recorded: through the table of commands, with
/// no client, gates, limits of users, effects or events. Nothing expires meanwhile.
/// </summary>
/// <remarks>
/// What changes data runs, and SELECT. What only reads, or tells something to clients who were there then, is passed
/// over; anything else, an unknown command and one that fails end the loading: data would be another one than was
/// recorded. One thread, which holds all partitions.
/// </remarks>
internal sealed class CommandReplay : IAofSink
{
    private const int MaxShownBytes = 128;
    private const int MaxKeptKeys = 1024;
    private const int FreeMilliseconds = 1;

    private readonly CommandTable _table;
    private readonly IReplayTarget _target;
    private readonly Unit _unit;
    private readonly string _fileName;
    private readonly Log _journal;
    private readonly FileCaller _caller = new();
    private readonly EffectBuffer _effects = new();
    private readonly ReplyWriter _reply = new() { AllowsLate = false };
    private readonly Discarded _discarded = new();
    private KeyAt[] _keys = new KeyAt[8];
    private bool _isInTransaction;

    /// <summary>A replay of one file: it begins in database 0.</summary>
    /// <param name="table">All commands.</param>
    /// <param name="target">Whose unit runs them, which is loading.</param>
    /// <param name="fileName">The file's name, for log lines.</param>
    /// <param name="journal">Where log lines go.</param>
    public CommandReplay(CommandTable table, IReplayTarget target, string fileName, Log journal)
    {
        Debug.Assert(target.Unit.IsLoading, "nothing expires");
        (_table, _target, _unit, _fileName, _journal) = (table, target, target.Unit, fileName, journal);
    }

    /// <inheritdoc/>
    public void BeforeRead() => _target.LetGo();

    /// <inheritdoc/>
    public bool BeginTransaction(int commands)
    {
        _isInTransaction = true;
        return true;
    }

    /// <inheritdoc/>
    public bool EndTransaction()
    {
        _isInTransaction = false;
        _target.AfterCommand();
        return true;
    }

    /// <inheritdoc/>
    public bool Command(Args args)
    {
        if (!Run(args)) return false;
        if (!_isInTransaction) _target.AfterCommand();
        return true;
    }

    private bool Run(Args args)
    {
        _target.Take();
        var spec = _table.Find(args[0]);
        if (spec is { Subcommands.Length: > 0 } && args.Count > 1) spec = spec.FindSubcommand(args[1]) ?? spec;
        if (spec?.Handler is null || spec is { Subcommands.Length: > 0 } && args.Count > 1)
        {
            _journal.Warning($"Unknown command '{Shown(args[0])}' reading the append only file {_fileName}");
            return false;
        }

        if (!spec.AcceptsCount(args.Count)) return Refuse(args, "a wrong number of arguments");
        if (!ChangesData(spec)) return MayBePassedOver(spec) || Refuse(args, "this version cannot run it");
        var call = new Call(spec, args, KeysOf(spec, args), _reply, _unit, _caller, _effects);
        _effects.Reset(isRecording: false);
        _discarded.Begin(_reply);
        var errors = _reply.ErrorCount;
        if (LargeValues.TryAdmit(call)) spec.Handler(ref call);
        _caller.Wait = null;
        _reply.Detach();
        if (_reply.ErrorCount != errors) return Refuse(args, _discarded.Text);
        if (_unit.HasDiscarded)
            _unit.FreeDiscarded(Stopwatch.GetTimestamp() + (FreeMilliseconds * Stopwatch.Frequency / 1000));
        return true;
    }

    // PFCOUNT reads, keeps its estimate in the value, and is recorded when it did.
    private static bool ChangesData(CommandSpec spec)
    {
        const CommandFlags Keeps = CommandFlags.ReadOnly | CommandFlags.MayReplicate;
        return (spec.Flags & CommandFlags.Write) != 0 || (spec.Flags & Keeps) == Keeps || spec.Name == "select";
    }

    private static bool MayBePassedOver(CommandSpec spec) =>
        (spec.Flags & CommandFlags.ReadOnly) != 0 || spec.Name is "ping" or "publish" or "spublish";

    private ReadOnlySpan<KeyAt> KeysOf(CommandSpec spec, Args args)
    {
        if (_keys.Length > MaxKeptKeys) _keys = new KeyAt[8];
        var count = 0;
        foreach (var keys in spec.Keys)
        {
            if (!keys.TryFind(args, out var first, out var last)) continue;
            for (var i = first; i <= last; i += keys.Step)
            {
                if (count == _keys.Length) Array.Resize(ref _keys, count * 2);
                _keys[count++] = new KeyAt(i, _unit.Keyspace.HashOf(args[i]));
            }
        }

        return _keys.AsSpan(0, count);
    }

    private bool Refuse(Args args, string reason)
    {
        _journal.Warning(
            $"Error running the command '{Shown(args[0])}' of the append only file {_fileName}: {reason}");
        return false;
    }

    private static string Shown(ReadOnlySpan<byte> bytes) =>
        Encoding.Latin1.GetString(ErrorTexts.Quotable(bytes, MaxShownBytes));

    /// <summary>Who runs the commands.</summary>
    private sealed class FileCaller : Caller
    {
        public FileCaller() => MaxBulkLength = Array.MaxLength;

        public override long Id => 0;

        public override void BeginUnit(Unit unit, ulong partitions)
        {
            // All of them are held.
        }

        public override void EndUnit(Unit unit)
        {
            // They stay held.
        }
    }

    // Nobody reads the replies, but the text of an error.
    private sealed class Discarded : SegmentSource
    {
        private byte[] _segment = new byte[4096];
        private bool _isFirst;

        public string Text
        {
            get
            {
                if (!_isFirst) return "an error";
                var text = _segment.AsSpan(0, Math.Min(_segment.Length, MaxShownBytes));
                var end = text.IndexOf((byte)'\r');
                return Encoding.Latin1.GetString(end < 0 ? text : text[..end]);
            }
        }

        public void Begin(ReplyWriter writer)
        {
            _isFirst = true;
            writer.Attach(this, _segment, 0, 2);
        }

        public override byte[] Next(int filledInCurrent, int minimumFree, out int start)
        {
            if (minimumFree > _segment.Length) _segment = new byte[minimumFree];
            (_isFirst, start) = (false, 0);
            return _segment;
        }
    }
}
