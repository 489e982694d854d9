using System.Text;
using Millrace.Server.Config;
using Millrace.Server.Logging;
using Millrace.Server.Tests.Config;

namespace Millrace.Server.Tests.Logging;

public sealed class LogTests
{
    [Fact]
    public void A_line_has_the_format_of_Redis()
    {
        var output = new MemoryStream();
        var log = new Log(LogLevel.Debug, new StreamLogOutput(output), new FixedTime(), processId: 4711);
        log.Debug("one");
        log.Verbose("two");
        log.Role = 'M';
        log.Notice("three");
        log.Warning("four");
        Assert.Equal(
            "4711:C 03 Feb 2026 14:05:06.007 . one\n"
            + "4711:C 03 Feb 2026 14:05:06.007 - two\n"
            + "4711:M 03 Feb 2026 14:05:06.007 * three\n"
            + "4711:M 03 Feb 2026 14:05:06.007 # four\n",
            Encoding.UTF8.GetString(output.ToArray()));
    }

    [Theory]
    [InlineData(LogLevel.Debug, ".-*#")]
    [InlineData(LogLevel.Verbose, "-*#")]
    [InlineData(LogLevel.Notice, "*#")]
    [InlineData(LogLevel.Warning, "#")]
    [InlineData(LogLevel.Nothing, "")]
    public void Less_important_lines_are_left_out(LogLevel level, string marks)
    {
        var output = new MemoryStream();
        var log = new Log(level, new StreamLogOutput(output), new FixedTime(), processId: 1);
        foreach (LogLevel each in Enum.GetValues<LogLevel>()) log.Write(each, "x");
        string[] lines = Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(marks, string.Concat(lines.Select(line => line[^3])));
    }

    [Fact]
    public void A_message_cannot_forge_a_second_line_and_is_cut_off()
    {
        var output = new MemoryStream();
        var log = new Log(LogLevel.Debug, new StreamLogOutput(output), new FixedTime(), processId: 1);
        log.Notice("a\r\n1:M forged\u001b[0m" + new string('x', 5000));
        string text = Encoding.UTF8.GetString(output.ToArray());
        Assert.Single(text.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("* a  1:M forged [0mxxx", text);
        Assert.True(text.Length < Log.MaxMessageChars + 64);
    }

    [Fact]
    public void A_log_file_is_appended_to_and_survives_rotation()
    {
        string directory = Directory.CreateTempSubdirectory("millrace-log-").FullName;
        string path = Path.Combine(directory, "log");
        File.WriteAllText(path, "before\n");
        var output = new FileLogOutput(path);
        Assert.Null(output.WhyNotWritable());
        var log = new Log(LogLevel.Notice, output, new FixedTime(), processId: 1);
        log.Notice("one");
        File.Move(path, path + ".1");
        log.Notice("two");
        Assert.Equal("before\n1:C 03 Feb 2026 14:05:06.007 * one\n", File.ReadAllText(path + ".1"));
        Assert.Equal("1:C 03 Feb 2026 14:05:06.007 * two\n", File.ReadAllText(path));
        Directory.Delete(directory, recursive: true);
        log.Notice("three");
    }

    [Fact]
    public void A_log_file_in_a_missing_directory_is_a_clear_error()
    {
        Assert.Equal("No such file or directory", new FileLogOutput("/nonexistent/millrace/log").WhyNotWritable());
        Assert.Equal("Is a directory", new FileLogOutput(Path.GetTempPath()).WhyNotWritable());
    }

    [Fact]
    public void Lines_of_several_threads_do_not_mix()
    {
        var output = new MemoryStream();
        var log = new Log(LogLevel.Notice, new StreamLogOutput(output), new FixedTime(), processId: 1);
        Parallel.For(0, 8, thread =>
        {
            for (int i = 0; i < 200; i++) log.Notice(new string((char)('a' + thread), 50));
        });
        string[] lines = Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(1600, lines.Length);
        Assert.All(lines, line => Assert.Single(line[^50..].Distinct()));
    }

    [Fact]
    public void CONFIG_SET_loglevel_changes_the_log()
    {
        var output = new MemoryStream();
        var log = new Log(LogLevel.Notice, new StreamLogOutput(output), new FixedTime(), processId: 1);
        Configuration configuration = TestTable.Configuration();
        configuration.Add(new LogSettings(log));
        Assert.Null(configuration.Set("loglevel", "debug"));
        Assert.True(log.IsEnabled(LogLevel.Debug));
    }

    private sealed class FixedTime : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone =>
            TimeZoneInfo.CreateCustomTimeZone("test", TimeSpan.FromHours(2), "test", "test");

        public override DateTimeOffset GetUtcNow() => new(2026, 2, 3, 12, 5, 6, 7, TimeSpan.Zero);
    }
}
