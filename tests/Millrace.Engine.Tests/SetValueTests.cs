using System.Text;
using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine.Tests;

public class SetValueTests
{
    private const long NowMs = 1_700_000_000_000;

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Random_changes_keep_members_encoding_and_memory_account(int partitions)
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        using var engine = new EngineFixture(partitions, seed);
        engine.Keyspace.Encodings = new EncodingLimits { IntSetEntries = 40, SetEntries = 20, SetValueBytes = 30 };
        var model = new Dictionary<string, HashSet<string>>();
        for (var step = 0; step < 20_000; step++)
        {
            engine.Begin(NowMs);
            var where = $"seed {seed}, step {step}";
            var name = "set" + random.Next(4);
            var other = "set" + random.Next(4);
            switch (random.Next(40))
            {
                case 0:
                    Remove(engine, name);
                    model.Remove(name);
                    break;
                case 1 when model.ContainsKey(name) && !model.ContainsKey(other):
                    engine.Unit.Move(engine.Key(name), Find(engine, name), engine.Key(other));
                    model.Remove(name, out var moved);
                    model[other] = moved!;
                    break;
                case 2 when model.ContainsKey(name) && !model.ContainsKey(other):
                    engine.Unit.Copy(engine.Key(name), Find(engine, name), engine.Key(other));
                    model[other] = [.. model[name]];
                    break;
                case 3:
                    Union(engine, name, other, model, keeps: random.Next(2) == 0);
                    break;
                case <= 12:
                    Take(engine, name, Member(random), model, where);
                    break;
                default:
                    Add(engine, name, Member(random), model, where);
                    break;
            }

            if (step % 50 == 0) Check(engine, model, where);
            engine.Unit.End();
            for (var i = 0; i < partitions; i++) engine.Keyspace[i].FreeDiscarded(10);
        }

        engine.Begin(NowMs);
        foreach (var name in model.Keys) Remove(engine, name);
        engine.Unit.End();
        FreeAll(engine);
        Assert.Equal(TableBytes(engine), engine.Keyspace.UsedBytes);
    }

    [Fact]
    public void A_large_set_is_freed_in_slices()
    {
        using var engine = new EngineFixture();
        engine.Begin(NowMs);
        var writer = new SetWriter(engine.Unit, engine.Key("set"), default);
        writer.Expect(ListpackElement.Of("first"u8), 10_000);
        for (var i = 0; i < 10_000; i++) writer.Add(ListpackElement.Of(Encoding.ASCII.GetBytes("m" + i)));
        var before = engine.Heap.AllocatedBytes;
        engine.Unit.Remove(engine.Key("set"), writer.Entry);
        engine.Unit.End();
        Assert.InRange(engine.Heap.AllocatedBytes, before * 9 / 10, before);
        Assert.Equal(1, engine.Keyspace[0].Discards.Count);
        var slices = 1;
        for (; !engine.Keyspace[0].FreeDiscarded(100); slices++) Assert.True(slices < 1_000);
        Assert.InRange(slices, 50, 200);
        Assert.Equal(TableBytes(engine), engine.Heap.AllocatedBytes);
    }

    [Fact]
    public void A_small_table_is_freed_at_once()
    {
        using var engine = new EngineFixture();
        engine.Begin(NowMs);
        var writer = new SetWriter(engine.Unit, engine.Key("set"), default);
        writer.Expect(ListpackElement.Of("first"u8), 1_000);
        for (var i = 0; i < 60; i++) writer.Add(ListpackElement.Of(i));
        Assert.Equal(SetEncoding.Table, SetValue.EncodingOf(writer.Entry));
        engine.Unit.Remove(engine.Key("set"), writer.Entry);
        engine.Unit.End();
        Assert.True(engine.Keyspace[0].Discards.IsEmpty);
        Assert.Equal(TableBytes(engine), engine.Heap.AllocatedBytes);
    }

    private static Entry Find(EngineFixture engine, string name) => engine.Unit.Find(engine.Key(name), Access.Write);

    private static void Remove(EngineFixture engine, string name)
    {
        var entry = Find(engine, name);
        if (!entry.IsMissing) engine.Unit.Remove(engine.Key(name), entry);
    }

    private static void Add(
        EngineFixture engine, string name, string member, Dictionary<string, HashSet<string>> model, string where)
    {
        var entry = Find(engine, name);
        var element = ListpackElement.Of(Encoding.Latin1.GetBytes(member));
        var writer = new SetWriter(engine.Unit, engine.Key(name), entry);
        if (entry.IsMissing)
        {
            model[name] = [];
            writer.Expect(element, 1);
        }

        Assert.True(writer.Add(element) == model[name].Add(member), where);
    }

    private static void Take(
        EngineFixture engine, string name, string member, Dictionary<string, HashSet<string>> model, string where)
    {
        var entry = Find(engine, name);
        if (entry.IsMissing) return;
        var writer = new SetWriter(engine.Unit, engine.Key(name), entry);
        var removed = writer.Remove(ListpackElement.Of(Encoding.Latin1.GetBytes(member)));
        Assert.True(removed == model[name].Remove(member), where);
        if (writer.Count > 0) return;
        engine.Unit.Remove(engine.Key(name), writer.Entry);
        model.Remove(name);
    }

    // Builds a set apart of two others, one of which it replaces; or gives it up.
    private static void Union(
        EngineFixture engine, string name, string other, Dictionary<string, HashSet<string>> model, bool keeps)
    {
        if (!model.ContainsKey(name)) return;
        var adding = new Adding { Result = SetWriter.Apart(engine.Unit, engine.Key(name), SetEncoding.IntSet) };
        SetValue.Walk(Find(engine, name), ref adding);
        if (model.ContainsKey(other)) SetValue.Walk(Find(engine, other), ref adding);
        if (keeps) adding.Result.Commit(Find(engine, name));
        else adding.Result.Drop();
        if (keeps && model.TryGetValue(other, out var more)) model[name].UnionWith(more);
    }

    private static void Check(EngineFixture engine, Dictionary<string, HashSet<string>> model, string where)
    {
        FreeAll(engine);
        var bytes = TableBytes(engine);
        Span<byte> digits = stackalloc byte[ListpackElement.MaxIntegerBytes];
        foreach (var (name, members) in model)
        {
            var entry = engine.Unit.Find(engine.Key(name), Access.Peek);
            Assert.True(SetValue.Count(entry) == members.Count, where);
            var listing = new Listing([]);
            SetValue.Walk(entry, ref listing);
            Assert.True(listing.Members.Count == members.Count && members.SetEquals(listing.Members), where);
            foreach (var member in members)
            {
                var element = ListpackElement.Of(Encoding.Latin1.GetBytes(member));
                Assert.True(SetValue.Contains(engine.Unit, entry, element), where);
            }

            var chosen = SetValue.Random(entry, (ulong)Random.Shared.NextInt64()).Text(digits);
            Assert.Contains(Encoding.Latin1.GetString(chosen), members);
            Assert.True(IsRightEncoding(entry, members), where);
            bytes += Value.SizeBytes(engine.Unit.PartitionFor(engine.Key(name)).Heap, entry, samples: 0);
        }

        Assert.True(bytes == engine.Keyspace.UsedBytes, where + " leaks");
    }

    // Encodings do not go back, so a small set may have a large one's.
    private static bool IsRightEncoding(in Entry entry, HashSet<string> members) => SetValue.EncodingOf(entry) switch
    {
        SetEncoding.IntSet => members.Count <= 40 && members.All(member => long.TryParse(member, out _)),
        SetEncoding.Listpack => members.Count <= 20 && members.All(member => member.Length <= 30),
        _ => true,
    };

    private static void FreeAll(EngineFixture engine)
    {
        for (var i = 0; i < engine.Keyspace.Shape.Partitions; i++)
        {
            while (!engine.Keyspace[i].FreeDiscarded(1_000))
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

    private static string Member(Random random) => random.Next(6) switch
    {
        0 => random.NextInt64(long.MinValue, long.MaxValue).ToString(),
        1 => "text" + random.Next(60),
        2 when random.Next(30) == 0 => new string('x', random.Next(25, 40)),
        _ => random.Next(-30, 60).ToString(),
    };

    private ref struct Adding : IMemberVisitor
    {
        internal SetWriter Result;

        public bool Visit(scoped ListpackElement member)
        {
            Result.Add(member);
            return true;
        }
    }

    private readonly struct Listing(List<string> members) : IMemberVisitor
    {
        internal List<string> Members => members;

        public bool Visit(scoped ListpackElement member)
        {
            Span<byte> digits = stackalloc byte[ListpackElement.MaxIntegerBytes];
            members.Add(Encoding.Latin1.GetString(member.Text(digits)));
            return true;
        }
    }
}
