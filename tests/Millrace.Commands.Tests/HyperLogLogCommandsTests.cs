using System.Text;
using Millrace.Commands.Tests.Driver;
using Millrace.Engine;
using Millrace.Memory;

namespace Millrace.Commands.Tests;

/// <summary>PFADD, PFCOUNT, PFMERGE, PFDEBUG and PFSELFTEST.</summary>
public sealed class HyperLogLogCommandsTests : IDisposable
{
    private const string WrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";
    private const string NotOne = "WRONGTYPE Key is not a valid HyperLogLog string value.";
    private const string Corrupted = "INVALIDOBJ Corrupted HLL object detected";

    private readonly CommandDriver _driver = new();

    public HyperLogLogCommandsTests()
    {
        _driver.Run("PFADD h a b c");
        _driver.Run("PFADD other c d");
        _driver.Run("MSET text foo number 12345678901234567890 short HYLL integer 1234567890123456789");
        _driver.Run("RPUSH list x");
        _driver.RunWords("SET", "gap", Sparse("7ffe"));
        _driver.RunWords("SET", "tail", Sparse("7fff00"));
    }

    public void Dispose() => _driver.Dispose();

    [Theory]
    [InlineData("PFADD h", "0")]
    [InlineData("PFADD h a", "0")]
    [InlineData("PFADD h a x", "1")]
    [InlineData("PFADD new", "1")]
    [InlineData("PFADD new a", "1")]
    [InlineData("PFADD list a", WrongType)]
    [InlineData("PFADD text a", NotOne)]
    [InlineData("PFADD integer a", NotOne)]
    [InlineData("PFADD short a", NotOne)]
    [InlineData("PFCOUNT h", "3")]
    [InlineData("PFCOUNT none", "0")]
    [InlineData("PFCOUNT h other", "4")]
    [InlineData("PFCOUNT h none h", "3")]
    [InlineData("PFCOUNT none none", "0")]
    [InlineData("PFCOUNT list", WrongType)]
    [InlineData("PFCOUNT h list", WrongType)]
    [InlineData("PFCOUNT text", NotOne)]
    [InlineData("PFCOUNT h number", NotOne)]
    [InlineData("PFCOUNT gap", Corrupted)]
    [InlineData("PFCOUNT tail", Corrupted)]
    [InlineData("PFCOUNT h gap", Corrupted)]
    [InlineData("PFMERGE new", "OK")]
    [InlineData("PFMERGE new h other none", "OK")]
    [InlineData("PFMERGE h list", WrongType)]
    [InlineData("PFMERGE list h", WrongType)]
    [InlineData("PFMERGE h text", NotOne)]
    [InlineData("PFMERGE h tail", Corrupted)]
    [InlineData("PFMERGE gap h", Corrupted)]
    [InlineData("PFDEBUG ENCODING h", "sparse")]
    [InlineData("PFDEBUG encoding none", "ERR The specified key does not exist")]
    [InlineData("PFDEBUG nothing none", "ERR The specified key does not exist")]
    [InlineData("PFDEBUG nothing h", "ERR Unknown PFDEBUG subcommand 'nothing'")]
    [InlineData("PFDEBUG ENCODING list", WrongType)]
    [InlineData("PFDEBUG nothing text", NotOne)]
    [InlineData("PFDEBUG DECODE h", "Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603")]
    [InlineData("PFDEBUG DECODE gap", "Z:16383")]
    [InlineData("PFDEBUG DECODE tail", "Z:16384 z:1")]
    [InlineData("PFDEBUG GETREG gap", Corrupted)]
    [InlineData("PFDEBUG TODENSE h", "1")]
    [InlineData("PFDEBUG TODENSE tail", Corrupted)]
    [InlineData("PFSELFTEST", "OK")]
    public void A_command_answers(string request, string reply) => Assert.Equal(reply, _driver.Say(request));

    [Fact]
    public void A_refused_merge_leaves_the_destination_alone()
    {
        var before = _driver.Run("GET h");
        Assert.Equal(Corrupted, _driver.Say("PFMERGE h other gap"));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal(before, _driver.Run("GET h"));
        Assert.Equal(Corrupted, _driver.Say("PFMERGE new gap"));
        Assert.Equal("0", _driver.Say("EXISTS new"));
    }

    [Theory]
    [InlineData("PFADD h x y y", 2)]
    [InlineData("PFADD new", 1)]
    [InlineData("PFADD new x y", 3)]
    [InlineData("PFCOUNT h", 1)]
    [InlineData("PFMERGE h other", 1)]
    [InlineData("PFDEBUG TODENSE h", 1)]
    [InlineData("PFDEBUG GETREG h", 1)]
    public void A_change_is_recorded_as_it_was_asked_for(string request, long changes)
    {
        _driver.Run(request);
        Assert.Equal(changes, _driver.Dirty);
        Assert.Equal(request, Assert.Single(_driver.Effects));
    }

    [Theory]
    [InlineData("PFADD h a b c")]
    [InlineData("PFCOUNT h other")]
    [InlineData("PFCOUNT none")]
    [InlineData("PFDEBUG ENCODING h")]
    [InlineData("PFDEBUG DECODE h")]
    public void What_changes_nothing_is_not_recorded(string request)
    {
        _driver.Run(request);
        Assert.Equal(0, _driver.Dirty);
        Assert.Empty(_driver.Effects);
    }

    [Fact]
    public void An_estimate_is_kept_until_registers_change()
    {
        Assert.Equal('\x80', Bytes("h")[15]);
        _driver.Run("PFCOUNT h");
        Assert.Equal("HYLL\u0001\0\0\0\u0003\0\0\0\0\0\0\0", Bytes("h")[..16]);
        _driver.Run("PFCOUNT h");
        Assert.Equal(0, _driver.Dirty);
        _driver.Run("PFADD h a");
        Assert.Equal('\0', Bytes("h")[15]);
        _driver.Run("PFADD h new");
        Assert.Equal('\x80', Bytes("h")[15]);
    }

    [Fact]
    public void A_kept_estimate_is_believed()
    {
        var lie = Bytes("h").ToCharArray();
        lie[8] = 'x';
        lie[15] = '\0';
        _driver.RunWords("SET", "h", new string(lie));
        Assert.Equal("120", _driver.Say("PFCOUNT h"));
        Assert.Equal("3", _driver.Say("PFCOUNT h h"));
    }

    [Fact]
    public void Registers_in_no_order_may_take_some_elements_and_the_effect_is_what_they_took()
    {
        // Runs for the first half of the registers: element 1 finds its own, element 2 does not.
        _driver.RunWords("SET", "half", Sparse("5fff"), "EX", "100");
        var request = "PFADD half " + string.Join(' ', Enumerable.Range(1, 40));
        Assert.Equal(Corrupted, _driver.Say(request));
        var effect = Assert.Single(_driver.Effects);
        Assert.Equal("SET half " + Bytes("half") + " KEEPTTL", effect);
    }

    [Fact]
    public void More_than_the_limit_makes_it_dense()
    {
        _driver.Keyspace.Encodings = new EncodingLimits { HyperLogLogSparseBytes = 60 };
        var added = 0;
        while (_driver.Say("PFDEBUG ENCODING h") == "sparse") _driver.Run($"PFADD h {added++}");
        Assert.InRange(added, 10, 20);
        Assert.Equal(HyperLogLog.DenseBytes, Bytes("h").Length);
        Assert.Equal("[0 0 0 0]", "[" + string.Join(' ', Registers("h")[..4]) + "]");
        Assert.Equal(_driver.Say("PFCOUNT h h"), _driver.Say("PFCOUNT h"));
        Assert.Equal("ERR HLL encoding is not sparse", _driver.Say("PFDEBUG DECODE h"));
        Assert.Equal("0", _driver.Say("PFDEBUG TODENSE h"));
    }

    [Fact]
    public void Registers_are_shown_one_by_one_and_dense_from_then_on()
    {
        var registers = Registers("h");
        Assert.Equal(HyperLogLog.Registers, registers.Length);
        Assert.Equal([(8_436, 1), (12_711, 2), (15_780, 1)], registers.Index().Where(one => one.Item > 0));
        Assert.Equal("dense", _driver.Say("PFDEBUG ENCODING h"));
        Assert.Equal("3", _driver.Say("PFCOUNT h"));
    }

    [Fact]
    public void What_is_written_to_is_raw_and_keeps_its_deadline()
    {
        _driver.RunWords("SET", "copy", Bytes("h"), "EX", "100");
        Assert.Equal("embstr", _driver.Say("OBJECT ENCODING copy"));
        _driver.Run("PFCOUNT copy");
        Assert.Equal("raw", _driver.Say("OBJECT ENCODING copy"));
        _driver.Run("PFADD copy x y z");
        _driver.Run("PFDEBUG TODENSE copy");
        _driver.Run("PFMERGE copy other");
        Assert.Equal("100", _driver.Say("TTL copy"));
    }

    [Fact]
    public void Merging_into_a_sparse_one_stays_sparse_unless_a_source_is_dense()
    {
        _driver.Run("PFMERGE sum h other");
        Assert.Equal("sparse", _driver.Say("PFDEBUG ENCODING sum"));
        _driver.Run("PFDEBUG TODENSE other");
        _driver.Run("PFMERGE sum h other");
        Assert.Equal("dense", _driver.Say("PFDEBUG ENCODING sum"));
        Assert.Equal("4", _driver.Say("PFCOUNT sum"));
    }

    [Fact]
    public void Many_merged_elements_make_a_dense_one()
    {
        for (var i = 0; i < 3_000; i++) _driver.Run($"PFADD part{i % 3} {i}");
        Assert.Equal("sparse", _driver.Say("PFDEBUG ENCODING part0"));
        _driver.Run("PFMERGE sum part0 part1 part2");
        Assert.Equal("dense", _driver.Say("PFDEBUG ENCODING sum"));
        Assert.Equal(_driver.Say("PFCOUNT part0 part1 part2"), _driver.Say("PFCOUNT sum"));
        Assert.InRange(_driver.Value("PFCOUNT", "sum").Integer, 2_850, 3_150);
    }

    [Fact]
    public void A_string_over_the_size_of_any_sparse_one_is_corrupted()
    {
        _driver.RunWords("SET", "long", Sparse(new string('0', 2 * 40_000)));
        Assert.Equal(Corrupted, _driver.Say("PFADD long a"));
        Assert.Equal(Corrupted, _driver.Say("PFCOUNT long"));
        Assert.Equal(Corrupted, _driver.Say("PFDEBUG DECODE long"));
    }

    private static string Sparse(string hex) =>
        "HYLL\u0001\0\0\0\0\0\0\0\0\0\0\x80" + Encoding.Latin1.GetString(Convert.FromHexString(hex));

    private string Bytes(string key) => _driver.Say("GET " + key) is var text and not "(nil)" ? text : "";

    private long[] Registers(string key) =>
        [.. _driver.Value("PFDEBUG", "GETREG", key).Items.Select(one => one.Integer)];
}
