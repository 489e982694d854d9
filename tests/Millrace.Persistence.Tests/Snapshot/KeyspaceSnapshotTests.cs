using System.Diagnostics;
using System.Globalization;
using Millrace.Commands.Tests.Driver;
using Millrace.Engine;
using Millrace.Engine.Codec;
using Millrace.Engine.Values;
using Millrace.Persistence.Rdb;
using Millrace.Persistence.Snapshot;
using Millrace.Persistence.Tests.Files;
using Millrace.Persistence.Tests.Rdb;

namespace Millrace.Persistence.Tests.Snapshot;

/// <summary>Snapshots while the keyspace changes: what is written is what there was at the cut.</summary>
public sealed class KeyspaceSnapshotTests
{
    private const string Name = "dump.rdb";
    private static readonly bool s_isLong = Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1";

    [Theory]
    [InlineData(1, 17)]
    [InlineData(4, 0)]
    [InlineData(64, 0)]
    public void Whatever_changes_meanwhile_the_file_is_of_the_cut(int partitions, int seed)
    {
        if (seed == 0) seed = Environment.TickCount;
        var random = new Random(seed);
        using var first = new RdbKeyspace(partitions, seed);
        using var second = new RdbKeyspace(2, seed + 1);
        for (var round = s_isLong ? 200 : 8; round > 0; round--)
        {
            var where = $"seed {seed}, {round} rounds left";
            Fill(first, random, 40);
            FillLarge(first, random);
            var (digest, details) = (first.Digest(), first.Details());
            var snapshot = Begin(first);
            for (var i = 0; i < 60; i++)
            {
                if (random.Next(3) > 0) Fill(first, random, 2);
                else ChangeLarge(first, random);
                if (random.Next(3) == 0) Walk(first, snapshot, random, steps: 3);
            }

            var file = End(first, snapshot);
            second.Driver.NowMs = snapshot.CutMs;
            var outcome = second.Load(file);
            Assert.True(outcome.IsComplete, $"{where}: {outcome.Fault}");
            Assert.True(digest == second.Digest(), where);
            Assert.Equal(details, second.Details());
            Assert.Equal(0, snapshot.HeldBytes);
            first.CheckGivenBack(where);
            second.CheckGivenBack(where);
        }
    }

    [Fact]
    public void What_is_flushed_or_deleted_before_it_is_saved_is_in_the_file_and_freed_afterwards()
    {
        using var first = new RdbKeyspace(4);
        using var second = new RdbKeyspace();
        FillLarge(first, new Random(1));
        first.Run(5, "SET", "other", "value");
        var digest = first.Digest();
        var snapshot = Begin(first);
        first.Run(0, "DEL", "H", "S", "Z");
        first.Run(0, "RENAME", "L", "renamed");
        first.Run(0, "SET", "X", "overwritten");
        first.Run(5, "FLUSHDB");
        first.Run(0, "SWAPDB", "0", "3");
        first.Run(3, "FLUSHDB", "SYNC");
        Assert.True(second.Load(End(first, snapshot)).IsComplete);
        Assert.Equal(digest, second.Digest());
        first.CheckGivenBack("flushed");
    }

    [Fact]
    public void One_that_is_given_up_leaves_no_trace_and_the_next_is_complete()
    {
        var random = new Random(3);
        using var first = new RdbKeyspace(4);
        using var second = new RdbKeyspace();
        for (var round = 0; round < 6; round++)
        {
            Fill(first, random, 40);
            FillLarge(first, random);
            var snapshot = Begin(first);
            for (var i = 0; i < 20; i++) ChangeLarge(first, random);
            Walk(first, snapshot, random, steps: round * 5);
            snapshot.Abort("tried out");
            for (var i = 0; i < 20; i++) ChangeLarge(first, random);
            if (round % 2 == 0) first.Run(0, "FLUSHALL");
            var files = new MemoryFiles();
            Finish(first, snapshot);
            var saved = Save(files, snapshot);
            Assert.Equal("tried out", saved.Error);
            Assert.Empty(files.Names);
            Assert.Equal(0, snapshot.HeldBytes);
            first.RemoveDue();
            var digest = first.Digest();
            second.Driver.NowMs = first.Driver.NowMs;
            Assert.True(second.Load(End(first, Begin(first))).IsComplete);
            Assert.Equal(digest, second.Digest());
            first.CheckGivenBack("given up");
            second.CheckGivenBack("given up");
        }
    }

    [Fact]
    public void What_came_after_the_cut_is_not_held()
    {
        using var first = new RdbKeyspace();
        using var second = new RdbKeyspace();
        FillLarge(first, new Random(2));
        var digest = first.Digest();
        var snapshot = Begin(first);
        for (var i = 0; i < 5_000; i++)
        {
            var text = new string('e', 100);
            first.Run(0, "RPUSH", "L", text);
            first.Run(0, "XADD", "X", "*", "f", text);
        }

        Assert.InRange(snapshot.HeldBytes, 1, 300_000); // of a million
        Assert.True(second.Load(End(first, snapshot)).IsComplete);
        Assert.Equal(digest, second.Digest());
    }

    [Fact]
    public void A_disk_that_fails_at_any_step_leaves_the_old_file()
    {
        var random = new Random(4);
        using var keyspace = new RdbKeyspace(2);
        FillLarge(keyspace, random);
        for (var steps = 0; steps < 200; steps++)
        {
            var files = new MemoryFiles { [Name] = "old"u8.ToArray(), FailsAfter = steps };
            var snapshot = Begin(keyspace);
            ChangeLarge(keyspace, random);
            Finish(keyspace, snapshot);
            var saved = Save(files, snapshot);
            Assert.Equal(0, snapshot.HeldBytes);
            if (saved.Error is null)
            {
                Assert.InRange(steps, 4, 200);
                return;
            }

            var isLastStep = saved.Disk.Step == Persistence.Files.DiskStep.SyncDirectory;
            Assert.Equal([Name], files.Names);
            if (!isLastStep) Assert.Equal("old"u8.ToArray(), files[Name]);
        }

        Assert.Fail("it never went well");
    }

    [Fact]
    public void A_value_without_a_form_in_the_version_ends_it_with_its_name()
    {
        using var keyspace = new RdbKeyspace();
        keyspace.Run(0, "HSET", "hash", "a", "1");
        keyspace.Run(0, "HPEXPIRE", "hash", "100000", "FIELDS", "1", "a");
        var snapshot = Begin(keyspace, new RdbFormat(10, Compresses: true));
        Finish(keyspace, snapshot);
        var saved = Save(new MemoryFiles(), snapshot);
        Assert.Contains("no form in RDB version 10 for the value of the key 'hash'", saved.Error,
            StringComparison.Ordinal);
    }

    private static KeyspaceSnapshot Begin(RdbKeyspace keyspace, RdbFormat? format = null)
    {
        var unit = keyspace.Driver.Unit;
        Assert.True(unit.TryBegin(keyspace.Keyspace.AllPartitions, keyspace.Driver.NowMs, patient: true, out _));
        var snapshot = KeyspaceSnapshot.Begin(unit, format ?? RdbFormat.Usual);
        unit.End();
        return snapshot;
    }

    private static void Walk(RdbKeyspace keyspace, KeyspaceSnapshot snapshot, Random random, int steps)
    {
        for (; steps > 0; steps--)
        {
            var partition = random.Next(keyspace.Keyspace.Shape.Partitions);
            Step(keyspace, snapshot, partition, Stopwatch.GetTimestamp() + random.Next(20_000));
        }
    }

    private static void Step(RdbKeyspace keyspace, KeyspaceSnapshot snapshot, int partition, long untilTicks)
    {
        var unit = keyspace.Driver.Unit;
        Assert.True(unit.TryBegin(1UL << partition, keyspace.Driver.NowMs, patient: true, out _));
        snapshot.WalkSome(partition, untilTicks);
        unit.End();
    }

    private static void Finish(RdbKeyspace keyspace, KeyspaceSnapshot snapshot)
    {
        while (!snapshot.IsLeft)
        {
            for (var i = 0; i < keyspace.Keyspace.Shape.Partitions; i++)
                Step(keyspace, snapshot, i, Stopwatch.GetTimestamp() + 1_000_000);
        }
    }

    private static byte[] End(RdbKeyspace keyspace, KeyspaceSnapshot snapshot)
    {
        Finish(keyspace, snapshot);
        var files = new MemoryFiles();
        var saved = Save(files, snapshot);
        Assert.Null(saved.Error);
        Assert.Equal([Name], files.Names);
        return files[Name];
    }

    private static RdbSaved Save(MemoryFiles files, KeyspaceSnapshot snapshot)
    {
        var saved = new RdbFile(files, "", Name).Save(
            output => snapshot.WriteTo(output, new RdbContents()), new RdbSaveOptions(7));
        if (saved.Error is not null) snapshot.GiveUp(saved.Error);
        return saved;
    }

    private static void Fill(RdbKeyspace keyspace, Random random, int keys)
    {
        for (; keys > 0; keys--)
        {
            var database = random.Next(3) * 5;
            var name = "key" + random.Next(60).ToString(CultureInfo.InvariantCulture);
            if (random.Next(3) == 0) keyspace.Run(database, "DEL", name);
            foreach (var request in RandomValue.Draw(random, name)) keyspace.Run(database, request);
            if (random.Next(4) == 0) keyspace.Run(database, "PEXPIRE", name, "100000");
        }
    }

    // More members and pieces than are saved as a whole.
    private static void FillLarge(RdbKeyspace keyspace, Random random)
    {
        keyspace.Keyspace.Encodings = new EncodingLimits
        {
            ListChunk = 16,
            ListCompressDepth = random.Next(2),
            StreamNodes = new StreamNodeLimits(MaxBytes: 4096, MaxEntries: 20),
        };
        for (var i = 0; i < 700; i++)
        {
            var number = i.ToString(CultureInfo.InvariantCulture);
            keyspace.Run(0, "HSET", "H", "field" + number, "value" + number);
            keyspace.Run(0, "SADD", "S", "member" + number);
            keyspace.Run(0, "ZADD", "Z", number, "member" + number);
            keyspace.Run(0, "RPUSH", "L", "element" + number);
            keyspace.Run(0, "XADD", "X", "1-" + (i + 1).ToString(CultureInfo.InvariantCulture), "f", "v" + number);
            if (i % 5 == 0) keyspace.Run(0, "HPEXPIRE", "H", (5000 + i).ToString(CultureInfo.InvariantCulture),
                "FIELDS", "1", "field" + number);
        }

        keyspace.Run(0, "XGROUP", "CREATE", "X", "group", "1-5");
        keyspace.Run(0, "XREADGROUP", "GROUP", "group", "one", "COUNT", "7", "STREAMS", "X", ">");
        keyspace.Run(0, "SET", "T", new string('t', 100_000));
    }

    private static void ChangeLarge(RdbKeyspace keyspace, Random random)
    {
        var number = random.Next(800).ToString(CultureInfo.InvariantCulture);
        string[] request = random.Next(20) switch
        {
            0 => ["HSET", "H", "field" + number, "other"],
            1 => ["HDEL", "H", "field" + number],
            2 => ["HPERSIST", "H", "FIELDS", "1", "field" + number],
            3 => ["HPEXPIRE", "H", "1", "FIELDS", "1", "field" + number],
            4 => ["SADD", "S", "other" + number],
            5 => ["SPOP", "S", "5"],
            6 => ["ZINCRBY", "Z", "2", "member" + number],
            7 => ["ZREMRANGEBYRANK", "Z", "5", "9"],
            8 => ["LPUSH", "L", "front" + number],
            9 => ["LSET", "L", "100", "set"],
            10 => ["LINSERT", "L", "AFTER", "element" + number, "between"],
            11 => ["LTRIM", "L", "3", "-3"],
            12 => ["XADD", "X", "*", "f", "more"],
            13 => ["XDEL", "X", "1-" + number],
            14 => ["XTRIM", "X", "MAXLEN", "500"],
            15 => ["APPEND", "T", "more"],
            16 => ["SETRANGE", "T", "50", "here"],
            17 when random.Next(10) == 0 => ["DEL", "HSZLXT".Substring(random.Next(6), 1)],
            18 when random.Next(10) == 0 => ["RENAME", "HSZLXT".Substring(random.Next(6), 1), "renamed"],
            19 when random.Next(10) == 0 => ["SWAPDB", "0", "5"],
            _ => ["XACK", "X", "group", "1-6", "1-7"],
        };
        keyspace.Run(0, request);
        if (random.Next(5) == 0) keyspace.Driver.NowMs++;
    }
}
