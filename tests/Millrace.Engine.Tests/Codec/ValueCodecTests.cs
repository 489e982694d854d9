using System.Globalization;
using System.Text;
using Millrace.Engine.Codec;
using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine.Tests.Codec;

/// <summary>Each codec through segments of a few bytes, as a file that is not held in memory gives and takes them.
/// </summary>
public sealed class ValueCodecTests : IDisposable
{
    private const long NowMs = 1_700_000_000_000;
    private readonly EngineFixture _engine = new();

    public ValueCodecTests() => _engine.Begin(NowMs);

    public void Dispose()
    {
        _engine.Unit.End();
        _engine.Dispose();
    }

    public static TheoryData<string, int, RdbType> Values => new()
    {
        { "integer", 1, RdbType.String },
        { "text", 30, RdbType.String },
        { "text", 100_000, RdbType.String },
        { "list", 5, RdbType.ListOfListpacks },
        { "list", 5_000, RdbType.ListOfListpacks },
        { "integers", 50, RdbType.SetIntegers },
        { "members", 50, RdbType.SetListpack },
        { "members", 1_000, RdbType.Set },
        { "scores", 50, RdbType.SortedSetListpack },
        { "scores", 1_000, RdbType.SortedSet },
        { "fields", 50, RdbType.HashListpack },
        { "fields", 1_000, RdbType.Hash },
        { "deadlines", 50, RdbType.HashDeadlinesListpack },
        { "deadlines", 1_000, RdbType.HashDeadlines },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void A_value_is_written_to_and_read_from_short_segments(string kind, int size, RdbType type)
    {
        var key = _engine.Key("key");
        Make(kind, size);
        var entry = _engine.Unit.Find(key, Access.Peek);
        Assert.Equal(type, ValueCodec.TypeOf(entry, RdbFormat.Usual, NowMs));
        var digest = Digest(entry);
        var sink = new SegmentSink(ValueSink.MinRoomBytes);
        var writer = new ValueWriter(sink, _engine.Heap, RdbFormat.Usual);
        ValueCodec.Write(ref writer, entry, type, NowMs);
        writer.End();
        foreach (var piece in (int[])[1, 3, 1_000])
        {
            var reader = new ValueReader(new SegmentSource(sink.Bytes, piece), _engine.Heap);
            var copy = _engine.Key("copy");
            Assert.True(ValueCodec.TryRead(ref reader, type, new ValuePlace(_engine.Unit, copy), out var made));
            Assert.Equal(0, reader.Left);
            Assert.Equal(digest, Digest(made));
            Assert.Equal(entry.Encoding, made.Encoding);
            var existing = _engine.Unit.Find(copy, Access.Peek);
            _engine.Unit.Install(copy, existing, made);
            Assert.Equal(digest, Digest(_engine.Unit.Find(copy, Access.Read)));
        }

        _engine.Unit.Remove(key, _engine.Unit.Find(key, Access.Peek));
        _engine.Unit.Remove(_engine.Key("copy"), _engine.Unit.Find(_engine.Key("copy"), Access.Peek));
        _engine.Unit.Discard(0);
        for (var i = 0; !_engine.Keyspace[0].FreeDiscarded(1_000); i++) Assert.True(i < 1_000);
        Assert.Equal(0, _engine.Heap.BlockCount);
        _engine.CheckNoBlobs();
    }

    [Theory]
    [MemberData(nameof(Values))]
    public void A_value_that_ends_early_leaves_nothing(string kind, int size, RdbType type)
    {
        if (size > 100) return; // those are in the tests of RESTORE
        Make(kind, size);
        var sink = new SegmentSink(64);
        var writer = new ValueWriter(sink, _engine.Heap, RdbFormat.Usual);
        ValueCodec.Write(ref writer, _engine.Unit.Find(_engine.Key("key"), Access.Peek), type, NowMs);
        writer.End();
        var blocks = _engine.Heap.BlockCount;
        for (var length = 0; length < sink.Bytes.Length; length++)
        {
            var place = new ValuePlace(_engine.Unit, _engine.Key("copy"));
            var reader = new ValueReader(new SegmentSource(sink.Bytes[..length], 5), _engine.Heap);
            Assert.False(ValueCodec.TryRead(ref reader, type, place, out var made));
            Assert.True(made.IsMissing);
            Assert.Equal(blocks, _engine.Heap.BlockCount);
        }
    }

    [Fact]
    public void Types_that_are_not_known_are_refused()
    {
        for (var type = 0; type < 256; type++)
        {
            var reader = new ValueReader(ReadOnlySpan<byte>.Empty, _engine.Heap);
            var place = new ValuePlace(_engine.Unit, _engine.Key("copy"));
            Assert.False(ValueCodec.TryRead(ref reader, (RdbType)type, place, out _));
        }
    }

    private void Make(string kind, int size)
    {
        var key = _engine.Key("key");
        var unit = _engine.Unit;
        switch (kind)
        {
            case "integer":
                StringValue.SetInteger(unit, key, default, 1L << 40, -1);
                break;
            case "text":
                StringValue.SetBytes(unit, key, default, Bytes(new string('x', size - 1) + "y"), -1);
                break;
            case "list":
                var list = ListValue.BeforeAdding(unit, key, default, size * 5L, size);
                for (var i = 0; i < size; i++)
                    list = ListValue.Push(unit, key, list, ListEnd.Right, ListpackElement.Of(Text(i)));
                break;
            case "integers" or "members":
                var set = new SetWriter(unit, key, default);
                set.Expect(kind == "integers" ? ListpackElement.Of(1) : ListpackElement.Of("m"u8), size);
                for (var i = 0; i < size; i++)
                    set.Add(kind == "integers" ? ListpackElement.Of(i * 1000) : ListpackElement.Of(Text(i)));
                break;
            case "scores":
                var sorted = SortedSetValue.Create(unit, key, default, size, 5);
                for (var i = 0; i < size; i++)
                {
                    var place = SortedSetValue.Find(unit, sorted, Text(i));
                    sorted = SortedSetValue.Add(unit, key, sorted, place, Text(i), i % 7 / 2.0);
                }

                break;
            default:
                var hash = default(Entry);
                for (var i = 0; i < size; i++)
                {
                    var deadline = kind == "deadlines" && i % 3 == 0 ? NowMs + (i * 31 % 50) : -1;
                    hash = HashValue.Set(unit, key, hash, Text(i), Text(i * 7), deadline, out _);
                }

                HashValue.Settle(unit, key, hash);
                break;
        }
    }

    private static byte[] Text(int i) => Bytes("m" + i.ToString(CultureInfo.InvariantCulture));

    private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);

    private static string Digest(in Entry entry)
    {
        var digest = default(DataDigest);
        digest.AddValue(entry);
        return Convert.ToHexString(digest.Bytes);
    }
}
