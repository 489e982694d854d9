using System.Globalization;
using Millrace.Histories.Crashing;

namespace Millrace.Server.Tests.Persistence;

/// <summary>
/// A server on <see cref="PowerFiles"/> that is seen to stop before each operation on a file: what is left then, and
/// what had been acknowledged.
/// </summary>
/// <remarks>
/// A stop is a copy, so that the server goes on. Of the journal's own operations, of which there are many alike, one in
/// eight is a stop; of all others each is.
/// </remarks>
/// <param name="loss">kill; power: nothing that was not synced is left; chance: some of it is.</param>
/// <param name="random">Decides what is left by chance.</param>
internal sealed class CrashScene(string loss, Random random)
{
    private const int JournalStops = 8;

    private readonly List<Stop> _stops = [];
    private long _acknowledged;
    private long _raised;
    private int _skipped;

    /// <summary>The files; those of the next server when they are replaced.</summary>
    public PowerFiles Files { get; set; } = new();

    /// <summary>What the counter must be at least, from now on.</summary>
    public long Acknowledged
    {
        get => Volatile.Read(ref _acknowledged);
        set => Volatile.Write(ref _acknowledged, value);
    }

    /// <summary>The stops so far, in their order.</summary>
    public Stop[] Stops
    {
        get
        {
            lock (_stops) return [.. _stops];
        }
    }

    /// <summary>From now on each operation is a stop.</summary>
    public void Watch() => Files.Faults = (_, _) =>
    {
        var isJournal = Thread.CurrentThread.Name is "millrace-journal" or "millrace-fsync";
        if (isJournal && _skipped++ % JournalStops != 0) return null;
        var least = Acknowledged; // before what is left: it may have been acknowledged since
        lock (_stops) _stops.Add(new Stop(Left(), least, Volatile.Read(ref _raised) + 1, _stops.Count));
        return null;
    };

    /// <summary>No more stops.</summary>
    public void Ignore() => Files.Faults = static (_, _) => null;

    /// <summary>Raises the counter, and two others together. What that says is acknowledged when it counts.</summary>
    public void Raise(Conversation client, bool counts = true)
    {
        var value = long.Parse(client.Say("INCR counter"), CultureInfo.InvariantCulture);
        client.Say("MULTI");
        client.Say("INCR x");
        client.Say("INCR y");
        client.Say("EXEC");
        Volatile.Write(ref _raised, value);
        if (counts) Acknowledged = value;
    }

    /// <summary>Some of the stops: all of them, or as many, spread over all.</summary>
    public IEnumerable<Stop> Some(int most)
    {
        var all = Stops;
        if (all.Length <= most) return all;
        var from = random.Next(all.Length / most);
        return Enumerable.Range(0, most).Select(i => all[from + (int)((long)i * (all.Length - from) / most)]);
    }

    private PowerFiles Left() => loss switch
    {
        "kill" => Files.AfterKill(),
        "power" => Files.AfterPowerLoss(),
        _ => Files.AfterPowerLoss(random),
    };

    /// <summary>Where a server has stopped.</summary>
    /// <param name="Left">What the next one finds.</param>
    /// <param name="Acknowledged">What it must find at least.</param>
    /// <param name="Most">What it can find at most: one more than anybody was told, under way.</param>
    /// <param name="Number">Which of the stops.</param>
    public sealed record Stop(PowerFiles Left, long Acknowledged, long Most, int Number);
}
