using System.Text;
using Millrace.Persistence.Aof;
using Millrace.Persistence.Tests.Files;

namespace Millrace.Persistence.Tests.Aof;

public class AofAppenderTests
{
    private const string First = "*1\r\n$4\r\nPING\r\n";
    private const string Second = "*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n";

    [Fact]
    public void What_is_appended_is_read_again_batch_by_batch()
    {
        var files = new MemoryFiles();
        using (var appender = Open(files, default))
        {
            Assert.Null(Append(appender, First));
            Assert.Null(Append(appender, Second));
            Assert.Equal(files["a"].Length, appender.Length);
        }

        var result = Read(files, out var commands);
        Assert.Equal(AofFault.None, result.Fault);
        Assert.True(result.HasChecksums);
        Assert.Equal(2, commands);
        using (var appender = Open(files, result.Tail)) Assert.Null(Append(appender, First));
        Assert.Equal(AofFault.None, Read(files, out commands).Fault);
        Assert.Equal(3, commands);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(1000)]
    public void A_write_that_fails_is_cut_back_and_tried_again(int tornBytes)
    {
        var files = new MemoryFiles();
        using var appender = Open(files, default);
        Assert.Null(Append(appender, First));
        var length = files["a"].Length;
        files.TornBytes = tornBytes;
        files.FailsAfter = 0;
        Assert.Equal(MemoryFiles.Reason, Append(appender, Second));
        Assert.Equal(length, files["a"].Length);
        Assert.True(appender.IsPending);
        Assert.Throws<InvalidOperationException>(() => appender.Add(Encoding.ASCII.GetBytes(Second), 0));
        Assert.Null(appender.Write());
        Assert.False(appender.IsPending);
        Assert.Equal(AofFault.None, Read(files, out var commands).Fault);
        Assert.Equal(2, commands);
    }

    private static string? Append(AofAppender appender, string commands)
    {
        appender.Add(Encoding.ASCII.GetBytes(commands), 0);
        return appender.Write();
    }

    private static AofAppender Open(MemoryFiles files, AofTail tail)
    {
        Assert.Null(files.OpenToAppend("a", out var file));
        return new AofAppender(file!, tail, hasTimestamps: false);
    }

    private static AofLoadResult Read(MemoryFiles files, out int commands)
    {
        var sink = new RecordingSink();
        var result = new AofReader(new MemoryStream(files["a"]), sink).Read();
        commands = (int)result.Commands;
        return result;
    }
}
