using Millrace.Net;
using Millrace.Engine;
using Millrace.Server.Config;
using Millrace.Server.Logging;

namespace Millrace.Server.Tests.Config;

public sealed class DirectiveTableTests
{
    [Fact]
    public void Every_row_says_what_it_does_or_why_it_does_nothing()
    {
        foreach (Directive row in TestTable.New().Rows)
        {
            int statements = new[] { row.Summary, row.WithoutMeaning, row.NotYet }.Count(text => text is not null);
            Assert.True(statements == 1, $"{row.Name} has {statements} of Summary, WithoutMeaning and NotYet");
            Assert.Equal(row.Name.ToLowerInvariant(), row.Name);
            if (row.Summary is { } summary) Assert.EndsWith(".", summary);
            if (row.NotYet is { } sentence) Assert.Contains("not available yet", sentence);
        }
    }

    [Fact]
    public void At_most_sixty_directives_have_no_meaning_and_none_of_them_promises_anything()
    {
        string[] idle = [.. TestTable.New().Rows
            .Where(row => row.Status == DirectiveStatus.AcceptedWithoutMeaning).Select(row => row.Name)];
        Assert.True(idle.Length <= 60, $"{idle.Length}: {string.Join(' ', idle)}");
    }

    [Theory]
    [InlineData("aclfile", "users.acl")]
    [InlineData("maxmemory-clients", "5%")]
    [InlineData("min-replicas-to-write", "1")]
    [InlineData("min-slaves-to-write", "1")]
    [InlineData("min-replicas-max-lag", "1")]
    [InlineData("replicaof", "127.0.0.1 6380")]
    [InlineData("slaveof", "127.0.0.1 6380")]
    [InlineData("cluster-enabled", "yes")]
    [InlineData("masterauth", "secret")]
    [InlineData("masteruser", "me")]
    [InlineData("tls-port", "6380")]
    [InlineData("tls-cert-file", "x.crt")]
    [InlineData("tls-auth-clients", "optional")]
    [InlineData("acl-pubsub-default", "allchannels")]
    [InlineData("acllog-max-len", "5")]
    [InlineData("replica-read-only", "no")]
    [InlineData("replica-serve-stale-data", "no")]
    [InlineData("replica-ignore-maxmemory", "no")]
    [InlineData("replica-ignore-disk-write-errors", "yes")]
    [InlineData("cluster-require-full-coverage", "no")]
    [InlineData("cluster-node-timeout", "5000")]
    [InlineData("activedefrag", "yes")]
    [InlineData("user", "alice on +@all ~* >secret")]
    [InlineData("rename-command", "FLUSHALL \"\"")]
    [InlineData("loadmodule", "/x.so")]
    [InlineData("search.timeout", "10")]
    public void What_promises_durability_access_or_limits_is_refused_with_a_sentence(string name, string words) =>
        Assert.Matches("not available( yet)?", TestTable.ErrorOf($"{name} {words}").Reason);

    [Theory]
    [InlineData("save \"\"")]
    [InlineData("appendonly no")]
    [InlineData("appendfsync everysec")]
    [InlineData("cluster-enabled no")]
    [InlineData("replicaof no one")]
    [InlineData("masterauth \"\"")]
    [InlineData("min-replicas-to-write 0")]
    [InlineData("aclfile \"\"")]
    [InlineData("tls-port 0")]
    [InlineData("list-max-ziplist-entries 5")]
    [InlineData("lua-replicate-commands yes")]
    public void A_default_of_what_is_refused_and_obsolete_words_are_accepted(string line) =>
        Assert.Null(new ConfigFile(TestTable.New(), new MemoryFiles()).Parse(ConfigText.ToBytes(line)));

    [Theory]
    [InlineData("maxclinets", "maxclients")]
    [InlineData("prot", "port")]
    [InlineData("Tiemout", "timeout")]
    [InlineData("hash-max-listpack-entrys", "hash-max-listpack-entries")]
    [InlineData("slave-priorty", "slave-priority")]
    public void An_unknown_directive_is_an_error_with_a_suggestion(string name, string suggestion) =>
        Assert.Equal(
            $"Bad directive or wrong number of arguments: there is no directive '{name}', did you mean '{suggestion}'?",
            TestTable.ErrorOf(name + " 1").Reason);

    [Fact]
    public void A_name_that_is_like_no_other_gets_no_suggestion() =>
        Assert.Equal(
            "Bad directive or wrong number of arguments: there is no directive 'frobnicate-everything'",
            TestTable.ErrorOf("frobnicate-everything 1").Reason);

    [Theory]
    [InlineData("", "", 0)]
    [InlineData("port", "port", 0)]
    [InlineData("PORT", "port", 0)]
    [InlineData("port", "prot", 1)]
    [InlineData("port", "por", 1)]
    [InlineData("port", "ports", 1)]
    [InlineData("abc", "xyz", 3)]
    [InlineData("", "abc", 3)]
    public void Edit_distance_counts_inserted_deleted_replaced_and_swapped_letters(string a, string b, int distance)
    {
        Assert.Equal(distance, EditDistance.Between(a, b));
        Assert.Equal(distance, EditDistance.Between(b, a));
    }

    [Fact]
    public void An_edit_distance_with_a_limit_is_the_lesser_of_both()
    {
        string[] names = [.. TestTable.New().Rows.Select(row => row.Name).Take(80), "", "a", "maxmemroy", "prot"];
        foreach (string a in names)
        {
            foreach (string b in names)
            {
                int distance = EditDistance.Between(a, b);
                for (int limit = 1; limit <= 8; limit++)
                    Assert.Equal(Math.Min(distance, limit), EditDistance.Between(a, b, limit));
            }
        }
    }

    [Fact]
    public void The_defaults_become_typed_settings()
    {
        Settings settings = TestTable.Configuration().Settings;
        Assert.Equal(6379, settings.Port);
        Assert.Equal(["*", "-::*"], settings.Bind);
        Assert.Null(settings.UnixSocket);
        Assert.Equal(511, settings.TcpBacklog);
        Assert.Equal(300, settings.TcpKeepAliveSeconds);
        Assert.Equal(10000, settings.MaxClients);
        Assert.True(settings.ProtectedMode);
        Assert.True(settings.RequirePass.IsEmpty);
        Assert.Equal(16, settings.Databases);
        Assert.Equal(4, settings.IoThreads);
        Assert.Equal(PollerKind.Auto, settings.Io);
        Assert.Equal(512L * 1024 * 1024, settings.MaxBulkLength);
        Assert.Equal(1024L * 1024 * 1024, settings.QueryBufferLimit);
        Assert.Equal(default, settings.OutputLimits.Normal);
        Assert.Equal(new OutputBufferLimit(256L << 20, 64L << 20, 60), settings.OutputLimits.Replica);
        Assert.Equal(new OutputBufferLimit(32L << 20, 8L << 20, 60), settings.OutputLimits.Of(OutputClass.PubSub));
        Assert.Equal(10, settings.Hz);
        Assert.Equal(NotifyClasses.None, settings.NotifyClasses);
        Assert.Equal(1_000_000, settings.TrackingTableMaxKeys);
        Assert.Equal(10_000, settings.Latency.SlowLogMicroseconds);
        Assert.Equal(128, settings.Latency.SlowLogLength);
        Assert.Equal(0, settings.Latency.MonitorMilliseconds);
        Assert.True(settings.Latency.Tracks);
        Assert.Equal([50, 99, 99.9], settings.Latency.Percentiles);
        Assert.Equal(LogLevel.Notice, settings.LogLevel);
        Assert.Equal(Supervision.None, settings.Supervised);
        Assert.Equal(ProtectedAction.No, settings.DebugCommand);
        Assert.Equal("/start", settings.WorkingDirectory);
        Assert.Equal(ShutdownFlags.None, settings.ShutdownOnSigTerm);
    }

    [Fact]
    public void Written_values_become_typed_settings()
    {
        Settings settings = TestTable.Configuration(
            "io sockets\nsupervised auto\nenable-debug-command local\nshutdown-on-sigterm nosave force\n"
            + "notify-keyspace-events nKEA\nlatency-tracking-info-percentiles \"\"\nslowlog-log-slower-than -1\n"
            + "oom-score-adj absolute\noom-score-adj-values -5 1 2\nsyslog-enabled yes\nsyslog-facility local7\n"
            + "syslog-ident me\ncrash-log-enabled no\n"
            + "unixsocket /tmp/\\xc3\\xa4\nlogfile \"/tmp/\\xc3\\xa4\"\nloglevel nothing\nbind * -::*").Settings;
        Assert.Equal(PollerKind.Sockets, settings.Io);
        Assert.Equal(Supervision.Auto, settings.Supervised);
        Assert.Equal(ProtectedAction.Local, settings.DebugCommand);
        Assert.Equal(ShutdownFlags.NoSave | ShutdownFlags.Force, settings.ShutdownOnSigTerm);
        Assert.Equal("/tmp/\\xc3\\xa4", settings.UnixSocket);
        Assert.Equal("/tmp/ä", settings.LogFile);
        Assert.Equal(LogLevel.Nothing, settings.LogLevel);
        Assert.Equal(["*", "-::*"], settings.Bind);
        const NotifyClasses channels = NotifyClasses.Keyspace | NotifyClasses.KeyEvent;
        Assert.Equal(NotifyClasses.All | NotifyClasses.New | channels, settings.NotifyClasses);
        Assert.Equal(-1, settings.Latency.SlowLogMicroseconds);
        Assert.Empty(settings.Latency.Percentiles);
        Assert.Equal((OomScoreMode.Absolute, -5), (settings.OomScoreMode, settings.OomScore));
        Assert.Equal((true, "me", 8), (settings.SyslogEnabled, settings.SyslogIdent, settings.SyslogFacility));
        Assert.False(settings.CrashLogEnabled);
    }
}
