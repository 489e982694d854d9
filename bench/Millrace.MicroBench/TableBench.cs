// The key table at a million keys: finding random ones, without and with the batch's two rounds of prefetching, and
// taking one out and putting it back.

using System.Text;
using BenchmarkDotNet.Attributes;
using Millrace.Bench.Scale;
using Millrace.Engine;
using Millrace.Server.Execution;

namespace Millrace.MicroBench;

/// <summary>Find, remove and insert in the key table.</summary>
public class TableBench
{
    private const int Keys = 1_000_000;
    private const int Batch = 32;
    private const int Samples = 1 << 18; // a multiple of the batch

    private readonly List<byte[]> _keys = [];
    private readonly ulong[] _hashes = new ulong[Samples];
    private Ground _ground = null!;
    private KeyTable _table = null!;
    private int _next;

    [GlobalSetup]
    public void SetUp()
    {
        _ground = new Ground(KeyspaceShape.For(loops: 1, databases: 1));
        var driver = new BatchDriver(_ground, 0);
        var fill = CommandStream.Fill(0, Keys, Keys, 3);
        for (var at = 0; at < fill.Bytes.Length;) at = driver.Run(fill.Bytes, at, RequestBatch.Capacity);
        _table = _ground.Keyspace[0].Table(0)!;
        var random = new Random(1);
        for (var i = 0; i < Samples; i++)
        {
            _keys.Add(KeyOf(random.Next(Keys)));
            _hashes[i] = _ground.Keyspace.HashOf(_keys[i]);
        }
    }

    [GlobalCleanup]
    public void CleanUp() => _ground.Dispose();

    [Benchmark(OperationsPerInvoke = Batch)]
    public int Find()
    {
        var first = NextBatch();
        var found = 0;
        for (var i = first; i < first + Batch; i++)
            if (!_table.Find(_hashes[i], _keys[i]).IsMissing) found++;
        return found;
    }

    [Benchmark(OperationsPerInvoke = Batch)]
    public int FindPrefetched()
    {
        var first = NextBatch();
        for (var i = first; i < first + Batch; i++) _table.Entries.PrefetchBucket(_hashes[i]);
        for (var i = first; i < first + Batch; i++) _table.Entries.PrefetchEntries(_hashes[i]);
        var found = 0;
        for (var i = first; i < first + Batch; i++)
            if (!_table.Find(_hashes[i], _keys[i]).IsMissing) found++;
        return found;
    }

    [Benchmark(OperationsPerInvoke = Batch)]
    public void RemoveAndInsert()
    {
        var first = NextBatch();
        for (var i = first; i < first + Batch; i++)
        {
            var entry = _table.Find(_hashes[i], _keys[i]);
            _table.Entries.Remove(_hashes[i], entry.Block);
            _table.Entries.Insert(_hashes[i], entry.Block);
        }
    }

    private static byte[] KeyOf(int index) => Encoding.ASCII.GetBytes($"key:{index:D12}");

    private int NextBatch()
    {
        _next = (_next + Batch) % Samples;
        return _next;
    }
}
