using System.Globalization;

namespace Millrace.Server.Tests.Blocking;

/// <summary>Clients that wait with XREADGROUP BLOCK CLAIM: time alone makes an entry ready. The stream <c>s</c> has the
/// entry 1-1, which its group <c>g</c> has handed to <c>a</c>.</summary>
public class ClaimWaitTests
{
    private const string Info = "blocked_clients:";

    [Theory]
    [InlineData("1")]
    [InlineData("4")]
    public void A_waiter_gets_an_entry_as_soon_as_it_has_been_pending_for_long_enough(string loops)
    {
        using var server = new InProcessServer("--io-threads", loops);
        using var writer = Begin(server);
        using var waiter = new Conversation(server);
        Assert.InRange(
            IdleOf(waiter.Say("XREADGROUP GROUP g b BLOCK 0 CLAIM 150 STREAMS s >"), "1-1"), 150, 10_000);
        Assert.Equal("[1 1-1 1-1 [[b 1]]]", writer.Say("XPENDING s g"));
    }

    [Fact]
    public void Of_several_waiters_one_gets_it_and_the_others_wait_on()
    {
        using var server = new InProcessServer("--io-threads", "4");
        using var writer = Begin(server);
        Conversation[] waiters = [new(server), new(server), new(server)];
        // Who gets it has it for so long; a machine that stands still meanwhile shall not let the next one have it.
        foreach (var waiter in waiters) Send(waiter, "XREADGROUP GROUP g b BLOCK 0 CLAIM 3000 STREAMS s >");
        Until(writer, 3);
        Until(writer, 2);
        Assert.StartsWith("[[1-1 b ", writer.Say("XPENDING s g - + 9"), StringComparison.Ordinal);
        writer.Say("XACK s g 1-1");
        writer.Say("XADD s 2-1 f w");
        writer.Say("XADD s 2-2 f w");
        foreach (var waiter in waiters)
        {
            Assert.Contains("-1 [f ", waiter.Read().Replace("2-2", "2-1", StringComparison.Ordinal),
                StringComparison.Ordinal);
            waiter.Dispose();
        }
    }

    [Theory]
    [InlineData("XCLAIM s g z 0 1-1 IDLE 70000 JUSTID", "[1-1]", "1-1")]
    [InlineData("XADD s 2-1 f w", "2-1", "2-1")]
    public void A_change_serves_the_waiter_before_the_time_comes(string request, string reply, string id)
    {
        using var server = new InProcessServer("--io-threads", "4");
        using var writer = Begin(server);
        using var waiter = new Conversation(server);
        Send(waiter, "XREADGROUP GROUP g b BLOCK 0 CLAIM 60000 STREAMS s >");
        Until(writer, 1);
        Assert.Equal(reply, writer.Say(request));
        IdleOf(waiter.Read(), id);
    }

    [Theory]
    [InlineData("XREADGROUP GROUP g b BLOCK 50 CLAIM 60000 STREAMS s >")]
    [InlineData("XREADGROUP GROUP g b BLOCK 300 CLAIM 60000 STREAMS s >")]
    public void The_time_out_ends_the_wait(string request)
    {
        using var server = new InProcessServer("--io-threads", "1");
        using var writer = Begin(server);
        Assert.Equal("(nil)", writer.Say(request));
        writer.Say("XACK s g 1-1");
        Assert.Equal("(nil)", writer.Say("XREADGROUP GROUP g b BLOCK 250 CLAIM 0 STREAMS s >"));
        Assert.Equal("PONG", writer.Say("PING"));
    }

    [Fact]
    public void While_writes_are_paused_nobody_claims()
    {
        using var server = new InProcessServer("--io-threads", "1");
        using var writer = Begin(server);
        using var waiter = new Conversation(server);
        Send(waiter, "XREADGROUP GROUP g b BLOCK 0 CLAIM 100 STREAMS s >");
        Until(writer, 1);
        Assert.Equal("OK", writer.Say("CLIENT PAUSE 400 WRITE"));
        Assert.InRange(IdleOf(waiter.Read(), "1-1"), 300, 10_000);
    }

    [Fact]
    public void Running_a_waiting_request_again_counts_no_more_time_than_it_takes()
    {
        using var server = new InProcessServer("--io-threads", "1");
        using var writer = Begin(server);
        writer.Say("XACK s g 1-1");
        Assert.Equal("(nil)", writer.Say("XREADGROUP GROUP g b BLOCK 700 CLAIM 0 STREAMS s >"));
        var line = writer.Say("INFO commandstats").Split("cmdstat_xreadgroup:")[1];
        Assert.InRange(long.Parse(line.Split("usec=")[1].Split(',')[0], CultureInfo.InvariantCulture), 0, 400_000);
    }

    private static Conversation Begin(InProcessServer server)
    {
        var writer = new Conversation(server);
        writer.Say("XADD s 1-1 f v");
        writer.Say("XGROUP CREATE s g 0");
        writer.Say("XREADGROUP GROUP g a STREAMS s >");
        return writer;
    }

    private static void Send(Conversation waiter, string request) => waiter.Send(request.Split(' '));

    private static void Until(Conversation other, int blocked)
    {
        var wanted = Info + blocked.ToString(CultureInfo.InvariantCulture);
        for (var i = 0; i < 1000; i++)
        {
            if (other.Say("INFO clients").Contains(wanted + "\r", StringComparison.Ordinal)) return;
            Thread.Sleep(5);
        }

        Assert.Fail(other.Say("INFO clients"));
    }

    // [[s [[id [f v] idle deliveries]]]]
    private static long IdleOf(string reply, string id)
    {
        Assert.StartsWith($"[[s [[{id} [f ", reply, StringComparison.Ordinal);
        return long.Parse(reply.TrimEnd(']').Split(' ')[^2], CultureInfo.InvariantCulture);
    }
}
