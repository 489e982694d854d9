using System.Text;
using Millrace.Commands;
using Millrace.Server.Observability;

namespace Millrace.Server.Tests.Observability;

public class CommandStatisticsTests
{
    [Fact]
    public void Only_so_many_error_codes_are_told_apart()
    {
        var table = new CommandTable([]);
        var first = new CommandStatistics(table);
        var second = new CommandStatistics(table);
        for (var i = 0; i < 1100; i++) first.CountError(Encoding.ASCII.GetBytes($"CODE{i}"));
        first.CountError("CODE1"u8);
        second.CountError("OTHER"u8);
        Assert.Equal(CommandStatistics.MaxErrorCodes, first.Errors.Count);
        Assert.Equal(1100 - CommandStatistics.MaxErrorCodes, first.OtherErrors);
        Assert.Equal(2, first.ErrorsOf("CODE1"u8));
        Assert.Equal(0, first.ErrorsOf("CODE1000"u8));

        var sum = new CommandStatistics(table);
        second.AddTo(sum);
        first.AddTo(sum);
        Assert.Equal(1102, sum.ErrorReplies);
        Assert.Equal(1102, sum.Errors.Sum(static one => one.Count) + sum.OtherErrors);
        Assert.Equal(1, sum.ErrorsOf("OTHER"u8));
        first.Reset();
        Assert.Equal(0, first.OtherErrors);
    }
}
