using System.Globalization;
using Millrace.Commands.Tests.Driver;
using Millrace.Memory;
using Millrace.Persistence.Loading;
using Millrace.Persistence.Rdb;
using Millrace.Persistence.Tests.Files;

namespace Millrace.Persistence.Tests.Rdb;

/// <summary>A file that several threads load is the same keyspace, and the same fault, as when one does.</summary>
public sealed class ParallelLoadTests
{
    public static TheoryData<int, int> Threads =>
        new() { { 1, 1 }, { 1, 4 }, { 4, 3 }, { 64, 1 }, { 64, 2 }, { 64, 4 } };

    [Theory]
    [MemberData(nameof(Threads))]
    public void Generated_data_is_the_same_as_read_by_one_thread(int partitions, int threads)
    {
        var fresh = Environment.TickCount & 0xFFFF;
        foreach (var seed in (int[])[17, fresh])
        {
            var file = Generate(new Random(seed), 800);
            using var one = new RdbKeyspace();
            Assert.True(one.Load(file).IsComplete);
            using var several = new RdbKeyspace(partitions, seed);
            var outcome = Load(several, file, threads, out var load, bufferBytes: 1 + (seed % 5000));
            Assert.True(outcome.IsComplete && outcome.IsVerified, $"seed {seed}: {outcome.Fault}");
            Assert.Equal(file.Length, outcome.EndOffset);
            Assert.True(one.Digest() == several.Digest(), $"seed {seed}");
            Assert.Equal(one.Details(), several.Details());
            Assert.Equal((one.Loaded!.Keys, one.Loaded.Expired), (load.Keys, load.Expired));
            several.CheckGivenBack($"seed {seed}");
        }
    }

    [Theory]
    [MemberData(nameof(Threads))]
    public void Values_longer_than_a_batch_go_on_in_the_next(int partitions, int threads)
    {
        using var one = new RdbKeyspace();
        var random = new Random(5);
        one.Run(0, "SET", "string", Noise(random, 700_000));
        one.Run(1, "SET", Noise(random, 300_000), "x");
        for (var i = 0; i < 40; i++)
        {
            one.Run(0, "RPUSH", "list", Noise(random, 30_000), "3", "x");
            one.Run(2, ["HSET", "hash", .. Words(random, 400)]);
            one.Run(0, ["SADD", "set", .. Words(random, 400)]);
            one.Run(0, ["ZADD", "zset", .. Words(random, 400).Select((word, at) => at % 2 == 0 ? $"{at}.5" : word)]);
            one.Run(0, "XADD", "stream", "*", "field", Noise(random, 9_000));
            one.Run(0, "SET", $"short{i}", "value");
        }

        one.Run(0, "HPEXPIRE", "hash", "1000000", "FIELDS", "1", "none");
        one.Run(0, "XGROUP", "CREATE", "stream", "group", "0");
        one.Run(0, "XREADGROUP", "GROUP", "group", "me", "COUNT", "30", "STREAMS", "stream", ">");
        foreach (var compresses in (bool[])[true, false])
        {
            var file = one.Save(new Engine.Codec.RdbFormat(11, compresses));
            using var several = new RdbKeyspace(partitions);
            var outcome = Load(several, file, threads, out _);
            Assert.True(outcome.IsComplete, outcome.Fault.ToString());
            Assert.Equal(one.Digest(), several.Digest());
            several.CheckGivenBack("long");
        }
    }

    [Fact]
    public void Every_type_of_every_version_is_cut_where_it_ends()
    {
        foreach (var version in Enumerable.Range(1, 12))
        {
            var made = new HandMadeFile("REDIS" + version.ToString("D4", CultureInfo.InvariantCulture));
            made.Opcode(RdbOpcode.Database).Bytes(1);
            foreach (var (name, value) in Payloads.All()) made.Key(name, value);
            var file = made.End(version >= 5);
            using var one = new RdbKeyspace();
            Assert.True(one.Load(file).IsComplete);
            using var several = new RdbKeyspace(64);
            var outcome = Load(several, file, 2, out _, bufferBytes: version * version);
            Assert.True(outcome.IsComplete, outcome.Fault.ToString());
            Assert.Equal(one.Digest(), several.Digest());
            Assert.Equal(one.Details(), several.Details());
        }
    }

    [Fact]
    public void Hashes_of_Valkey_9_and_collections_without_members_are_as_read_by_one_thread()
    {
        var file = new HandMadeFile("VALKEY080").Bytes(22).Text("hash").Bytes(2)
            .Text("a").Text("1").Bytes(BitConverter.GetBytes(1_800_000_000_000)).Text("b").Text("2")
            .Bytes(BitConverter.GetBytes(-1L)).Key("list", [1, 0]).Key("zset", [5, 0])
            .Bytes(14).Text("list of ziplists").Hex("010b0b0000000a0000000000ff")
            .Bytes(20).Text("set").Hex("0707000000 0000ff").String("key", "value").End();
        using var several = new RdbKeyspace(64);
        var outcome = Load(several, file, 3, out var load);
        Assert.True(outcome.IsComplete, outcome.Fault.ToString());
        Assert.Equal(2, load.Keys);
        Assert.Equal("2", several.Driver.Say("HGET hash b"));
        Assert.Equal("[1800000000000 -1]", several.Driver.Say("HPEXPIRETIME hash FIELDS 2 a b"));
    }

    [Fact]
    public void A_file_that_ends_early_has_the_same_fault_and_leaves_nothing()
    {
        var file = Generate(new Random(3), 12);
        using var one = new RdbKeyspace();
        using var several = new RdbKeyspace(64);
        for (var length = 0; length < file.Length; length += 1 + (length / 500))
        {
            var expected = one.Load(file[..length]);
            var outcome = Load(several, file[..length], 2, out _, bufferBytes: 64);
            Assert.Equal((expected.Fault.Kind, expected.Fault.Offset), (outcome.Fault.Kind, outcome.Fault.Offset));
            several.CheckGivenBack($"{length} of {file.Length}");
            one.CheckGivenBack("one");
        }
    }

    [Fact]
    public void A_bit_that_is_flipped_without_a_checksum_has_the_same_outcome()
    {
        var file = Generate(new Random(4), 10);
        file.AsSpan(^8..).Clear();
        using var one = new RdbKeyspace();
        using var several = new RdbKeyspace(64);
        for (var bit = 0; bit < 8 * (file.Length - 8); bit += 1 + (file.Length / 80))
        {
            file[bit / 8] ^= (byte)(1 << (bit % 8));
            var expected = one.Load(file);
            var outcome = Load(several, file, 2, out _);
            Assert.True(expected.IsComplete == outcome.IsComplete, $"bit {bit}: {expected.Fault} {outcome.Fault}");
            Assert.Equal(expected.Fault.Offset, outcome.Fault.Offset);
            if (outcome.IsComplete) Assert.Equal(one.Digest(), several.Digest());
            file[bit / 8] ^= (byte)(1 << (bit % 8));
            one.CheckGivenBack("one");
            several.CheckGivenBack($"bit {bit}");
        }
    }

    [Fact]
    public void The_first_of_several_wrong_records_is_told()
    {
        var made = new HandMadeFile("REDIS0011");
        for (var i = 0; i < 500; i++) made.String($"key{i}", "value");
        var offset = made.Length;
        made.Bytes(16).Text("wrong").Text("no listpack");
        for (var i = 0; i < 5_000; i++) made.Bytes(16).Text($"also{i}").Text("no listpack");
        var file = made.String("key1", "twice").Opcode(RdbOpcode.SlotImport).Whole();
        using var several = new RdbKeyspace(64);
        var outcome = Load(several, file, 4, out _);
        Assert.Equal(
            $"Bad RDB file: invalid value of type 16 of the key 'wrong' (at offset {offset}): "
                + "Hash listpack integrity check failed.",
            outcome.Fault.ToString());
        Assert.Equal(RdbFaultKind.Record, outcome.Fault.Kind);
        several.CheckGivenBack("wrong");
    }

    [Fact]
    public void A_key_that_comes_twice_is_found_wherever_it_was_before()
    {
        var made = new HandMadeFile("REDIS0011");
        for (var i = 0; i < 3_000; i++) made.String($"key{i}", "value");
        var offset = made.Length;
        var file = made.String("key7", "again").End();
        using var several = new RdbKeyspace(64);
        var outcome = Load(several, file, 2, out _);
        Assert.Equal($"RDB has duplicated key 'key7' in DB 0 (at offset {offset})", outcome.Fault.ToString());
    }

    [Fact]
    public void Who_holds_the_truce_meets_nobody()
    {
        var file = Generate(new Random(6), 3_000);
        using var several = new RdbKeyspace(64);
        var truce = new LoadTruce();
        var (isOver, holds, met) = (false, 0, 0);
        var looker = new Thread(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                truce.Hold();
                var before = Sum(several);
                Thread.SpinWait(2_000);
                if (Sum(several) != before) met++;
                for (var i = 0; i < 64; i++) met += several.Keyspace[i].Lock.IsTaken ? 1 : 0;
                holds++;
                truce.Release();
                Thread.SpinWait(500);
            }
        });
        looker.Start();
        var outcome = Load(several, file, 2, out _, bufferBytes: 500, truce);
        Volatile.Write(ref isOver, true);
        looker.Join();
        Assert.True(outcome.IsComplete);
        Assert.True(holds > 0);
        Assert.Equal(0, met);
    }

    [Fact]
    public void Reading_ends_soon_when_it_is_not_wanted_any_more()
    {
        var file = Generate(new Random(7), 2_000);
        using var several = new RdbKeyspace(64);
        var progress = new StoppingProgress { StopsAt = file.Length / 2 };
        new MemoryFiles { ["a"] = file }.Open("a", out var opened);
        using var load = new ParallelLoad(
            several.Keyspace, several.Driver.NowMs, default, 2, new LoadTruce());
        using var scratch = new Heap(several.Source);
        var input = new RdbInput(opened!, 1_000, progress);
        var outcome = load.Finish(new RdbReader(input, load, scratch, verifies: true).Read());
        Assert.Equal(RdbFaultKind.Disk, outcome.Fault.Kind);
        Assert.InRange(progress.Bytes, progress.StopsAt, progress.StopsAt + 1_000);
        several.CheckGivenBack("stopped");
    }

    internal static RdbOutcome Load(
        RdbKeyspace keyspace, byte[] file, int threads, out ParallelLoad load,
        int bufferBytes = RdbInput.BufferBytes, LoadTruce? truce = null)
    {
        new MemoryFiles { ["a"] = file }.Open("a", out var opened);
        var options = new KeyspaceLoadOptions(DropsExpired: true);
        load = new ParallelLoad(keyspace.Keyspace, keyspace.Driver.NowMs, options, threads, truce ?? new LoadTruce());
        using var scratch = new Heap(keyspace.Source);
        return load.Finish(new RdbReader(new RdbInput(opened!, bufferBytes), load, scratch, verifies: true).Read());
    }

    private static byte[] Generate(Random random, int keys)
    {
        using var made = new RdbKeyspace();
        for (var i = 0; i < keys; i++)
        {
            var key = $"key{i}" + (random.Next(30) == 0 ? Noise(random, random.Next(400)) : "");
            var database = random.Next(3);
            foreach (var words in RandomValue.Draw(random, key)) made.Run(database, words);
            if (random.Next(3) == 0) made.Run(database, "PEXPIRE", key, $"{random.Next(1, 3_000_000)}");
        }

        var file = made.Save();
        return file;
    }

    private static long Sum(RdbKeyspace keyspace)
    {
        var sum = keyspace.Keyspace.UsedBytes;
        for (var i = 0; i < keyspace.Keyspace.Shape.Partitions; i++)
            sum += keyspace.Keyspace[i].Table(0)?.Count ?? 0;
        return sum;
    }

    private static string[] Words(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => Noise(random, random.Next(1, 30)))];

    private static string Noise(Random random, int length) => string.Create(length, random, static (text, source) =>
    {
        foreach (ref var letter in text) letter = (char)source.Next(256);
    });

    private sealed class StoppingProgress : ILoadProgress
    {
        public long StopsAt { get; init; }

        public long Bytes { get; private set; }

        public bool IsStopped => Bytes >= StopsAt;

        public void Began(long totalBytes) => Assert.Fail("whoever opens the file says so");

        public void Advanced(long bytes) => Bytes = bytes;
    }
}
