// The log's line about a system without io_uring: a warning to whoever asked for it, news to all others.

using System.Text;
using Millrace.Net;
using Millrace.Server.Logging;

namespace Millrace.Server.Tests;

public sealed class PollerNoticeTests
{
    [Theory]
    [InlineData(PollerKind.IoUring, '#')]
    [InlineData(PollerKind.Auto, '*')]
    public void A_refusal_is_logged_with_its_reason_and_with_what_is_used_instead(PollerKind wanted, char mark)
    {
        var line = LinesOf(wanted, "io_uring_setup: the system forbids it");
        Assert.Contains($" {mark} io_uring is not available, clients are served by epoll: io_uring_setup: the system " +
            "forbids it\n", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_refusal_nothing_is_logged() => Assert.Equal("", LinesOf(PollerKind.IoUring, null));

    private static string LinesOf(PollerKind wanted, string? refusal)
    {
        var output = new MemoryStream();
        var log = new Log(LogLevel.Debug, new StreamLogOutput(output), TimeProvider.System, processId: 1);
        PollerNotice.Write(log, wanted, "epoll", refusal);
        return Encoding.UTF8.GetString(output.ToArray());
    }
}
