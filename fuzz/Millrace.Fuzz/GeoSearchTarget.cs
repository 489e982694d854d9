using System.Globalization;
using System.Text;

namespace Millrace.Fuzz;

/// <summary>The arguments of the searches in geospatial indexes, and the searches.</summary>
public sealed class GeoSearchTarget : KeyspaceTarget
{
    /// <summary>The target's name.</summary>
    public const string TargetName = "geosearch";

    private const int SmallMembers = 60;
    private const int LargeMembers = 300;

    /// <summary>A target with two indexes of its own.</summary>
    public GeoSearchTarget()
        : base(
            [
                "GEOSEARCH small", "GEOSEARCH large", "GEOSEARCHSTORE stored large", "GEORADIUS large",
                "GEORADIUSBYMEMBER small", "GEORADIUS_RO small", "GEOSEARCHSTORE stored small", "GEOADD stored",
            ],
            [MembersOf("small", SmallMembers), MembersOf("large", LargeMembers)],
            ["ZRANGE stored 0 -1 WITHSCORES"])
    {
    }

    /// <inheritdoc/>
    public override string Name => TargetName;

    /// <inheritdoc/>
    public override string[] SourceFiles =>
    [
        "GeoSearchOptions.cs", "GeoSearch.cs", "GeoShape.cs", "GeoCells.cs", "GeoHits.cs", "GeoHash.cs", "GeoEarth.cs",
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<byte[]> Tokens { get; } =
    [
        .. new[]
        {
            " FROMMEMBER m1", " FROMLONLAT 1 2", " BYRADIUS 900 km", " BYBOX 900 700 mi", " BYPOLYGON 3 0 0 9 9 0 9",
            " COUNT 5", " ANY", " ASC", " DESC", " WITHCOORD", " WITHDIST", " WITHHASH", " STORE stored",
            " STOREDIST stored", " STOREDIST", " m1", " 1 2", " ft", " inf", " 1e300", " -1", " 0", " 180", " -180",
            " 85.05112878", " -85", " 20038000", " 0.0001", " nan",
        }.Select(Encoding.ASCII.GetBytes),
    ];

    // Half of them in a few degrees, half all over the world.
    private static string MembersOf(string name, int members)
    {
        var words = new StringBuilder("GEOADD ").Append(name);
        for (int i = 0; i < members; i++)
        {
            (double longitude, double latitude) = i % 2 == 0
                ? (i * 7.31 % 10, i * 3.77 % 10)
                : ((i * 37.7 % 360) - 180, (i * 23.9 % 170) - 85);
            words.Append(CultureInfo.InvariantCulture, $" {longitude} {latitude} m{i}");
        }
        return words.ToString();
    }
}
