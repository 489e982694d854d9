namespace Millrace.Fuzz;

/// <summary>Which lines of the target's source files were executed at least once.</summary>
public sealed class LineCoverage
{
    /// <summary>Counts: a line is reached when any of its probes was.</summary>
    public LineCoverage(string[] places, ReadOnlySpan<bool> reached)
    {
        var lines = new Dictionary<string, bool>(StringComparer.Ordinal);
        for (int i = 0; i < places.Length; i++)
        {
            if (places[i].Length > 0)
                lines[places[i]] = reached[i] || lines.GetValueOrDefault(places[i]);
        }
        Total = lines.Count;
        Missed = [.. lines.Where(line => !line.Value).Select(line => line.Key)];
    }

    /// <summary>Lines that hold code.</summary>
    public int Total { get; }

    /// <summary>Lines reached.</summary>
    public int Reached => Total - Missed.Length;

    /// <summary>Their share.</summary>
    public double Percent => Total == 0 ? 0 : 100.0 * Reached / Total;

    /// <summary>"file:line" of the lines never reached.</summary>
    public string[] Missed { get; }
}
