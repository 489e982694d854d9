using System.Globalization;
using Millrace.Engine.Values;

namespace Millrace.Engine.Tests;

public class MemoryBudgetTests
{
    private const long NowMs = 1_700_000_000_000;

    [Fact]
    public void With_one_partition_the_gate_follows_each_byte()
    {
        using var engine = new EngineFixture();
        var gate = new GateFake();
        Store(engine, "first", 3000);
        var used = engine.Keyspace.UsedBytes;
        engine.Keyspace.Budget.Begin(new MemoryLimits { Bytes = used + 64 }, gate);
        Assert.Equal(used, engine.Keyspace.Budget.ReportedBytes);
        Assert.False(gate.IsClosed);
        Store(engine, "second", 3000);
        Assert.True(gate.IsClosed);
        Assert.True(engine.Keyspace.Budget.IsExceeded);
        Assert.Equal(engine.Keyspace.UsedBytes, engine.Keyspace.Budget.ReportedBytes);
        Remove(engine, "second");
        Assert.False(gate.IsClosed);
        Assert.False(engine.Keyspace.Budget.IsExceeded);
    }

    [Fact]
    public void With_many_partitions_the_sum_is_behind_by_less_than_the_grains()
    {
        using var engine = new EngineFixture(64);
        var gate = new GateFake();
        const long Limit = 1024 * 1024;
        engine.Keyspace.Budget.Begin(new MemoryLimits { Bytes = Limit }, gate);
        var keys = 0;
        for (; !gate.IsClosed; keys++) Store(engine, Name(keys), 1000);
        Assert.InRange(engine.Keyspace.UsedBytes, Limit - 2000, Limit * 1.005);
        while (keys > 0 && gate.IsClosed) Remove(engine, Name(--keys));
        Assert.InRange(engine.Keyspace.UsedBytes, Limit * 0.99, Limit * 1.005);
    }

    [Fact]
    public void A_limit_under_what_is_used_closes_the_gate_at_once_and_none_opens_it()
    {
        using var engine = new EngineFixture(4);
        var gate = new GateFake();
        Store(engine, "key", 5000);
        engine.Keyspace.Budget.Begin(new MemoryLimits { Bytes = 2000 }, gate);
        Assert.True(gate.IsClosed);
        engine.Keyspace.Budget.Begin(new MemoryLimits(), gate);
        Assert.False(gate.IsClosed);
        Assert.False(engine.Keyspace.Budget.IsLimited);
        Assert.Equal(0, engine.Keyspace.Budget.ExceededNowMs);
    }

    [Fact]
    public void Nothing_fits_under_the_least_of_limits()
    {
        using var engine = new EngineFixture();
        var gate = new GateFake();
        engine.Keyspace.Budget.Begin(new MemoryLimits { Bytes = 1 }, gate);
        Assert.True(gate.IsClosed);
        Assert.True(engine.Keyspace.Budget.IsExceeded);
    }

    [Fact]
    public void A_gate_in_the_wrong_position_is_put_right()
    {
        using var engine = new EngineFixture();
        var gate = new GateFake();
        engine.Keyspace.Budget.Begin(new MemoryLimits { Bytes = 100_000 }, gate);
        gate.IsClosed = true;
        engine.Keyspace.Budget.Settle();
        Assert.False(gate.IsClosed);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(5, 100)]
    [InlineData(10, 200)]
    [InlineData(11, 230)]
    [InlineData(100, double.PositiveInfinity)]
    public void A_step_is_as_long_as_tenacity_says(int tenacity, double microseconds) =>
        Assert.Equal(microseconds, new MemoryLimits { Tenacity = tenacity }.StepMicroseconds, 6);

    private static void Store(EngineFixture engine, string name, int bytes)
    {
        var key = engine.Key(name);
        Begin(engine, key);
        StringValue.SetBytes(engine.Unit, key, default, new byte[bytes], -1);
        engine.Unit.End();
    }

    private static void Remove(EngineFixture engine, string name)
    {
        var key = engine.Key(name);
        Begin(engine, key);
        engine.Unit.Remove(key, engine.Unit.Find(key, Access.Peek));
        engine.Unit.End();
    }

    private static void Begin(EngineFixture engine, in Key key) => Assert.True(
        engine.Unit.TryBegin(1UL << engine.Keyspace.PartitionOf(key.Hash), NowMs, patient: true, out _));

    private static string Name(int i) => "key:" + i.ToString(CultureInfo.InvariantCulture);

    private sealed class GateFake : IMemoryGate
    {
        public bool IsClosed { get; set; }
    }
}
