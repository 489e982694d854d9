using System.Globalization;
using System.Text;
using Millrace.Commands.Tests.Driver;
using Millrace.Engine;
using Millrace.Engine.Codec;
using Millrace.Persistence.Rdb;

namespace Millrace.Persistence.Tests.Rdb;

/// <summary>Keyspaces of every kind of value, saved and loaded again.</summary>
public sealed class KeyspaceSaveTests
{
    private static readonly bool s_isLong = Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1";

    [Theory]
    [InlineData(1, 4, 31)]
    [InlineData(4, 1, 0)]
    [InlineData(64, 64, 0)]
    public void Random_keyspaces_come_back_equal_and_leave_nothing_behind(int partitions, int others, int seed)
    {
        if (seed == 0) seed = Environment.TickCount;
        var random = new Random(seed);
        using var first = new RdbKeyspace(partitions, seed);
        using var second = new RdbKeyspace(others, seed + 1);
        for (var round = s_isLong ? 200 : 6; round > 0; round--)
        {
            var where = $"seed {seed}, {round} rounds left";
            Fill(first, random, s_isLong ? 60 : 30);
            var format = new RdbFormat(RdbFormat.UsualVersion, random.Next(2) == 0);
            var file = first.Save(format, hasChecksum: random.Next(4) != 0);
            var outcome = second.Load(file, bufferBytes: random.Next(2) == 0 ? 7 : RdbInput.BufferBytes);
            Assert.True(outcome.IsComplete, $"{where}: {outcome.Fault}");
            Assert.Equal(file.Length, outcome.EndOffset);
            Assert.True(first.Digest() == second.Digest(), where);
            Assert.Equal(first.Details(), second.Details());
            first.CheckGivenBack(where);
            second.CheckGivenBack(where);
        }
    }

    [Fact]
    public void Every_value_of_the_corpus_comes_back_equal()
    {
        using var first = new RdbKeyspace();
        using var second = new RdbKeyspace();
        var count = 0;
        foreach (var (name, value) in Payloads.All())
        {
            Assert.Equal("+OK\r\n", first.Run(0, "RESTORE", name, "0", Payloads.Seal(value)));
            count++;
        }

        Assert.InRange(count, 30, 1_000);
        Assert.True(second.Load(first.Save()).IsComplete);
        Assert.Equal(first.Digest(), second.Digest());
        Assert.Equal(first.Details(), second.Details());
    }

    [Fact]
    public void The_version_is_that_of_what_is_written()
    {
        using var keyspace = new RdbKeyspace();
        keyspace.Run(3, "SET", "key", "value");
        Assert.Equal("REDIS0011", MagicOf(keyspace.Save()));
        Assert.Equal("REDIS0010", MagicOf(keyspace.Save(new RdbFormat(10, Compresses: true))));
        keyspace.Run(3, "HSET", "hash", "a", "1", "b", "2");
        Assert.Equal("REDIS0011", MagicOf(keyspace.Save()));
        keyspace.Run(3, "HPEXPIRE", "hash", "100000", "FIELDS", "1", "a");
        Assert.Equal("REDIS0012", MagicOf(keyspace.Save()));
        keyspace.Run(3, "HPERSIST", "hash", "FIELDS", "1", "a");
        Assert.Equal("REDIS0011", MagicOf(keyspace.Save()));
    }

    [Fact]
    public void A_version_that_has_no_form_for_a_value_is_an_error_that_names_the_key_and_nothing_is_left()
    {
        using var keyspace = new RdbKeyspace();
        keyspace.Run(0, "HSET", "the hash\n", "a", "1", "b", "2");
        keyspace.Run(0, "HPEXPIRE", "the hash\n", "100000", "FIELDS", "1", "a");
        var files = new Files.MemoryFiles { ["dump.rdb"] = [1, 2, 3] };
        var saved = keyspace.TrySave(files, new RdbFormat(10, Compresses: true));
        Assert.Equal(
            @"Not saved: RDB version 10 has no form for the value of the key 'the hash\x0a' in DB 0. "
                + "A hash whose fields have deadlines needs rdb-version 11",
            saved.Error);
        Assert.Equal(["dump.rdb"], files.Names);
        Assert.Equal([1, 2, 3], files["dump.rdb"]);
    }

    [Fact]
    public void A_version_that_has_no_form_for_a_value_leaves_it_out_when_it_has_expired()
    {
        using var keyspace = new RdbKeyspace();
        keyspace.Run(0, "SET", "stays", "value");
        keyspace.Run(0, "HSET", "hash", "a", "1", "b", "2");
        keyspace.Run(0, "HPEXPIRE", "hash", "100000", "FIELDS", "1", "a");
        keyspace.Run(0, "PEXPIRE", "hash", "10");
        keyspace.Driver.NowMs += 50;
        var file = keyspace.Save(new RdbFormat(10, Compresses: true));
        using var other = new RdbKeyspace();
        Assert.True(other.Load(file).IsComplete);
        Assert.Equal(1, other.Loaded!.Keys);
    }

    [Fact]
    public void Fields_that_have_expired_are_not_written_and_keys_are()
    {
        using var first = new RdbKeyspace();
        first.Run(0, "SET", "gone", "value", "PX", "10");
        first.Run(0, "SET", "stays", "value", "PX", "100000");
        first.Run(0, "HSET", "all", "a", "1");
        first.Run(0, "HPEXPIRE", "all", "10", "FIELDS", "1", "a");
        first.Run(0, "HSET", "one", "a", "1", "b", "2");
        first.Run(0, "HPEXPIRE", "one", "10", "FIELDS", "1", "a");
        first.Driver.NowMs += 50;
        var file = first.Save();
        using var second = new RdbKeyspace();
        second.Driver.NowMs = first.Driver.NowMs;
        Assert.True(second.Load(file).IsComplete);
        Assert.Equal(1, second.Loaded!.Expired);
        Assert.Equal(2, second.Loaded.Keys);
        Assert.Equal("[b 2]", second.Driver.Say("HGETALL one"));
        Assert.Equal("99950", second.Driver.Say("PTTL stays"));
    }

    [Theory]
    [InlineData(EvictionPolicy.AllKeysLru)]
    [InlineData(EvictionPolicy.VolatileLru)]
    [InlineData(EvictionPolicy.AllKeysLfu)]
    [InlineData(EvictionPolicy.NoEviction)]
    public void How_keys_were_used_is_written_under_the_policies_that_ask_for_it(EvictionPolicy policy)
    {
        var isOfFrequency = policy == EvictionPolicy.AllKeysLfu;
        using var first = new RdbKeyspace();
        using var second = new RdbKeyspace();
        foreach (var one in (RdbKeyspace[])[first, second])
        {
            one.Keyspace.AccessClock = new AccessClock(countsFrequency: isOfFrequency);
            one.Keyspace.Budget.Begin(new MemoryLimits { Bytes = 1L << 40, Policy = policy }, new OpenGate());
        }

        first.Run(0, "SET", "a", "1");
        first.Run(0, "SET", "b", "1");
        first.Driver.NowMs += 40_000;
        for (var i = 0; i < 300; i++) first.Run(0, "GET", "b");
        second.Driver.NowMs = first.Driver.NowMs;
        Assert.True(second.Load(first.Save()).IsComplete);
        var about = isOfFrequency ? "OBJECT FREQ " : "OBJECT IDLETIME ";
        foreach (var key in (string[])["a", "b"])
        {
            var expected = policy == EvictionPolicy.NoEviction ? "0" : first.Driver.Say(about + key);
            Assert.Equal(expected, second.Driver.Say(about + key));
        }

        if (policy is EvictionPolicy.AllKeysLru) Assert.Equal("40", second.Driver.Say("OBJECT IDLETIME a"));
    }

    [Fact]
    public void What_the_file_says_about_itself_and_libraries_of_functions_come_back()
    {
        var contents = new RdbContents
        {
            ServerVersion = "7.2.4",
            UnixSeconds = 1_700_000_000,
            UsedBytes = 123_456_789_012,
            IsAofBase = true,
            Further = [("repl-stream-db", "0"), ("repl-id", new string('a', 40)), ("repl-offset", "17")],
            Functions = ["#!lua name=one\n"u8.ToArray(), Encoding.ASCII.GetBytes(new string('x', 300_000))],
        };
        using var keyspace = new RdbKeyspace();
        var file = keyspace.Save(contents: contents);
        Assert.True(keyspace.Load(file).IsComplete);
        Assert.Equal(
            [
                ("redis-ver", "7.2.4"), ("redis-bits", "64"), ("ctime", "1700000000"), ("used-mem", "123456789012"),
                .. contents.Further, ("aof-base", "1"),
            ],
            keyspace.Loaded!.Fields);
        Assert.Equal(contents.Functions.Select(code => code.ToArray()), keyspace.Loaded.Functions);
    }

    [Fact]
    public void A_large_keyspace_is_written_and_read_with_little_managed_memory()
    {
        using var first = new RdbKeyspace(partitions: 4);
        for (var i = 0; i < 3_000; i++)
        {
            var number = i.ToString(CultureInfo.InvariantCulture);
            first.Run(i % 3, "SET", "key" + number, new string('v', i));
        }

        first.Run(1, "SET", "huge", string.Concat(Enumerable.Range(0, 800_000)));
        var sink = new CountingTarget();
        Assert.True(first.Driver.Unit.TryBegin(first.Keyspace.AllPartitions, first.Driver.NowMs, patient: true, out _));
        var output = new RdbOutput(sink);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Null(KeyspaceSave.Write(first.Driver.Unit, RdbFormat.Usual, new RdbContents(), output));
        output.Seal(hasChecksum: true);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        first.Driver.Unit.End();
        Assert.InRange(allocated, 0, 100_000);
        Assert.Equal(output.Length, sink.Bytes);
        Assert.InRange(sink.Longest, 1, RdbOutput.BufferBytes);
    }

    private static void Fill(RdbKeyspace keyspace, Random random, int keys)
    {
        for (; keys > 0; keys--)
        {
            var database = random.Next(3) * 5;
            var plain = "key" + keys.ToString(CultureInfo.InvariantCulture);
            var name = random.Next(5) == 0 ? RandomValue.Text(random) : plain;
            keyspace.Run(database, "DEL", name);
            foreach (var request in RandomValue.Draw(random, name)) keyspace.Run(database, request);
            if (random.Next(4) == 0) keyspace.Run(database, "PEXPIRE", name, "100000");
        }
    }

    private static string MagicOf(byte[] file) => Encoding.ASCII.GetString(file, 0, RdbMagic.Bytes);

    private sealed class OpenGate : IMemoryGate
    {
        public bool IsClosed { get; set; }
    }

    private sealed class CountingTarget : Persistence.Files.IByteTarget
    {
        public long Bytes { get; private set; }

        public int Longest { get; private set; }

        public Persistence.Files.DiskFault Write(ReadOnlySpan<byte> bytes)
        {
            Bytes += bytes.Length;
            Longest = Math.Max(Longest, bytes.Length);
            return default;
        }
    }
}
