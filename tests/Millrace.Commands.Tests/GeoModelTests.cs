using System.Globalization;
using Millrace.Commands.Tests.Driver;
using Millrace.Engine;
using Millrace.Resp;

namespace Millrace.Commands.Tests;

/// <summary>
/// Random indexes and searches against a model that looks at every member; the effects run on a second keyspace, which
/// must end the same. Circles and boxes are such that the cells which Redis looks at cover them: up to 1,500 km, and
/// not near a pole. Polygons are of any size.
/// Members within a millionth of a border may be on either side.
/// </summary>
public class GeoModelTests
{
    private const double Radius = 6372797.560856;
    private const double Doubt = 1e-6;

    private static readonly int Steps =
        Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1" ? 60_000 : 1_200;

    [Theory]
    [InlineData(1, 21)]
    [InlineData(1, 0)]
    [InlineData(64, 0)]
    public void Random_searches_find_what_the_model_finds_and_effects_do_it_again(int partitions, int seed)
    {
        if (seed == 0) seed = Environment.TickCount;
        var random = new Random(seed);
        using var driver = new CommandDriver(partitions, seed);
        using var replica = new CommandDriver(1, seed + 1);
        driver.Keyspace.Encodings = new EncodingLimits { SortedSetEntries = 60, SortedSetValueBytes = 12 };
        for (var step = 0; step < Steps; step++)
        {
            var story = $"seed {seed}, step {step}";
            if (random.Next(4) == 0) Change(driver, random);
            else if (random.Next(4) == 0) driver.RunWords(["GEOSEARCHSTORE", "s1", Key(random), .. Area(random).Words]);
            else Search(driver, random, story);
            foreach (var effect in driver.Effects)
                Assert.False(replica.RunWords(effect.Split(' ')).StartsWith('-'), effect);
        }

        Assert.True(StateOf(driver).SequenceEqual(StateOf(replica)), $"seed {seed}, effects");
        driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, driver.Keyspace.UsedBytes);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(0)]
    public void Polygons_of_any_size_find_what_is_inside(int seed)
    {
        if (seed == 0) seed = Environment.TickCount;
        var random = new Random(seed);
        using var driver = new CommandDriver(1, seed);
        var words = new List<string> { "GEOADD", "world" };
        for (var i = 0; i < 400; i++)
            words.AddRange([Text(Anywhere(random, 180)), Text(Anywhere(random, 85)), "m" + Text(i)]);
        driver.RunWords([.. words]);
        string[] all = [.. driver.Value("ZRANGE", "world", "0", "-1").Items.Select(CommandDriver.Render)];
        var places = driver.Value(["GEOPOS", "world", .. all]).Items.Select(PlaceOf).ToArray();
        for (var step = 0; step < Steps; step++)
        {
            var corners = Corners(random);
            string[] request =
            [
                "GEOSEARCH", "world", "BYPOLYGON", Text(corners.Length),
                .. corners.SelectMany(one => (string[])[Text(one.X), Text(one.Y)]),
            ];
            var found = driver.Value(request).Items.Select(CommandDriver.Render).ToArray();
            var members = found.ToHashSet(StringComparer.Ordinal);
            Assert.Equal(found.Length, members.Count);
            for (var i = 0; i < all.Length; i++)
            {
                var margin = Winds(corners, places[i]);
                if (Math.Abs(margin) < Doubt) continue;
                var isRight = margin > 0 == members.Contains(all[i]);
                Assert.True(isRight, $"seed {seed}, step {step}: {all[i]} of {string.Join(' ', request)}");
            }
        }
    }

    // Anywhere, or most of them near each other and one far away; often at an edge of the map.
    private static (double X, double Y)[] Corners(Random random)
    {
        var corners = new (double X, double Y)[random.Next(3, 12)];
        var size = random.Next(3) == 0 ? 360 : Math.Pow(360, random.NextDouble());
        var (x, y) = (Anywhere(random, 180), Anywhere(random, 85));
        for (var i = 0; i < corners.Length; i++)
        {
            corners[i] = (
                Math.Clamp(x + ((random.NextDouble() - 0.5) * size), -180, 180),
                Math.Clamp(y + ((random.NextDouble() - 0.5) * size), -85, 85));
        }

        if (random.Next(3) == 0) corners[0] = (Anywhere(random, 180), Anywhere(random, 85));
        return corners;
    }

    private static double Anywhere(Random random, double most) => ((random.NextDouble() * 2) - 1) * most;

    private static (double X, double Y) PlaceOf(RespValue at) =>
        (Number(CommandDriver.Render(at.Items[0])), Number(CommandDriver.Render(at.Items[1])));

    private static IEnumerable<string> StateOf(CommandDriver driver) =>
        driver.Value("KEYS", "*").Items.Select(CommandDriver.Render).Order(StringComparer.Ordinal)
            .Select(name => $"{name} {driver.Say($"ZRANGE {name} 0 -1 WITHSCORES")}");

    private static string Key(Random random) => "g" + random.Next(3);

    private static void Change(CommandDriver driver, Random random)
    {
        if (random.Next(6) == 0)
        {
            driver.RunWords(random.Next(8) == 0 ? "DEL" : "ZREM", Key(random), "m" + random.Next(300));
            return;
        }

        var words = new List<string> { "GEOADD", Key(random) };
        if (random.Next(4) == 0) words.Add(random.Next(2) == 0 ? "NX" : "XX");
        for (var i = random.Next(1, 30); i > 0; i--)
        {
            var point = Place(random, 3);
            words.AddRange([Text(point.X), Text(point.Y), "m" + random.Next(300)]);
        }

        driver.RunWords([.. words]);
    }

    private static void Search(CommandDriver driver, Random random, string story)
    {
        var key = Key(random);
        var (words, doubt, within) = Area(random);
        var order = random.Next(3);
        string[] request =
        [
            "GEOSEARCH", key, .. words, "WITHDIST", .. order == 0 ? [] : (string[])[order == 1 ? "ASC" : "DESC"],
        ];
        var found = driver.Value(request).Items;
        var distances = found.Select(DistanceOf).ToArray();
        var sorted = order == 2 ? distances.OrderDescending() : distances.Order();
        Assert.True(order == 0 || sorted.SequenceEqual(distances), story);
        var members = found.Select(hit => CommandDriver.Render(hit.Items[0])).ToHashSet(StringComparer.Ordinal);
        Assert.Equal(found.Count, members.Count);
        string[] all = [.. driver.Value("ZRANGE", key, "0", "-1").Items.Select(CommandDriver.Render)];
        var places = driver.Value(["GEOPOS", key, .. all]).Items;
        for (var i = 0; i < all.Length; i++)
        {
            var margin = within(PlaceOf(places[i]));
            if (Math.Abs(margin) < doubt) continue;
            Assert.True(margin > 0 == members.Contains(all[i]), $"{story}: {all[i]} of {string.Join(' ', request)}");
        }

        var wanted = random.Next(1, 12);
        var cut = driver.Value([.. request, "COUNT", wanted.ToString(CultureInfo.InvariantCulture)]).Items;
        var best = (order == 2 ? distances.OrderDescending() : distances.Order()).Take(wanted);
        Assert.True(best.SequenceEqual(cut.Select(DistanceOf)), $"{story}, the best {wanted}");
    }

    // Words, and by how much of its size a point is inside. Of a box Redis's choice of cells leaves out a little at the
    // corners that are nearer to a pole.
    private static (string[] Words, double Doubt, Func<(double X, double Y), double> Within) Area(Random random)
    {
        var centre = Place(random, 2);
        string[] from = ["FROMLONLAT", Text(centre.X), Text(centre.Y)];
        var size = Math.Pow(10, (random.NextDouble() * 4.2) + 2);
        if (random.Next(3) == 0)
            return ([.. from, "BYRADIUS", Text(size), "m"], Doubt, at => 1 - (Distance(centre, at) / size));
        if (random.Next(2) == 0)
        {
            size /= 5;
            var high = size * (0.2 + random.NextDouble());
            return ([.. from, "BYBOX", Text(size), Text(high), "m"], 1_000 * Doubt, at => Math.Min(
                1 - (Distance((centre.X, at.Y), at) / (size / 2)),
                1 - (Distance((centre.X, centre.Y), (centre.X, at.Y)) / (high / 2))));
        }

        var corners = Enumerable.Range(0, random.Next(3, 9))
            .Select(_ => (X: Math.Clamp(centre.X + Shift(random), -180, 180), Y: centre.Y + Shift(random))).ToArray();
        return (
            ["BYPOLYGON", Text(corners.Length), .. corners.SelectMany(one => (string[])[Text(one.X), Text(one.Y)])],
            Doubt,
            at => Winds(corners, at));
    }

    private static double Shift(Random random) => (random.NextDouble() - 0.5) * 12;

    // Another test than the server's: edges are cut with the parallel of the point one by one.
    private static double Winds((double X, double Y)[] corners, (double X, double Y) at)
    {
        var crossed = 0;
        var nearest = double.MaxValue;
        for (var i = 0; i < corners.Length; i++)
        {
            var (from, to) = (corners[i], corners[(i + 1) % corners.Length]);
            if (from.Y > to.Y) (from, to) = (to, from);
            if (at.Y < from.Y || at.Y >= to.Y) continue;
            var x = from.X + ((to.X - from.X) * ((at.Y - from.Y) / (to.Y - from.Y)));
            nearest = Math.Min(nearest, Math.Abs(x - at.X));
            if (x > at.X) crossed++;
        }

        return crossed % 2 == 1 ? nearest : -nearest;
    }

    // The chord through the earth, and the arc above it.
    private static double Distance((double X, double Y) from, (double X, double Y) to)
    {
        var (a, b) = (OnSphere(from), OnSphere(to));
        var chord = Math.Sqrt(Math.Pow(a.X - b.X, 2) + Math.Pow(a.Y - b.Y, 2) + Math.Pow(a.Z - b.Z, 2));
        return 2 * Radius * Math.Asin(Math.Min(chord / 2, 1));
    }

    private static (double X, double Y, double Z) OnSphere((double X, double Y) at)
    {
        var (longitude, latitude) = (at.X * Math.PI / 180, at.Y * Math.PI / 180);
        var cosine = Math.Cos(latitude);
        return (cosine * Math.Cos(longitude), cosine * Math.Sin(longitude), Math.Sin(latitude));
    }

    // Near one of a few places, one of them at the 180th meridian.
    private static (double X, double Y) Place(Random random, double spread)
    {
        (double X, double Y)[] places = [(13, 38), (-179.8, -20), (179.5, 62), (0, 0)];
        var (x, y) = places[random.Next(places.Length)];
        x += (random.NextDouble() - 0.5) * 2 * spread;
        if (Math.Abs(x) > 180) x -= 360 * Math.Sign(x);
        return (x, y + ((random.NextDouble() - 0.5) * 2 * spread));
    }

    private static double DistanceOf(RespValue hit) => Number(CommandDriver.Render(hit.Items[1]));

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
