using System.Text;
using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine.Tests;

/// <summary>Where a request's member is looked for ahead, without the lock. In the checked heap nothing is hinted at.
/// </summary>
public sealed class MemberHintTests
{
    private const long NowMs = 1_700_000_000_000;

    [Theory]
    [InlineData("set", -1)]
    [InlineData("set", NowMs + 1000)]
    [InlineData("hash", -1)]
    [InlineData("hash", NowMs + 1000)]
    [InlineData("sorted", -1)]
    [InlineData("sorted", NowMs + 1000)]
    public void The_table_of_a_large_collection_is_found(string type, long deadlineMs)
    {
        using var engine = new EngineFixture();
        engine.Begin(NowMs);
        var key = engine.Key(type);
        var entry = engine.Unit.SetDeadline(key, Large(engine, type), deadlineMs);
        var table = type switch
        {
            "set" => SetValue.Table(entry).Header,
            "hash" => HashFields.Of(entry, null).Table,
            _ => new LargeSortedSet(entry.Heap, engine.Keyspace.Hasher, entry.Value).TableHeader,
        };
        Assert.False(table.IsNull);
        Assert.Equal(Heap.IsChecked ? default : table, engine.Keyspace.HintOfMembers(0, key.Hash).Table);
        Assert.True(engine.Keyspace.HintOfMembers(1, key.Hash).Table.IsNull);
        engine.Unit.End();
    }

    [Fact]
    public void Nothing_is_found_for_what_has_no_table()
    {
        using var engine = new EngineFixture();
        engine.Begin(NowMs);
        StringValue.SetBytes(engine.Unit, engine.Key("string"), default, "12345678"u8, -1);
        AddToSet(engine, "packed", 3, 3);
        AddIntegers(engine, "sixteen bytes", [1, 2, 3, 4]);
        AddIntegers(engine, "as well", [100_000, 100_001]);
        AddIntegers(engine, "one", [1L << 40]);
        AddToSet(engine, new string('k', 300), 10_000, 1000);
        foreach (var name in (string[])["string", "packed", "sixteen bytes", "as well", "one", "missing",
            new string('k', 300)])
            Assert.True(engine.Keyspace.HintOfMembers(0, engine.Key(name).Hash).Table.IsNull, name);
        engine.Unit.End();
    }

    [Fact]
    public async Task Hints_do_no_harm_while_another_thread_makes_and_frees_collections()
    {
        using var engine = new EngineFixture();
        var isDone = false;
        var changing = Task.Run(() =>
        {
            for (var round = 0; round < 300; round++)
            {
                engine.Begin(NowMs);
                AddToSet(engine, "set" + (round % 5), 2000, 200);
                Large(engine, "hash");
                engine.Unit.End();
                engine.Begin(NowMs);
                foreach (var name in (string[])["set" + (round % 5), "hash"])
                    engine.Unit.Remove(engine.Key(name), engine.Unit.Find(engine.Key(name), Access.Write));
                while (!engine.Keyspace[0].FreeDiscarded(100))
                {
                }

                engine.Unit.End();
            }

            Volatile.Write(ref isDone, true);
        });
        string[] names = ["set0", "set1", "set2", "set3", "set4", "hash"];
        var asked = 0L;
        while (!Volatile.Read(ref isDone))
        {
            foreach (var name in names)
            {
                var hint = engine.Keyspace.HintOfMembers(0, engine.Key(name).Hash);
                for (var i = 0UL; i < 50; i++)
                {
                    hint.PrefetchBucket(i * 0x9E37_79B9_7F4A_7C15);
                    hint.PrefetchMembers(i * 0x9E37_79B9_7F4A_7C15);
                }

                asked++;
            }
        }

        await changing;
        Assert.True(asked > 0);
        Assert.Equal(0, engine.Keyspace[0].Table(0)!.Count);
    }

    private static Entry Large(EngineFixture engine, string type)
    {
        var key = engine.Key(type);
        var unit = engine.Unit;
        if (type == "set") return AddToSet(engine, type, 10_000, 1000);
        if (type == "hash")
        {
            var hash = HashValue.Prepare(unit, key, default, 10_000, 8, 100_000);
            for (var i = 0; i < 1000; i++)
                hash = HashValue.Set(unit, key, hash, Encoding.ASCII.GetBytes("m" + i), "value"u8, -1, out _);
            return hash;
        }

        var sorted = SortedSetValue.Create(unit, key, default, 10_000, 8);
        for (var i = 0; i < 1000; i++)
        {
            var member = Encoding.ASCII.GetBytes("m" + i);
            sorted = SortedSetValue.Add(unit, key, sorted, SortedSetValue.Find(unit, sorted, member), member, i);
        }

        return sorted;
    }

    private static void AddIntegers(EngineFixture engine, string name, long[] members)
    {
        var writer = new SetWriter(engine.Unit, engine.Key(name), default);
        writer.Expect(ListpackElement.Of(members[0]), members.Length);
        foreach (var member in members) writer.Add(ListpackElement.Of(member));
        Assert.Equal(16, writer.Entry.ValueLength);
    }

    private static Entry AddToSet(EngineFixture engine, string name, int expected, int members)
    {
        var writer = new SetWriter(engine.Unit, engine.Key(name), default);
        writer.Expect(ListpackElement.Of("first"u8), expected);
        for (var i = 0; i < members; i++) writer.Add(ListpackElement.Of(Encoding.ASCII.GetBytes("m" + i)));
        return writer.Entry;
    }
}
