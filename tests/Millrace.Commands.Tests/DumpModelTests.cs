using System.Text;
using Millrace.Commands.Tests.Driver;
using Millrace.Engine;
using Millrace.Engine.Codec;

namespace Millrace.Commands.Tests;

/// <summary>Random values of every type and encoding through DUMP and RESTORE, within one keyspace and from one to
/// another with other limits.</summary>
public class DumpModelTests
{
    private static readonly bool s_isLong = Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1";

    [Theory]
    [InlineData(1, 21)]
    [InlineData(1, 0)]
    [InlineData(4, 0)]
    public void Random_values_come_back_equal_and_leave_nothing_behind(int partitions, int seed)
    {
        if (seed == 0) seed = Environment.TickCount;
        var random = new Random(seed);
        using var driver = new CommandDriver(partitions, seed);
        using var other = new CommandDriver(1, seed + 1);
        for (var step = s_isLong ? 20_000 : 400; step > 0; step--)
        {
            var where = $"seed {seed}, {step} steps left";
            driver.Keyspace.Encodings = Limits(random);
            other.Keyspace.Encodings = Limits(random);
            var version = random.Next(RdbFormat.OldestVersion, RdbFormat.UsualVersion + 1);
            driver.Keyspace.Format = new RdbFormat(version, random.Next(2) == 0);
            driver.Run("DEL key copy");
            foreach (var request in RandomValue.Draw(random, "key"))
                Assert.False(driver.RunWords(request).StartsWith('-'), where);
            if (random.Next(4) == 0) driver.Run("PEXPIRE key 100000");
            Check(driver, other, where);
        }

        foreach (var one in (CommandDriver[])[driver, other])
        {
            one.Run("FLUSHALL SYNC");
            Assert.Equal(0, one.Keyspace.UsedBytes);
            Assert.Equal(0, one.Keyspace.Blobs.LiveCount);
            for (var i = 0; i < one.Keyspace.Shape.Partitions; i++) one.Keyspace[i].Heap.CheckIntegrity();
        }
    }

    private static void Check(CommandDriver driver, CommandDriver other, string where)
    {
        var reply = driver.Value("DUMP", "key");
        if (reply.IsError)
        {
            Assert.Equal(RdbFormat.OldestVersion, driver.Keyspace.Format.Version);
            Assert.Equal("hash", driver.Say("TYPE key"));
            return;
        }

        var payload = Encoding.Latin1.GetString(reply.Bytes.Span);
        Assert.True(driver.RunWords("RESTORE", "copy", "0", payload, "REPLACE") == "+OK\r\n", where);
        Assert.True(other.RunWords("RESTORE", "copy", "100000", payload, "REPLACE") == "+OK\r\n", where);
        Assert.Equal(-1, driver.Value("PTTL", "copy").Integer);
        driver.Run("PERSIST key");
        other.Run("PERSIST copy");
        var digest = ValueSurvey.Digest(driver, "key");
        Assert.True(digest == ValueSurvey.Digest(driver, "copy"), where);
        Assert.True(digest == ValueSurvey.Digest(other, "copy"), where + ", other limits");
        Assert.Equal(FieldDeadlines(driver, "key"), FieldDeadlines(driver, "copy"));
        Assert.Equal(FieldDeadlines(driver, "key"), FieldDeadlines(other, "copy"));
        if (HasOneForm(driver)) Assert.True(Payloads.Dump(driver, "copy") == payload, where + ", other bytes");
        ValueSurvey.Run(other, "copy");
    }

    // A table's order depends on how it came to be, and a list may be cut otherwise when its limits have changed.
    private static bool HasOneForm(CommandDriver driver) =>
        ValueSurvey.EncodingOf(driver, "key") == ValueSurvey.EncodingOf(driver, "copy")
        && ValueSurvey.EncodingOf(driver, "key") is "intset" or "listpack" or "listpackex" or "skiplist" or "stream"
            or "int" or "embstr" or "raw";

    private static List<string> FieldDeadlines(CommandDriver driver, string key)
    {
        if (driver.Say("TYPE " + key) != "hash") return [];
        var lines = new List<string>();
        foreach (var name in driver.Value("HKEYS", key).Items)
        {
            var text = Encoding.Latin1.GetString(name.Bytes.Span);
            lines.Add(text + " " + driver.RunWords("HPEXPIRETIME", key, "FIELDS", "1", text));
        }

        lines.Sort(StringComparer.Ordinal);
        return lines;
    }

    private static EncodingLimits Limits(Random random) => random.Next(3) == 0
        ? new EncodingLimits()
        : new EncodingLimits
        {
            HashEntries = random.Next(40),
            HashValueBytes = random.Next(20, 90),
            IntSetEntries = random.Next(40),
            SetEntries = random.Next(40),
            SortedSetEntries = random.Next(40),
            ListChunk = random.Next(-5, 30),
            ListCompressDepth = random.Next(3),
        };
}
