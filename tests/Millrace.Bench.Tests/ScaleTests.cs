using Millrace.Bench.Scale;
using Millrace.Engine;

namespace Millrace.Bench.Tests;

/// <summary>The driver that `scale` and the micro benchmarks run.</summary>
public class ScaleTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(64, 2)]
    public void Streams_run_to_their_end_without_errors_and_find_their_keys(int partitions, int loops)
    {
        using var ground = new Ground(new KeyspaceShape(partitions, 1, loops));
        var driver = new BatchDriver(ground, 0);
        RunAll(driver, CommandStream.Fill(0, 1000, 1000, 8));
        foreach (var load in (string[])["get", "set", "hot"])
            RunAll(driver, CommandStream.Of(load, 1000, 8, commands: 3200, batch: 32, seed: 1));
        var keys = Enumerable.Range(0, partitions).Sum(i => ground.Keyspace[i].Table(0)?.Count ?? 0);
        Assert.Equal(1000, keys);
        Assert.Equal(0, driver.Errors);
        Assert.Equal(0, ground.Keyspace.Sum(line => line.Misses));
        Assert.Equal(3200 + 1600, ground.Keyspace.Sum(line => line.Hits));
    }

    private static void RunAll(BatchDriver driver, CommandStream stream)
    {
        var ran = 0;
        for (var at = 0; at < stream.Bytes.Length; ran += 32) at = driver.Run(stream.Bytes, at, 32);
        Assert.InRange(ran, stream.Commands, stream.Commands + 31);
    }
}
