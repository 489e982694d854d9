using System.Text;

namespace Millrace.Host.Tests;

/// <summary>The line of a terminal that shows how far the loading is.</summary>
public sealed class LoadingBarTests
{
    [Theory]
    [InlineData(0, 1, "Loading  [>                             ]  0 %  about 1 s left")]
    [InlineData(50, 12, "Loading  [===============>              ]  50 %  about 12 s left")]
    [InlineData(100, 0, "Loading  [==============================]  100 %  about 0 s left")]
    [InlineData(250, 0, "Loading  [==============================]  250 %  about 0 s left")]
    public void It_is_as_long_as_there_is_loaded(double percent, long seconds, string text) =>
        Assert.Equal(text, LoadingBar.Text(percent, seconds));

    [Fact]
    public void Log_lines_grow_above_the_line_that_changes()
    {
        var terminal = new MemoryStream();
        var line = new TerminalLine(terminal);
        line.Write("one\n"u8);
        line.Show("10 %");
        line.Show("10 %");
        line.Write("two\n"u8);
        line.Show("20 %");
        line.Show("");
        line.Write("three\n"u8);
        const string erase = "\r\u001b[K";
        Assert.Equal(
            $"one\n{erase}10 %{erase}two\n10 %{erase}20 %{erase}three\n",
            Encoding.UTF8.GetString(terminal.ToArray()));
    }
}
