using Millrace.Commands;
using Millrace.Engine;

namespace Millrace.Server.Effects;

/// <summary>
/// Puts the effects of one unit together and appends them to the log as one block.
/// </summary>
/// <remarks>
/// <code>
///   Begin -> (BeginCommand -> handler -> Add) for each command of the unit -> Append
/// </code>
/// A unit has one command, or several: those of EXEC, and those of the waiters that it served. Before each command
/// stand the keys and members that expired under its eyes, then the command or what it named instead. Several commands
/// stand between MULTI and EXEC, so that a reader of the log has all of them or none. One per loop.
/// </remarks>
public sealed class EffectRecorder(EffectLog log, Gates gates)
{
    private static readonly int MultiBytes = "*1\r\n$5\r\nMULTI\r\n"u8.Length;

    private readonly EffectBuffer _block = new(); // begins with MULTI, which is left out when there is one command
    private int _commands;
    private int _removals;  // how many of the unit's removals are in the block
    private long _changes;  // the unit's changes before the command that runs
    private int _first;     // the database that the block needs
    private int _selected;  // the database that it leaves selected

    /// <summary>The position behind the unit's block; 0: it has none.</summary>
    public long Appended { get; private set; }

    /// <summary>What the running command names as its effect.</summary>
    public EffectBuffer Named { get; } = new();

    /// <summary>Gets ready for a unit that has its locks.</summary>
    public void Begin(Unit unit)
    {
        Prepare(unit);
        _commands = _removals = 0;
    }

    /// <summary>Gets ready for a command of the unit.</summary>
    public void BeginCommand(Unit unit)
    {
        Named.Reset(unit.RecordsRemovals);
        _changes = unit.Dirty;
    }

    /// <summary>Tells a unit that has its locks whether it removes entries whose time has come, and records
    /// that.</summary>
    public void Prepare(Unit unit)
    {
        unit.RecordsRemovals = log.IsAttached;
        unit.RemovesExpired = (gates.Word & (Gate.WritesPaused | Gate.LogBehind | Gate.LogBroken)) == 0;
        Appended = 0;
    }

    /// <summary>Adds the effects of a call that has run.</summary>
    /// <param name="call">The call.</param>
    /// <param name="database">The caller's database when it began.</param>
    public void Add(in Call call, int database)
    {
        if (!Named.IsRecording) return;
        AddRemovals(call.Unit.Removals);
        if (call.Unit.Dirty == _changes || (Named.IsReplaced && Named.Count == 0)) return;
        Open(database);
        _commands += Named.IsReplaced ? Named.Count : 1;
        if (Named.IsReplaced) _block.AddEncoded(Named);
        else _block.AddRequest(call.Args);
    }

    /// <summary>Appends the block, if there is anything in it; the unit still holds its partitions.</summary>
    public void Append(Unit unit)
    {
        if (!unit.RecordsRemovals) return;
        AddRemovals(unit.Removals);
        if (_commands == 0) return;
        var isWrapped = _commands > 1;
        if (isWrapped) AddWord("EXEC"u8);
        Appended = log.Append(_first, isWrapped ? _block.Bytes : _block.Bytes[MultiBytes..], _selected);
        unit.SetLogPosition(Appended);
        _commands = _removals = 0;
    }

    /// <summary>Appends the removals of a unit that ran no command (active expiry), or that a handler has begun
    /// itself.</summary>
    public void AppendRemovals(Unit unit)
    {
        if (!log.IsAttached) return;
        _commands = _removals = 0;
        Append(unit);
    }

    private void AddRemovals(RemovalList removals)
    {
        for (; _removals < removals.Count; _removals++)
        {
            Open(removals.Database(_removals));
            if (removals.IsMember(_removals))
                _block.Add("HDEL"u8, removals.Key(_removals), removals.Member(_removals));
            else
                _block.Add("UNLINK"u8, removals.Key(_removals));
            _commands++;
        }
    }

    // Makes the block's next command run in a database.
    private void Open(int database)
    {
        if (_commands == 0)
        {
            _block.Reset(isRecording: true);
            AddWord("MULTI"u8);
            _first = _selected = database;
        }

        if (_selected == database || !_block.Begin(2)) return;
        _block.Argument("SELECT"u8);
        _block.Argument(database);
        _selected = database;
    }

    private void AddWord(ReadOnlySpan<byte> word)
    {
        if (_block.Begin(1)) _block.Argument(word);
    }
}
