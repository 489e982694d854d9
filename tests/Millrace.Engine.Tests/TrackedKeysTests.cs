namespace Millrace.Engine.Tests;

/// <summary>Tracked keys against a naive model.</summary>
public class TrackedKeysTests
{
    private const int Operations = 50_000;

    private static readonly int[] Seeds = [1, 2, Environment.TickCount];

    [Fact]
    public void Whoever_tracks_a_key_is_noted_once_when_it_changes_and_then_forgotten()
    {
        using var engine = new EngineFixture();
        var tracked = engine.Keyspace[0].Tracked;
        foreach (ulong tracker in (ulong[])[7, 3, 7, ulong.MaxValue, 0, 3]) tracked.Add(engine.Key("a"), tracker);
        var touched = new TouchedKeys();
        Assert.True(tracked.Take(engine.Key("a", database: 3), isOwn: true, touched));
        Assert.Equal("a own: 0 3 7 18446744073709551615", Text(touched));
        Assert.False(tracked.Take(engine.Key("a"), isOwn: true, touched));
        Assert.Equal((0, 0, 0), (tracked.Count, engine.Keyspace.Tracking.Keys, engine.Keyspace.Tracking.Items));
    }

    [Fact]
    public void Any_order_of_changes_leaves_what_the_model_has()
    {
        foreach (var seed in Seeds) RunModel(seed);
    }

    [Fact]
    public void All_keys_are_forgotten_at_once()
    {
        using var engine = new EngineFixture();
        var tracked = engine.Keyspace[0].Tracked;
        tracked.Clear();
        for (var i = 0; i < 1000; i++) tracked.Add(engine.Key($"key{i}"), (ulong)i % 3);
        tracked.Clear();
        Assert.Equal((0, 0, 0), (tracked.Count, engine.Keyspace.Tracking.Keys, engine.Keyspace.Tracking.Items));
        engine.Keyspace.Tracking.MaxKeys = 1;
        Assert.False(tracked.TryForget(1, new TouchedKeys()));
        tracked.Add(engine.Key("key1"), 5);
        Assert.Equal(1, tracked.Count);
    }

    [Fact]
    public void Threads_that_forget_at_once_forget_no_more_than_they_must()
    {
        const int Threads = 4;
        for (var round = 0; round < 20; round++)
        {
            using var engine = new EngineFixture(partitions: Threads);
            var tables = Enumerable.Range(0, Threads).Select(i => engine.Keyspace[i].Tracked).ToList();
            for (var i = 0; i < 400; i++) tables[i % Threads].Add(engine.Key($"key{i}"), 1);
            engine.Keyspace.Tracking.MaxKeys = 101;
            var forgotten = 0;
            var threads = tables.ConvertAll(table => new Thread(() =>
            {
                var touched = new TouchedKeys();
                while (table.TryForget((ulong)Environment.TickCount64, touched)) Interlocked.Increment(ref forgotten);
            }));
            threads.ForEach(static one => one.Start());
            threads.ForEach(static one => one.Join());
            Assert.Equal(299, forgotten);
            Assert.Equal((101, 101), (engine.Keyspace.Tracking.Keys, engine.Keyspace.Tracking.Items));
        }
    }

    private static void RunModel(int seed)
    {
        using var engine = new EngineFixture();
        var tracked = engine.Keyspace[0].Tracked;
        var random = new Random(seed);
        var model = new Dictionary<string, SortedSet<ulong>>();
        var touched = new TouchedKeys();
        for (var i = 0; i < Operations; i++)
        {
            touched.Clear();
            var name = "k" + new string('y', random.Next(3)) + random.Next(200);
            switch (random.Next(5))
            {
                case 0:
                    Assert.Equal(model.ContainsKey(name), tracked.Take(engine.Key(name), isOwn: false, touched));
                    if (model.Remove(name, out var trackers)) AssertTouched(name, trackers, touched, seed);
                    break;
                case 1 when random.Next(10) == 0:
                    engine.Keyspace.Tracking.MaxKeys = Math.Max(model.Count - random.Next(2), 1);
                    var mustForget = model.Count > engine.Keyspace.Tracking.MaxKeys;
                    Assert.Equal(mustForget, tracked.TryForget((ulong)random.NextInt64(), touched));
                    if (touched.IsEmpty) break;
                    var taken = Name(touched.Key(0));
                    Assert.True(model.Remove(taken, out trackers), $"{taken} was not tracked, seed {seed}");
                    AssertTouched(taken, trackers, touched, seed);
                    break;
                default:
                    var tracker = (ulong)random.Next(100);
                    tracked.Add(engine.Key(name), tracker);
                    if (!model.TryGetValue(name, out trackers)) model[name] = trackers = [];
                    trackers.Add(tracker);
                    break;
            }

            Assert.Equal(model.Count, tracked.Count);
        }

        Assert.Equal(model.Values.Sum(static one => (long)one.Count), engine.Keyspace.Tracking.Items);
    }

    private static void AssertTouched(string name, SortedSet<ulong> trackers, TouchedKeys touched, int seed) =>
        Assert.True(
            Text(touched) == $"{name} other: {string.Join(' ', trackers)}", $"{name} differs, seed {seed}");

    private static string Text(TouchedKeys touched)
    {
        Assert.Equal(1, touched.Count);
        var trackers = Enumerable.Range(0, touched.TrackerCount(0)).Select(number => touched.Tracker(0, number));
        return $"{Name(touched.Key(0))} {(touched.IsOwn(0) ? "own" : "other")}: {string.Join(' ', trackers)}";
    }

    private static string Name(ReadOnlySpan<byte> key) => System.Text.Encoding.Latin1.GetString(key);
}
