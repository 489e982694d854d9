using System.Diagnostics;
using System.Globalization;
using Millrace.Server.Observability;

namespace Millrace.Server.Tests.Observability;

public sealed class LatencyCommandsTests
{
    [Fact]
    public void Events_are_remembered_by_second()
    {
        // No command takes so long by itself.
        using var server = new InProcessServer("--enable-debug-command", "yes", "--latency-monitor-threshold", "400");
        using var client = new Conversation(server);
        Assert.Equal("[]", client.Say("LATENCY LATEST"));
        Assert.Equal("[]", client.Say("LATENCY HISTORY command"));
        client.Say("DEBUG SLEEP 0.01");
        Assert.Equal("[]", client.Say("LATENCY LATEST"));
        client.Say("DEBUG SLEEP 0.5");
        var history = client.Say("LATENCY HISTORY command").Trim('[', ']').Split(' ');
        Assert.InRange(
            long.Parse(history[0], CultureInfo.InvariantCulture),
            DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 10, DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 1);
        Assert.InRange(int.Parse(history[1], CultureInfo.InvariantCulture), 500, 20_000);
        Assert.Equal($"[[command {history[0]} {history[1]} {history[1]}]]", client.Say("LATENCY LATEST"));
        Assert.StartsWith(
            $"command - high {history[1]} ms, low {history[1]} ms (all time high {history[1]} ms)\n---",
            client.Say("LATENCY GRAPH command"), StringComparison.Ordinal);
        Assert.Equal("0", client.Say("LATENCY RESET nothing fast-command"));
        Assert.Equal("1", client.Say("LATENCY RESET nothing COMMAND command"));
        Assert.Equal("[]", client.Say("LATENCY LATEST"));
        Assert.Equal("ERR No samples available for event 'command'", client.Say("LATENCY GRAPH command"));
        client.Say("CONFIG SET latency-monitor-threshold 0");
        client.Say("DEBUG SLEEP 0.03");
        Assert.Equal("0", client.Say("LATENCY RESET"));
    }

    [Fact]
    public void Shapes_are_those_of_the_protocol()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        client.Say("CONFIG RESETSTAT");
        client.Say("GET a");
        Assert.StartsWith("*2\r\n$3\r\nget\r\n*4\r\n$5\r\ncalls\r\n:1\r\n$14\r\nhistogram_usec\r\n*2\r\n:",
            client.Bytes("LATENCY HISTOGRAM get"), StringComparison.Ordinal);
        client.Say("HELLO 3");
        Assert.StartsWith("%1\r\n$3\r\nget\r\n%2\r\n$5\r\ncalls\r\n:1\r\n$14\r\nhistogram_usec\r\n%1\r\n:",
            client.Bytes("LATENCY HISTOGRAM get"), StringComparison.Ordinal);
        Assert.Equal("%0\r\n", client.Bytes("LATENCY HISTOGRAM nothing config|nothing | x|"));
        Assert.StartsWith("=", client.Bytes("LATENCY DOCTOR"), StringComparison.Ordinal);
        Assert.Equal("ERR wrong number of arguments for 'latency|history' command", client.Say("LATENCY HISTORY"));
        Assert.Equal("ERR wrong number of arguments for 'latency|help' command", client.Say("LATENCY HELP x"));
        Assert.Contains("HISTOGRAM [<command> ...]", client.Say("LATENCY HELP"), StringComparison.Ordinal);
    }

    [Fact]
    public void Histograms_count_each_call_and_know_subcommands()
    {
        using var server = new InProcessServer();
        using var client = new Conversation(server);
        using var other = new Conversation(server);
        client.Say("CONFIG RESETSTAT");
        Assert.StartsWith("[config|resetstat [calls 1 histogram_usec", client.Say("LATENCY HISTOGRAM"),
            StringComparison.Ordinal);
        client.SendText(string.Concat(Enumerable.Repeat(Peer.Encode("GET", "a"), 300)));
        for (var i = 0; i < 300; i++) client.Read();
        for (var i = 0; i < 10; i++) other.Say("GET a");
        client.Say("CLIENT ID");
        client.Say("CLIENT GETNAME");
        Assert.StartsWith("[get [calls 310 histogram_usec [", client.Say("LATENCY HISTOGRAM get"),
            StringComparison.Ordinal);
        Assert.EndsWith(" 310]]]", client.Say("LATENCY HISTOGRAM GET"), StringComparison.Ordinal);
        var both = client.Say("LATENCY HISTOGRAM client");
        Assert.Contains("client|id [calls 1", both, StringComparison.Ordinal);
        Assert.Contains("client|getname [calls 1", both, StringComparison.Ordinal);
        Assert.StartsWith("[client|id [calls 1", client.Say("LATENCY HISTOGRAM Client|ID nothing"),
            StringComparison.Ordinal);
        Assert.Contains("cmdstat_get:calls=310,", client.Say("INFO commandstats"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_bound_of_a_histogram_is_that_of_redis()
    {
        using var server = new InProcessServer("--enable-debug-command", "yes");
        using var client = new Conversation(server);
        client.Say("DEBUG SLEEP 0.3"); // between 2^28 and 2^29 ns
        client.Say("DEBUG SLEEP 1.1"); // beyond what is told apart
        Assert.Equal(
            "[debug [calls 2 histogram_usec [541065 1 1073741 2]]]", client.Say("LATENCY HISTOGRAM debug"));
    }

    [Fact]
    public void Info_tells_the_percentiles_that_are_asked_for()
    {
        using var server = new InProcessServer("--enable-debug-command", "yes");
        using var client = new Conversation(server);
        client.Say("CONFIG RESETSTAT");
        client.Say("DEBUG SLEEP 0.05");
        client.Say("CLIENT ID");
        var debug = Line(client, "debug");
        Assert.StartsWith("p50=", debug, StringComparison.Ordinal);
        Assert.Equal(["p50", "p99", "p99.9"], debug.Split(',').Select(static one => one.Split('=')[0]));
        Assert.InRange(double.Parse(debug[4..debug.IndexOf(',')], CultureInfo.InvariantCulture), 50_000, 5_000_000);
        Assert.StartsWith("p50=", Line(client, "client|id"), StringComparison.Ordinal);
        client.SayWords("CONFIG", "SET", "latency-tracking-info-percentiles", "0.0 50.0 99.95 100.0");
        Assert.Equal(
            ["p0", "p50", "p99.95", "p100"], Line(client, "debug").Split(',').Select(static one => one.Split('=')[0]));
        client.Say("CONFIG SET latency-tracking no");
        Assert.Equal("# Latencystats\r\n", client.Say("INFO latencystats"));
        client.Say("GET a");
        client.Say("CONFIG SET latency-tracking yes");
        Assert.Equal("", Line(client, "get"));
        client.Say("GET a");
        Assert.NotEqual("", Line(client, "get"));
        client.Say("CONFIG RESETSTAT");
        Assert.Equal("", Line(client, "get"));
    }

    [Fact]
    public void A_command_that_waits_counts_once_and_with_the_time_that_it_ran()
    {
        using var server = new InProcessServer();
        using var waiting = new Conversation(server);
        using var client = new Conversation(server);
        var most = Stopwatch.StartNew();
        waiting.Send("BLPOP", "list", "0");
        Assert.True(SpinWait.SpinUntil(
            () => client.Say("INFO clients").Contains("\nblocked_clients:1\r", StringComparison.Ordinal), 30_000));
        most.Stop();
        Thread.Sleep(200);
        Assert.Equal("", Line(client, "blpop"));
        most.Start();
        client.Say("RPUSH list a");
        Assert.Equal("[list a]", waiting.Read());
        most.Stop();
        var p50 = Line(client, "blpop").Split(',')[0][4..];
        Assert.InRange(double.Parse(p50, CultureInfo.InvariantCulture), 0.1, most.Elapsed.TotalMicroseconds);
        Assert.Contains("blpop [calls 1 ", client.Say("LATENCY HISTOGRAM blpop"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "CONFIG SET latency-monitor-threshold <milliseconds> switches it on")]
    [InlineData("CONFIG SET latency-monitor-threshold 1000000", "No latency spike has been observed")]
    [InlineData(
        "CONFIG SET latency-monitor-threshold 5 slowlog-log-slower-than -1|DEBUG SLEEP 0.01",
        "The slow log is off, * 'CONFIG SET slowlog-log-slower-than 5000'")]
    [InlineData(
        "CONFIG SET latency-monitor-threshold 5 slowlog-max-len 0|DEBUG SLEEP 0.01",
        "The slow log keeps no entry, * 'CONFIG SET slowlog-max-len 128'")]
    [InlineData(
        "CONFIG SET latency-monitor-threshold 5 slowlog-log-slower-than 6000|DEBUG SLEEP 0.01",
        "The slow log leaves out commands * 'CONFIG SET slowlog-log-slower-than 5000'")]
    [InlineData(
        "CONFIG SET latency-monitor-threshold 5 slowlog-log-slower-than 5999|DEBUG SLEEP 0.01",
        "SLOWLOG GET tells which commands were slow")]
    public void The_doctor_advises_on_what_was_seen_of_commands(string requests, string advice)
    {
        using var server = new InProcessServer("--enable-debug-command", "yes");
        using var client = new Conversation(server);
        foreach (var request in requests.Split('|', StringSplitOptions.RemoveEmptyEntries)) client.Say(request);
        var report = client.Say("LATENCY DOCTOR");
        foreach (var part in advice.Split('*')) Assert.Contains(part, report, StringComparison.Ordinal);
        if (!requests.Contains("SLEEP", StringComparison.Ordinal)) return;
        Assert.Matches(
            @"\n1\. command: 1 latency spikes \(average \d+ms, mean deviation 0ms, period \d\.00 sec\)\. "
            + @"Worst all time event \d+ms\.\n", report);
        Assert.Single(report.Split('\n'), static line => line.StartsWith("- ", StringComparison.Ordinal));
    }

    [Fact]
    public void The_doctor_advises_on_fast_commands_that_took_long()
    {
        using var server = new InProcessServer("--latency-monitor-threshold", "1");
        using var client = new Conversation(server);
        string[] members = [.. Enumerable.Range(0, 100_000).Select(static i => $"member:{i}")];
        client.SayWords(["SADD", "set", .. members]);
        var report = client.Say("LATENCY DOCTOR");
        Assert.Contains("fast-command: 1 latency spikes", report, StringComparison.Ordinal);
        Assert.Contains("thousands of arguments", report, StringComparison.Ordinal);
        Assert.Contains("kept from running", report, StringComparison.Ordinal);
    }

    [Fact]
    public void The_doctor_advises_on_eviction_in_one_step()
    {
        using var server = new InProcessServer(
            "--latency-monitor-threshold", "1", "--maxmemory-policy", "allkeys-random",
            "--maxmemory-eviction-tenacity", "100");
        using var client = new Conversation(server);
        var text = string.Concat(Enumerable.Range(0, 50_000).Select(static i => Peer.Encode("SET", $"key:{i}", "v")));
        client.SendText(text + Peer.Encode("CONFIG", "SET", "maxmemory", "1kb") + Peer.Encode("SET", "a", "b"));
        for (var i = 0; i < 50_002; i++) client.Read();
        Assert.Contains("[eviction-cycle ", client.Say("LATENCY LATEST"), StringComparison.Ordinal);
        client.Say("LATENCY RESET command fast-command");
        var report = client.Say("LATENCY DOCTOR");
        Assert.Contains("Much had to be evicted at once", report, StringComparison.Ordinal);
        Assert.Contains("'maxmemory-eviction-tenacity' is 100", report, StringComparison.Ordinal);
        client.Say("CONFIG SET maxmemory-eviction-tenacity 10");
        Assert.DoesNotContain("tenacity", client.Say("LATENCY DOCTOR"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_doctor_advises_on_expiry_that_could_not_run()
    {
        using var server = new InProcessServer("--latency-monitor-threshold", "1");
        using var client = new Conversation(server);
        server.Server.Parts.LatencyMonitor.Note(
            LatencyEvent.ExpireCycle, Stopwatch.Frequency / 100, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        client.Say("LATENCY RESET command fast-command eviction-cycle");
        var report = client.Say("LATENCY DOCTOR");
        Assert.Contains("1. expire-cycle: 1 latency spikes (average 10ms,", report, StringComparison.Ordinal);
        Assert.Contains("kept from running", report, StringComparison.Ordinal);
        Assert.DoesNotContain("thousands of arguments", report, StringComparison.Ordinal);
    }

    private static string Line(Conversation client, string command)
    {
        var name = $"latency_percentiles_usec_{command}:";
        return client.Say("INFO latencystats").Split("\r\n")
            .SingleOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?[name.Length..] ?? "";
    }
}
