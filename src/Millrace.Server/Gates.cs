using Millrace.Commands;
using Millrace.Engine;

namespace Millrace.Server;

/// <summary>
/// The gates that are closed for everybody, as one word that every command is tested against before and after it has
/// taken its locks.
/// </summary>
/// <remarks>
/// Closing a gate takes effect at once for commands that have not yet locked; those that hold partitions at that moment
/// finish. Whoever must know that none of them is left quiesces the loops after closing. Nobody waits for the gate of
/// memory, so opening it, which happens often, releases nobody. Thread-safe.
/// </remarks>
public sealed class Gates : IMemoryGate
{
    /// <summary>Those that stop removals which nobody has asked for.</summary>
    internal const Gate OfUpkeep =
        Gate.WritesPaused | Gate.AllPaused | Gate.TooMuchMail | Gate.SnapshotBehind | Gate.LogBehind | Gate.LogBroken;

    private readonly object _sync = new(); // guards _parked; no other lock is taken under it but a mailbox's
    private readonly List<IParked> _parked = [];
    private int _word;

    /// <summary>The closed gates.</summary>
    public Gate Word => (Gate)Volatile.Read(ref _word);

    /// <inheritdoc/>
    bool IMemoryGate.IsClosed
    {
        get => (Word & Gate.OverMemory) != 0;
        set
        {
            if (value) Interlocked.Or(ref _word, (int)Gate.OverMemory);
            else Interlocked.And(ref _word, ~(int)Gate.OverMemory);
        }
    }

    /// <summary>What writes are answered while <see cref="Gate.LogBroken"/> is closed.</summary>
    public byte[] BrokenText { get; private set; } = [];

    /// <summary>Closes the gate of writes for want of a log: they are refused with a text.</summary>
    /// <param name="text">The error with its code.</param>
    public void Break(byte[] text)
    {
        BrokenText = text;
        Close(Gate.LogBroken);
    }

    /// <summary>Closes gates.</summary>
    public void Close(Gate gates) => Interlocked.Or(ref _word, (int)gates);

    /// <summary>Opens gates and lets everybody who waited try again.</summary>
    public void Open(Gate gates)
    {
        List<IParked> released;
        lock (_sync)
        {
            Interlocked.And(ref _word, ~(int)gates);
            released = [.. _parked];
            _parked.Clear();
        }

        foreach (var one in released) one.Released();
    }

    /// <summary>Registers a client that waits; false when none of the gates that stop it is closed any more.</summary>
    public bool TryPark(IParked parked, Gate stoppedBy)
    {
        lock (_sync)
        {
            if ((Word & stoppedBy) == 0) return false;
            _parked.Add(parked);
            return true;
        }
    }
}
