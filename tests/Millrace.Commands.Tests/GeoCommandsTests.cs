using System.Globalization;
using Millrace.Commands.Tests.Driver;

namespace Millrace.Commands.Tests;

/// <summary>Geospatial indexes. Texts of numbers are what redis-server 7.0.15 says.</summary>
public sealed class GeoCommandsTests : IDisposable
{
    private const string WrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";
    private const string NotAFloat = "ERR value is not a valid float";
    private const string BadUnit = "ERR unsupported unit provided. please use M, KM, FT, MI";
    private const string NoMember = "ERR could not decode requested zset member";
    private const string Syntax = "ERR syntax error";
    private const string TooFewVertices = "ERR GEOSEARCH BYPOLYGON must have at least 3 vertices";

    private const string SixtyMiles = "GEORADIUS s 15 37 100 km";
    private const string Box = "GEOSEARCH s FROMLONLAT 15 37 BYBOX 400 400 km";

    private const string Pentagon =
        "BYPOLYGON 5 12.41098696654226 38.05033923003755 15.107936245794182 38.00616649901906"
        + " 18.148439288534455 38.63804787603499 17.80831874257693 39.50316813110968"
        + " 12.458468633214036 38.57719533463012";

    private readonly CommandDriver _driver = new(partitions: 4);

    public GeoCommandsTests()
    {
        _driver.Run("GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania");
        _driver.Run("GEOADD s 12.758489 38.788135 edge1 17.241510 38.788135 edge2");
        _driver.PlantList("l");
    }

    public void Dispose() => _driver.Dispose();

    [Theory]
    [InlineData("GEOHASH s Palermo none Catania", "[sqc8b49rny0 (nil) sqdtr74hyu0]")]
    [InlineData("GEOHASH s", "[]")]
    [InlineData("GEOHASH none a b", "[(nil) (nil)]")]
    [InlineData("GEOPOS s Palermo none", "[[13.36138933897018433 38.11555639549629859] (nil)]")]
    [InlineData("GEOPOS none a", "[(nil)]")]
    [InlineData("GEODIST s Palermo Catania", "166274.1516")]
    [InlineData("GEODIST s Palermo Catania km", "166.2742")]
    [InlineData("GEODIST s Palermo Catania MI", "103.3182")]
    [InlineData("GEODIST s Palermo Catania ft", "545518.8700")]
    [InlineData("GEODIST s Palermo Palermo", "0.0000")]
    [InlineData("GEODIST s Palermo none", "(nil)")]
    [InlineData("GEODIST s none Palermo", "(nil)")]
    [InlineData("GEODIST none Palermo Catania", "(nil)")]
    [InlineData("GEODIST s Palermo Catania foo", BadUnit)]
    [InlineData("GEODIST s Palermo Catania km x", Syntax)]
    [InlineData("GEODIST l a b", WrongType)]
    [InlineData("GEOPOS l a", WrongType)]
    [InlineData("GEOHASH l a", WrongType)]
    public void Points_and_distances_are_told(string request, string reply) => AssertReply(request, reply);

    [Theory]
    [InlineData(SixtyMiles, "[Catania]")]
    [InlineData("GEORADIUS s 15 37 200 km WITHDIST", "[[Palermo 190.4424] [Catania 56.4413]]")]
    [InlineData("GEORADIUS_RO s 15 37 200 km DESC", "[Palermo Catania]")]
    [InlineData("GEORADIUSBYMEMBER s Palermo 200 km WITHDIST", "[[Palermo 0.0000] [edge1 91.4007] [Catania 166.2742]]")]
    [InlineData("GEORADIUSBYMEMBER_RO s Palermo 100 km", "[Palermo edge1]")]
    [InlineData("GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km ASC", "[Catania Palermo]")]
    [InlineData("GEOSEARCH s BYRADIUS 200 km FROMMEMBER Catania ASC", "[Catania Palermo]")]
    [InlineData(Box, "[Palermo edge1 Catania edge2]")]
    [InlineData(Box + " ASC", "[Catania Palermo edge2 edge1]")]
    [InlineData(Box + " DESC", "[edge1 edge2 Palermo Catania]")]
    [InlineData(Box + " COUNT 2", "[Catania Palermo]")]
    [InlineData(Box + " COUNT 2 DESC", "[edge1 edge2]")]
    [InlineData(Box + " COUNT 2 ANY", "[Palermo edge1]")]
    [InlineData(Box + " ANY COUNT 2 DESC", "[edge1 Palermo]")]
    [InlineData(Box + " COUNT 9223372036854775807", "[Catania Palermo edge2 edge1]")]
    [InlineData(Box + " COUNT 1 WITHHASH WITHCOORD WITHDIST",
        "[[Catania 56.4413 3479447370796909 [15.08726745843887329 37.50266842333162032]]]")]
    [InlineData("GEOSEARCH s " + Pentagon, "[Palermo edge2]")]
    [InlineData("GEOSEARCH s " + Pentagon + " ASC WITHDIST COUNT 1", "[[Palermo 166482.0159]]")]
    [InlineData("GEOSEARCH none FROMMEMBER x BYRADIUS 1 km", "[]")]
    [InlineData("GEOSEARCH s FROMLONLAT 0 0 BYRADIUS 0 m", "[]")]
    [InlineData("GEOSEARCH s FROMMEMBER Palermo BYRADIUS 0 m", "[Palermo]")]
    [InlineData("GEOSEARCH s FROMMEMBER Palermo BYBOX 0 0 m", "[Palermo]")]
    [InlineData("GEOSEARCH s FROMLONLAT 15 37 BYRADIUS inf m COUNT 1", "[Catania]")]
    [InlineData("GEOSEARCH s FROMLONLAT 15 37 BYBOX inf inf mi COUNT 1", "[Catania]")]
    [InlineData("GEOSEARCH s FROMLONLAT 15 37 BYBOX 1e300 0 mi", "[]")]
    [InlineData("GEOSEARCH s FROMLONLAT -180 -85 BYRADIUS 1e300 m ASC COUNT 1", "[Catania]")]
    [InlineData("GEORADIUSBYMEMBER none x abc km", "[]")]
    public void A_search_finds(string request, string reply) => AssertReply(request, reply);

    [Theory]
    [InlineData("GEOADD k 181 0 a", "ERR invalid longitude,latitude pair 181.000000,0.000000")]
    [InlineData("GEOADD k 0 85.06 a", "ERR invalid longitude,latitude pair 0.000000,85.060000")]
    [InlineData("GEOADD k 200.0078125 -0.0 a", "ERR invalid longitude,latitude pair 200.007812,-0.000000")]
    [InlineData("GEOADD k inf -inf a", "ERR invalid longitude,latitude pair inf,-inf")]
    [InlineData("GEOADD k nan 0 a", NotAFloat)]
    [InlineData("GEOADD k 0 x a", NotAFloat)]
    [InlineData("GEOADD k 0 0 a 181 0 b x 0 c", "ERR invalid longitude,latitude pair 181.000000,0.000000")]
    [InlineData("GEOADD k 0 0 a 0", Syntax)]
    [InlineData("GEOADD k NX XX 0 0 a", Syntax)]
    [InlineData("GEOADD k NX CH CH", Syntax)]
    [InlineData("GEOADD k INCR 0 a", NotAFloat)]
    [InlineData("GEOADD l 0 0 a", WrongType)]
    [InlineData("GEOADD l 0 x a", NotAFloat)]
    [InlineData("GEOADD k XX 0 0 a", "0")]
    [InlineData("GEOADD s NX 0 0 Palermo", "0")]
    [InlineData("GEOADD s CH 13.361389 38.115556 Palermo", "0")]
    [InlineData("GEORADIUS l x y z m", WrongType)]
    [InlineData("GEORADIUS s x 0 1 m", NotAFloat)]
    [InlineData("GEORADIUS s 0 99 1 m", "ERR invalid longitude,latitude pair 0.000000,99.000000")]
    [InlineData("GEORADIUS s 0 0 x m", "ERR need numeric radius")]
    [InlineData("GEORADIUS s 0 0 nan m", "ERR need numeric radius")]
    [InlineData("GEORADIUS s 0 0 -1 m", "ERR radius cannot be negative")]
    [InlineData("GEORADIUS s 0 0 1 mm", BadUnit)]
    [InlineData("GEORADIUS s 0 0 1 m COUNT", Syntax)]
    [InlineData("GEORADIUS s 0 0 1 m COUNT 0", "ERR COUNT must be > 0")]
    [InlineData("GEORADIUS s 0 0 1 m COUNT x", "ERR value is not an integer or out of range")]
    [InlineData("GEORADIUS s 0 0 1 m ANY", "ERR the ANY argument requires COUNT argument")]
    [InlineData("GEORADIUS s 0 0 1 m WITHCOORDS", Syntax)]
    [InlineData("GEORADIUS s 0 0 1 m STORE", Syntax)]
    [InlineData("GEORADIUS s 0 0 1 m FROMMEMBER a", Syntax)]
    [InlineData("GEORADIUS s 0 0 1 m STORE k WITHDIST",
        "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options")]
    [InlineData("GEORADIUS_RO s 0 0 1 m STORE k", Syntax)]
    [InlineData("GEORADIUSBYMEMBER_RO s Palermo 1 m STOREDIST k", Syntax)]
    [InlineData("GEORADIUSBYMEMBER s nobody 1 m", NoMember)]
    [InlineData("GEORADIUSBYMEMBER none nobody x mm FOO", Syntax)]
    [InlineData("GEOSEARCH s FROMMEMBER nobody BYBOX 1 1 m", NoMember)]
    [InlineData("GEOSEARCH s FROMMEMBER Palermo BYBOX x 1 m", "ERR need numeric width")]
    [InlineData("GEOSEARCH s FROMMEMBER Palermo BYBOX 1 x m", "ERR need numeric height")]
    [InlineData("GEOSEARCH s FROMMEMBER Palermo BYBOX 1 -1 m", "ERR height or width cannot be negative")]
    [InlineData("GEOSEARCH s FROMMEMBER Palermo FROMLONLAT 1 1 BYBOX 1 1 m", Syntax)]
    [InlineData("GEOSEARCH s FROMLONLAT 1 1 FROMMEMBER Palermo BYBOX 1 1 m", Syntax)]
    [InlineData("GEOSEARCH s FROMLONLAT 1 1 BYBOX 1 1 m BYRADIUS 1 m", Syntax)]
    [InlineData("GEOSEARCH s FROMLONLAT 1 1 BYRADIUS 1 m BYBOX 1 1 m", Syntax)]
    [InlineData("GEOSEARCH s FROMLONLAT 1 1 BYRADIUS 1 m STOREDIST", Syntax)]
    [InlineData("GEOSEARCH s FROMLONLAT 1 1 BYRADIUS 1 m STORE k", Syntax)]
    [InlineData("GeoSearch s BYRADIUS 1 m ASC ASC",
        "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GeoSearch")]
    [InlineData("GEOSEARCH s FROMLONLAT 1 1 ASC ASC",
        "ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH")]
    [InlineData("GEOSEARCHSTORE k s FROMLONLAT 1 1 BYRADIUS 1 m WITHHASH",
        "ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options")]
    [InlineData("GEOSEARCHSTORE k s FROMLONLAT 1 1 BYRADIUS 1 m STORE k", Syntax)]
    [InlineData("GEOSEARCHSTORE k l FROMLONLAT 1 1 BYRADIUS 1 m", WrongType)]
    public void A_wrong_request_changes_nothing(string request, string reply) => AssertReply(request, reply);

    [Theory]
    [InlineData("BYPOLYGON 2 1 1 2 2 3 3", TooFewVertices)]
    [InlineData("BYPOLYGON 3 1 1 2 2 3", TooFewVertices)]
    [InlineData("BYPOLYGON 0 1 1 2 2", TooFewVertices)]
    [InlineData("BYPOLYGON -3 1 1 2 2", TooFewVertices)]
    [InlineData("BYPOLYGON 2147483647 1 1 2 2 3 3", TooFewVertices)]
    [InlineData("BYPOLYGON 2147483648 1 1 2 2 3 3", "ERR invalid number of vertices")]
    [InlineData("BYPOLYGON x 1 1 2 2 3 3", "ERR invalid number of vertices")]
    [InlineData("BYPOLYGON 3 1 1 2 2 3 x", NotAFloat)]
    [InlineData("BYPOLYGON 3 1 1 2 2 3 99", "ERR invalid longitude,latitude pair 3.000000,99.000000")]
    [InlineData("BYPOLYGON 3 1 1 2 2 3 3 4 4", Syntax)]
    [InlineData("BYPOLYGON 3 1 1 2 2 3 3 BYBOX 1 1 m", Syntax)]
    [InlineData("BYPOLYGON 3 1 1 2 2 3 3 BYRADIUS 1 m", Syntax)]
    [InlineData("BYPOLYGON 3 1 1 2 2 3 3 FROMMEMBER Palermo", Syntax)]
    [InlineData("BYPOLYGON 3 1 1 2 2 3 3 FROMLONLAT 1 1", Syntax)]
    [InlineData("FROMLONLAT 1 1 BYPOLYGON 3 1 1 2 2 3 3", Syntax)]
    [InlineData("FROMMEMBER Palermo BYPOLYGON 3 1 1 2 2 3 3", Syntax)]
    [InlineData("BYRADIUS 1 m BYPOLYGON 3 1 1 2 2 3 3", Syntax)]
    // On a line, twice the same, and around a pole.
    [InlineData("BYPOLYGON 3 13.3 38.1 13.3 38.1 13.3 38.1", "[]")]
    [InlineData("BYPOLYGON 3 0 0 20 50 0 60 BYPOLYGON 3 13 38 13 39 14 38", "[Palermo]")]
    [InlineData("BYPOLYGON 3 0 85 120 85 -120 85", "[]")]
    [InlineData("BYPOLYGON 4 -180 -85 -180 85 180 85 180 -85 COUNT 1", "[edge2]")]
    public void A_polygon_has_vertices(string area, string reply) => AssertReply("GEOSEARCH s " + area, reply);

    [Fact]
    public void A_polygon_has_a_thousand_vertices_at_most()
    {
        var most = "BYPOLYGON 1000" + string.Concat(Enumerable.Repeat(" 13 38 13 39 14 38", 333)) + " 13 38";
        AssertReply("GEOSEARCH s " + most, "[Palermo]");
        var more = most.Replace("1000", "1001", StringComparison.Ordinal) + " 13 38";
        AssertReply("GEOSEARCH s " + more, "ERR GEOSEARCH BYPOLYGON must have at most 1000 vertices");
        AssertReply("GEOSEARCHSTORE d s " + more, "ERR GEOSEARCH BYPOLYGON must have at most 1000 vertices");
    }

    [Theory]
    [InlineData("3 -135 12 -179 19 180 40", "29.4669 30.1654")]
    [InlineData("4 170 -10 170 10 -170 10 -170 -10", "0 0")]
    [InlineData("4 -180 -85 -180 85 180 85 180 -85", "-179.9 84.9")]
    [InlineData("3 -120 60 120 60 0 70", "0 61")]
    public void A_polygon_may_be_as_wide_as_the_world(string polygon, string place)
    {
        _driver.Run($"GEOADD wide {place} there");
        AssertReply("GEOSEARCH wide BYPOLYGON " + polygon, "[there]");
    }

    [Theory]
    [InlineData("GEOSEARCHSTORE d s FROMLONLAT 15 37 BYBOX 400 400 km COUNT 3", 3,
        "[Palermo 3479099956230698 Catania 3479447370796909 edge2 3481342659049484]")]
    [InlineData("GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST", 2,
        "[Catania 56.4412578701582 Palermo 190.44242984775784]")]
    [InlineData("GEORADIUS s 15 37 200 km STORE d", 2, "[Palermo 3479099956230698 Catania 3479447370796909]")]
    [InlineData("GEORADIUS s 15 37 200 km STORE none STOREDIST d DESC COUNT 1", 1, "[Palermo 190.44242984775784]")]
    [InlineData("GEORADIUS s 15 37 200 km STOREDIST none COUNT 1 STORE d", 1, "[Catania 3479447370796909]")]
    [InlineData("GEORADIUSBYMEMBER s Palermo 100 km STOREDIST d", 2, "[Palermo 0 edge1 91.40065860581427]")]
    [InlineData("GEOSEARCHSTORE d s " + Pentagon, 2, "[Palermo 3479099956230698 edge2 3481342659049484]")]
    public void What_is_stored_replaces_what_was_there(string request, int count, string expected)
    {
        _driver.Run("SET d text EX 100");
        Assert.Equal(count.ToString(CultureInfo.InvariantCulture), _driver.Say(request));
        Assert.Equal(count, _driver.Dirty);
        Assert.Equal([request], _driver.Effects);
        Assert.Equal(expected, _driver.Say("ZRANGE d 0 -1 WITHSCORES"));
        Assert.Equal("-1", _driver.Say("TTL d"));
        Assert.Equal("0", _driver.Say("EXISTS none"));
    }

    [Theory]
    [InlineData("GEOSEARCHSTORE d s FROMLONLAT 0 0 BYRADIUS 1 km")]
    [InlineData("GEOSEARCHSTORE d none FROMLONLAT 0 0 BYRADIUS 1 km")]
    [InlineData("GEORADIUS none 0 0 1 km STORE d")]
    [InlineData("GEORADIUSBYMEMBER none x 1 km STOREDIST d")]
    public void An_empty_result_removes_the_destination(string request)
    {
        Assert.Equal("0", _driver.Say(request));
        Assert.Equal(0, _driver.Dirty);
        _driver.Run("SET d text");
        Assert.Equal("0", _driver.Say(request));
        Assert.Equal(1, _driver.Dirty);
        Assert.Equal("0", _driver.Say("EXISTS d"));
    }

    [Fact]
    public void An_index_may_be_its_own_destination()
    {
        Assert.Equal("2", _driver.Say("GEOSEARCHSTORE s s FROMLONLAT 15 37 BYRADIUS 200 km"));
        Assert.Equal("[Palermo Catania]", _driver.Say("ZRANGE s 0 -1"));
    }

    [Fact]
    public void Adding_counts_what_is_new_or_with_ch_what_has_changed()
    {
        Assert.Equal("1", _driver.Say("GEOADD s 1 1 new 13.4 38 Palermo 13.4 38 Palermo"));
        Assert.Equal(2, _driver.Dirty);
        Assert.Equal("2", _driver.Say("GEOADD s CH XX 1 2 new 13 38 Palermo 5 5 nobody"));
        Assert.Equal("1", _driver.Say("GEOADD s NX CH 1 3 new 5 5 other"));
        Assert.Equal("(nil)", _driver.Say("ZSCORE s nobody"));
    }

    [Fact]
    public void The_effect_of_adding_is_a_zadd()
    {
        _driver.Run("GEOADD s XX CH 1 1 Palermo 2 2 nobody");
        Assert.Equal(["ZADD s XX CH 3377822707026402 Palermo 3378191666521995 nobody"], _driver.Effects);
        _driver.Run("GEOADD s NX 1 1 Palermo");
        Assert.Empty(_driver.Effects);
    }

    [Fact]
    public void Scores_that_are_no_points_have_points_all_the_same()
    {
        _driver.Run("ZADD w 1.5 f -5 neg 1e300 huge inf inf 9007199254740993 t 1e19 more");
        Assert.Equal(
            "[[-179.99999731779098511 -85.05112497791824921] [180 85.0511287799999991]"
                + " [-179.99999731779098511 -85.05112751263942528] [180 85.0511287799999991]]",
            _driver.Say("GEOPOS w f neg inf more"));
        Assert.Equal("[bp05b5048p0 00bh0hbj200]", _driver.Say("GEOHASH w neg huge"));
        Assert.Equal("[[f 0.0000 1]]", _driver.Say("GEOSEARCH w FROMMEMBER f BYRADIUS 1 km WITHDIST WITHHASH"));
        Assert.Equal("[[f 0.0003]]", _driver.Say("GEOSEARCH w FROMMEMBER huge BYRADIUS 1 km WITHDIST"));
    }

    [Fact]
    public void In_resp3_coordinates_are_doubles_and_distances_texts()
    {
        _driver.Protocol = 3;
        Assert.Equal("*2\r\n*2\r\n,13.36138933897018433\r\n,38.11555639549629859\r\n_\r\n",
            _driver.Run("GEOPOS s Palermo none"));
        Assert.Equal("$8\r\n166.2742\r\n", _driver.Run("GEODIST s Palermo Catania km"));
        Assert.Equal(
            "*1\r\n*3\r\n$7\r\nCatania\r\n$7\r\n56.4413\r\n"
                + "*2\r\n,15.08726745843887329\r\n,37.50266842333162032\r\n",
            _driver.Run(SixtyMiles + " WITHDIST WITHCOORD"));
        _driver.Protocol = 2;
        Assert.Equal("*1\r\n*-1\r\n", _driver.Run("GEOPOS s none"));
        Assert.Equal("*1\r\n$-1\r\n", _driver.Run("GEOHASH s none"));
    }

    [Fact]
    public void A_search_goes_over_the_180th_meridian()
    {
        _driver.Run("GEOADD p 179.5 36 point1 -179.5 36 point2");
        Assert.Equal("[point1 point2]", _driver.Say("GEOSEARCH p FROMLONLAT 179 37 BYBOX 400 400 km ASC"));
        Assert.Equal("[point2 point1]", _driver.Say("GEOSEARCH p FROMLONLAT -179 37 BYRADIUS 300 km ASC"));
    }

    [Fact]
    public void The_corners_of_the_world_can_be_added_and_are_told()
    {
        Assert.Equal("2", _driver.Say("GEOADD c 180 85.05112878 a -180 -85.05112878 b"));
        Assert.Equal("[[180 85.0511287799999991] [-179.99999731779098511 -85.05112751263942528]]",
            _driver.Say("GEOPOS c a b"));
    }

    [Fact]
    public void Members_at_the_same_distance_come_in_their_order_whatever_is_cut_off()
    {
        _driver.Run("GEOADD e " + string.Join(' ', Enumerable.Range(100, 40).Select(i => $"1 1 m{i}")));
        foreach (var order in (string[])["ASC", "DESC"])
        {
            var search = $"GEOSEARCH e FROMLONLAT 1 1.1 BYRADIUS 100 km {order}";
            Assert.Equal(_driver.Say("ZRANGE e 0 -1"), _driver.Say(search));
            Assert.Equal("[m100 m101 m102]", _driver.Say(search + " COUNT 3"));
        }
    }

    private void AssertReply(string request, string reply)
    {
        var before = _driver.Say("ZRANGE s 0 -1 WITHSCORES");
        Assert.Equal(reply, _driver.Say(request));
        Assert.Equal(0, _driver.Dirty);
        Assert.Empty(_driver.Effects);
        Assert.Equal(before, _driver.Say("ZRANGE s 0 -1 WITHSCORES"));
        Assert.Equal("0", _driver.Say("EXISTS k"));
    }
}
