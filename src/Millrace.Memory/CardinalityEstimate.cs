namespace Millrace.Memory;

/// <summary>
/// How many different elements a HyperLogLog has most likely seen, from how many of its registers hold each value.
/// </summary>
/// <remarks>
/// The estimator of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017,
/// arXiv:1702.01284), section 4, for 2^14 registers and 50 bits behind them:
/// <code>
///   z = m tau(1 - C[51] / m), then for each k from 50 down to 1: z = (z + C[k]) / 2, then z + m sigma(C[0] / m)
///   estimate = m^2 / (2 ln 2) / z
/// </code>
/// Sums and products are made in the order of Redis's, in double precision, so that the estimates are equal to the last
/// bit: they are kept within values that travel. O(1).
/// </remarks>
internal static class CardinalityEstimate
{
    /// <summary>The counts that <see cref="Of"/> wants: one for each value of a register.</summary>
    public const int Counts = 64;

    private const int TopRank = 51;
    private const double AlphaInfinity = 0.721347520444481703680; // 1 / (2 ln 2)

    /// <summary>The estimate. Nonsense in (registers that no hash makes) may be infinity out:
    /// <see cref="long.MinValue"/>, as C's rounding gives it.</summary>
    /// <param name="counts">For each value, how many registers hold it.</param>
    public static long Of(ReadOnlySpan<int> counts)
    {
        const double Registers = HyperLogLog.Registers;
        var z = Registers * Tau((Registers - counts[TopRank]) / Registers);
        for (var rank = TopRank - 1; rank >= 1; rank--) z = (z + counts[rank]) * 0.5;
        z += Registers * Sigma(counts[0] / Registers);
        var estimate = Math.Round(AlphaInfinity * Registers * Registers / z, MidpointRounding.AwayFromZero);
        return estimate < long.MaxValue ? (long)estimate : long.MinValue;
    }

    private static double Sigma(double x)
    {
        if (x == 1) return double.PositiveInfinity;
        var factor = 1.0;
        var sum = x;
        double before;
        do
        {
            x *= x;
            before = sum;
            sum += x * factor;
            factor += factor;
        }
        while (before != sum);

        return sum;
    }

    private static double Tau(double x)
    {
        if (x is 0 or 1) return 0;
        var factor = 1.0;
        var sum = 1 - x;
        double before;
        do
        {
            x = Math.Sqrt(x);
            before = sum;
            factor *= 0.5;
            sum -= (1 - x) * (1 - x) * factor;
        }
        while (before != sum);

        return sum / 3;
    }
}
