using System.Text;
using Millrace.Engine.Values;

namespace Millrace.Engine.Tests;

public class SizeHistogramTests
{
    private const long NowMs = 1_700_000_000_000;

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(1, 1, 1)]
    [InlineData(2, 2, 2)]
    [InlineData(3, 2, 2)]
    [InlineData(4, 3, 4)]
    [InlineData(1023, 10, 512)]
    [InlineData(1024, 11, 1024)]
    [InlineData(100_000, 17, 65_536)]
    public void A_string_is_counted_in_the_bin_of_its_length(int length, int bin, long least)
    {
        using var engine = new EngineFixture();
        Set(engine, "key", new string('x', length));
        var histogram = Count(engine);
        Assert.Equal(1, histogram[ValueType.String, bin]);
        Assert.Equal(least, SizeHistogram.LeastOf(bin));
        for (var other = 0; other < SizeHistogram.Bins; other++)
        {
            if (other != bin) Assert.Equal(0, histogram[ValueType.String, other]);
        }
    }

    [Fact]
    public void All_entries_of_a_large_table_are_counted_and_sums_add_up()
    {
        using var engine = new EngineFixture();
        for (var i = 0; i < 10_000; i++) Set(engine, $"key{i}", new string('x', i % 4));
        var histogram = Count(engine);
        histogram.Add(Count(engine));
        Assert.Equal(5_000, histogram[ValueType.String, 0]);
        Assert.Equal(5_000, histogram[ValueType.String, 1]);
        Assert.Equal(10_000, histogram[ValueType.String, 2]);
        Assert.Equal(0, histogram[ValueType.Hash, 2]);
    }

    private static SizeHistogram Count(EngineFixture engine)
    {
        var histogram = new SizeHistogram();
        var point = 0UL;
        do point = histogram.AddSome(engine.Keyspace[0].Table(0)!, engine.Heap, point);
        while (point != 0);
        return histogram;
    }

    private static void Set(EngineFixture engine, string name, string value)
    {
        engine.Begin(NowMs);
        var key = engine.Key(name);
        StringValue.SetBytes(engine.Unit, key, engine.Unit.Find(key, Access.Peek), Encoding.Latin1.GetBytes(value), -1);
        engine.Unit.End();
    }
}
