using Millrace.Commands.Tests.Driver;

namespace Millrace.Commands.Tests;

/// <summary>SETBIT, GETBIT, BITCOUNT, BITPOS and BITOP.</summary>
public sealed class BitmapCommandsTests : IDisposable
{
    private const string WrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";
    private const string NotAnInteger = "ERR value is not an integer or out of range";
    private const string BadOffset = "ERR bit offset is not an integer or out of range";
    private const string BadBit = "ERR bit is not an integer or out of range";

    private readonly CommandDriver _driver = new();

    public BitmapCommandsTests()
    {
        _driver.PlantList("list");
        _driver.Run("SET text foobar");
        _driver.Run("SET number 1234567");
        _driver.RunWords("SET", "empty", "");
        _driver.RunWords("SET", "zeros", "\0\0\0");
        _driver.RunWords("SET", "ones", "\xff\xff\xff");
        _driver.RunWords("SET", "mixed", "\0\0\xf0\xff\x80");
    }

    public void Dispose() => _driver.Dispose();

    [Theory]
    [InlineData("GETBIT text 0", "0")]
    [InlineData("GETBIT text 1", "1")]
    [InlineData("GETBIT text 47", "0")]
    [InlineData("GETBIT text 48", "0")]
    [InlineData("GETBIT text 4294967295", "0")]
    [InlineData("GETBIT number 2", "1")]
    [InlineData("GETBIT number 100", "0")]
    [InlineData("GETBIT none 7", "0")]
    [InlineData("GETBIT list 7", WrongType)]
    [InlineData("GETBIT list -1", BadOffset)]
    [InlineData("GETBIT text 4294967296", BadOffset)]
    [InlineData("GETBIT text -1", BadOffset)]
    [InlineData("GETBIT text x", BadOffset)]
    [InlineData("GETBIT text #1", BadOffset)]
    [InlineData("GETBIT text 1.5", BadOffset)]
    [InlineData("GETBIT text 9223372036854775808", BadOffset)]
    [InlineData("SETBIT none 4294967296 1", BadOffset)]
    [InlineData("SETBIT none -1 1", BadOffset)]
    [InlineData("SETBIT none x 1", BadOffset)]
    [InlineData("SETBIT none 1 2", BadBit)]
    [InlineData("SETBIT none 1 -1", BadBit)]
    [InlineData("SETBIT none 1 x", BadBit)]
    [InlineData("SETBIT none 1 01", BadBit)]
    [InlineData("SETBIT list 1 2", BadBit)]
    [InlineData("SETBIT list 1 1", WrongType)]
    public void Single_bits_are_read_and_refused_as_Redis_does(string request, string reply)
    {
        Assert.Equal(reply, _driver.Say(request));
        Assert.Equal(0, _driver.Dirty);
    }

    [Fact]
    public void SetBit_grows_a_string_with_zeros_and_says_what_the_bit_was()
    {
        Assert.Equal("0", _driver.Say("SETBIT key 1 1"));
        Assert.Equal("@", _driver.Say("GET key"));
        Assert.Equal("0", _driver.Say("SETBIT key 31 1"));
        Assert.Equal("@\0\0\x1", _driver.Say("GET key"));
        Assert.Equal("1", _driver.Say("SETBIT key 1 0"));
        Assert.Equal("\0\0\0\x1", _driver.Say("GET key"));
        Assert.Equal("0", _driver.Say("SETBIT text 7 1"));
        Assert.Equal("goobar", _driver.Say("GET text"));
        Assert.Equal("raw", _driver.Say("OBJECT ENCODING text"));
    }

    [Theory]
    [InlineData("SETBIT key 0 0", 1)] // made
    [InlineData("SETBIT text 1 1", 0)] // as it was
    [InlineData("SETBIT text 1 0", 1)]
    [InlineData("SETBIT text 48 0", 1)] // longer
    [InlineData("SETBIT empty 0 0", 1)]
    [InlineData("SETBIT number 55 1", 0)]
    [InlineData("SETBIT number 56 0", 1)]
    public void SetBit_counts_as_a_change_only_when_something_has_changed(string request, int changes)
    {
        _driver.Run(request);
        Assert.Equal(changes, _driver.Dirty);
        Assert.Equal(changes == 0 ? [] : [request], _driver.Effects);
    }

    [Fact]
    public void SetBit_of_an_integer_makes_its_digits_a_string()
    {
        Assert.Equal("int", _driver.Say("OBJECT ENCODING number"));
        Assert.Equal("0", _driver.Say("SETBIT number 6 1"));
        Assert.Equal("3234567", _driver.Say("GET number"));
        Assert.Equal("raw", _driver.Say("OBJECT ENCODING number"));
    }

    [Fact]
    public void A_deadline_survives_SetBit_and_Bitfield_but_not_BitOp()
    {
        _driver.Run("SET key abc PX 5000");
        _driver.Run("SETBIT key 400000 1");
        Assert.Equal("5000", _driver.Say("PTTL key"));
        _driver.Run("SETBIT key 900000 1");
        Assert.Equal("5000", _driver.Say("PTTL key"));
        _driver.Run("BITFIELD key SET u8 0 1");
        Assert.Equal("5000", _driver.Say("PTTL key"));
        _driver.Run("BITOP NOT key key");
        Assert.Equal("-1", _driver.Say("PTTL key"));
    }

    [Fact]
    public void A_large_string_that_a_reply_still_reads_is_copied_before_a_bit_changes()
    {
        _driver.RunWords("SET", "key", new string('a', 100_000));
        _driver.Run("COPY key copy");
        Assert.Equal("0", _driver.Say("SETBIT key 799998 1"));
        Assert.Equal(100_000, _driver.Say("GET key").Length);
        Assert.Equal("c", _driver.Say("GETRANGE key 99999 99999"));
        Assert.Equal("a", _driver.Say("GETRANGE copy 99999 99999"));
    }

    [Theory]
    [InlineData("BITCOUNT text", "26")]
    [InlineData("BITCOUNT number", "26")]
    [InlineData("BITCOUNT empty", "0")]
    [InlineData("BITCOUNT empty 0 -1", "0")]
    [InlineData("BITCOUNT none", "0")]
    [InlineData("BITCOUNT none -6 -7", "0")]
    [InlineData("BITCOUNT text 0", "26")]
    [InlineData("BITCOUNT text 1", "22")]
    [InlineData("BITCOUNT text -1", "4")]
    [InlineData("BITCOUNT text 100", "0")]
    [InlineData("BITCOUNT text 0 0", "4")]
    [InlineData("BITCOUNT text 1 1", "6")]
    [InlineData("BITCOUNT text 0 -5", "10")]
    [InlineData("BITCOUNT text -2 1", "0")]
    [InlineData("BITCOUNT text 0 9223372036854775807", "26")]
    [InlineData("BITCOUNT text -9223372036854775808 -1", "26")]
    [InlineData("BITCOUNT text -100 -101", "0")]
    [InlineData("BITCOUNT text -101 -100", "4")]
    [InlineData("BITCOUNT text 1 1 BYTE", "6")]
    [InlineData("BITCOUNT text 5 30 BIT", "17")]
    [InlineData("BITCOUNT text 5 5 bit", "1")]
    [InlineData("BITCOUNT text 9 14 bIt", "5")]
    [InlineData("BITCOUNT text 47 -1 BIT", "0")]
    [InlineData("BITCOUNT text 48 49 BIT", "0")]
    [InlineData("BITCOUNT text 0 -1 BIT", "26")]
    [InlineData("BITCOUNT list", WrongType)]
    [InlineData("BITCOUNT list 0 1", WrongType)]
    [InlineData("BITCOUNT list x", NotAnInteger)]
    [InlineData("BITCOUNT none 0 x", NotAnInteger)]
    [InlineData("BITCOUNT none x 0 hello", NotAnInteger)]
    [InlineData("BITCOUNT none 0 x hello", "ERR syntax error")]
    [InlineData("BITCOUNT none 0 1 hello", "ERR syntax error")]
    [InlineData("BITCOUNT none 0 1 BIT more", "ERR syntax error")]
    public void BitCount_counts_a_string_or_a_part_of_it(string request, string reply) =>
        Assert.Equal(reply, _driver.Say(request));

    [Theory]
    [InlineData("BITPOS zeros 1", "-1")]
    [InlineData("BITPOS zeros 0", "0")]
    [InlineData("BITPOS ones 0", "24")]
    [InlineData("BITPOS ones 0 1", "24")]
    [InlineData("BITPOS ones 0 0 -1", "-1")]
    [InlineData("BITPOS ones 0 0 10", "-1")]
    [InlineData("BITPOS ones 0 5", "-1")]
    [InlineData("BITPOS ones 1 1", "8")]
    [InlineData("BITPOS ones 1 2 1", "-1")]
    [InlineData("BITPOS empty 0", "-1")]
    [InlineData("BITPOS empty 1", "-1")]
    [InlineData("BITPOS none 0", "0")]
    [InlineData("BITPOS none 1", "-1")]
    [InlineData("BITPOS none 0 5 6", "0")]
    [InlineData("BITPOS mixed 1", "16")]
    [InlineData("BITPOS mixed 0 2", "20")]
    [InlineData("BITPOS mixed 0 3", "33")]
    [InlineData("BITPOS mixed 0 3 3", "-1")]
    [InlineData("BITPOS mixed 1 -2 -1", "24")]
    [InlineData("BITPOS mixed 1 -100 -4", "-1")]
    [InlineData("BITPOS mixed 0 16 19 BIT", "-1")]
    [InlineData("BITPOS mixed 0 16 20 BIT", "20")]
    [InlineData("BITPOS mixed 1 20 -1 BIT", "24")]
    [InlineData("BITPOS mixed 1 33 100 BIT", "-1")]
    [InlineData("BITPOS mixed 0 24 32 BIT", "-1")]
    [InlineData("BITPOS mixed 1 2 3 BYTE", "16")]
    [InlineData("BITPOS number 1", "2")]
    [InlineData("BITPOS text 2", "ERR The bit argument must be 1 or 0.")]
    [InlineData("BITPOS list 2", "ERR The bit argument must be 1 or 0.")]
    [InlineData("BITPOS text x", NotAnInteger)]
    [InlineData("BITPOS none 1 x", NotAnInteger)]
    [InlineData("BITPOS none 1 1 x", NotAnInteger)]
    [InlineData("BITPOS none 1 1 x bits", "ERR syntax error")]
    [InlineData("BITPOS none 1 0 1 BIT more", "ERR syntax error")]
    [InlineData("BITPOS list 1", WrongType)]
    public void BitPos_finds_the_first_bit(string request, string reply) =>
        Assert.Equal(reply, _driver.Say(request));

    [Theory]
    [InlineData("AND", "\x60\x20\0\0")]
    [InlineData("OR", "\xf7\x63\x0f\xf0")]
    [InlineData("XOR", "\xf7\x22\x0f\xf0")]
    [InlineData("DIFF", "\x01\x02\0\0")]
    [InlineData("DIFF1", "\x96\x00\x0f\xf0")]
    [InlineData("ANDOR", "\x60\x61\0\0")]
    [InlineData("ONE", "\x97\x02\x0f\xf0")]
    public void BitOp_combines_bit_by_bit_and_what_is_missing_is_zero(string operation, string result)
    {
        _driver.RunWords("SET", "x", "\x61\x63");
        _driver.RunWords("SET", "y", "\x66\x61\x0f");
        _driver.RunWords("SET", "z", "\xf0\x20\x00\xf0");
        Assert.Equal("4", _driver.Say($"BITOP {operation} to x y z"));
        Assert.Equal(result, _driver.Say("GET to"));
    }

    [Fact]
    public void BitOp_NOT_inverts()
    {
        Assert.Equal("5", _driver.Say("BITOP NOT to mixed"));
        Assert.Equal("\xff\xff\x0f\0\x7f", _driver.Say("GET to"));
        Assert.Equal("7", _driver.Say("BITOP not number number"));
        Assert.Equal("\xce", _driver.Say("GETRANGE number 0 0"));
    }

    [Fact]
    public void BitOp_of_nothing_removes_the_destination()
    {
        Assert.Equal("0", _driver.Say("BITOP OR text none empty"));
        Assert.Equal(1, _driver.Dirty);
        Assert.Equal("0", _driver.Say("EXISTS text"));
        Assert.Equal("0", _driver.Say("BITOP NOT text none"));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal("0", _driver.Say("BITOP AND list none"));
        Assert.Equal("0", _driver.Say("EXISTS list"));
    }

    [Fact]
    public void BitOp_overwrites_a_destination_of_any_type()
    {
        Assert.Equal("6", _driver.Say("BITOP AND list text"));
        Assert.Equal(["BITOP AND list text"], _driver.Effects);
        Assert.Equal("foobar", _driver.Say("GET list"));
        Assert.Equal("raw", _driver.Say("OBJECT ENCODING list"));
    }

    [Theory]
    [InlineData("BITOP NAND to text", "ERR syntax error")]
    [InlineData("BITOP NOT to text number", "ERR BITOP NOT must be called with a single source key.")]
    [InlineData("BITOP DIFF to text", "ERR BITOP DIFF must be called with at least two source keys.")]
    [InlineData("BITOP DIFF1 to text", "ERR BITOP DIFF1 must be called with at least two source keys.")]
    [InlineData("BITOP ANDOR to text", "ERR BITOP ANDOR must be called with at least two source keys.")]
    [InlineData("BITOP OR to text list", WrongType)]
    [InlineData("BITOP OR to list text", WrongType)]
    public void BitOp_refuses_what_makes_no_sense_and_leaves_the_destination(string request, string reply)
    {
        _driver.Run("SET to before");
        Assert.Equal(reply, _driver.Say(request));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal("before", _driver.Say("GET to"));
    }

    [Fact]
    public void BitOp_of_large_strings_may_write_over_a_source_and_reuses_the_destinations_memory()
    {
        _driver.RunWords("SET", "x", new string('\x0f', 100_000));
        _driver.RunWords("SET", "y", new string('\xf0', 90_000));
        Assert.Equal("100000", _driver.Say("BITOP OR to x y"));
        Assert.Equal("720000", _driver.Say("BITCOUNT to 0 89999"));
        Assert.Equal("40000", _driver.Say("BITCOUNT to 90000"));
        var used = _driver.Keyspace.UsedBytes;
        Assert.Equal("100000", _driver.Say("BITOP XOR to x y y"));
        Assert.Equal(used, _driver.Keyspace.UsedBytes);
        Assert.Equal("400000", _driver.Say("BITCOUNT to"));
        Assert.Equal("100000", _driver.Say("BITOP OR x x y"));
        Assert.Equal("760000", _driver.Say("BITCOUNT x"));
        Assert.Equal("100000", _driver.Say("BITOP ONE y x x y"));
        Assert.Equal("0", _driver.Say("BITCOUNT y"));
        _driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, _driver.Keyspace.UsedBytes);
    }

    [Theory]
    [InlineData("AND")]
    [InlineData("OR")]
    [InlineData("XOR")]
    [InlineData("DIFF")]
    [InlineData("DIFF1")]
    [InlineData("ANDOR")]
    [InlineData("ONE")]
    public void BitOp_of_two_very_large_strings_is_the_same_as_byte_by_byte(string operation)
    {
        var random = new Random(7);
        var sources = new[] { new byte[600_001], new byte[560_077] };
        foreach (var one in sources) random.NextBytes(one);
        _driver.RunWords("SET", "x", Latin(sources[0]));
        _driver.RunWords("SET", "y", Latin(sources[1]));
        foreach (var (first, second) in ((int, int)[])[(0, 1), (1, 0)])
        {
            Assert.Equal("600001", _driver.Say($"BITOP {operation} to {"xy"[first]} {"xy"[second]}"));
            var result = _driver.Say("GET to");
            byte At(int source, int at) => at < sources[source].Length ? sources[source][at] : (byte)0;
            for (var at = 0; at < result.Length; at += at < 559_000 ? 61 : 1)
                Assert.Equal(BitmapModel.Combine(operation, [At(first, at), At(second, at)]), result[at]);
        }

        static string Latin(byte[] bytes) => System.Text.Encoding.Latin1.GetString(bytes);
    }

    [Fact]
    public void The_limit_of_strings_is_that_of_the_server()
    {
        _driver.Client.MaxBulkLength = 1_000_000;
        Assert.Equal(BadOffset, _driver.Say("SETBIT key 8000000 1"));
        Assert.Equal("0", _driver.Say("SETBIT key 7999999 1"));
        Assert.Equal("1000000", _driver.Say("STRLEN key"));
        // A field that begins within the limit may end behind it, as in Redis.
        Assert.Equal("[128]", _driver.Say("BITFIELD key SET u8 7999999 255"));
        Assert.Equal("1000001", _driver.Say("STRLEN key"));
        _driver.Client.MaxBulkLength = long.MaxValue;
        Assert.Equal(BadOffset, _driver.Say("SETBIT key 9223372036854775807 1"));
        Assert.Equal(BadOffset, _driver.Say("BITFIELD key SET i64 17179869183 1"));
    }
}
