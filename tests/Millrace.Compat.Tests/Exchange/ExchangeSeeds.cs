using System.Security.Cryptography;
using Millrace.Compat.Tests.Servers;

namespace Millrace.Compat.Tests.Exchange;

/// <summary>Which datasets go from server to server: half of them of one fixed seed, half of a fresh one.</summary>
internal static class ExchangeSeeds
{
    private const int Fixed = 20_261_127;
    private const int DatasetsOfLongForm = 100;
    private const int Apart = 7919;

    /// <summary>A seed that is the same in every run, unless another one is asked for.</summary>
    public static int OfEveryRun => TestSettings.Seed ?? Fixed;

    /// <summary>A seed of this run.</summary>
    public static int OfThisRun => TestSettings.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue);

    /// <summary>The seeds of the datasets of one of the two.</summary>
    /// <param name="seed">Where all comes from.</param>
    /// <param name="datasetsOfShortForm">How many there are of it in the form of every day.</param>
    public static IEnumerable<int> Of(int seed, int datasetsOfShortForm)
    {
        int count = TestSettings.Long ? DatasetsOfLongForm : datasetsOfShortForm;
        return Enumerable.Range(0, count).Select(i => unchecked(seed + (i * Apart)) & int.MaxValue);
    }
}
