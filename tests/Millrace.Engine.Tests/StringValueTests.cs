using Millrace.Engine.Values;

namespace Millrace.Engine.Tests;

public class StringValueTests
{
    private const long NowMs = 1_700_000_000_000;

    [Fact]
    public void Random_changes_keep_the_bytes_the_deadline_and_the_memory_account()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        using var engine = new EngineFixture(1, seed);
        byte[]? model = null;
        var deadline = -1L;
        for (var step = 0; step < 5000; step++)
        {
            engine.Begin(NowMs);
            var key = engine.Key("key");
            var entry = engine.Unit.Find(key, Access.Write);
            switch (random.Next(6))
            {
                case 0:
                    model = Bytes(random);
                    deadline = random.Next(2) == 0 ? -1 : NowMs + random.Next(1000);
                    StringValue.SetBytes(engine.Unit, key, entry, model, deadline);
                    break;
                case 1:
                    var number = random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(63);
                    deadline = random.Next(2) == 0 ? deadline : -1;
                    StringValue.SetInteger(engine.Unit, key, entry, number, deadline);
                    model = System.Text.Encoding.ASCII.GetBytes(number.ToString());
                    break;
                case 2 or 3:
                    (model, deadline) = Write(engine, entry, model, deadline, random);
                    break;
                case 4 when model is not null:
                    deadline = random.Next(3) == 0 ? -1 : NowMs + random.Next(1000);
                    engine.Unit.SetDeadline(key, entry, deadline);
                    break;
                case 5 when model is not null && random.Next(4) == 0:
                    engine.Unit.Remove(key, entry);
                    (model, deadline) = (null, -1);
                    break;
            }

            Check(engine, model, deadline, $"seed {seed}, step {step}");
            engine.Unit.End();
        }
    }

    private static (byte[] Model, long Deadline) Write(
        EngineFixture engine, in Entry entry, byte[]? model, long deadline, Random random)
    {
        var part = Bytes(random);
        var offset = random.Next(2) == 0 ? model?.Length ?? 0 : random.Next(50_000);
        var length = StringValue.WriteAt(engine.Unit, engine.Key("key"), entry, offset, part);
        var next = new byte[Math.Max(model?.Length ?? 0, offset + part.Length)];
        model?.CopyTo(next, 0);
        part.CopyTo(next, offset);
        Assert.Equal(next.Length, length);
        return (next, deadline);
    }

    private static void Check(EngineFixture engine, byte[]? model, long deadline, string where)
    {
        var entry = engine.Unit.Find(engine.Key("key"), Access.Peek);
        Assert.True(entry.IsMissing == model is null, where);
        var table = engine.Keyspace[0].Table(0);
        if (table is null) return;
        Assert.Equal(model is null ? 0 : 1, table.Count);
        Assert.Equal(deadline >= 0 ? 1 : 0, table.DeadlineCount);
        var indexes = table.Deadlines.AllocatedBytes + table.MemberDeadlines.AllocatedBytes;
        var structures = table.Entries.TableBytes + indexes;
        var value = model is null ? 0 : Value.SizeBytes(engine.Heap, entry, samples: 0);
        Assert.True(engine.Heap.AllocatedBytes == structures + value, where + " leaks");
        if (model is null) return;
        Span<byte> scratch = stackalloc byte[StringValue.ScratchBytes];
        Assert.True(StringValue.Read(entry, scratch).SequenceEqual(model), where);
        Assert.True(StringValue.Length(entry) == model.Length, where);
        Assert.True(entry.DeadlineMs == deadline, where);
    }

    private static byte[] Bytes(Random random)
    {
        var most = random.Next(3) switch { 0 => 60, 1 => 3000, _ => 80_000 };
        var bytes = new byte[random.Next(most)];
        random.NextBytes(bytes);
        return bytes;
    }
}
