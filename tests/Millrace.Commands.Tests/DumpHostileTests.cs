using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Millrace.Commands.Tests.Driver;
using Millrace.Engine;
using Millrace.Engine.Codec;
using Millrace.Memory;

namespace Millrace.Commands.Tests;

/// <summary>Payloads that are damaged, with a checksum that is right: they are refused with nothing stored, or are
/// values that every command can work with.</summary>
public class DumpHostileTests
{
    private static readonly bool s_isLong = Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1";

    private const string BadFormat = "-ERR Bad data format\r\n";

    public static TheoryData<string> Names => [.. Payloads.All().Select(one => one.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_value_that_ends_early_or_goes_on_is_refused(string name)
    {
        using var driver = new CommandDriver();
        var value = Payloads.Of(name);
        for (var length = 0; length < value.Length; length++) Refuses(driver, value.AsSpan(0, length));
        Refuses(driver, [.. value, 0]);
        Refuses(driver, [.. value, .. value]);
        CheckEmpty(driver);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_flipped_bit_is_refused_or_gives_a_sound_value(string name)
    {
        using var driver = new CommandDriver();
        var value = Payloads.Of(name);
        for (var bit = 0; bit < 8 * value.Length; bit++)
        {
            value[bit / 8] ^= (byte)(1 << (bit % 8));
            Survives(driver, value, $"bit {bit} of {name}");
            value[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        CheckEmpty(driver);
    }

    [Fact]
    public void Random_bytes_in_the_place_of_others_are_refused_or_give_a_sound_value()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        using var driver = new CommandDriver();
        var all = Payloads.All().ToArray();
        for (var i = 0; i < (s_isLong ? 200_000 : 4_000); i++)
        {
            var value = all[random.Next(all.Length)].Value.ToArray();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
                value[random.Next(value.Length)] = (byte)random.Next(256);
            Survives(driver, value, $"seed {seed}, {i}");
        }

        CheckEmpty(driver);
    }

    [Fact]
    public void A_wrong_footer_is_told_apart_from_a_wrong_value()
    {
        const string Wrong = "-ERR DUMP payload version or checksum are wrong\r\n";
        using var driver = new CommandDriver();
        driver.Run("SET key value");
        var payload = Payloads.Dump(driver, "key");
        for (var length = 0; length < payload.Length; length++)
            Assert.Equal(Wrong, driver.RunWords("RESTORE", "copy", "0", payload[..length]));
        for (var at = 0; at < payload.Length; at++)
        {
            var damaged = payload[..at] + (char)(payload[at] ^ 0x40) + payload[(at + 1)..];
            Assert.Equal(Wrong, driver.RunWords("RESTORE", "copy", "0", damaged));
        }

        Assert.Equal(Wrong, driver.RunWords("RESTORE", "copy", "0", Payloads.Seal([0, 1, 97], version: 13)));
        Assert.Equal(Wrong, driver.RunWords("RESTORE", "copy", "0", Payloads.Seal([0, 1, 97], version: 65535)));
        Assert.Equal("+OK\r\n", driver.RunWords("RESTORE", "copy", "0", Payloads.Seal([0, 1, 97], version: 1)));
    }

    [Theory]
    [InlineData("0081000001000000000061")] // 2^40 bytes
    [InlineData("0080ffffffff61")]
    [InlineData("00c3810000010000000000810000010000000000")]
    [InlineData("00c30280ffffffff0061")] // two bytes that claim to make 4 GB
    [InlineData("00c302407f0061")] // 127, and make two
    [InlineData("00c30001")]
    [InlineData("00c4")]
    [InlineData("0082")]
    [InlineData("0100")]
    [InlineData("018100000100000000000161")] // 2^40 elements
    [InlineData("0200")]
    [InlineData("0202016101610")]
    [InlineData("0500")]
    [InlineData("050101610000000000 00f87f")]
    [InlineData("050201610000000000000000016100000000000000 00")]
    [InlineData("030101 61fd")]
    [InlineData("0301016103616263")]
    [InlineData("0400")]
    [InlineData("0402016101310161 0132")]
    [InlineData("0b080200000000000000")] // no integers
    [InlineData("0b0c0200000002000000 0500 0500")]
    [InlineData("0b0c0200000002000000 0600 0500")]
    [InlineData("0b0c0300000002000000 0500 0600")]
    [InlineData("1007070000000000ff")] // an empty listpack
    [InlineData("10090900000001000101ff")] // a name without a value
    [InlineData("100f0f0000000400 0101 0201 0101 0301 ff")]
    [InlineData("1207")]
    [InlineData("120102 07070000000000ff")]
    [InlineData("120103 0161")]
    [InlineData("120101 00")]
    [InlineData("110b0b0000000200 0101 816102 ff")]
    [InlineData("110f0f0000000400 816102 0201 816202 0101 ff")] // out of order
    [InlineData("140b0b0000000200 0101 0101 ff")]
    [InlineData("140e0e0000000200 7b01 8331323304 ff")] // 123 as an integer and as a text
    [InlineData("140e0e0000000200 8331323304 7b01 ff")]
    [InlineData("0f")]
    [InlineData("06")]
    [InlineData("ff")]
    public void A_value_that_claims_what_is_not_so_is_refused(string hex)
    {
        using var driver = new CommandDriver();
        hex = hex.Replace(" ", "", StringComparison.Ordinal);
        if (hex.Length % 2 != 0) hex += "0";
        var before = GC.GetAllocatedBytesForCurrentThread();
        Refuses(driver, Convert.FromHexString(hex));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4_000_000);
        CheckEmpty(driver);
    }

    [Fact]
    public void A_long_packed_hash_with_names_that_come_twice_is_refused_in_good_time()
    {
        using var driver = new CommandDriver();
        const int Fields = 200_000;
        var listpack = new MemoryStream();
        listpack.Write([0, 0, 0, 0, 0xff, 0xff]);
        for (var i = 0; i < Fields; i++)
        {
            var number = i == Fields - 1 ? 0 : i;
            listpack.Write([0xf3, (byte)number, (byte)(number >> 8), (byte)(number >> 16), 0, 5, 1, 1]);
        }

        listpack.WriteByte(0xff);
        var bytes = listpack.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length);
        var length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
        Refuses(driver, [16, 0x80, .. length, .. bytes]);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(6 + ((Fields - 1) * 8) + 1), Fields);
        byte[] right = [16, 0x80, .. length, .. bytes];
        Assert.Equal("+OK\r\n", driver.RunWords("RESTORE", "copy", "0", Payloads.Seal(right)));
        Assert.Equal(Fields, driver.Value("HLEN", "copy").Integer);
        Assert.Equal("hashtable", driver.Say("OBJECT ENCODING copy"));
        driver.Run("DEL copy");
        CheckEmpty(driver);
    }

    [Theory]
    [InlineData("0b")] // integers
    [InlineData("0c")] // a ziplist with scores
    [InlineData("0d")]
    [InlineData("10")] // listpacks
    [InlineData("11")]
    [InlineData("14")]
    [InlineData("17")]
    [InlineData("19 0000000000000000")]
    public void A_packed_value_that_claims_more_than_any_has_is_refused_whatever_its_key(string lead)
    {
        using var driver = new CommandDriver();
        var before = Convert.FromHexString(lead.Replace(" ", "", StringComparison.Ordinal));
        foreach (var claimed in (int[])[ValueReader.MaxTextBytes, EncodingLimits.MaxPackedBytes + 1])
        {
            var value = new byte[before.Length + 11 + (claimed / Lzf.MaxExpansion) + 1];
            before.CopyTo(value, 0);
            var at = before.Length;
            value[at] = 0xc3;
            value[at + 1] = 0x80;
            BinaryPrimitives.WriteInt32BigEndian(value.AsSpan(at + 2), value.Length - at - 11);
            value[at + 6] = 0x80;
            BinaryPrimitives.WriteInt32BigEndian(value.AsSpan(at + 7), claimed);
            Refuses(driver, value);
            // With a key of 5 MB, the entry would be longer than any block.
            Refuses(driver, value, new string('K', 5 << 20));
        }

        CheckEmpty(driver);
    }

    [Fact]
    public void A_member_that_comes_twice_is_found_among_others_that_look_like_it()
    {
        var random = new Random(5);
        using var driver = new CommandDriver();
        for (var count = 2; count <= 70; count++)
        {
            // Of one length, with the same ends and middle.
            var members = Enumerable.Range(0, count).Select(i => Encoding.ASCII.GetBytes($"x{i:D2}z")).ToArray();
            members[random.Next(count)] = "7"u8.ToArray();
            var distinct = PackedSet(members, seven: false);
            Assert.Equal("+OK\r\n", driver.RunWords("RESTORE", "copy", "0", Payloads.Seal(distinct)));
            Assert.Equal(count, driver.Value("SCARD", "copy").Integer);
            driver.Run("DEL copy");
            var first = random.Next(count - 1);
            members[random.Next(first + 1, count)] = members[first];
            Refuses(driver, PackedSet(members, seven: false));
            (members[0], members[^1]) = ("7"u8.ToArray(), "7"u8.ToArray());
            Refuses(driver, PackedSet(members, seven: true));
        }

        CheckEmpty(driver);
    }

    // A set as a listpack of short texts; its last one may be the integer 7 instead.
    private static byte[] PackedSet(byte[][] members, bool seven)
    {
        var entries = members[..^(seven ? 1 : 0)]
            .SelectMany(text => (byte[])[(byte)(0x80 | text.Length), .. text, (byte)(text.Length + 1)]).ToArray();
        byte[] tail = seven ? [7, 1, 0xff] : [0xff];
        var total = 6 + entries.Length + tail.Length;
        byte[] listpack =
            [(byte)total, (byte)(total >> 8), 0, 0, (byte)members.Length, 0, .. entries, .. tail];
        return [20, (byte)(0x40 | (total >> 8)), (byte)total, .. listpack];
    }

    private static void Refuses(CommandDriver driver, ReadOnlySpan<byte> value, string key = "copy")
    {
        Assert.Equal(BadFormat, driver.RunWords("RESTORE", key, "0", Payloads.Seal(value)));
        Assert.Equal(":0\r\n", driver.Run("DBSIZE"));
    }

    private static void Survives(CommandDriver driver, ReadOnlySpan<byte> value, string where)
    {
        var reply = driver.RunWords("RESTORE", "copy", "0", Payloads.Seal(value));
        Assert.True(reply is BadFormat or "+OK\r\n", where);
        if (reply == BadFormat || driver.Run("EXISTS copy") == ":0\r\n") return; // of fields that are all due
        ValueSurvey.Run(driver, "copy");
        var dumped = driver.Value("DUMP", "copy");
        Assert.False(dumped.IsError || dumped.IsNull, where);
        var payload = Encoding.Latin1.GetString(dumped.Bytes.Span);
        Assert.True(driver.RunWords("RESTORE", "again", "0", payload) == "+OK\r\n", where);
        Assert.True(ValueSurvey.Digest(driver, "copy") == ValueSurvey.Digest(driver, "again"), where);
        driver.Run("DEL copy again");
    }

    private static void CheckEmpty(CommandDriver driver)
    {
        Assert.Equal(0, driver.Value("DBSIZE").Integer);
        driver.Run("FLUSHALL SYNC");
        Assert.True(driver.Keyspace.UsedBytes == 0, driver.Keyspace.UsedBytes.ToString(CultureInfo.InvariantCulture));
        Assert.Equal(0, driver.Keyspace.Blobs.LiveCount);
        driver.Keyspace[0].Heap.CheckIntegrity();
    }
}
