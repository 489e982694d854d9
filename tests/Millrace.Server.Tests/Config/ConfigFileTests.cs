using System.Text;
using Millrace.Server.Config;

namespace Millrace.Server.Tests.Config;

public sealed class ConfigFileTests
{
    private static readonly DirectiveTable Table = TestTable.New();

    [Theory]
    [InlineData("port 1", "1")]
    [InlineData("PORT 1", "1")]
    [InlineData("  \tport \t 1 \t", "1")]
    [InlineData("# port 2\n\nport 1\n#port 3", "1")]
    [InlineData("port 1\r\n# x\r\n", "1")]
    [InlineData("port 2\nport 1", "1")]
    [InlineData("port \"1\"", "1")]
    [InlineData("port '1'", "1")]
    [InlineData("\"port\" \"\\x31\"", "1")]
    public void Lines_are_read_as_in_redis_conf(string text, string port) =>
        Assert.Equal(port, TestTable.ValueOf("port", text));

    [Theory]
    [InlineData("\"a b\"", "a b")]
    [InlineData("'a b'", "a b")]
    [InlineData("\"\\n\\r\\t\\b\\a\"", "\n\r\t\b\a")]
    [InlineData("\"\\x41\\x4a\\xff\"", "AJ\u00ff")]
    [InlineData("\"\\x4\"", "x4")]
    [InlineData("\"\\q\\\"\\\\\"", "q\"\\")]
    [InlineData("'\\n'", "\\n")]
    [InlineData("'it\\'s'", "it's")]
    [InlineData("a\\x41", "a\\x41")]
    [InlineData("a\"b c\"", "ab c")]
    [InlineData("''", "")]
    [InlineData("a#b", "a#b")]
    public void Quotes_are_read_by_the_rules_of_sdssplitargs(string quoted, string value) =>
        Assert.Equal(value, TestTable.ValueOf("requirepass", "requirepass " + quoted));

    [Theory]
    [InlineData("requirepass \"a")]
    [InlineData("requirepass 'a")]
    [InlineData("requirepass \"a\"b")]
    [InlineData("requirepass 'a'b")]
    [InlineData("bind \"'a\"")]
    public void Unbalanced_quotes_are_an_error(string line) =>
        Assert.Equal("Unbalanced quotes in configuration line", TestTable.ErrorOf(line).Reason);

    [Theory]
    [InlineData("port")]
    [InlineData("port 1 2")]
    [InlineData("dir a b")]
    public void A_directive_of_one_value_takes_exactly_one(string line) =>
        Assert.Equal("wrong number of arguments", TestTable.ErrorOf(line).Reason);

    [Fact]
    public void A_NUL_byte_is_an_error() =>
        Assert.Equal("NUL byte in configuration line", TestTable.ErrorOf("port 1\0").Reason);

    [Fact]
    public void An_error_is_reported_in_the_form_of_Redis()
    {
        ConfigError error = TestTable.ErrorOf("port 1\n\n  maxclients  0 \nport 2");
        Assert.Equal(
            "\n*** FATAL CONFIG FILE ERROR (Millrace 1.2.3) ***\n"
            + "Reading the configuration file, at line 3\n"
            + ">>> 'maxclients  0'\n"
            + "argument must be between 1 and 4294967295 inclusive\n",
            error.Report("1.2.3"));
    }

    [Theory]
    [InlineData("requirepass hunter2 oops", "requirepass (redacted)")]
    [InlineData("RequirePass \"hunter2", "RequirePass (redacted)")]
    [InlineData("masterauth hunter2", "masterauth (redacted)")]
    [InlineData("user alice >hunter2", "user (redacted)")]
    [InlineData("tls-key-file-pass hunter2", "tls-key-file-pass (redacted)")]
    [InlineData("requirepass\thunter2 oops", "requirepass (redacted)")]
    [InlineData("\"requirepass\" hunter2 oops", "requirepass (redacted)")]
    public void An_error_report_never_shows_a_secret(string line, string shown)
    {
        ConfigError error = TestTable.ErrorOf(line);
        Assert.Equal(shown, error.Text);
        Assert.DoesNotContain("hunter2", error.Report("1"));
    }

    [Fact]
    public void An_included_file_is_read_at_its_place()
    {
        var files = new MemoryFiles { Texts = { ["/start/a.conf"] = "port 2\ntimeout 7", ["/b.conf"] = "hz 20" } };
        var file = new ConfigFile(TestTable.New(), files);
        Assert.Null(file.Parse("port 1\ninclude a.conf\ninclude /b.conf\ntimeout 9"u8));
        Assert.Equal("2", file.Values["port"].Text);
        Assert.Equal("9", file.Values["timeout"].Text);
        Assert.Equal("20", file.Values["hz"].Text);
    }

    [Fact]
    public void A_relative_include_starts_at_the_dir_in_force()
    {
        var files = new MemoryFiles { Texts = { ["/start/sub/a.conf"] = "port 2" } };
        var file = new ConfigFile(TestTable.New(), files);
        Assert.Null(file.Parse("dir sub\ninclude a.conf"u8));
        Assert.Equal("2", file.Values["port"].Text);
    }

    [Fact]
    public void An_include_pattern_reads_every_match_in_order_and_may_match_nothing()
    {
        var files = new MemoryFiles { Texts = { ["/d/2.conf"] = "port 2", ["/d/1.conf"] = "port 1\nhz 30" } };
        var file = new ConfigFile(TestTable.New(), files);
        Assert.Null(file.Parse("include /d/*.conf\ninclude /none/*.conf"u8));
        Assert.Equal("2", file.Values["port"].Text);
        Assert.Equal("30", file.Values["hz"].Text);
    }

    [Fact]
    public void An_error_in_an_included_file_names_it()
    {
        var files = new MemoryFiles { Texts = { ["/a"] = "\nhz x" } };
        ConfigError error = TestTable.ErrorOf("include /a", files);
        Assert.Contains("Reading the configuration file '/a', at line 2\n>>> 'hz x'\n", error.Report("1"));
    }

    [Fact]
    public void A_missing_included_file_is_an_error() =>
        Assert.Equal(
            "Fatal error, can't open config file '/none': No such file or directory",
            TestTable.ErrorOf("include /none").Reason);

    [Fact]
    public void A_file_that_includes_itself_ends_at_the_depth_limit()
    {
        var files = new MemoryFiles { Texts = { ["/a"] = "include /a" } };
        ConfigError error = TestTable.ErrorOf("include /a", files);
        Assert.Equal($"includes are nested deeper than {ConfigFile.MaxIncludeDepth} files", error.Reason);
    }

    [Fact]
    public void Includes_that_multiply_end_at_the_limit_of_files()
    {
        var files = new MemoryFiles();
        files.Texts["/a"] = string.Concat(Enumerable.Repeat("include /b\n", 100));
        files.Texts["/b"] = string.Concat(Enumerable.Repeat("include /c\n", 100));
        files.Texts["/c"] = "hz 1";
        ConfigError error = TestTable.ErrorOf("include /a", files);
        Assert.Equal($"more than {ConfigFile.MaxIncludedFiles} included files", error.Reason);
        Assert.True(files.Reads <= ConfigFile.MaxIncludedFiles);
    }

    [Fact]
    public void Texts_that_are_too_large_together_are_refused()
    {
        var file = new ConfigFile(TestTable.New(), new MemoryFiles());
        byte[] half = new byte[(ConfigFile.MaxTotalBytes / 2) + 1];
        half.AsSpan().Fill((byte)'#');
        Assert.Null(file.Parse(half));
        Assert.Contains("bytes of configuration", file.Parse(half)?.Report("1"));
    }

    [Fact]
    public void A_line_as_long_as_the_limit_is_read_and_a_longer_one_is_refused()
    {
        byte[] text = new byte[ConfigFile.MaxLineBytes + 1];
        text.AsSpan().Fill((byte)'\\');
        "requirepass "u8.CopyTo(text);
        Assert.Null(new ConfigFile(Table, new MemoryFiles()).Parse(text.AsSpan(0, ConfigFile.MaxLineBytes)));
        ConfigError? error = new ConfigFile(Table, new MemoryFiles()).Parse(text);
        Assert.Equal($"more than {ConfigFile.MaxLineBytes} bytes in one line", error?.Reason);
        Assert.Equal("requirepass (redacted)", error?.Text);
    }

    [Fact]
    public void A_line_of_too_many_words_is_refused_and_shown_in_part()
    {
        ConfigError error = TestTable.ErrorOf("bind " + string.Concat(Enumerable.Repeat("x ", ConfigFile.MaxWords)));
        Assert.Equal($"more than {ConfigFile.MaxWords} words in one line", error.Reason);
        Assert.Equal(259, error.Text.Length);
    }

    [Fact]
    public void Random_bytes_are_accepted_or_refused_but_never_throw()
    {
        int seed = Environment.TickCount;
        Console.WriteLine($"seed {seed}");
        var random = new Random(seed);
        string[] names = [.. TestTable.New().Rows.Select(row => row.Name), "include", "user", "x.y", "#", ""];
        const string alphabet = " \t\"'\\xnx41%-+.,:*?[]{}abkgm0123456789\n\r\0\u00ff";
        for (int i = 0; i < 20_000; i++)
        {
            var text = new StringBuilder();
            for (int line = random.Next(1, 4); line > 0; line--)
            {
                text.Append(names[random.Next(names.Length)]).Append(' ');
                for (int c = random.Next(0, 24); c > 0; c--) text.Append(alphabet[random.Next(alphabet.Length)]);
                text.Append('\n');
            }

            var file = new ConfigFile(Table, new MemoryFiles { Texts = { ["/start/a"] = text.ToString() } });
            ConfigError? error = file.Parse(Encoding.Latin1.GetBytes(text.ToString()));
            if (error is null) Assert.NotNull(Settings.From(file.Values));
            else Assert.EndsWith("\n", error.Report("1"));
        }
    }
}
