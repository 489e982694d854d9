namespace Millrace.Engine.Tests;

public class EvictionPoolTests
{
    [Fact]
    public void The_best_come_out_in_order_whatever_the_order_in_which_they_came()
    {
        for (var seed = 1; seed <= 50; seed++)
        {
            var random = new Random(seed);
            var pool = new EvictionPool();
            var ranks = Enumerable.Range(0, 40).Select(_ => (ulong)random.Next(1000)).ToList();
            for (var i = 0; i < ranks.Count; i++) pool.Offer(Candidate(ranks[i], (ulong)i));
            Assert.Equal(EvictionPool.Capacity, pool.Count);
            Assert.Equal(ranks.Order().Take(EvictionPool.Capacity), Drain(pool).Select(static one => one.Rank));
        }
    }

    [Fact]
    public void A_candidate_is_in_it_once_and_its_latest_use_counts()
    {
        var pool = new EvictionPool();
        pool.Offer(Candidate(5, hash: 1, clock: 5));
        pool.Offer(Candidate(7, hash: 2, clock: 7));
        pool.Offer(Candidate(5, hash: 1, clock: 5));
        Assert.Equal(2, pool.Count);
        pool.Offer(Candidate(9, hash: 1, clock: 9));
        Assert.Equal([7UL, 9UL], Drain(pool).Select(static one => one.Rank));
    }

    [Fact]
    public void The_same_hash_in_another_database_is_another_key()
    {
        var pool = new EvictionPool();
        pool.Offer(Candidate(5, hash: 1));
        pool.Offer(Candidate(5, hash: 1) with { Database = 3 });
        Assert.Equal(2, pool.Count);
    }

    [Fact]
    public void A_full_pool_wants_only_what_is_better_than_its_worst()
    {
        var pool = new EvictionPool();
        for (var i = 0; i < EvictionPool.Capacity; i++) pool.Offer(Candidate(10 + (ulong)i, (ulong)i));
        Assert.False(pool.Wants(25));
        Assert.True(pool.Wants(24));
        pool.Offer(Candidate(25, 100));
        pool.Offer(Candidate(12, 101));
        var left = Drain(pool);
        Assert.Equal([10UL, 11, 12, 12, 13], left.Take(5).Select(static one => one.Rank));
        Assert.Equal([2UL, 101], left.Skip(2).Take(2).Select(static one => one.Hash)); // the older candidate first
        Assert.Equal(24UL, left[^1].Rank);
    }

    [Fact]
    public void One_behind_the_best_can_be_taken_out()
    {
        var pool = new EvictionPool();
        for (var i = 0; i < 5; i++) pool.Offer(Candidate((ulong)i, (ulong)i));
        Assert.Equal(2UL, pool[2].Rank);
        pool.Drop(2);
        pool.Drop(3);
        Assert.Equal([0UL, 1, 3], Drain(pool).Select(static one => one.Rank));
    }

    private static EvictionCandidate Candidate(ulong rank, ulong hash, uint clock = 0) => new(rank, hash, clock, 0, 0);

    private static List<EvictionCandidate> Drain(EvictionPool pool)
    {
        var all = new List<EvictionCandidate>();
        while (pool.Count > 0)
        {
            all.Add(pool[0]);
            pool.Drop(0);
        }

        return all;
    }
}
