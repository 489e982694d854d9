using Millrace.Engine;

namespace Millrace.Commands;

/// <summary>What a blocking command waits for: the keys at these arguments, in their order.</summary>
/// <param name="Type">What one of them must hold.</param>
/// <param name="FirstKey">The argument with the first of them.</param>
/// <param name="Keys">How many there are, one behind the other.</param>
/// <param name="TimeoutMs">For how long, in milliseconds; 0: for ever.</param>
public sealed record KeyWait(Engine.ValueType Type, int FirstKey, int Keys, long TimeoutMs)
{
    /// <summary>Whether the command shall run again too when one of the keys is gone or holds something else.</summary>
    public bool MindsLoss { get; init; }

    /// <summary>After how many milliseconds the command shall run again though none of the keys has changed; 0: not
    /// at all.</summary>
    public long RetryMs { get; init; }

    /// <summary>What arguments mean at this moment that would mean something else later, by their index; or null.
    /// </summary>
    public Dictionary<int, byte[]>? Fixed { get; init; }
}

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

    /// <summary>How many commands have run for the caller.</summary>
    public long CommandsRun { get; set; }

    /// <summary>The longest string that a command may make, in bytes (<c>proto-max-bulk-len</c>).</summary>
    public long MaxBulkLength { get; set; } = 512L * 1024 * 1024;

    /// <summary>
    /// Whether a command may make the caller wait for a key; otherwise it answers as if its time-out had come. False
    /// inside of transactions and scripts.
    /// </summary>
    public bool MayWait { get; set; }

    /// <summary>What the command that runs wants its caller to wait for (<see cref="Call.TryWait(KeyWait)"/>).
    /// Whoever runs commands looks at it when a handler has returned, and clears it.</summary>
    public KeyWait? Wait { get; set; }

    /// <summary>What the keys that this caller reads are tracked by (<see cref="Unit.Track"/>); 0: they are
    /// not.</summary>
    public ulong TracksAs { get; set; }

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
