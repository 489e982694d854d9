// What a comparison found, per workload and server: medians over all turns, and the median of the ratios to the first
// server within a turn, which drift of the machine touches less than a ratio of medians.

using System.Text.Json;
using Millrace.Bench.Load;
using Millrace.Bench.Servers;

namespace Millrace.Bench.Compare;

/// <summary>One measurement of one workload on one server.</summary>
internal sealed record Sample(double CpuUs, LoadResult Load);

/// <summary>Medians of one workload on one server. Latencies in microseconds.</summary>
internal sealed record Figures(
    Workload Workload, string Server, double CpuUs, double CpuRatio, double RequestsPerSecond, double? P50Us,
    double? P99Us, double? P999Us, IReadOnlyList<double> CpuUsOfTurns);

/// <summary>Median resident bytes per key at a key count.</summary>
internal sealed record MemoryFigures(string Server, int Keys, int ValueSize, double BytesPerKey, double Ratio);

/// <summary>Collects measurements and sums them up.</summary>
internal sealed class Comparison(IReadOnlyList<ServerRecipe> servers, string conditions)
{
    private static readonly JsonSerializerOptions Json =
        new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    private readonly Dictionary<(Workload, string), List<Sample>> _samples = [];
    private readonly Dictionary<(int Keys, int ValueSize, string Server), List<double>> _memory = [];

    /// <summary>The servers by name, the one that all are compared with first.</summary>
    public IReadOnlyList<string> Servers { get; } = [.. servers.Select(server => server.Name)];

    /// <summary>How it was measured, in one line each.</summary>
    public string Conditions => conditions;

    /// <summary>All workloads on all servers, in the order in which they were first added.</summary>
    public IReadOnlyList<Figures> Rows => [.. _samples.Keys.Select(key => key.Item1).Distinct()
        .SelectMany(workload => Servers.Select(server => FiguresOf(workload, server)))];

    /// <summary>Memory at all key counts on all servers.</summary>
    public IReadOnlyList<MemoryFigures> Memory => [.. _memory.Keys.Select(key => (key.Keys, key.ValueSize)).Distinct()
        .SelectMany(at => Servers.Select(server => MemoryOf(at.Keys, at.ValueSize, server)))];

    public void Add(Workload workload, string server, Sample sample) => Of(_samples, (workload, server)).Add(sample);

    public void AddMemory(int keys, int valueSize, string server, double bytesPerKey) =>
        Of(_memory, (keys, valueSize, server)).Add(bytesPerKey);

    /// <summary>Everything, as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            Conditions = Conditions.Split('\n'),
            Servers = servers.Select(server => new { server.Name, server.CommandLine }),
            Rows,
            Memory,
        },
        Json);

    /// <summary>The middle one of some numbers; of an even count the mean of the middle two.</summary>
    public static double Median(IEnumerable<double> numbers)
    {
        var sorted = numbers.Order().ToList();
        if (sorted.Count == 0) throw new ArgumentException("a median of nothing", nameof(numbers));
        var middle = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    private static List<TItem> Of<TKey, TItem>(Dictionary<TKey, List<TItem>> lists, TKey key)
        where TKey : notnull
    {
        if (!lists.TryGetValue(key, out var list)) lists.Add(key, list = []);
        return list;
    }

    private static double? MedianOrNull(IReadOnlyList<Sample> samples, Func<LoadResult, double?> pick) =>
        samples.All(sample => pick(sample.Load) is not null)
            ? Median(samples.Select(sample => pick(sample.Load)!.Value))
            : null;

    private Figures FiguresOf(Workload workload, string server)
    {
        var samples = _samples[(workload, server)];
        var first = _samples[(workload, Servers[0])];
        return new Figures(
            workload,
            server,
            Median(samples.Select(sample => sample.CpuUs)),
            Median(samples.Zip(first, (sample, other) => sample.CpuUs / other.CpuUs)),
            Median(samples.Select(sample => sample.Load.RequestsPerSecond)),
            MedianOrNull(samples, load => load.P50Us),
            MedianOrNull(samples, load => load.P99Us),
            MedianOrNull(samples, load => load.P999Us),
            [.. samples.Select(sample => sample.CpuUs)]);
    }

    private MemoryFigures MemoryOf(int keys, int valueSize, string server)
    {
        var bytes = Median(_memory[(keys, valueSize, server)]);
        return new MemoryFigures(
            server, keys, valueSize, bytes, bytes / Median(_memory[(keys, valueSize, Servers[0])]));
    }
}
