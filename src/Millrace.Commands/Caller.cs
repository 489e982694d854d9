using Millrace.Engine;

namespace Millrace.Commands;

/// <summary>Who calls: what a data command may know of the connection, script or file behind a call.</summary>
/// <remarks>Used by the loop that runs the call only.</remarks>
public abstract class Caller
{
    /// <summary>The caller's number, never given twice.</summary>
    public abstract long Id { get; }

    /// <summary>The selected database.</summary>
    public int Database { get; set; }

    /// <summary>Whether the caller's reads leave the access clock alone (CLIENT NO-TOUCH).</summary>
    public bool NoTouch { get; set; }

    /// <summary>The longest string that a command may make, in bytes (<c>proto-max-bulk-len</c>).</summary>
    public long MaxBulkLength { get; set; } = 512L * 1024 * 1024;

    /// <summary>How a read by this caller counts.</summary>
    public Access ReadAccess => NoTouch ? Access.ReadWithoutTouch : Access.Read;

    /// <summary>How a look by this caller that leads to a write counts.</summary>
    public Access WriteAccess => NoTouch ? Access.Peek : Access.Write;

    /// <summary>
    /// Begins a unit for a handler that takes its partitions itself (SCAN, RANDOMKEY), however long that lasts. Whoever
    /// has gates or a log overrides this and tells the unit what they mean for it.
    /// </summary>
    public virtual void BeginUnit(Unit unit, ulong partitions) =>
        unit.TryBegin(partitions, unit.NowMs, patient: true, out _);

    /// <summary>
    /// Ends a unit that a handler has begun itself (SCAN, RANDOMKEY). Whoever keeps a log overrides this and appends
    /// the effects of <see cref="Unit.Removals"/> before it ends the unit.
    /// </summary>
    public virtual void EndUnit(Unit unit) => unit.End();
}
