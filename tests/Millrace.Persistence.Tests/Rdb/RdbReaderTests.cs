using System.Globalization;
using Millrace.Commands.Tests.Driver;
using Millrace.Engine.Codec;
using Millrace.Persistence.Rdb;
using Millrace.Persistence.Tests.Files;

namespace Millrace.Persistence.Tests.Rdb;

/// <summary>The framing of files: every opcode, every version, and what is refused with which words.</summary>
public sealed class RdbReaderTests : IDisposable
{
    private readonly RdbKeyspace _keyspace = new();

    public void Dispose() => _keyspace.Dispose();

    [Theory]
    [InlineData("REDIS0001", false)]
    [InlineData("REDIS0004", false)]
    [InlineData("REDIS0005", true)]
    [InlineData("REDIS0012", true)]
    [InlineData("VALKEY080", true)]
    public void A_file_has_a_checksum_since_version_5(string magic, bool hasChecksum)
    {
        var file = new HandMadeFile(magic).Opcode(RdbOpcode.Database).Bytes(2).String("key", "value").End(hasChecksum);
        var outcome = _keyspace.Load(file);
        Assert.True(outcome.IsComplete, outcome.Fault.ToString());
        Assert.Equal(hasChecksum, outcome.IsVerified);
        Assert.Equal(file.Length, outcome.EndOffset);
        Assert.Equal("$5\r\nvalue\r\n", _keyspace.Run(2, "GET", "key"));
    }

    [Theory]
    [InlineData("REDIS0000", "Can't handle RDB format version 0")]
    [InlineData("REDIS0013", "Can't handle RDB format version 13")]
    [InlineData("REDIS9999", "Can't handle RDB format version 9999")]
    [InlineData("VALKEY081", "Can't handle Valkey RDB format version 81")]
    [InlineData("VALKEY011", "Can't handle Valkey RDB format version 11")]
    [InlineData("REDIS00x1", "Wrong signature trying to load DB from file")]
    [InlineData("RADIS0011", "Wrong signature trying to load DB from file")]
    [InlineData("*2\r\n$6\r\nSELECT\r\n", "Wrong signature trying to load DB from file")]
    [InlineData("REDIS001", "Unexpected EOF reading RDB file")]
    [InlineData("", "Unexpected EOF reading RDB file")]
    public void Other_files_are_refused_by_name(string magic, string text)
    {
        var file = new HandMadeFile(magic);
        var outcome = _keyspace.Load(magic.Length < RdbMagic.Bytes ? file.Whole() : file.End());
        Assert.Equal(text, outcome.Fault.Text);
        Assert.Equal(0, outcome.Fault.Offset);
    }

    [Fact]
    public void What_stands_in_front_of_a_key_is_for_that_key_alone()
    {
        var now = _keyspace.Driver.NowMs;
        var seconds = (int)(now / 1000) + 100;
        var file = new HandMadeFile("REDIS0009")
            .Opcode(RdbOpcode.DeadlineSeconds).Bytes(BitConverter.GetBytes(seconds))
            .Opcode(RdbOpcode.Idle).Bytes(0x40, 100).String("a", "1")
            .Opcode(RdbOpcode.DeadlineMs).Bytes(BitConverter.GetBytes(now + 5)).String("b", "2")
            .Opcode(RdbOpcode.Frequency).Bytes(200).String("c", "3")
            .End();
        Assert.True(_keyspace.Load(file).IsComplete);
        var driver = _keyspace.Driver;
        Assert.Equal(seconds * 1000L, driver.Value("PEXPIRETIME", "a").Integer);
        Assert.Equal("100", driver.Say("OBJECT IDLETIME a"));
        Assert.Equal(now + 5, driver.Value("PEXPIRETIME", "b").Integer);
        Assert.Equal("0", driver.Say("OBJECT IDLETIME b"));
        Assert.Equal("-1", driver.Say("PTTL c"));
    }

    [Fact]
    public void Expired_keys_are_dropped_as_a_master_does_or_kept()
    {
        var file = new HandMadeFile("REDIS0011")
            .Opcode(RdbOpcode.DeadlineMs).Bytes(BitConverter.GetBytes(_keyspace.Driver.NowMs - 1)).String("a", "1")
            .Opcode(RdbOpcode.DeadlineMs).Bytes(BitConverter.GetBytes(-5L)).String("b", "1")
            .Opcode(RdbOpcode.DeadlineMs).Bytes(BitConverter.GetBytes(_keyspace.Driver.NowMs)).String("c", "1")
            .End();
        Assert.True(_keyspace.Load(file).IsComplete);
        Assert.Equal((1, 2), (_keyspace.Loaded!.Keys, _keyspace.Loaded.Expired));
        Assert.Equal("1", _keyspace.Driver.Say("DBSIZE"));
        _keyspace.CheckGivenBack("dropped");
        Assert.True(_keyspace.Load(file, new KeyspaceLoadOptions(DropsExpired: false)).IsComplete);
        Assert.Equal((3, 0), (_keyspace.Loaded.Keys, _keyspace.Loaded.Expired));
        Assert.Equal("(nil)", _keyspace.Driver.Say("GET a"));
        _keyspace.CheckGivenBack("kept");
    }

    [Fact]
    public void A_key_that_comes_twice_is_an_error_unless_it_may_give_way()
    {
        var made = new HandMadeFile("REDIS0011").Opcode(RdbOpcode.Database).Bytes(3).String("a\n", "1");
        var offset = made.Length;
        var file = made.String("a\n", "2").End();
        var outcome = _keyspace.Load(file);
        Assert.Equal(RdbFaultKind.Duplicate, outcome.Fault.Kind);
        Assert.Equal($@"RDB has duplicated key 'a\x0a' in DB 3 (at offset {offset})", outcome.Fault.ToString());
        Assert.True(_keyspace.Load(file, new KeyspaceLoadOptions(true, Replaces: true)).IsComplete);
        Assert.Equal("$1\r\n2\r\n", _keyspace.Run(3, "GET", "a\n"));
        _keyspace.CheckGivenBack("duplicates");
    }

    [Fact]
    public void The_same_name_may_come_in_several_databases_and_a_database_twice()
    {
        var file = new HandMadeFile("REDIS0011")
            .Opcode(RdbOpcode.Database).Bytes(1).String("a", "1").Opcode(RdbOpcode.Database).Bytes(15).String("a", "2")
            .Opcode(RdbOpcode.Database).Bytes(1).String("b", "3").End();
        Assert.True(_keyspace.Load(file).IsComplete);
        Assert.Equal("$1\r\n1\r\n", _keyspace.Run(1, "GET", "a"));
        Assert.Equal("$1\r\n2\r\n", _keyspace.Run(15, "GET", "a"));
        Assert.Equal("$1\r\n3\r\n", _keyspace.Run(1, "GET", "b"));
    }

    [Theory]
    [InlineData("fe10", RdbFaultKind.Database,
        "Data file was created with a server configured to handle more than 16 databases")]
    [InlineData("fe81ffffffffffffffff", RdbFaultKind.Database,
        "Data file was created with a server configured to handle more than 16 databases")]
    [InlineData("fec0", RdbFaultKind.Record, "Bad RDB file: invalid number of a database")]
    [InlineData("fb00c0", RdbFaultKind.Record, "Bad RDB file: invalid sizes of a database")]
    [InlineData("f60161", RdbFaultKind.Record, "Pre-release function format not supported.")]
    [InlineData("f3", RdbFaultKind.Record, "Unknown RDB opcode 243")]
    [InlineData("080161", RdbFaultKind.Record, "Unknown RDB encoding type 8")]
    [InlineData("1a0161", RdbFaultKind.Record, "Unknown RDB encoding type 26")]
    [InlineData("f20161", RdbFaultKind.Record, "Unknown RDB encoding type 242")]
    [InlineData("000161c4", RdbFaultKind.Record, "Bad RDB file: invalid value of type 0 of the key 'a'")]
    [InlineData("00c4", RdbFaultKind.Record, "Bad RDB file: invalid name of a key")]
    [InlineData("fac4", RdbFaultKind.Record, "Bad RDB file: invalid AUX field")]
    [InlineData("f5c4", RdbFaultKind.Record, "Bad RDB file: invalid library of functions")]
    [InlineData("f7 81 45e25238df912c03 02 01", RdbFaultKind.Module,
        "The RDB file contains AUX module data I can't load: no matching module 'ReJSON-RL'")]
    [InlineData("070161 81 45e25238df912c03", RdbFaultKind.Module,
        "The RDB file contains module data I can't load: no matching module type 'ReJSON-RL' (key 'a')")]
    [InlineData("fa0161", RdbFaultKind.EndsEarly, "Unexpected EOF reading RDB file")]
    [InlineData("000161 8100ffffffffffffff61", RdbFaultKind.EndsEarly, "Unexpected EOF reading RDB file")]
    public void A_record_that_cannot_be_is_refused_with_its_offset(string hex, RdbFaultKind kind, string text)
    {
        var made = new HandMadeFile("REDIS0011").String("before", "1");
        var offset = made.Length;
        var file = made.Hex(hex).Whole();
        var outcome = _keyspace.Load(file);
        Assert.Equal((kind, text), (outcome.Fault.Kind, outcome.Fault.Text));
        Assert.Equal(offset, outcome.Fault.Offset);
        _keyspace.CheckGivenBack(text);
    }

    [Fact]
    public void Hints_of_all_kinds_are_passed_over()
    {
        var file = new HandMadeFile("REDIS0012")
            .Opcode(RdbOpcode.Aux).Text("nobody knows").Text("what").Opcode(RdbOpcode.Database).Bytes(0)
            .Opcode(RdbOpcode.Resize).Hex("81ffffffffffffffff 81ffffffffffffffff")
            .Opcode(RdbOpcode.SlotInfo).Hex("53 ff 80ffffffff 00").String("key", "value").End();
        Assert.True(_keyspace.Load(file).IsComplete);
        Assert.Equal("1", _keyspace.Driver.Say("DBSIZE"));
    }

    [Fact]
    public void What_a_file_says_about_itself_at_length_is_passed_over_as_it_is_stored()
    {
        // What claims to be 128 MB: nobody puts that together.
        var file = new HandMadeFile("REDIS0011").Opcode(RdbOpcode.Aux).Text("bomb")
            .Hex("c3 81 0000000000300000 80 08000000").Bytes(new byte[0x300000])
            .Opcode(RdbOpcode.Aux).Text("known").Text("here")
            .Opcode(RdbOpcode.Aux).Hex("c3 14 44e2").Bytes(new byte[20]).Text("its name is long")
            .Opcode(RdbOpcode.Aux).Text("long").Bytes(0x80, 0, 0, 4, 1).Bytes(new byte[1025])
            .String("key", "value").End();
        foreach (var bufferBytes in (int[])[7, RdbInput.BufferBytes])
        {
            var outcome = _keyspace.Load(file, bufferBytes: bufferBytes);
            Assert.True(outcome.IsComplete, outcome.Fault.ToString());
            Assert.Equal([("known", "here")], _keyspace.Loaded!.Fields);
            _keyspace.CheckGivenBack("long");
        }
    }

    [Fact]
    public void Collections_without_members_are_passed_over_as_in_Redis()
    {
        var file = new HandMadeFile("REDIS0008").Key("list", [1, 0]).Key("set", [2, 0]).Key("zset", [5, 0])
            .Key("hash", [4, 0]).Key("lists", [14, 0])
            .Bytes(13).Text("ziplist").Hex("0b0b0000000a0000000000ff")
            .Bytes(10).Text("list of a ziplist").Hex("0b0b0000000a0000000000ff")
            .Bytes(14).Text("list of ziplists").Hex("010b0b0000000a0000000000ff")
            .Bytes(16).Text("listpack").Hex("0707000000 0000ff").Bytes(20).Text("set").Hex("0707000000 0000ff")
            .Bytes(17).Text("sorted").Hex("0707000000 0000ff").Bytes(18).Text("chunks").Hex("01020707000000 0000ff")
            .String("key", "value").End();
        var outcome = _keyspace.Load(file);
        Assert.True(outcome.IsComplete, outcome.Fault.ToString());
        Assert.Equal("[key]", _keyspace.Driver.Say("KEYS *"));
        _keyspace.CheckGivenBack("empty");
    }

    [Fact]
    public void Whatever_follows_is_somebody_elses()
    {
        var rdb = new HandMadeFile("REDIS0011").String("key", "value").End();
        byte[] tail = [.. "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"u8];
        foreach (var bufferBytes in (int[])[1, 5, 4096])
        {
            var outcome = _keyspace.Load([.. rdb, .. tail], bufferBytes: bufferBytes);
            Assert.True(outcome.IsComplete && outcome.IsVerified);
            Assert.Equal(rdb.Length, outcome.EndOffset);
            _keyspace.CheckGivenBack("tail");
        }
    }

    [Fact]
    public void A_wrong_checksum_is_found_unless_nobody_looks_or_there_is_none()
    {
        var file = new HandMadeFile("REDIS0011").String("key", "value").End();
        file[^1] ^= 1;
        var outcome = _keyspace.Load(file);
        Assert.Equal(RdbFaultKind.Checksum, outcome.Fault.Kind);
        Assert.StartsWith("Wrong RDB checksum expected: (", outcome.Fault.Text, StringComparison.Ordinal);
        _keyspace.CheckGivenBack("wrong");
        outcome = _keyspace.Load(file, verifies: false);
        Assert.True(outcome.IsComplete && !outcome.IsVerified);
        _keyspace.CheckGivenBack("not looked at");
        file.AsSpan(^8..).Clear();
        outcome = _keyspace.Load(file);
        Assert.True(outcome.IsComplete && !outcome.IsVerified);
    }

    [Fact]
    public void Hashes_of_Valkey_9_have_their_fields_deadlines()
    {
        var deadline = BitConverter.GetBytes(_keyspace.Driver.NowMs + 5_000);
        HandMadeFile Made(string magic) => new HandMadeFile(magic).Bytes(22).Text("hash").Bytes(2)
            .Text("a").Text("1").Bytes(deadline).Text("b").Text("2").Bytes(BitConverter.GetBytes(-1L));
        var outcome = _keyspace.Load(Made("VALKEY080").End());
        Assert.True(outcome.IsComplete, outcome.Fault.ToString());
        Assert.Equal("[5000 -1]", _keyspace.Driver.Say("HPTTL hash FIELDS 2 a b"));
        Assert.Equal("2", _keyspace.Driver.Say("HGET hash b"));
        _keyspace.CheckGivenBack("Valkey");
        Assert.False(_keyspace.Load(Made("REDIS0012").End()).IsComplete); // another type has this number there
        var later = new HandMadeFile("VALKEY080").Key("hash", [24, 0]).End();
        Assert.Equal("Unknown RDB encoding type 24", _keyspace.Load(later).Fault.Text);
    }

    [Fact]
    public void Every_type_of_every_version_is_read_whatever_the_pieces()
    {
        var values = Payloads.All().ToArray();
        foreach (var (name, value) in values) _keyspace.Run(1, "RESTORE", name, "0", Payloads.Seal(value));
        foreach (var version in Enumerable.Range(1, 12))
        {
            var made = new HandMadeFile("REDIS" + version.ToString("D4", CultureInfo.InvariantCulture));
            made.Opcode(RdbOpcode.Database).Bytes(1);
            foreach (var (name, value) in values) made.Key(name, value);
            using var other = new RdbKeyspace();
            var outcome = other.Load(made.End(version >= 5), bufferBytes: version * version);
            Assert.True(outcome.IsComplete, outcome.Fault.ToString());
            Assert.Equal(_keyspace.Digest(), other.Digest());
            Assert.Equal(_keyspace.Details(), other.Details());
        }
    }

    [Fact]
    public void A_record_that_would_take_more_than_it_may_and_a_library_that_is_refused_end_the_reading()
    {
        var driver = _keyspace.Driver;
        driver.Run("SET key " + new string('x', 5_000));
        var large = _keyspace.Save();
        var library = new HandMadeFile("REDIS0011").Opcode(RdbOpcode.Function).Text("#!lua").End();
        _keyspace.CheckGivenBack("before");
        Assert.True(driver.Unit.TryBegin(1, driver.NowMs, patient: true, out _));
        var sink = new StingySink(new KeyspaceLoad(driver.Unit, default)) { MostBytes = 1_000 };
        foreach (var (file, kind, text) in (
            (byte[], RdbFaultKind, string)[])[
                (large, RdbFaultKind.Memory, "There is not enough memory for this value of type 0 of the key 'key'"),
                (library, RdbFaultKind.Function, "Failed loading library, no libraries here")])
        {
            new MemoryFiles { ["a"] = file }.Open("a", out var opened);
            var outcome = new RdbReader(new RdbInput(opened!), sink, _keyspace.Keyspace[0].Heap, verifies: true).Read();
            Assert.Equal((kind, text), (outcome.Fault.Kind, outcome.Fault.Text));
        }

        sink.MostBytes = 10_000;
        new MemoryFiles { ["a"] = large }.Open("a", out var again);
        Assert.True(new RdbReader(new RdbInput(again!), sink, _keyspace.Keyspace[0].Heap, true).Read().IsComplete);
        driver.Unit.End();
        _keyspace.CheckGivenBack("after");
    }

    [Fact]
    public void A_disk_that_fails_is_told_from_a_file_that_ends()
    {
        var file = new HandMadeFile("REDIS0011").String("key", "value").End();
        for (var reads = 0; reads < file.Length / 4; reads++)
        {
            var files = new MemoryFiles { ["a"] = file, FailsAfter = reads + 1 };
            Assert.Null(files.Open("a", out var opened));
            var outcome = _keyspace.Load(new RdbInput(opened!, 4));
            Assert.Equal(RdbFaultKind.Disk, outcome.Fault.Kind);
            Assert.Equal("Error reading the RDB file: " + MemoryFiles.Reason, outcome.Fault.Text);
            _keyspace.CheckGivenBack("disk");
        }
    }

    private sealed class StingySink(KeyspaceLoad load) : IRdbSink
    {
        public int Databases => load.Databases;

        public long MostBytes { get; set; }

        public void Aux(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) => load.Aux(name, value);

        public void Resize(int database, ulong keys, ulong deadlines) => load.Resize(database, keys, deadlines);

        public string? Function(ReadOnlySpan<byte> code) => "no libraries here";

        public RdbTaking Take(in RdbKey key, scoped ref ValueReader value) => load.Take(key, ref value);
    }
}
