using System.Diagnostics;
using Millrace.Commands;

namespace Millrace.Server.Observability;

/// <summary>What the latency monitor watches. The names are Redis's where Redis measures the same.</summary>
public enum LatencyEvent
{
    /// <summary><c>command</c>: a command that is not flagged fast.</summary>
    Command,

    /// <summary><c>fast-command</c>: a command that takes constant or logarithmic time.</summary>
    FastCommand,

    /// <summary><c>expire-cycle</c>: a slice of removing keys and members whose time has come.</summary>
    ExpireCycle,

    /// <summary><c>eviction-cycle</c>: a step of bringing data back under <c>maxmemory</c>.</summary>
    EvictionCycle,
}

/// <summary>The longest of an event's spikes in one second.</summary>
/// <param name="UnixSeconds">The second.</param>
/// <param name="Milliseconds">How long it took.</param>
public readonly record struct LatencySample(long UnixSeconds, long Milliseconds);

/// <summary>What is remembered of one event, at one moment.</summary>
/// <param name="Event">Which.</param>
/// <param name="Samples">Oldest first; at least one.</param>
/// <param name="MaxMilliseconds">The longest since the last LATENCY RESET.</param>
public sealed record LatencySeries(LatencyEvent Event, IReadOnlyList<LatencySample> Samples, long MaxMilliseconds);

/// <summary>
/// Remembers what took longer than <c>latency-monitor-threshold</c>: per event the last 160 seconds with spikes.
/// </summary>
/// <remarks>
/// Shared by all loops. Its lock guards everything in it; it comes last in the order of locks and is held for moments.
/// Nobody takes it while nothing takes long.
/// Source: Redis 7.2 documentation, "Latency monitoring".
/// </remarks>
public sealed class LatencyMonitor
{
    /// <summary>Samples that are kept of each event.</summary>
    public const int MaxSamples = 160;

    private static readonly string[] Names = ["command", "fast-command", "expire-cycle", "eviction-cycle"];

    private readonly object _sync = new();
    private readonly Series?[] _series = new Series?[Names.Length];
    private long _thresholdMs;

    /// <summary>From how many milliseconds on an event is remembered; 0: none is.</summary>
    public long ThresholdMs => Volatile.Read(ref _thresholdMs);

    /// <summary>The name of an event.</summary>
    public static string NameOf(LatencyEvent what) => Names[(int)what];

    /// <summary>Brings settings into force.</summary>
    public void Adopt(LatencySettings settings) => Volatile.Write(ref _thresholdMs, settings.MonitorMilliseconds);

    /// <summary>Remembers a call, if it took long enough.</summary>
    public void Note(in SlowCall call)
    {
        var isFast = (call.Command.Flags & CommandFlags.Fast) != 0;
        NoteMilliseconds(
            isFast ? LatencyEvent.FastCommand : LatencyEvent.Command, call.Microseconds / 1000, call.UnixMs);
    }

    /// <summary>Remembers an event, if it took long enough.</summary>
    /// <param name="what">Which.</param>
    /// <param name="ticks">How long it took, in ticks of <see cref="Stopwatch"/>.</param>
    /// <param name="unixMs">When it ended.</param>
    public void Note(LatencyEvent what, long ticks, long unixMs)
    {
        if (ThresholdMs > 0) NoteMilliseconds(what, (long)Stopwatch.GetElapsedTime(0, ticks).TotalMilliseconds, unixMs);
    }

    /// <summary>What is remembered, of the events that have occurred, in their order.</summary>
    public IReadOnlyList<LatencySeries> All()
    {
        lock (_sync)
        {
            List<LatencySeries> all = [];
            for (var i = 0; i < _series.Length; i++)
            {
                if (_series[i] is { } one) all.Add(one.Copy((LatencyEvent)i));
            }

            return all;
        }
    }

    /// <summary>What is remembered of the event of a name; null when there is no such event, or it has not
    /// occurred.</summary>
    public LatencySeries? Find(ReadOnlySpan<byte> name)
    {
        var index = IndexOf(name);
        if (index < 0) return null;
        lock (_sync) return _series[index]?.Copy((LatencyEvent)index);
    }

    /// <summary>Forgets all events.</summary>
    /// <returns>How many had occurred.</returns>
    public int Reset()
    {
        var count = 0;
        for (var i = 0; i < Names.Length; i++) count += Forget(i);
        return count;
    }

    /// <summary>Forgets the event of a name, in any case.</summary>
    /// <returns>How many had occurred: 0 or 1.</returns>
    public int Reset(ReadOnlySpan<byte> name)
    {
        for (var i = 0; i < Names.Length; i++)
        {
            if (Words.Equal(name, System.Text.Encoding.ASCII.GetBytes(Names[i]))) return Forget(i);
        }

        return 0;
    }

    private static int IndexOf(ReadOnlySpan<byte> name)
    {
        for (var i = 0; i < Names.Length; i++)
        {
            if (System.Text.Ascii.Equals(name, Names[i])) return i;
        }

        return -1;
    }

    private int Forget(int index)
    {
        lock (_sync)
        {
            if (_series[index] is null) return 0;
            _series[index] = null;
            return 1;
        }
    }

    private void NoteMilliseconds(LatencyEvent what, long milliseconds, long unixMs)
    {
        var threshold = ThresholdMs;
        if (threshold == 0 || milliseconds < threshold) return;
        lock (_sync) (_series[(int)what] ??= new Series()).Add(unixMs / 1000, milliseconds);
    }

    // A ring of samples, one for each second that had a spike.
    private sealed class Series
    {
        private readonly LatencySample[] _samples = new LatencySample[MaxSamples];
        private int _count;
        private int _newest = -1;
        private long _maxMs;

        public void Add(long second, long milliseconds)
        {
            _maxMs = Math.Max(_maxMs, milliseconds);
            if (_newest >= 0 && _samples[_newest].UnixSeconds == second)
            {
                var longest = Math.Max(_samples[_newest].Milliseconds, milliseconds);
                _samples[_newest] = new LatencySample(second, longest);
                return;
            }

            _newest = (_newest + 1) % MaxSamples;
            _count = Math.Min(_count + 1, MaxSamples);
            _samples[_newest] = new LatencySample(second, milliseconds);
        }

        public LatencySeries Copy(LatencyEvent what)
        {
            var samples = new LatencySample[_count];
            var oldest = _newest - _count + 1 + MaxSamples;
            for (var i = 0; i < _count; i++) samples[i] = _samples[(oldest + i) % MaxSamples];
            return new LatencySeries(what, samples, _maxMs);
        }
    }
}
