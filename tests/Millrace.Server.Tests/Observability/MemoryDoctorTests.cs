using Millrace.Server.Observability;

namespace Millrace.Server.Tests.Observability;

public class MemoryDoctorTests
{
    private const long Mb = 1 << 20;

    private static readonly MemoryFigures Healthy = new()
    {
        Used = 100 * Mb,
        AtStart = 0,
        Peak = 110 * Mb,
        Resident = 200 * Mb,
        Active = 104 * Mb,
        Committed = 108 * Mb,
        ClientBytes = 10 * 16_384,
        Clients = 10,
        Keys = 1000,
        Databases = [],
    };

    [Fact]
    public void A_healthy_server_has_no_findings() =>
        Assert.StartsWith(
            "Hi Sam, I can't find any memory issue", MemoryDoctor.Report(Healthy), StringComparison.Ordinal);

    [Fact]
    public void A_small_server_is_not_judged() => Assert.StartsWith(
        "Hi Sam, this instance is empty or is using very little memory",
        MemoryDoctor.Report(Healthy with { Used = 4 * Mb }), StringComparison.Ordinal);

    [Fact]
    public void Each_finding_has_its_limit()
    {
        OnlyFinding("Peak memory", Healthy with { Peak = 151 * Mb });
        OnlyFinding("High allocator fragmentation", Healthy with { Active = 111 * Mb, Committed = 111 * Mb });
        OnlyFinding("High allocator RSS overhead", Healthy with { Committed = 120 * Mb });
        OnlyFinding("High process RSS overhead", Healthy with { Resident = 270 * Mb });
        OnlyFinding("Big client buffers", Healthy with { ClientBytes = 10 * 201 * 1024 });
        OnlyFinding(
            "High total RSS",
            Healthy with { Used = 95 * Mb, Active = 150 * Mb, Committed = 160 * Mb, Resident = 315 * Mb, Clients = 0 },
            but: ["High allocator fragmentation"]);
    }

    [Fact]
    public void A_finding_of_a_few_megabytes_is_none()
    {
        var small = Healthy with { Used = 20 * Mb, Active = 24 * Mb, Committed = 29 * Mb, Resident = 150 * Mb };
        Assert.DoesNotContain("High", MemoryDoctor.Report(small with { Peak = 20 * Mb }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_peak_that_is_over_is_found()
    {
        using var server = new InProcessServer("--io-threads", "1");
        using var client = new Conversation(server);
        Fill(client, "kept", 8);
        Fill(client, "big", 20);
        client.Say("INFO memory");
        Assert.DoesNotContain("* Peak memory", client.Say("MEMORY DOCTOR"), StringComparison.Ordinal);
        for (var i = 0; i < 20; i++) client.Say($"DEL big{i}");
        Assert.Contains("* Peak memory", client.Say("MEMORY DOCTOR"), StringComparison.Ordinal);
    }

    [Fact]
    public void Free_blocks_between_used_ones_are_found()
    {
        using var server = new InProcessServer("--io-threads", "1");
        using var client = new Conversation(server);
        var value = new string('x', 2000);
        for (var i = 0; i < 15_000; i++) client.SayWords("SET", $"key{i}", value);
        Assert.DoesNotContain("fragmentation", client.Say("MEMORY DOCTOR"), StringComparison.Ordinal);
        for (var i = 0; i < 15_000; i++)
        {
            if (i % 3 != 0) client.Say($"DEL key{i}");
        }

        Assert.Contains("* High allocator fragmentation", client.Say("MEMORY DOCTOR"), StringComparison.Ordinal);
    }

    [Fact]
    public void Chunks_that_are_kept_are_found_and_gone_after_a_purge()
    {
        using var server = new InProcessServer("--io-threads", "1");
        using var client = new Conversation(server);
        Fill(client, "kept", 6);
        Fill(client, "big", 60);
        for (var i = 0; i < 60; i++) client.Say($"DEL big{i}");
        Assert.Contains("* High allocator RSS overhead", client.Say("MEMORY DOCTOR"), StringComparison.Ordinal);
        client.Say("MEMORY PURGE");
        var deadline = Environment.TickCount64 + 10_000;
        while (client.Say("MEMORY DOCTOR").Contains("* High allocator RSS overhead", StringComparison.Ordinal))
        {
            Assert.True(Environment.TickCount64 < deadline);
            Thread.Sleep(1);
        }
    }

    [Fact]
    public void Memory_that_holds_no_data_is_found()
    {
        using var server = new InProcessServer("--io-threads", "1");
        using var client = new Conversation(server);
        Fill(client, "kept", 6);
        var ballast = new byte[400_000_000];
        ballast.AsSpan().Fill(1);
        var report = client.Say("MEMORY DOCTOR");
        Assert.Contains("* High process RSS overhead", report, StringComparison.Ordinal);
        Assert.Contains("* High total RSS", report, StringComparison.Ordinal);
        GC.KeepAlive(ballast);
    }

    [Fact]
    public void Clients_that_do_not_read_are_found()
    {
        using var server = new InProcessServer("--io-threads", "1");
        using var client = new Conversation(server);
        Fill(client, "kept", 6);
        using var slow = server.Connect();
        for (var i = 0; i < 10; i++) slow.Request("GET", "kept0");
        var deadline = Environment.TickCount64 + 10_000;
        while (!client.Say("MEMORY DOCTOR").Contains("* Big client buffers", StringComparison.Ordinal))
        {
            Assert.True(Environment.TickCount64 < deadline);
            Thread.Sleep(1);
        }
    }

    // Values of a megabyte each.
    private static void Fill(Conversation client, string name, int count)
    {
        for (var i = 0; i < count; i++) client.SayWords("SET", name + i, new string('x', 1_000_000));
    }

    private static void OnlyFinding(string name, MemoryFigures figures, params string[] but)
    {
        var report = MemoryDoctor.Report(figures);
        Assert.StartsWith(
            "Sam, I detected a few issues in this instance's memory implants:\n\n", report, StringComparison.Ordinal);
        var names = report.Split('\n').Where(static one => one.StartsWith(" * ", StringComparison.Ordinal))
            .Select(static one => one[3..one.IndexOf(':')]);
        Assert.Equal([name], names.Except(but));
    }
}
