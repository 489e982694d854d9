using System.Globalization;
using static Millrace.Compat.Tests.Generation.Parts;

namespace Millrace.Compat.Tests.Generation;

/// <summary>
/// The grammar of the geospatial indexes. Coordinates are drawn with so many digits, and from so small a region half of
/// the time, that searches find some and distances hardly ever tie: in which order members at the same distance come is
/// left to chance.
/// </summary>
public static class GeoGrammar
{
    /// <summary>The pool of keys that mostly hold indexes.</summary>
    public const int Pool = 5;

    /// <summary>The pool of keys that hold what searches store, and are not searched.</summary>
    public const int StorePool = 6;

    private const int Members = 150;

    private static readonly Part s_circle = All(Measure, Unit);
    private static readonly Part s_point = All(Longitude, Latitude);
    private static readonly Part s_order = Keyword("ASC", "DESC");

    private static readonly Part s_extras = Any(0.35, Option("WITHCOORD"), Option("WITHDIST"), Option("WITHHASH"));

    // What ANY finds depends on how the servers walk: both walk the same cells in the same order.
    private static readonly Part s_count = Option("COUNT", Number(-1, 30), Maybe(Option("ANY"), 0.3));

    private static readonly Part s_from = One(Option("FROMMEMBER", Member), Option("FROMLONLAT", s_point));

    private static readonly Part s_by = One(Option("BYRADIUS", s_circle), Option("BYBOX", Measure, Measure, Unit));

    private static readonly Part s_area = draft =>
    {
        if (draft.Chance(0.5))
            All(s_from, s_by)(draft);
        else
            All(s_by, s_from)(draft);
    };

    /// <summary>One form per command.</summary>
    public static IReadOnlyList<Form> Forms { get; } =
    [
        new("GEOADD", Key, Any(0.12, One(Option("NX"), Option("XX")), Option("CH")),
            Many(1, 20, All(Longitude, Latitude, Member))) { Weight = 4, Pool = Pool },
        new("GEODIST", Key, Member, Member, Maybe(Unit)) { Weight = 1.5, Pool = Pool },
        new("GEOHASH", Key, Many(0, 4, Member)) { Pool = Pool },
        new("GEOPOS", Key, Many(0, 4, Member)) { Pool = Pool },
        new("GEORADIUS", Key, s_point, s_circle, Any(0.4, s_extras, s_count, s_order)) { Weight = 1.5, Pool = Pool },
        new("GEORADIUS", Key, s_point, s_circle, Any(0.3, s_count, s_order), Stored) { Pool = Pool },
        new("GEORADIUS_RO", Key, s_point, s_circle, Any(0.4, s_extras, s_count, s_order)) { Pool = Pool },
        new("GEORADIUSBYMEMBER", Key, Member, s_circle, Any(0.4, s_extras, s_count, s_order)) { Pool = Pool },
        new("GEORADIUSBYMEMBER", Key, Member, s_circle, Any(0.3, s_count, s_order), Stored) { Pool = Pool },
        new("GEORADIUSBYMEMBER_RO", Key, Member, s_circle, Any(0.4, s_extras, s_count, s_order)) { Pool = Pool },
        new("GEOSEARCH", Key, s_area, Any(0.4, s_extras, s_count, s_order)) { Weight = 3, Pool = Pool },
        new("GEOSEARCHSTORE", StoreKey, Key, s_area, Any(0.3, s_count, s_order, Option("STOREDIST")))
            { Weight = 2, Pool = Pool },
        new("ZRANGE", Key, Literal("0"), Literal("-1"), Maybe(Option("WITHSCORES"))) { Pool = StorePool },
        new("ZSCORE", Key, Member) { Weight = 0.5, Pool = Pool },
        new("ZREM", Key, Many(1, 5, Member)) { Weight = 0.5, Pool = Pool },
        new("DEL", Key) { Weight = 0.15, Pool = Pool },
        new("OBJECT ENCODING", Key) { Weight = 0.5, Pool = Pool },
    ];

    private static void Stored(Draft draft) => One(Option("STORE", StoreKey), Option("STOREDIST", StoreKey))(draft);

    private static void StoreKey(Draft draft) => draft.Add(draft.Words.Key(StorePool));

    private static void Longitude(Draft draft) => draft.Add(draft.Random.Next(60) switch
    {
        0 => draft.Pick(["180.0000001", "-181", "200.0078125", "1e300", "inf", "-inf", "nan", "abc", "", " 1"]),
        1 => draft.Pick(["180", "-180", "0", "-0.0", "1e-320"]),
        < 30 => Text(draft, -180, 180),
        _ => Text(draft, 12, 16),
    });

    private static void Latitude(Draft draft) => draft.Add(draft.Random.Next(60) switch
    {
        0 => draft.Pick(["85.0511288", "-86", "90", "inf", "nan", "abc", ""]),
        1 => draft.Pick(["85.05112878", "-85.05112878", "0", "-0.0"]),
        < 30 => Text(draft, -85, 85),
        _ => Text(draft, 36, 39),
    });

    private static void Measure(Draft draft)
    {
        double power = (draft.Random.NextDouble() * 8) - 1;
        draft.Add(draft.Random.Next(40) switch
        {
            0 => draft.Pick(["-1", "abc", "", "nan", "1e400", "inf", "1e300"]),
            1 => "0",
            _ => Math.Pow(10, power).ToString("R", CultureInfo.InvariantCulture),
        });
    }

    private static void Unit(Draft draft) => draft.AddWord(draft.Random.Next(40) switch
    {
        0 => draft.Pick(["mm", "", "kmx", "1"]),
        _ => draft.Pick(["M", "KM", "FT", "MI"]),
    });

    private static void Member(Draft draft) => draft.Add(draft.Random.Next(40) switch
    {
        0 => "nobody",
        1 => draft.Random.Next(40).ToString(CultureInfo.InvariantCulture),
        _ => $"p{draft.Random.Next(Members)}",
    });

    private static string Text(Draft draft, double from, double to) =>
        (from + (draft.Random.NextDouble() * (to - from))).ToString("R", CultureInfo.InvariantCulture);
}
