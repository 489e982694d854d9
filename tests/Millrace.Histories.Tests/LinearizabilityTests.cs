// The checker itself, on histories small enough to judge by hand.

namespace Millrace.Histories.Tests;

public sealed class LinearizabilityTests
{
    [Fact]
    public void A_read_that_overlaps_a_write_may_see_it_or_not()
    {
        Assert.True(Holds(Op(0, 0, 9, "+OK\r\n", "SET", "k", "1"), Op(1, 1, 8, "$-1\r\n", "GET", "k")));
        Assert.True(Holds(Op(0, 0, 9, "+OK\r\n", "SET", "k", "1"), Op(1, 1, 8, "$1\r\n1\r\n", "GET", "k")));
    }

    [Fact]
    public void A_read_after_a_write_must_see_it() =>
        Assert.False(Holds(Op(0, 0, 1, "+OK\r\n", "SET", "k", "1"), Op(1, 2, 3, "$-1\r\n", "GET", "k")));

    [Fact]
    public void Half_of_an_MSET_is_never_seen() => Assert.False(Holds(
        Op(0, 0, 9, "+OK\r\n", "MSET", "a", "1", "b", "1"),
        Op(1, 1, 8, "*2\r\n$1\r\n1\r\n$-1\r\n", "MGET", "a", "b")));

    [Fact]
    public void Two_readers_cannot_see_two_writes_in_different_orders() => Assert.False(Holds(
        Op(0, 0, 20, "+OK\r\n", "SET", "a", "1"),
        Op(1, 0, 20, "+OK\r\n", "SET", "b", "1"),
        Op(2, 1, 2, "*2\r\n$1\r\n1\r\n$-1\r\n", "MGET", "a", "b"),
        Op(3, 1, 2, "*2\r\n$-1\r\n$1\r\n1\r\n", "MGET", "a", "b")));

    [Fact]
    public void A_key_is_gone_after_its_deadline_and_not_before()
    {
        var set = Op(0, 0, 1, "+OK\r\n", "SET", "k", "1", "PX", "5");
        Assert.True(Holds(set, Op(0, 2, 3, "$1\r\n1\r\n", "GET", "k") with { NowMs = 105 }));
        Assert.True(Holds(set, Op(0, 2, 3, "$-1\r\n", "GET", "k") with { NowMs = 106 }));
        Assert.False(Holds(set, Op(0, 2, 3, "$1\r\n1\r\n", "GET", "k") with { NowMs = 106 }));
    }

    private static bool Holds(params Operation[] history) =>
        new Linearizability(history, _ => 0).Holds(new Model(2));

    private static Operation Op(int client, long began, long ended, string reply, params string[] args) =>
        new(client, 0, args, began, ended, 100, true, reply);
}
