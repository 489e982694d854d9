using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Millrace.Commands.Tests.Driver;
using Millrace.Engine;
using Millrace.Memory;

namespace Millrace.Commands.Tests;

/// <summary>Commands when all memory that there is, a small region, is nearly used up: they are refused before they
/// have changed anything, and nothing ends the process.</summary>
public sealed class MemoryRoomTests : IDisposable
{
    private const long RegionBytes = 64 << 20;
    private const string NoRoom = "-OOM command not allowed: it would take more memory than is left.\r\n";
    private const string BadFormat = "-ERR Bad data format\r\n";

    private readonly CommandDriver _driver = new(regionBytes: RegionBytes);

    public void Dispose() => _driver.Dispose();

    [Theory]
    [InlineData("SETRANGE small 20000000 x")]
    [InlineData("SETBIT small 160000000 1")]
    [InlineData("SETBIT none 160000000 1")]
    [InlineData("BITFIELD small SET u8 160000000 1")]
    [InlineData("BITFIELD none SET u8 160000000 1")]
    [InlineData("COPY large0 none")]
    [InlineData("COPY large0 small REPLACE")]
    [InlineData("DUMP large0")]
    [InlineData("BITOP NOT small large0")]
    [InlineData("BITOP OR none large0 large1")]
    [InlineData("SUNIONSTORE small members")]
    [InlineData("SINTERSTORE small members members")]
    [InlineData("SDIFFSTORE none members")]
    [InlineData("SUNION members members")]
    [InlineData("SUNIONCARD 1 members")]
    [InlineData("ZUNIONSTORE none 1 members")]
    [InlineData("SORT members STORE none")]
    public void What_makes_more_than_there_is_room_for_is_refused(string request)
    {
        _driver.Run("SET small text");
        _driver.RunWords(["SADD", "members", .. Enumerable.Range(0, 20_000).Select(i => $"member:{i}")]);
        FillUp();
        var used = _driver.Keyspace.UsedBytes;
        var keys = _driver.Say("DBSIZE");
        Assert.Equal(NoRoom, _driver.Run(request));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal(used, _driver.Keyspace.UsedBytes);
        Assert.Equal(keys, _driver.Say("DBSIZE"));
        Assert.Equal("text", _driver.Say("GET small"));
        _driver.Keyspace[0].Heap.CheckIntegrity();
    }

    [Fact]
    public void What_a_group_hands_out_is_refused_only_when_it_takes_more_than_is_left()
    {
        const string AllNew = "XREADGROUP GROUP new c STREAMS s >";
        for (var i = 1; i <= 20_000; i++) _driver.Run($"XADD s 1-{i} f v");
        _driver.Run("XGROUP CREATE s new 0");
        _driver.Run("XGROUP CREATE s old 0");
        _driver.Run("XREADGROUP GROUP old a STREAMS s >");
        FillUp();
        AssertRefused(
            "XREADGROUP GROUP old b COUNT 1 CLAIM 0 STREAMS s >", "XREADGROUP GROUP old b COUNT 1 STREAMS s >");
        AssertRefused(AllNew, "XREADGROUP GROUP new c COUNT 5 STREAMS s >");
        AssertRefused("XAUTOCLAIM s old b 0 - COUNT 20000 JUSTID", "XAUTOCLAIM s old b 0 - JUSTID");
        AssertRefused(AllNew, "XCLAIM s old b 0 1-7");
        AssertRefused(AllNew, "XREADGROUP GROUP new c NOACK STREAMS s >");
        _driver.Keyspace[0].Heap.CheckIntegrity();
    }

    [Fact]
    public void There_is_room_again_when_something_is_gone()
    {
        FillUp();
        Assert.Equal(NoRoom, _driver.Run("SETRANGE large0 5000000 x"));
        Assert.Equal(NoRoom, _driver.Run("COPY large0 copy"));
        for (var i = 1; i < 100; i++) _driver.Run($"DEL large{i}");
        Assert.Equal(":5000001\r\n", _driver.Run("SETRANGE large0 5000000 x"));
        Assert.Equal(":1\r\n", _driver.Run("COPY large0 copy"));
    }

    [Fact]
    public void A_long_request_is_refused_and_short_ones_still_run_on_the_reserve()
    {
        FillUp();
        var before = _driver.Keyspace.Blobs.LiveCount;
        Assert.Equal(NoRoom, _driver.RunWords("SET", "more", new string('v', 2_000_000)));
        Assert.Equal(NoRoom, _driver.RunWords(["SADD", "more", .. Enumerable.Range(0, 100_000).Select(i => $"{i}")]));
        Assert.Equal(NoRoom, _driver.RunWords("APPEND", "large0", new string('v', 2_000_000)));
        Assert.Equal(before, _driver.Keyspace.Blobs.LiveCount);
        Assert.Equal("+OK\r\n", _driver.Run("SET little text"));
        Assert.Equal(":1\r\n", _driver.Run("SADD members one"));
        Assert.Equal(":1\r\n", _driver.Run("DEL large0"));
    }

    [Fact]
    public void Most_of_a_set_can_be_taken_out_without_room()
    {
        _driver.RunWords(["SADD", "members", .. Enumerable.Range(0, 20_000).Select(i => $"member:{i}")]);
        FillUp();
        Assert.StartsWith("*19999\r\n", _driver.Run("SPOP members 19999"), StringComparison.Ordinal);
        Assert.Equal(":1\r\n", _driver.Run("SCARD members"));
    }

    [Fact]
    public void A_small_payload_that_claims_to_be_large_takes_no_memory()
    {
        var used = _driver.Keyspace.UsedBytes;
        foreach (var claimed in (int[])[20_000, 1 << 20, 1 << 30, int.MaxValue])
        {
            foreach (var type in (byte[])[0, 1, 2, 4, 5, 10, 11, 12, 13, 16, 17, 20])
            {
                Assert.Equal(BadFormat, Restore([type, .. Compressed(claimed, new byte[20])]));
                Assert.Equal(used, _driver.Keyspace.UsedBytes);
            }
        }

        // Nothing but the pages that one empty span takes.
        Assert.InRange(RegionBytes - _driver.RoomBytes, 0, (RegionBytes / 16) + (1 << 20));
    }

    [Fact]
    public void A_payload_that_grows_beyond_what_there_is_is_refused_as_soon_as_it_says_so()
    {
        // Zeros: one to 88 bytes, so that 400 kB are 32 MB.
        const int Length = 32 << 20;
        var zeros = ZerosCompressed(Length);
        Assert.Equal(NoRoom, Restore([0, .. Compressed(Length, zeros)]));
        Assert.Equal(NoRoom, Restore([1, 1, .. Compressed(Length, zeros)]));
        Assert.Equal("0", _driver.Say("DBSIZE"));
        Assert.Equal(0, _driver.Keyspace.UsedBytes);

        // Many that are bearable each.
        var many = new List<byte> { 1, 0x40, 200 };
        for (var i = 0; i < 200; i++) many.AddRange(Compressed(1 << 20, ZerosCompressed(1 << 20)));
        Assert.Equal(NoRoom, Restore([.. many]));
        Assert.Equal("0", _driver.Say("DBSIZE"));
        Assert.Equal("+OK\r\n", Restore([0, .. Compressed(1 << 20, ZerosCompressed(1 << 20))]));
    }

    [Fact]
    public void A_restored_string_is_no_longer_than_any_command_may_make_it()
    {
        _driver.Client.MaxBulkLength = 1 << 20;
        const string TooLong = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
        Assert.Equal(TooLong, Restore([0, .. Compressed((1 << 20) + 1, ZerosCompressed((1 << 20) + 1))]));
        Assert.Equal("+OK\r\n", Restore([0, .. Compressed(1 << 20, ZerosCompressed(1 << 20))]));
    }

    [Fact]
    public void A_restored_value_is_no_longer_than_data_may_be()
    {
        _driver.Keyspace.Budget.Begin(new MemoryLimits { Bytes = 1 << 20 }, new OpenGate());
        Assert.Equal(NoRoom, Restore([0, .. Compressed(1 << 20, ZerosCompressed(1 << 20))]));
        Assert.Equal("+OK\r\n", Restore([0, .. Compressed(1 << 19, ZerosCompressed(1 << 19))]));
    }

    [Fact]
    public void The_gate_of_memory_is_closed_before_the_region_is_used_up_and_opens_again()
    {
        var gate = new OpenGate();
        _driver.Keyspace.Budget.Begin(new MemoryLimits(), gate);
        var keys = 0;
        for (; !gate.IsClosed && keys < 1_000; keys++)
            Assert.Equal("+OK\r\n", _driver.RunWords("SET", $"key{keys}", new string('v', 100_000)));
        Assert.True(gate.IsClosed);
        Assert.True(_driver.Keyspace.Budget.IsExceeded);
        Assert.True(_driver.RoomBytes > RegionBytes / 20);
        for (; gate.IsClosed && keys > 0; keys--) _driver.Run($"DEL key{keys - 1}");
        Assert.False(_driver.Keyspace.Budget.IsExceeded);
        Assert.InRange(keys, 300, 1_000);
    }

    [Fact]
    public void A_key_that_no_entry_could_hold_beside_a_value_is_refused()
    {
        using var driver = new CommandDriver();
        var request = Encoding.ASCII.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"*2\r\n$3\r\nGET\r\n${Entry.MaxKeyBytes + 1}\r\n"));
        var bytes = new byte[request.Length + Entry.MaxKeyBytes + 3]; // never touched but at its ends
        request.CopyTo(bytes, 0);
        "\r\n"u8.CopyTo(bytes.AsSpan(bytes.Length - 2));
        Assert.Equal("-ERR key is too long\r\n", driver.Execute(bytes, long.MaxValue));
        Assert.True(
            Entry.SizeOf(Entry.MaxKeyBytes, EncodingLimits.MaxPackedBytes, hasDeadline: true) <= int.MaxValue - 64);
    }

    // Strings of 1 MB until there is no room for another, and room for less than 9 MB is left.
    private void AssertRefused(string large, string small)
    {
        var used = _driver.Keyspace.UsedBytes;
        Assert.Equal(NoRoom, _driver.Run(large));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal(used, _driver.Keyspace.UsedBytes);
        Assert.StartsWith("*", _driver.Run(small), StringComparison.Ordinal);
    }

    private void FillUp()
    {
        for (var i = 0; _driver.RoomBytes > 9 << 20; i++)
            Assert.Equal("+OK\r\n", _driver.RunWords("SET", $"large{i}", new string('v', 1_000_000)));
        for (var i = 0; _driver.RoomBytes > 900_000; i++)
            Assert.Equal("+OK\r\n", _driver.RunWords("SET", $"middle{i}", new string('v', 100_000)));
    }

    private string Restore(ReadOnlySpan<byte> value) =>
        _driver.RunWords("RESTORE", "restored", "0", Payloads.Seal(value), "REPLACE");

    private static byte[] Compressed(int length, byte[] stored)
    {
        var lead = new byte[11];
        lead[0] = 0xc3;
        lead[1] = lead[6] = 0x80;
        BinaryPrimitives.WriteInt32BigEndian(lead.AsSpan(2), stored.Length);
        BinaryPrimitives.WriteInt32BigEndian(lead.AsSpan(7), length);
        return [.. lead, .. stored];
    }

    private static byte[] ZerosCompressed(int length)
    {
        var compressed = new byte[length];
        return compressed[..Lzf.Compress(new byte[length], compressed)];
    }

    private sealed class OpenGate : IMemoryGate
    {
        public bool IsClosed { get; set; }
    }
}
