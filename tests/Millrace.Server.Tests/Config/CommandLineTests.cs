using System.Text;
using Millrace.Server.Config;

namespace Millrace.Server.Tests.Config;

public sealed class CommandLineTests
{
    [Fact]
    public void Arguments_override_standard_input_which_overrides_the_file()
    {
        var files = new MemoryFiles { Texts = { ["my.conf"] = "port 1\nhz 11\ntimeout 1" } };
        var file = new ConfigFile(TestTable.New(), files);
        Assert.Null(file.Load(CommandLine.From(["my.conf", "--timeout", "3", "-"]), "hz 12\ntimeout 2"u8));
        Assert.Equal("1", file.Values["port"].Text);
        Assert.Equal("12", file.Values["hz"].Text);
        Assert.Equal("3", file.Values["timeout"].Text);
    }

    [Theory]
    [InlineData("-", true)]
    [InlineData("my.conf -", true)]
    [InlineData("--port 1 -", true)]
    [InlineData("- --port 1", true)]
    [InlineData("--port 1", false)]
    [InlineData("--save - --port 1", false)]
    [InlineData("", false)]
    public void A_dash_at_either_end_reads_standard_input(string arguments, bool reads) =>
        Assert.Equal(reads, CommandLine.From(Split(arguments)).ReadsStandardInput);

    [Theory]
    [InlineData("port", "--port 1234", "1234")]
    [InlineData("port", "--port 1 --port 2", "2")]
    [InlineData("requirepass", "--requirepass --secret", "--secret")]
    [InlineData("requirepass", "--requirepass --port --port 3", "--port")]
    [InlineData("requirepass", "--requirepass a\"b\\c", "a\"b\\c")]
    [InlineData("save", "--save --port 2", "")]
    [InlineData("save", "--port 2 --save", "")]
    [InlineData("bind", "--bind 10.0.0.1 ::1", "10.0.0.1 ::1")]
    [InlineData("shutdown-on-sigint", "--shutdown-on-sigint nosave|force", "nosave force")]
    [InlineData("port", "--port|77", "77")]
    [InlineData("loglevel", "--loglevel|debug --port 1", "debug")]
    [InlineData("io", "--io sockets", "sockets")]
    [InlineData("oom-score-adj-values", "--oom-score-adj-values -1 0 5", "-1 0 5")]
    public void Directives_are_read_as_in_Redis(string name, string arguments, string value)
    {
        var file = new ConfigFile(TestTable.New(), new MemoryFiles());
        ConfigError? error = file.Load(CommandLine.From(Split(arguments)), default);
        Assert.True(error is null, error?.Report("1"));
        Assert.Equal(value, file.Values[name].Text);
    }

    [Fact]
    public void Text_beyond_ASCII_arrives_as_UTF8()
    {
        var file = new ConfigFile(TestTable.New(), new MemoryFiles());
        Assert.Null(file.Load(CommandLine.From(["--requirepass", "pä\n"]), default));
        Assert.Equal("pä\n", Encoding.UTF8.GetString(Settings.From(file.Values).RequirePass.Span));
    }

    [Fact]
    public void An_error_of_the_command_line_says_so()
    {
        var file = new ConfigFile(TestTable.New(), new MemoryFiles());
        ConfigError? error = file.Load(CommandLine.From(["--hz", "5", "--prot", "1"]), default);
        Assert.Contains("Reading the command line, at line 2\n>>> 'prot \"1\"'\n", error?.Report("1"));
        Assert.Contains("did you mean 'port'?", error?.Report("1"));
    }

    [Fact]
    public void A_file_that_cannot_be_opened_is_one_sentence()
    {
        var file = new ConfigFile(TestTable.New(), new MemoryFiles());
        ConfigError? error = file.Load(CommandLine.From(["none.conf"]), default);
        Assert.Equal(
            "Fatal error, can't open config file 'none.conf': No such file or directory\n", error?.Report("1"));
    }

    private static string[] Split(string arguments) =>
        [.. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => word.Replace('|', ' '))];
}
