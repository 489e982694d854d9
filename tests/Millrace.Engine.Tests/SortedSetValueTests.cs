using System.Buffers.Binary;
using System.Text;
using Millrace.Engine.Values;
using Millrace.Memory;
using Xunit.Abstractions;

namespace Millrace.Engine.Tests;

public class SortedSetValueTests(ITestOutputHelper output)
{
    private const long NowMs = 1_700_000_000_000;

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Random_changes_keep_members_order_and_memory_account(int partitions)
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        using var engine = new EngineFixture(partitions, seed);
        engine.Keyspace.Encodings = new EncodingLimits { SortedSetEntries = 20, SortedSetValueBytes = 30 };
        var model = new Dictionary<string, Dictionary<string, double>>(StringComparer.Ordinal);
        for (var step = 0; step < 12_000; step++)
        {
            engine.Begin(NowMs);
            var where = $"seed {seed}, step {step}";
            var name = "z" + random.Next(4);
            var other = "z" + random.Next(4);
            var canMove = model.ContainsKey(name) && !model.ContainsKey(other);
            switch (random.Next(50))
            {
                case 0 when model.Remove(name):
                    engine.Unit.Remove(engine.Key(name), Find(engine, name));
                    break;
                case 1 when canMove:
                    engine.Unit.Move(engine.Key(name), Find(engine, name), engine.Key(other));
                    model.Remove(name, out var moved);
                    model[other] = moved!;
                    break;
                case 2 when canMove:
                    engine.Unit.Copy(engine.Key(name), Find(engine, name), engine.Key(other));
                    model[other] = new Dictionary<string, double>(model[name]);
                    break;
                case 3 when model.ContainsKey(name):
                    RemoveRange(engine, name, model, random);
                    break;
                default:
                    Change(engine, name, model, random);
                    break;
            }

            if (step % 40 == 0) Check(engine, model, where);
            engine.Unit.End();
            for (var i = 0; i < partitions; i++) engine.Keyspace[i].FreeDiscarded(10);
        }

        engine.Begin(NowMs);
        foreach (var name in model.Keys) engine.Unit.Remove(engine.Key(name), Find(engine, name));
        engine.Unit.End();
        FreeAll(engine);
        Assert.Equal(TableBytes(engine), engine.Keyspace.UsedBytes);
    }

    [Fact]
    public void Members_of_16_bytes_take_at_most_75_bytes_in_a_large_set()
    {
        var count = Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1" ? 5_000_000 : 200_000;
        using var engine = new EngineFixture();
        engine.Begin(NowMs);
        var key = engine.Key("z");
        var entry = SortedSetValue.Create(engine.Unit, key, default, count, 16);
        var random = new Random(1);
        Span<byte> member = stackalloc byte[16];
        for (var i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(member, i);
            BinaryPrimitives.WriteInt64LittleEndian(member[8..], random.NextInt64());
            var place = SortedSetValue.Find(engine.Unit, entry, member);
            entry = SortedSetValue.Add(engine.Unit, key, entry, place, member, random.NextDouble());
        }

        var bytes = Value.SizeBytes(engine.Heap, entry);
        output.WriteLine($"{(double)bytes / count:0.0} bytes per member of {count}");
        if (!Heap.IsChecked) Assert.InRange((double)bytes / count, 50, 75);
        Assert.Equal(TableBytes(engine) + bytes, engine.Keyspace.UsedBytes);
        engine.Unit.Remove(key, entry);
        engine.Unit.End();
        FreeAll(engine);
    }

    [Theory]
    [InlineData(1.0, "01")]
    [InlineData(-0.0, "00")]
    [InlineData(1.5, "83312E35")]
    [InlineData(double.PositiveInfinity, "83696E66")]
    [InlineData(double.NegativeInfinity, "842D696E66")]
    [InlineData(0.1, "83302E31")]
    [InlineData(1e20, "8531652B3230")]
    [InlineData(300.0, "C12C")]
    public void Packed_scores_are_integers_or_the_texts_of_Redis(double score, string encoded)
    {
        using var engine = new EngineFixture();
        engine.Begin(NowMs);
        var key = engine.Key("z");
        var entry = SortedSetValue.Create(engine.Unit, key, default, 1, 1);
        entry = SortedSetValue.Add(engine.Unit, key, entry, default, "m"u8, score);
        var pack = entry.Value;

        // Header of 6 bytes, "m" in 3, the score with its length behind it, and the end.
        Assert.Equal(encoded, Convert.ToHexString(pack[9..^2]));
        Assert.Equal(score == 0 ? 0.0 : score, SortedSetValue.Find(engine.Unit, entry, "m"u8).Score);
        engine.Unit.End();
    }

    private static Entry Find(EngineFixture engine, string name) => engine.Unit.Find(engine.Key(name), Access.Write);

    private static string MemberOf(Random random) =>
        random.Next(60) == 0 ? new string('x', random.Next(28, 40)) : random.Next(80).ToString();

    private static void Change(
        EngineFixture engine, string name, Dictionary<string, Dictionary<string, double>> model, Random random)
    {
        var key = engine.Key(name);
        var entry = Find(engine, name);
        var text = MemberOf(random);
        var member = Encoding.ASCII.GetBytes(text);
        var set = model.GetValueOrDefault(name) ?? [];
        if (entry.IsMissing) entry = SortedSetValue.Create(engine.Unit, key, entry, 1, member.Length);
        var place = SortedSetValue.Find(engine.Unit, entry, member);
        Assert.Equal(set.ContainsKey(text), place.IsFound);
        var score = random.Next(3) == 0 ? random.Next(-3, 3) : random.NextDouble();
        if (!place.IsFound) SortedSetValue.Add(engine.Unit, key, entry, place, member, score);
        else if (random.Next(2) == 0) SortedSetValue.SetScore(engine.Unit, key, entry, place, member, score);
        else
        {
            SortedSetValue.Remove(engine.Unit, key, entry, place);
            set.Remove(text);
            if (set.Count == 0) model.Remove(name);
            return;
        }

        set[text] = score;
        model[name] = set;
    }

    private static void RemoveRange(
        EngineFixture engine, string name, Dictionary<string, Dictionary<string, double>> model, Random random)
    {
        var set = model[name];
        var first = random.Next(set.Count);
        var count = random.Next(set.Count - first + 1);
        SortedSetValue.RemoveRange(engine.Unit, engine.Key(name), Find(engine, name), new RankRange(first, count));
        foreach (var member in Sorted(set).Skip(first).Take(count)) set.Remove(member.Key);
        if (set.Count == 0) model.Remove(name);
    }

    private static List<KeyValuePair<string, double>> Sorted(Dictionary<string, double> set) =>
        [.. set.OrderBy(member => member.Value).ThenBy(member => member.Key, StringComparer.Ordinal)];

    private static void Check(
        EngineFixture engine, Dictionary<string, Dictionary<string, double>> model, string where)
    {
        FreeAll(engine);
        var bytes = TableBytes(engine);
        Span<byte> scratch = stackalloc byte[20];
        for (var i = 0; i < 4; i++)
        {
            var entry = Find(engine, "z" + i);
            Assert.True(entry.IsMissing == !model.TryGetValue("z" + i, out var set), where);
            if (set is null) continue;
            bytes += Value.SizeBytes(engine.Unit.PartitionFor(engine.Key("z" + i)).Heap, entry);
            Assert.Equal(set.Count, SortedSetValue.Count(entry));
            var cursor = SortedSetCursor.At(entry, 0);
            var rank = 0;
            foreach (var (text, score) in Sorted(set))
            {
                Assert.True(cursor.IsValid, where);
                Assert.Equal(text, Encoding.ASCII.GetString(cursor.Text(scratch)));
                Assert.Equal(score, cursor.Score);
                var place = SortedSetValue.Find(engine.Unit, entry, cursor.Text(scratch));
                Assert.Equal(rank++, SortedSetValue.RankOf(entry, place));
                cursor.Next();
            }

            Assert.False(cursor.IsValid, where);
        }

        Assert.True(bytes == engine.Keyspace.UsedBytes, where + " leaks");
    }

    private static void FreeAll(EngineFixture engine)
    {
        for (var i = 0; i < engine.Keyspace.Shape.Partitions; i++)
        {
            while (!engine.Keyspace[i].FreeDiscarded(1000))
            {
            }
        }
    }

    private static long TableBytes(EngineFixture engine)
    {
        var sum = 0L;
        for (var i = 0; i < engine.Keyspace.Shape.Partitions; i++)
        {
            if (engine.Keyspace[i].Table(0) is { } table)
                sum += table.Entries.TableBytes + table.Deadlines.AllocatedBytes + table.MemberDeadlines.AllocatedBytes;
        }

        return sum;
    }
}
