using System.Globalization;

namespace Millrace.Server.Tests.Observability;

public class InfoCommandTests
{
    private const string Sections =
        "Server Clients Memory Persistence Stats Replication CPU Modules Commandstats Errorstats Latencystats "
            + "Cluster Keyspace Keysizes";

    [Theory]
    [InlineData("INFO", false)]
    [InlineData("INFO default", false)]
    [InlineData("INFO all", true)]
    [InlineData("INFO EVERYTHING", true)]
    [InlineData("INFO cpu default", false)]
    [InlineData("INFO cpu all keyspace", true)]
    public void Sections_come_once_and_in_order(string request, bool isAll)
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        var expected = isAll
            ? Sections
            : Sections.Replace("Commandstats ", "").Replace("Latencystats ", "").Replace(" Keysizes", "");
        var lines = client.Say(request).Split("\r\n");
        Assert.Equal(expected, string.Join(' ',
            lines.Where(static one => one.StartsWith("# ", StringComparison.Ordinal)).Select(static one => one[2..])));
        var fields = lines.Where(static one => one.Contains(':', StringComparison.Ordinal)).Select(static one =>
            one.Split(':')[0]).ToList();
        Assert.Equal(fields.Distinct(), fields);
    }

    [Theory]
    [InlineData("INFO nothing", "")]
    [InlineData("INFO sentinel", "")]
    [InlineData("INFO modules", "# Modules\r\n")]
    [InlineData("INFO CLUSTER", "# Cluster\r\ncluster_enabled:0\r\n")]
    [InlineData("INFO keysizes", "# Keysizes\r\n")]
    [InlineData("INFO cluster nothing modules", "# Modules\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n")]
    public void A_section_is_printed_when_named(string request, string text)
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        Assert.Equal(text, client.Say(request));
        client.Say("HELLO 3");
        Assert.Equal($"={text.Length + 4}\r\ntxt:{text}\r\n", client.Bytes(request));
    }

    [Fact]
    public void Figures_are_true()
    {
        using var server = new InProcessServer("--io-threads", "3");
        using var client = new Conversation(server);
        using var other = new Conversation(server);
        other.Say("PING");
        foreach (var request in (string[])["SET a 1", "SET b 2", "GET a", "GET nothing", "GET", "nothing",
            "PEXPIRE b 100000", "SELECT 3", "SET c 3"])
            client.Say(request);
        var info = Fields(client);
        Assert.Equal("7.2.4", info["redis_version"]);
        Assert.Equal("3", info["io_threads"]);
        Assert.Equal("64", info["partitions"]);
        Assert.Equal("2", info["connected_clients"]);
        Assert.Equal("2", info["total_connections_received"]);
        Assert.Equal("8", info["total_commands_processed"]);
        Assert.Equal("2", info["total_error_replies"]);
        Assert.Equal("1", info["keyspace_hits"]);
        Assert.Equal("1", info["keyspace_misses"]);
        Assert.Equal($"{server.Server.Parts.Keyspace.UsedBytes}", info["used_memory"]);
        Assert.Equal($"{server.Port}", info["tcp_port"]);
        Assert.Equal("0", info["rejected_connections"]);
        Assert.Equal("keys=1,expires=0,avg_ttl=0", info["db3"]);
        Assert.StartsWith("keys=2,expires=1,avg_ttl=", info["db0"], StringComparison.Ordinal);
        Assert.InRange(long.Parse(info["db0"].Split("avg_ttl=")[1], CultureInfo.InvariantCulture), 90_000, 100_000);
        Assert.Equal("count=2", info["errorstat_ERR"]);
        Assert.StartsWith("calls=2,usec=", info["cmdstat_get"], StringComparison.Ordinal);
        Assert.EndsWith(",rejected_calls=1,failed_calls=0", info["cmdstat_get"], StringComparison.Ordinal);
        Assert.DoesNotContain("cmdstat_mget", info);
        Assert.True(double.Parse(info["used_cpu_user"], CultureInfo.InvariantCulture) > 0);
        Assert.True(long.Parse(info["used_memory_rss"], CultureInfo.InvariantCulture) > 1_000_000);
        Assert.True(long.Parse(info["total_net_input_bytes"], CultureInfo.InvariantCulture) > 200);
        Assert.Equal(40, info["run_id"].Length);
    }

    [Fact]
    public void The_average_time_to_live_follows_every_change_of_a_deadline()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        foreach (var request in (string[])
                 [
                     "SET a 1 PX 50000", "SET b 1 PX 70000", "SET c 1 PX 999999", "SET d 1 PX 999999",
                         "SET e 1 PX 999999", "SET f 1 PX 999999",
                     "PERSIST c", "DEL d", "SET e 2", "RENAME f a2", "DEL a2", "PEXPIRE a 60000", "COPY b b2",
                 ])
            client.Say(request);
        var average = long.Parse(Fields(client)["db0"].Split("avg_ttl=")[1], CultureInfo.InvariantCulture);
        Assert.InRange(average, 60_000, (60_000 + 70_000 + 70_000) / 3);
        client.Say("FLUSHALL");
        Assert.DoesNotContain("db0", Fields(client));
    }

    [Fact]
    public void Resetstat_sets_counters_to_zero()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        client.Say("GET nothing");
        client.Say("nothing");
        Assert.Equal("OK", client.Say("CONFIG RESETSTAT"));
        var info = Fields(client);
        Assert.Equal("0", info["keyspace_misses"]);
        Assert.Equal("0", info["total_error_replies"]);
        Assert.Equal("0", info["total_connections_received"]);
        Assert.DoesNotContain("errorstat_ERR", info);
        Assert.DoesNotContain("cmdstat_get", info);
        Assert.DoesNotContain("cmdstat_info", info);
        Assert.StartsWith("calls=1,", info["cmdstat_config|resetstat"], StringComparison.Ordinal);
        Assert.InRange(long.Parse(info["total_net_input_bytes"], CultureInfo.InvariantCulture), 0, 100);
    }

    [Fact]
    public void Late_removals_are_counted()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        for (var i = 0; i < 200; i++) client.Say($"SET k{i} v PX {1 + (i % 50)}");
        var deadline = Environment.TickCount64 + 10_000;
        while (client.Say("DBSIZE") != "0") Assert.True(Environment.TickCount64 < deadline);
        var info = Fields(client);
        Assert.Equal("200", info["expired_keys"]);
        var most = int.Parse(info["active_expire_lateness_max_ms"]);
        Assert.InRange(int.Parse(info["active_expire_lateness_p99_ms"]), 0, most);
    }

    [Fact]
    public void The_longest_step_of_a_loop_is_told_and_forgotten_on_request()
    {
        using var server = new InProcessServer("--io-threads", "1");
        using var client = new Conversation(server);
        client.SayWords("SET", "k", new string('x', 20_000_000));
        client.Say("GET k");
        var longest = int.Parse(Fields(client)["loop_longest_step_us"]);
        Assert.True(longest >= 500, $"copying 20 MB takes more than {longest} us");
        client.Say("CONFIG RESETSTAT");
        Assert.True(int.Parse(Fields(client)["loop_longest_step_us"]) < longest);
    }

    [Fact]
    public void Figures_for_whoever_works_on_the_server_are_shown_on_request_only()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        Assert.DoesNotContain("eventloop_duration_aof_sum", client.Say("INFO everything"), StringComparison.Ordinal);
        client.SendText(string.Concat(Enumerable.Repeat("PING\r\n", 20)));
        for (var i = 0; i < 20; i++) client.Read();
        var debug = FieldsOf(client.Say("INFO Debug"));
        Assert.Equal(
            ["eventloop_cmd_per_cycle_max", "eventloop_duration_aof_sum", "eventloop_duration_cron_sum",
                "eventloop_duration_max"],
            debug.Keys.Order(StringComparer.Ordinal));
        Assert.InRange(int.Parse(debug["eventloop_cmd_per_cycle_max"]), 2, 20);
        Assert.True(int.Parse(debug["eventloop_duration_max"]) > 0);
    }

    [Fact]
    public void Turns_of_the_loops_are_counted_and_timed()
    {
        using var server = new InProcessServer("--io-threads", "1");
        using var client = new Conversation(server);
        client.Say("PING");
        var before = Fields(client);
        Thread.Sleep(2500); // two samples
        var after = Fields(client);
        foreach (var name in (string[])["eventloop_cycles", "eventloop_duration_sum", "eventloop_duration_cmd_sum"])
            Assert.True(long.Parse(after[name]) > long.Parse(before[name]), name);
        Assert.InRange(long.Parse(after["instantaneous_eventloop_cycles_per_sec"]), 1, 100);
        Assert.True(long.Parse(after["instantaneous_eventloop_duration_usec"]) > 0);
    }

    [Fact]
    public void Clients_closed_for_their_buffers_are_counted()
    {
        using var server = new InProcessServer("--client-query-buffer-limit", "1mb");
        using var client = new Conversation(server);
        Assert.Equal("0", Fields(client)["client_query_buffer_limit_disconnections"]);
        using (var writer = server.Connect())
        {
            writer.Send("*2\r\n$3\r\nGET\r\n$3000000\r\n");
            try
            {
                writer.Send(new string('x', 2_000_000));
            }
            catch (System.Net.Sockets.SocketException)
            {
                // It may be closed before all is sent.
            }

            writer.WaitUntilClosed();
        }

        client.SayWords("SET", "k", new string('x', 1_000_000));
        client.SayWords("CONFIG", "SET", "client-output-buffer-limit", "normal 100000 0 0");
        using (var reader = server.Connect())
        {
            reader.Request("GET", "k");
            reader.WaitUntilClosed();
        }

        Assert.Equal("1", Fields(client)["client_query_buffer_limit_disconnections"]);
        Assert.Equal("1", Fields(client)["client_output_buffer_limit_disconnections"]);
        client.Say("CONFIG RESETSTAT");
        Assert.Equal("0", Fields(client)["client_output_buffer_limit_disconnections"]);
    }

    [Fact]
    public void Clients_that_wait_with_a_time_out_are_told_apart()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        using var patient = new Conversation(server);
        using var hasty = new Conversation(server);
        patient.Send("BLPOP", "list", "0");
        hasty.Send("CLIENT", "ID");
        var id = hasty.Read();
        hasty.Send("BLPOP", "list", "1000");
        Dictionary<string, string> info;
        do info = Fields(client);
        while (info["blocked_clients"] != "2");
        Assert.Equal("1", info["clients_in_timeout_table"]);
        Assert.Equal("1", client.Say($"CLIENT UNBLOCK {id} ERROR"));
        info = Fields(client);
        Assert.Equal("0", info["clients_in_timeout_table"]);
        Assert.Equal("count=1", info["errorstat_UNBLOCKED"]);
        Assert.Equal("1", info["total_error_replies"]);
    }

    [Fact]
    public void Failed_authentication_is_counted()
    {
        using var server = new InProcessServer("--requirepass", "secret");
        using var client = new Conversation(server);
        client.Say("AUTH wrong");
        client.Say("HELLO 3 AUTH default wrong");
        client.Say("AUTH secret");
        Assert.Equal("2", Fields(client)["acl_access_denied_auth"]);
    }

    [Fact]
    public void Overdue_keys_are_told_while_active_expiry_is_off()
    {
        using var server = new InProcessServer("--enable-debug-command", "yes");
        using var client = new Conversation(server);
        client.Say("DEBUG SET-ACTIVE-EXPIRE 0");
        client.Say("SET a 1 PX 1");
        foreach (var key in (string[])["b", "c", "d"]) client.Say($"SET {key} 1 EX 1000");
        Thread.Sleep(20);
        Assert.Equal("25.00", Fields(client)["expired_stale_perc"]);
        client.Say("DEBUG SET-ACTIVE-EXPIRE 1");
        while (client.Say("DBSIZE") != "3") Thread.Sleep(1);
        Assert.Equal("0.00", Fields(client)["expired_stale_perc"]);
    }

    private static Dictionary<string, string> Fields(Conversation client) => FieldsOf(client.Say("INFO everything"));

    private static Dictionary<string, string> FieldsOf(string info) => info.Split("\r\n")
        .Select(static one => one.Split(':', 2))
        .Where(static one => one.Length == 2)
        .ToDictionary(static one => one[0], static one => one[1], StringComparer.Ordinal);
}
