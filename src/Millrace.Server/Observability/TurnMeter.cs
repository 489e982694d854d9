using System.Diagnostics;

namespace Millrace.Server.Observability;

/// <summary>
/// How long the turns of one loop take, from the moment that it wakes to the end of its work; sending what was written
/// is not part of it. In ticks of <see cref="Stopwatch"/>.
/// </summary>
/// <remarks>
/// Written by its loop, read and reset while all stand still. A turn in which commands ran costs no look at the clock:
/// it ends when the loop last looked. A turn without any is periodic work, and is timed to its very end.
/// </remarks>
public sealed class TurnMeter
{
    private long _startedTicks;
    private long _processed;

    /// <summary>All turns together.</summary>
    public long BusyTicks { get; private set; }

    /// <summary>Those of <see cref="BusyTicks"/> in which no command ran.</summary>
    public long PeriodicTicks { get; private set; }

    /// <summary>The longest turn.</summary>
    public long LongestTicks { get; private set; }

    /// <summary>The most commands of one turn.</summary>
    public long MostCommands { get; private set; }

    /// <summary>Active expiry.</summary>
    public long ExpiryTicks { get; private set; }

    /// <summary>Slices of active expiry that ended because their time was over.</summary>
    public long ExpiryStops { get; private set; }

    /// <summary>The loop has woken up.</summary>
    /// <param name="ticks">When.</param>
    public void Begin(long ticks) => _startedTicks = ticks;

    /// <summary>The turn ends.</summary>
    /// <param name="ticks">When the loop last looked at the clock.</param>
    /// <param name="processed">Commands that the loop has run so far.</param>
    public void End(long ticks, long processed)
    {
        var commands = processed - _processed;
        _processed = processed;
        if (commands <= 0)
        {
            ticks = Stopwatch.GetTimestamp();
            PeriodicTicks += ticks - _startedTicks;
        }

        var took = ticks - _startedTicks;
        BusyTicks += took;
        if (took > LongestTicks) LongestTicks = took;
        if (commands > MostCommands) MostCommands = commands;
    }

    /// <summary>A slice of active expiry has ended.</summary>
    public void AddExpiry(long ticks, bool wasCutShort)
    {
        ExpiryTicks += ticks;
        if (wasCutShort) ExpiryStops++;
    }

    /// <summary>Forgets all but the turn under way.</summary>
    public void Reset()
    {
        _processed = 0;
        BusyTicks = PeriodicTicks = LongestTicks = MostCommands = ExpiryTicks = ExpiryStops = 0;
    }
}
