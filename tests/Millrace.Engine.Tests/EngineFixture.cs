using System.Text;
using Millrace.Memory;

namespace Millrace.Engine.Tests;

/// <summary>A keyspace with a unit, and keys from texts.</summary>
internal sealed class EngineFixture : IDisposable
{
    private readonly MemorySource _source = new();

    public EngineFixture(int partitions = 1, int seed = 1)
    {
        var shape = new KeyspaceShape(partitions, 4, partitions == 1 ? 1 : 2);
        Keyspace = new Keyspace(shape, _source, new KeyHasher((ulong)seed));
        Unit = new Unit(Keyspace, (uint)seed);
    }

    public Keyspace Keyspace { get; }

    public Unit Unit { get; }

    public Heap Heap => Keyspace[0].Heap;

    public Key Key(string name, int database = 0)
    {
        var bytes = Encoding.Latin1.GetBytes(name);
        return new Key(database, Keyspace.HashOf(bytes), bytes);
    }

    public void Begin(long nowMs) => Assert.True(Unit.TryBegin(Keyspace.AllPartitions, nowMs, patient: true, out _));

    /// <summary>Fails when a blob is left, whether a heap has it or nobody.</summary>
    public void CheckNoBlobs()
    {
        for (var i = 0; i < Keyspace.Shape.Partitions; i++) Keyspace[i].Heap.CheckIntegrity();
        Assert.Equal(0, Keyspace.Blobs.LiveCount);
    }

    public void Dispose()
    {
        Keyspace.Dispose();
        _source.Dispose();
    }
}
