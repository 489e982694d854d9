using Millrace.Server.Config;

namespace Millrace.Server.Tests.Config;

public sealed class ConfigurationTests
{
    private const string Failed = "ERR CONFIG SET failed (possibly related to argument";

    [Fact]
    public void Get_answers_a_name_as_it_was_written_and_a_pattern_in_lower_case()
    {
        Configuration configuration = TestTable.Configuration();
        Assert.Equal("PORT=6379", configuration.GetText("PORT"));
        Assert.Equal("port=6379", configuration.GetText("POR*"));
        Assert.Equal("port=6379|hz=10", configuration.GetText("port", "hz", "p[o]rt", "?z"));
        Assert.Equal("PORT=6379|port=6379", configuration.GetText("PORT", "po?t", "PORT"));
        Assert.Equal("", configuration.GetText("none", "none*"));
    }

    [Fact]
    public void Get_answers_old_names_too()
    {
        Configuration configuration = TestTable.Configuration();
        Assert.Equal("slave-priority=100", configuration.GetText("slave-priority"));
        Assert.Equal("replica-priority=100|slave-priority=100", configuration.GetText("*-priority"));
    }

    [Fact]
    public void Get_answers_a_hidden_directive_by_its_exact_name_only()
    {
        Configuration configuration = TestTable.Configuration();
        Assert.Equal("", configuration.GetText("watchdog*"));
        Assert.Equal("watchdog-period=0", configuration.GetText("watchdog-period"));
    }

    [Fact]
    public void Set_changes_several_directives_at_once()
    {
        Configuration configuration = TestTable.Configuration();
        Assert.Null(configuration.Set("hz", "20", "TIMEOUT", "7", "client-output-buffer-limit", "pubsub 1 2 3"));
        Assert.Equal("hz=20|timeout=7", configuration.GetText("hz", "timeout"));
        Assert.Equal(7, configuration.Settings.TimeoutSeconds);
        Assert.Equal(new OutputBufferLimit(1, 2, 3), configuration.Settings.OutputLimits.PubSub);
    }

    [Theory]
    [InlineData("ERR Unknown option or number of arguments for CONFIG SET - 'Foo'", "hz", "20", "Foo", "1")]
    [InlineData(Failed + " 'timeout') - argument couldn't be parsed into an integer", "hz", "20", "TIMEOUT", "x")]
    [InlineData(Failed + " 'HZ') - duplicate parameter", "hz", "20", "HZ", "30")]
    [InlineData(Failed + " 'Databases') - can't set immutable config", "hz", "20", "Databases", "4")]
    [InlineData(Failed + " 'dir') - can't set protected config", "hz", "20", "dir", "/tmp")]
    [InlineData(
        Failed + " 'io-threads') - can't set immutable config: the number of event loops is fixed when the server"
        + " starts",
        "hz", "20", "io-threads", "2")]
    [InlineData(Failed + " 'save') - Invalid save parameters", "hz", "20", "save", "900")]
    [InlineData(
        Failed + " 'activedefrag') - active defragmentation is not available yet",
        "hz", "20", "activedefrag", "yes")]
    [InlineData(
        Failed + " 'slave-priority') - argument couldn't be parsed into an integer", "hz", "20", "slave-priority", "x")]
    public void Set_changes_nothing_when_one_pair_is_wrong(string error, params string[] words)
    {
        Configuration configuration = TestTable.Configuration();
        Settings before = configuration.Settings;
        Assert.Equal(error, configuration.Set(words));
        Assert.Equal("hz=10", configuration.GetText("hz"));
        Assert.Same(before, configuration.Settings);
    }

    [Theory]
    [InlineData("::1%x\nrequirepass y")]
    [InlineData("\"::1\"")]
    [InlineData("'::1")]
    [InlineData("::1\\")]
    public void Set_takes_no_address_that_would_be_more_in_a_configuration_file(string address) =>
        Assert.Equal(
            Failed + " 'bind') - argument must not contain quotes and control characters",
            TestTable.Configuration().Set("bind", address));

    [Fact]
    public void Set_accepts_the_value_in_force_of_what_is_not_available()
    {
        Configuration configuration = TestTable.Configuration("port 7000");
        Assert.Null(configuration.Set("port", "7000", "bind", "::1", "save", "", "appendonly", "no"));
        Assert.Equal(["::1"], configuration.Settings.Bind);
    }

    [Fact]
    public void An_old_and_a_new_name_in_one_call_are_no_duplicates_and_the_last_one_counts()
    {
        Configuration configuration = TestTable.Configuration();
        Assert.Null(configuration.Set("slave-priority", "1", "replica-priority", "2"));
        Assert.Equal("slave-priority=2", configuration.GetText("slave-priority"));
    }

    [Theory]
    [InlineData("no", true, false)]
    [InlineData("local", true, true)]
    [InlineData("local", false, false)]
    [InlineData("yes", false, true)]
    public void Protected_directives_ask_who_calls(string allowed, bool isLocal, bool succeeds)
    {
        Configuration configuration = TestTable.Configuration("enable-protected-configs " + allowed);
        string? error = configuration.Set([new("dbfilename", "x.rdb")], isLocal);
        Assert.Equal(succeeds, error is null);
    }

    [Fact]
    public void A_listener_that_cannot_follow_keeps_everybody_at_the_old_settings()
    {
        Configuration configuration = TestTable.Configuration();
        var first = new Listener();
        configuration.Add(first);
        configuration.Add(new OpenFileLimit(1032));
        Assert.Null(configuration.Set("maxclients", "10000", "hz", "20"));
        Assert.Equal(20, first.Hz);
        Assert.Equal(
            Failed + " 'maxclients') - The operating system is not able to handle the specified number of clients,"
            + " try with 1000",
            configuration.Set("hz", "30", "maxclients", "10001"));
        Assert.Equal(20, first.Hz);
        Assert.Equal("hz=20|maxclients=10000", configuration.GetText("hz", "maxclients"));
    }

    [Fact]
    public void Adjust_brings_a_value_into_force_without_asking()
    {
        Configuration configuration = TestTable.Configuration();
        configuration.Adjust("maxclients", "100");
        Assert.Equal(100, configuration.Settings.MaxClients);
    }

    private sealed class Listener : ISettingsListener
    {
        internal int Hz { get; private set; }

        public SettingsFault? Apply(Settings before, Settings after)
        {
            Hz = after.Hz;
            return null;
        }
    }
}
