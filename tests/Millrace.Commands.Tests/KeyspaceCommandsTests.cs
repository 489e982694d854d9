using Millrace.Commands.Tests.Driver;

namespace Millrace.Commands.Tests;

public class KeyspaceCommandsTests
{
    public static TheoryData<int> Partitions => [1, 2, 64];

    [Theory]
    [MemberData(nameof(Partitions))]
    public void Scan_meets_every_key_and_ends(int partitions)
    {
        using var driver = new CommandDriver(partitions);
        for (var i = 0; i < 3000; i++) driver.Run($"SET key:{i} {i}");
        foreach (var count in (int[])[1, 10, 1000, int.MaxValue])
        {
            var met = Walk(driver, "COUNT", count.ToString());
            Assert.Equal(3000, met.Distinct().Count());
            Assert.Equal(3000, met.Count);
        }

        Assert.Equal(100, Walk(driver, "MATCH", "key:1??").Distinct().Count());
        Assert.Empty(Walk(driver, "TYPE", "list"));
        Assert.Equal(3000, Walk(driver, "TYPE", "STRING", "MATCH", "*").Count);
    }

    [Theory]
    [MemberData(nameof(Partitions))]
    public void Scan_keeps_its_promise_while_the_table_grows_and_shrinks(int partitions)
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var round = 0; round < 20; round++)
        {
            using var driver = new CommandDriver(partitions, seed);
            var kept = random.Next(1, 300);
            for (var i = 0; i < kept; i++) driver.Run($"SET kept:{i} x");
            var met = new HashSet<string>();
            var cursor = "0";
            var grows = random.Next(2) == 0;
            if (!grows) AddMany(driver, 4000);
            do
            {
                cursor = Step(driver, cursor, met, "COUNT", "3");
                for (var i = 0; i < 100; i++)
                    driver.Run(grows ? $"SET more:{random.Next(10_000)} x" : $"DEL more:{random.Next(4000)}");
            }
            while (cursor != "0");
            for (var i = 0; i < kept; i++)
                Assert.True(met.Contains($"kept:{i}"), $"seed {seed}, round {round}, key {i}");
        }
    }

    [Theory]
    [MemberData(nameof(Partitions))]
    public void Randomkey_ends_while_expired_keys_must_stay(int partitions)
    {
        using var driver = new CommandDriver(partitions);
        driver.Unit.RemovesExpired = false;
        Assert.Equal("(nil)", driver.Say("RANDOMKEY"));
        for (var i = 0; i < 20; i++) driver.Run($"SET gone:{i} x PX 1");
        driver.NowMs += 10;
        Assert.StartsWith("gone:", driver.Say("RANDOMKEY"), StringComparison.Ordinal);
        Assert.Equal("20", driver.Say("DBSIZE"));
        for (var i = 0; i < 20; i++) driver.Run($"SET there:{i} x");
        for (var i = 0; i < 50; i++)
            Assert.StartsWith("there:", driver.Say("RANDOMKEY"), StringComparison.Ordinal);
        driver.Unit.RemovesExpired = true;
        driver.Run("FLUSHALL");
        driver.Run("SET gone x PX 1");
        driver.NowMs += 10;
        Assert.Equal("(nil)", driver.Say("RANDOMKEY"));
        Assert.Equal("0", driver.Say("DBSIZE"));
    }

    [Theory]
    [InlineData("x", "ERR invalid cursor")]
    [InlineData("18446744073709551616", "ERR invalid cursor")]
    [InlineData("1abc", "ERR invalid cursor")]
    [InlineData("+", "ERR invalid cursor")]
    [InlineData("0 COUNT 0", "ERR syntax error")]
    [InlineData("0 COUNT x", "ERR value is not an integer or out of range")]
    [InlineData("0 MATCH", "ERR syntax error")]
    [InlineData("0 FOO bar", "ERR syntax error")]
    [InlineData("0 TYPE nosuch", "ERR unknown type name 'nosuch'")]
    public void Wrong_arguments_of_scan(string arguments, string error)
    {
        using var driver = new CommandDriver();
        Assert.Equal(error, driver.Say("SCAN " + arguments));
    }

    [Theory]
    [MemberData(nameof(Partitions))]
    public void Any_number_is_a_safe_cursor(int partitions)
    {
        using var driver = new CommandDriver(partitions);
        AddMany(driver, 2000);
        var random = new Random(5);
        for (var i = 0; i < 2000; i++)
        {
            var cursor = BitConverter.ToUInt64(Bytes(random)) >> random.Next(64);
            Assert.Equal(2, driver.Value("SCAN", cursor.ToString()).Items.Count);
        }

        foreach (var cursor in (string[])["18446744073709551615", "-1", "007", "", "+0"])
            Assert.Equal(2, driver.Value("SCAN", cursor).Items.Count);
    }

    [Fact]
    public void Scan_removes_the_expired_keys_that_it_was_asked_for()
    {
        using var driver = new CommandDriver(partitions: 4);
        for (var i = 0; i < 500; i++) driver.Run($"SET key:{i} x PX {1 + (i % 2 * 100)}");
        driver.PlantList("list");
        driver.Run("PEXPIRE list 1");
        driver.NowMs += 50;
        Assert.StartsWith("ERR", driver.Say("SCAN 0 TYPE nothing"), StringComparison.Ordinal);
        Assert.Equal("501", driver.Say("DBSIZE"));
        Assert.Equal(250, Walk(driver, "TYPE", "string").Count);
        Assert.Equal("251", driver.Say("DBSIZE"));
        Assert.Equal(250, Walk(driver).Count);
        Assert.Equal("250", driver.Say("DBSIZE"));
    }

    [Theory]
    [MemberData(nameof(Partitions))]
    public void Keys_matches_patterns(int partitions)
    {
        using var driver = new CommandDriver(partitions);
        Assert.Equal("[]", driver.Say("KEYS *"));
        for (var i = 0; i < 1500; i++) driver.Run($"SET key:{i} x");
        driver.RunWords("SET", "", "empty name");
        Assert.Equal(1501, driver.Value("KEYS", "*").Items.Count);
        Assert.Equal(1500, driver.Value("KEYS", "**").Items.Count);
        Assert.Equal("[key:7]", driver.Say("KEYS key:[7]"));
        Assert.Equal("[]", driver.Say("KEYS ["));
        Assert.Equal(1, driver.Value("KEYS", "").Items.Count);
    }

    [Theory]
    [MemberData(nameof(Partitions))]
    public void RandomKey_chooses_every_key_about_as_often(int partitions)
    {
        using var driver = new CommandDriver(partitions);
        Assert.Equal("(nil)", driver.Say("RANDOMKEY"));
        const int Keys = 200;
        const int Draws = 40_000;
        for (var i = 0; i < Keys; i++) driver.Run($"SET {i} x");
        var drawn = new int[Keys];
        for (var i = 0; i < Draws; i++) drawn[int.Parse(driver.Say("RANDOMKEY"))]++;
        Assert.All(drawn, count => Assert.InRange(count, Draws / Keys / 2, Draws / Keys * 2));
    }

    [Fact]
    public void RandomKey_ends_when_all_keys_are_expired()
    {
        using var driver = new CommandDriver(partitions: 8);
        for (var i = 0; i < 300; i++) driver.Run($"SET {i} x PX 1");
        driver.Run("SET left x");
        driver.NowMs += 2;
        Assert.Equal("left", driver.Say("RANDOMKEY"));
        driver.Run("DEL left");
        Assert.Equal("(nil)", driver.Say("RANDOMKEY"));
        Assert.Equal("0", driver.Say("DBSIZE"));
    }

    [Fact]
    public void Flushing_empties_one_or_all_databases()
    {
        using var driver = new CommandDriver(partitions: 4);
        for (var database = 0; database < 3; database++)
        {
            driver.Client.Database = database;
            AddMany(driver, 100);
        }

        driver.Client.Database = 1;
        Assert.Equal("ERR syntax error", driver.Say("FLUSHDB NOW"));
        Assert.Equal("ERR syntax error", driver.Say("FLUSHALL SYNC ASYNC"));
        Assert.Equal("OK", driver.Say("FLUSHDB ASYNC"));
        Assert.Equal(100, driver.Dirty);
        Assert.Equal("0", driver.Say("DBSIZE"));
        driver.Client.Database = 0;
        Assert.Equal("100", driver.Say("DBSIZE"));
        Assert.Equal("OK", driver.Say("FLUSHALL"));
        Assert.Equal("OK", driver.Say("FLUSHALL"));
        Assert.Equal(["FLUSHALL"], driver.Effects);
        Assert.Equal("0", driver.Say("DBSIZE"));
    }

    [Fact]
    public void Flushing_with_SYNC_gives_the_memory_back_at_once()
    {
        using var driver = new CommandDriver(partitions: 4);
        var empty = driver.Keyspace.UsedBytes;
        AddMany(driver, 5000);
        driver.RunWords("SET", "blob", new string('x', 500_000), "EX", "10");
        Assert.True(driver.Keyspace.UsedBytes > empty + 500_000);
        driver.Run("FLUSHALL SYNC");
        Assert.Equal(empty, driver.Keyspace.UsedBytes);
    }

    [Fact]
    public void SwapDb_exchanges_databases()
    {
        using var driver = new CommandDriver(partitions: 4);
        driver.Run("MSET a 1 b 2");
        driver.Run("EXPIRE a 10");
        Assert.Equal("ERR invalid first DB index", driver.Say("SWAPDB a 1"));
        Assert.Equal("ERR invalid second DB index", driver.Say("SWAPDB 0 4294967296"));
        Assert.Equal("ERR DB index is out of range", driver.Say("SWAPDB 0 16"));
        Assert.Equal("OK", driver.Say("SWAPDB 0 5"));
        Assert.Equal(1, driver.Dirty);
        Assert.Equal("0", driver.Say("DBSIZE"));
        driver.Client.Database = 5;
        Assert.Equal("[1 2]", driver.Say("MGET a b"));
        Assert.Equal("10", driver.Say("TTL a"));
        Assert.Equal("OK", driver.Say("SWAPDB 5 5"));
        Assert.Equal("2", driver.Say("DBSIZE"));
    }

    private static byte[] Bytes(Random random)
    {
        var bytes = new byte[sizeof(ulong)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static void AddMany(CommandDriver driver, int count)
    {
        for (var i = 0; i < count; i++) driver.Run($"SET more:{i} x");
    }

    private static List<string> Walk(CommandDriver driver, params string[] options)
    {
        var met = new List<string>();
        var cursor = "0";
        do cursor = Step(driver, cursor, met, options);
        while (cursor != "0");
        return met;
    }

    private static string Step(CommandDriver driver, string cursor, ICollection<string> met, params string[] options)
    {
        var reply = driver.Value(["SCAN", cursor, .. options]);
        foreach (var name in reply.Items[1].Items) met.Add(CommandDriver.Render(name));
        return CommandDriver.Render(reply.Items[0]);
    }
}
