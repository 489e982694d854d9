using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Millrace.Commands.Tests.Driver;
using Millrace.Engine;

namespace Millrace.Commands.Tests;

/// <summary>RESTORE of streams whose groups are made up: who has which pending entry, and how much memory that takes.
/// </summary>
public sealed class StreamPayloadTests : IDisposable
{
    private const string BadFormat = "ERR Bad data format";
    private const byte Stream = 21;

    private readonly CommandDriver _driver = new();

    public void Dispose() => _driver.Dispose();

    [Theory]
    [InlineData(":1,2", "[[1-0  -1 3] [2-0  -1 3]]")]
    [InlineData(":1,2;a:", "[[1-0  -1 3] [2-0  -1 3]]")]
    [InlineData("a:2;:1", "[[1-0  -1 3] [2-0 a 1700000000000 3]]")]
    [InlineData("a:2,1;:", "[[1-0 a 1700000000000 3] [2-0 a 1700000000000 3]]")]
    [InlineData(":1,1", BadFormat)]
    [InlineData(":1", BadFormat)]
    [InlineData("", BadFormat)]
    [InlineData(":1,2,3", BadFormat)]
    [InlineData(":1,1;a:1", BadFormat)]
    [InlineData(":1;a:1", BadFormat)]
    [InlineData("a:1;:1", BadFormat)]
    [InlineData("a:1,1", BadFormat)]
    [InlineData(":1;:2", BadFormat)]
    [InlineData("a:1,2;:2", BadFormat)]
    public void Each_pending_entry_stands_once_with_whoever_has_it_or_with_nobody(string consumers, string pending)
    {
        var reply = Restore(Group("g", [1, 2], consumers));
        if (reply == "OK") reply = _driver.Say("XPENDING s g - + 10");
        Assert.Equal(pending, reply);
        _driver.Keyspace[0].Heap.CheckIntegrity();
        _driver.Run("FLUSHALL SYNC");
        Assert.Equal(0, _driver.Keyspace.UsedBytes);
    }

    [Fact]
    public void What_was_given_back_comes_through_a_payload_with_a_consumer_without_a_name_beside_it()
    {
        for (var i = 1; i <= 40; i++) _driver.Run($"XADD s {i}-0 f v");
        _driver.Run("XGROUP CREATE s g 0");
        _driver.RunWords("XREADGROUP", "GROUP", "g", "", "COUNT", "30", "STREAMS", "s", ">");
        _driver.Run("XREADGROUP GROUP g a STREAMS s >");
        for (var i = 2; i <= 40; i += 3) _driver.Run($"XNACK s g FAIL IDS 1 {i}-0");
        var pending = _driver.Say("XPENDING s g - + 100");
        var consumers = _driver.Say("XINFO CONSUMERS s g");
        var payload = Payloads.Dump(_driver, "s");
        Assert.Equal("+OK\r\n", _driver.RunWords("RESTORE", "copy", "0", payload));
        Assert.Equal(pending, _driver.Say("XPENDING copy g - + 100"));
        Assert.Equal(consumers, _driver.Say("XINFO CONSUMERS copy g"));
        Assert.Equal(payload, Payloads.Dump(_driver, "copy"));
    }

    [Theory]
    [InlineData(30_000, 0, 0)]
    [InlineData(1_000, 2, 0)]
    [InlineData(1_000, 1, 1)]
    [InlineData(1, 20_000, 0)]
    [InlineData(1, 1, 20_000)]
    [InlineData(300, 3, 30)]
    public void A_payload_claims_at_least_what_its_groups_take_and_not_four_times_as_much(
        int groups, int consumers, int entries)
    {
        var parts = new List<byte[]>();
        var ids = Enumerable.Range(1, entries).ToArray();
        for (var i = 0; i < groups; i++) parts.Add(Group($"{i:x}", ids, Consumers(consumers, ids)));
        var most = MostRefused(parts);
        Assert.InRange(_driver.Keyspace.UsedBytes, most / 4, most + 4096);
    }

    // The first consumer has all entries.
    private static string Consumers(int count, int[] ids) => string.Join(
        ';', Enumerable.Range(0, count).Select(i => $"{i:x}:{(i == 0 ? string.Join(',', ids) : "")}"));

    // The largest limit of memory, but for some, under which it is refused. The stream is there afterwards.
    private long MostRefused(List<byte[]> groups)
    {
        var (refused, taken) = (0L, 1L << 26);
        while (taken - refused > taken / 64)
        {
            var middle = (refused + taken) / 2;
            _driver.Run("FLUSHALL SYNC");
            _driver.Keyspace.Budget.Begin(new MemoryLimits { Bytes = middle }, new OpenGate());
            if (Restore([.. groups]) == "OK") taken = middle;
            else refused = middle;
        }

        _driver.Run("FLUSHALL SYNC");
        _driver.Keyspace.Budget.Begin(new MemoryLimits { Bytes = taken }, new OpenGate());
        Assert.Equal("OK", Restore([.. groups]));
        return taken;
    }

    private string Restore(params ReadOnlySpan<byte[]> groups)
    {
        var value = new MemoryStream();
        value.Write([Stream, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        WriteLength(value, groups.Length);
        foreach (var group in groups) value.Write(group);
        return CommandDriver.Render(
            _driver.RunWords("RESTORE", "s", "0", Payloads.Seal(value.ToArray()), "REPLACE"));
    }

    // A group with pending entries n-0, delivered at 0 three times; consumers as name:n,n;name:n
    private static byte[] Group(string name, int[] ids, string consumers)
    {
        var group = new MemoryStream();
        WriteText(group, name);
        group.Write([0, 0, 0]);
        WriteLength(group, ids.Length);
        foreach (var id in ids)
        {
            WriteId(group, id);
            group.Write(new byte[8]);
            group.WriteByte(3);
        }

        var list = consumers.Length == 0 ? [] : consumers.Split(';');
        WriteLength(group, list.Length);
        foreach (var one in list)
        {
            var (text, own) = (one.Split(':')[0], one.Split(':')[1]);
            WriteText(group, text);
            group.Write(new byte[16]);
            var owned = own.Length == 0 ? [] : own.Split(',');
            WriteLength(group, owned.Length);
            foreach (var id in owned) WriteId(group, int.Parse(id, CultureInfo.InvariantCulture));
        }

        return group.ToArray();
    }

    private static void WriteText(MemoryStream to, string text)
    {
        to.WriteByte((byte)text.Length);
        to.Write(Encoding.Latin1.GetBytes(text));
    }

    private static void WriteLength(MemoryStream to, int length)
    {
        Span<byte> bytes = stackalloc byte[5];
        bytes[0] = 0x80;
        BinaryPrimitives.WriteInt32BigEndian(bytes[1..], length);
        to.Write(bytes);
    }

    private static void WriteId(MemoryStream to, int ms)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        BinaryPrimitives.WriteInt64BigEndian(bytes, ms);
        to.Write(bytes);
    }

    private sealed class OpenGate : IMemoryGate
    {
        public bool IsClosed { get; set; }
    }
}
