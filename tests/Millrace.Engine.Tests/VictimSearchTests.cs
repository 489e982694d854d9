using System.Globalization;
using Millrace.Engine.Values;

namespace Millrace.Engine.Tests;

public class VictimSearchTests
{
    private const long NowMs = 1_700_000_000_000;
    private const int Keys = 1000;

    [Fact]
    public void Those_used_least_recently_go_first_but_for_sampling()
    {
        using var engine = new EngineFixture();
        for (var i = 0; i < Keys; i++) Store(engine, i, NowMs + (i * 1000L));
        var search = Search(engine, EvictionPolicy.AllKeysLru);
        EvictSampled(engine, search, Keys / 2);
        var left = Left(engine);
        Assert.Equal(Keys / 2, left.Count);
        Assert.InRange(left.Count(static i => i < Keys / 2), 0, Keys / 10);
        Assert.InRange(left.Count(static i => i < Keys / 4), 0, Keys / 40);
        Assert.Equal(Keys / 2, engine.Keyspace[0].Line.Evicted);
    }

    [Fact]
    public void Those_used_least_often_go_first_and_of_these_the_ones_unused_for_longest()
    {
        using var engine = new EngineFixture();
        engine.Keyspace.AccessClock = new AccessClock(countsFrequency: true, decayMinutes: 0);
        for (var i = 0; i < Keys; i++) Store(engine, i, NowMs + (i < Keys / 4 ? 0 : 60_000));
        for (var i = Keys / 2; i < Keys; i++)
        {
            for (var use = 0; use < 20; use++)
            {
                engine.Begin(NowMs + 60_000);
                engine.Unit.Find(engine.Key(Name(i)), Access.Read);
                engine.Unit.End();
            }
        }

        var search = Search(engine, EvictionPolicy.AllKeysLfu);
        EvictSampled(engine, search, Keys / 4);
        Assert.InRange(Left(engine).Count(static i => i < Keys / 4), 0, Keys / 12);
        EvictSampled(engine, search, Keys / 4);
        Assert.InRange(Left(engine).Count(static i => i < Keys / 2), 0, Keys / 10);
    }

    [Fact]
    public void A_candidate_that_was_used_or_is_gone_stays_where_it_is()
    {
        using var engine = new EngineFixture();
        for (var i = 0; i < 2; i++) Store(engine, i, NowMs);
        var search = Search(engine, EvictionPolicy.AllKeysLru);
        engine.Begin(NowMs);
        for (var i = 0; i < 10; i++) Assert.Equal(2, search.Sample(engine.Unit, 0));
        engine.Unit.End();
        Assert.Equal(2, search.Pool.Count);
        engine.Begin(NowMs + 5000);
        engine.Unit.Find(engine.Key(Name(0)), Access.Read);
        engine.Unit.Remove(engine.Key(Name(1)), engine.Unit.Find(engine.Key(Name(1)), Access.Peek));
        while (search.Pool.Count > 0)
        {
            var best = search.Pool[0];
            search.Pool.Drop(0);
            Assert.False(search.TryEvict(engine.Unit, best));
        }

        engine.Unit.End();
        Assert.Equal([0], Left(engine));
    }

    [Theory]
    [InlineData(EvictionPolicy.VolatileLru)]
    [InlineData(EvictionPolicy.VolatileLfu)]
    [InlineData(EvictionPolicy.VolatileRandom)]
    [InlineData(EvictionPolicy.VolatileTtl)]
    public void Only_keys_with_a_deadline_go_however_few_they_are(EvictionPolicy policy)
    {
        using var engine = new EngineFixture();
        for (var i = 0; i < Keys; i++) Store(engine, i, NowMs, i % 100 == 0 ? NowMs + 1_000_000 + i : -1);
        var search = Search(engine, policy);
        engine.Begin(NowMs);
        var evicted = 0;
        while (EvictOne(engine, search, policy)) evicted++;
        Assert.Equal(0, search.Sample(engine.Unit, 0));
        engine.Unit.End();
        Assert.Equal(Keys / 100, evicted);
        Assert.Equal(Enumerable.Range(0, Keys).Where(static i => i % 100 != 0), Left(engine).Order());
        Assert.Equal(0, engine.Keyspace[0].Table(0)!.DeadlineCount);
    }

    [Fact]
    public void The_earliest_deadline_goes_first_in_whatever_database()
    {
        using var engine = new EngineFixture();
        var random = new Random(1);
        var deadlines = Enumerable.Range(0, 200).Select(_ => NowMs + random.Next(1_000_000)).ToList();
        for (var i = 0; i < deadlines.Count; i++) Store(engine, i, NowMs, deadlines[i], database: i % 3);
        var search = Search(engine, EvictionPolicy.VolatileTtl);
        engine.Begin(NowMs);
        foreach (var deadline in deadlines.Order())
        {
            Assert.Equal(deadline, search.EarliestMs(0));
            Assert.True(search.TryEvictEarliest(engine.Unit, 0));
        }

        Assert.False(search.TryEvictEarliest(engine.Unit, 0));
        Assert.Equal(long.MaxValue, engine.Keyspace[0].Line.NextDeadlineMs);
        engine.Unit.End();
    }

    [Fact]
    public void Any_key_of_any_database_is_as_likely_as_another()
    {
        using var engine = new EngineFixture();
        for (var i = 0; i < Keys; i++) Store(engine, i, NowMs, database: i < Keys / 10 ? 0 : 1);
        var search = Search(engine, EvictionPolicy.AllKeysRandom);
        engine.Begin(NowMs);
        for (var i = 0; i < Keys / 2; i++) Assert.True(search.TryEvictAny(engine.Unit, 0));
        engine.Unit.End();
        Assert.InRange(engine.Keyspace[0].Table(0)!.Count, 30, 70);
        Assert.Equal(Keys / 2, engine.Keyspace[0].Table(0)!.Count + engine.Keyspace[0].Table(1)!.Count);
    }

    [Fact]
    public void What_goes_is_told_like_a_deletion_and_recorded_like_an_expiry()
    {
        using var engine = new EngineFixture();
        Store(engine, 0, NowMs);
        var watcher = new Watcher();
        engine.Begin(NowMs);
        watcher.Add(engine.Unit, engine.Key(Name(0)));
        engine.Unit.End();
        engine.Unit.RecordsRemovals = true;
        var search = Search(engine, EvictionPolicy.AllKeysRandom);
        engine.Begin(NowMs);
        Assert.True(search.TryEvictAny(engine.Unit, 0));
        Assert.Equal(1, engine.Unit.Removals.Count);
        Assert.Equal("key:0", System.Text.Encoding.ASCII.GetString(engine.Unit.Removals.Key(0)));
        Assert.Equal(0, engine.Unit.Dirty);
        engine.Unit.End();
        Assert.True(watcher.IsBroken);
    }

    private static VictimSearch Search(EngineFixture engine, EvictionPolicy policy)
    {
        var search = new VictimSearch(engine.Keyspace);
        search.Begin(new MemoryLimits { Bytes = 1, Policy = policy });
        return search;
    }

    private static void EvictSampled(EngineFixture engine, VictimSearch search, int count)
    {
        engine.Begin(NowMs + (Keys * 1000L));
        while (count > 0)
        {
            if (EvictOne(engine, search, EvictionPolicy.AllKeysLru)) count--;
        }

        engine.Unit.End();
    }

    private static bool EvictOne(EngineFixture engine, VictimSearch search, EvictionPolicy policy)
    {
        if (policy == EvictionPolicy.VolatileTtl) return search.TryEvictEarliest(engine.Unit, 0);
        if (policy == EvictionPolicy.VolatileRandom) return search.TryEvictAny(engine.Unit, 0);
        search.Sample(engine.Unit, 0);
        while (search.Pool.Count > 0)
        {
            var best = search.Pool[0];
            search.Pool.Drop(0);
            if (search.TryEvict(engine.Unit, best)) return true;
        }

        return false;
    }

    private static void Store(EngineFixture engine, int i, long nowMs, long deadlineMs = -1, int database = 0)
    {
        engine.Begin(nowMs);
        StringValue.SetBytes(engine.Unit, engine.Key(Name(i), database), default, "value"u8, deadlineMs);
        engine.Unit.End();
    }

    private static List<int> Left(EngineFixture engine)
    {
        engine.Begin(NowMs);
        var left = Enumerable.Range(0, Keys)
            .Where(i => !engine.Unit.Find(engine.Key(Name(i)), Access.Peek).IsMissing).ToList();
        engine.Unit.End();
        return left;
    }

    private static string Name(int i) => "key:" + i.ToString(CultureInfo.InvariantCulture);
}
