// Finding a command by its name, and whole batches of 32 through the batch stage and the executor.

using BenchmarkDotNet.Attributes;
using Millrace.Bench.Scale;
using Millrace.Commands;
using Millrace.Engine;
using Millrace.Server.Execution;

namespace Millrace.MicroBench;

/// <summary>Dispatch.</summary>
public class DispatchBench
{
    private const int Keys = 1_000_000;
    private const int Commands = 1 << 18;
    private const int Batch = RequestBatch.Capacity;

    private Ground _ground = null!;
    private BatchDriver _driver = null!;
    private CommandStream _get = null!;
    private CommandStream _set = null!;
    private int _getAt;
    private int _setAt;

    [GlobalSetup]
    public void SetUp()
    {
        _ground = new Ground(KeyspaceShape.For(loops: 1, databases: 1));
        _driver = new BatchDriver(_ground, 0);
        var fill = CommandStream.Fill(0, Keys, Keys, 3);
        for (var at = 0; at < fill.Bytes.Length;) at = _driver.Run(fill.Bytes, at, Batch);
        _get = CommandStream.Of("get", Keys, 3, Commands, Batch, seed: 1);
        _set = CommandStream.Of("set", Keys, 3, Commands, Batch, seed: 2);
    }

    [GlobalCleanup]
    public void CleanUp() => _ground.Dispose();

    [Benchmark(OperationsPerInvoke = 4)]
    public CommandSpec? FindCommand()
    {
        _ground.Table.Find("GET"u8);
        _ground.Table.Find("set"u8);
        _ground.Table.Find("INCRBYFLOAT"u8);
        return _ground.Table.Find("nosuchcommand"u8);
    }

    [Benchmark(OperationsPerInvoke = Batch)]
    public void BatchOfGet() => _getAt = RunBatch(_get, _getAt);

    [Benchmark(OperationsPerInvoke = Batch)]
    public void BatchOfSet() => _setAt = RunBatch(_set, _setAt);

    private int RunBatch(CommandStream stream, int at) =>
        _driver.Run(stream.Bytes, at == stream.Bytes.Length ? 0 : at, Batch);
}
