namespace Millrace.Fuzz;

/// <summary>
/// What instrumented code calls: counts the edges that one execution takes (from the last probe to this one), and keeps
/// which probes were ever reached. Used by the one thread that executes the target.
/// </summary>
public static class Probe
{
    /// <summary>The most probes of one target.</summary>
    public const int MaxProbes = 1 << 14;

    private const int EdgeMask = (1 << 14) - 1;

    // An odd factor spreads neighbouring probes over the map, so that few pairs of edges share a counter.
    private const int Spread = 40503;

    private static readonly byte[] EdgeCounts = new byte[EdgeMask + 1];
    private static readonly bool[] ReachedProbes = new bool[MaxProbes];
    private static int _previous;

    /// <summary>How often each edge was taken, modulo 256, since it was last cleared.</summary>
    public static Span<byte> Edges => EdgeCounts;

    /// <summary>Which probes were ever reached.</summary>
    public static ReadOnlySpan<bool> Reached => ReachedProbes;

    /// <summary>Instrumented code is here.</summary>
    public static void Hit(int id)
    {
        ReachedProbes[id] = true;
        int here = (id * Spread) & EdgeMask;
        EdgeCounts[(here ^ _previous) & EdgeMask]++;
        _previous = here >> 1;
    }

    /// <summary>The next probe is the first of an execution.</summary>
    public static void Begin() => _previous = 0;
}
