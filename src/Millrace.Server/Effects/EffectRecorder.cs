using Millrace.Commands;
using Millrace.Engine;

namespace Millrace.Server.Effects;

/// <summary>
/// Puts the effects of one unit together and appends them to the log as one block.
/// </summary>
/// <remarks>
/// Order in a block: keys and members that expired under the unit's eyes, then the command or what it named instead.
/// Several commands stand between MULTI and EXEC, so that a reader of the log has all of them or none. One per loop.
/// </remarks>
public sealed class EffectRecorder(EffectLog log, Gates gates)
{
    private readonly EffectBuffer _block = new();

    /// <summary>What the running command names as its effect.</summary>
    public EffectBuffer Named { get; } = new();

    /// <summary>Gets ready for a command whose unit has its locks.</summary>
    public void Begin(Unit unit)
    {
        Prepare(unit);
        Named.Reset(unit.RecordsRemovals);
    }

    /// <summary>Tells a unit that has its locks whether it removes entries whose time has come, and records
    /// that.</summary>
    public void Prepare(Unit unit)
    {
        unit.RecordsRemovals = log.IsAttached;
        unit.RemovesExpired = (gates.Word & Gate.WritesPaused) == 0;
    }

    /// <summary>Appends the effects of a call that has run; its unit still holds its partitions.</summary>
    public void Append(in Call call, int database)
    {
        if (!Named.IsRecording) return;
        var unit = call.Unit;
        var changed = unit.Dirty > 0;
        var commands = !changed ? 0 : Named.IsReplaced ? Named.Count : 1;
        if (commands == 0 && unit.Removals.Count == 0) return;

        _block.Reset(isRecording: true);
        var isWrapped = commands + unit.Removals.Count > 1;
        if (isWrapped) AddWord("MULTI"u8);
        var first = unit.Removals.Count > 0 ? unit.Removals.Database(0) : database;
        var selected = AddRemovals(unit.Removals, first);
        if (commands > 0) selected = AddCommands(call, selected, database);
        if (isWrapped) AddWord("EXEC"u8);
        unit.SetLogPosition(log.Append(first, _block.Bytes, selected));
    }

    /// <summary>Appends the removals of a unit that ran no command (active expiry).</summary>
    public void AppendRemovals(Unit unit)
    {
        if (!log.IsAttached || unit.Removals.Count == 0) return;
        _block.Reset(isRecording: true);
        var isWrapped = unit.Removals.Count > 1;
        if (isWrapped) AddWord("MULTI"u8);
        var first = unit.Removals.Database(0);
        var selected = AddRemovals(unit.Removals, first);
        if (isWrapped) AddWord("EXEC"u8);
        unit.SetLogPosition(log.Append(first, _block.Bytes, selected));
    }

    private int AddRemovals(RemovalList removals, int selected)
    {
        for (var i = 0; i < removals.Count; i++)
        {
            selected = AddSelect(selected, removals.Database(i));
            if (removals.IsMember(i)) _block.Add("HDEL"u8, removals.Key(i), removals.Member(i));
            else _block.Add("UNLINK"u8, removals.Key(i));
        }

        return selected;
    }

    private int AddCommands(in Call call, int selected, int database)
    {
        selected = AddSelect(selected, database);
        if (Named.IsReplaced) _block.AddEncoded(Named);
        else _block.AddRequest(call.Args);
        return selected;
    }

    private int AddSelect(int selected, int wanted)
    {
        if (selected == wanted || !_block.Begin(2)) return wanted;
        _block.Argument("SELECT"u8);
        _block.Argument(wanted);
        return wanted;
    }

    private void AddWord(ReadOnlySpan<byte> word)
    {
        if (_block.Begin(1)) _block.Argument(word);
    }
}
