using System.Buffers.Binary;

namespace Millrace.Memory.Tests;

/// <summary>Entries of tests: a block that holds an 8-byte key.</summary>
internal readonly struct TestLayout : IEntryLayout
{
    public static ulong HashOf(Heap heap, BlockRef entry, KeyHasher hasher) =>
        TestEntries.Hash(hasher, heap.ReadHeader(entry));
}

internal readonly struct TestProbe(ulong key) : IEntryProbe
{
    public bool Matches(Heap heap, BlockRef entry) => heap.ReadHeader(entry) == key;
}

internal readonly struct CollectingVisitor(Heap heap, ICollection<ulong> keys) : IEntryVisitor
{
    public void Visit(BlockRef entry) => keys.Add(heap.ReadHeader(entry));
}

internal readonly struct FreeingVisitor(Heap heap, ICollection<ulong> keys) : IEntryVisitor
{
    public void Visit(BlockRef entry)
    {
        keys.Add(heap.ReadHeader(entry));
        heap.Free(entry);
    }
}

internal static class TestEntries
{
    internal static ulong Hash(KeyHasher hasher, ulong key)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, key);
        return hasher.Hash(bytes);
    }
}

/// <summary>A table with its heap, by key.</summary>
internal sealed class TestTable : IDisposable
{
    private readonly MemorySource _source = new();

    internal TestTable(ulong hashSeed)
    {
        Heap = new Heap(_source);
        Hasher = new KeyHasher(hashSeed);
        Table = HashTable<TestLayout>.Create(Heap, Hasher);
    }

    internal Heap Heap { get; }

    internal KeyHasher Hasher { get; }

    internal HashTable<TestLayout> Table { get; }

    internal long EntryBytes { get; private set; }

    public void Dispose()
    {
        Heap.Dispose();
        _source.Dispose();
    }

    internal ulong HashOf(ulong key) => TestEntries.Hash(Hasher, key);

    internal BlockRef Find(ulong key)
    {
        var probe = new TestProbe(key);
        return Table.Find(TestEntries.Hash(Hasher, key), ref probe);
    }

    internal void Insert(ulong key)
    {
        var entry = Heap.Allocate(8);
        Heap.WriteHeader(entry, key);
        EntryBytes += Heap.UsableSize(entry);
        Table.Insert(TestEntries.Hash(Hasher, key), entry);
    }

    internal void Remove(ulong key)
    {
        var entry = Find(key);
        Assert.False(entry.IsNull);
        Table.Remove(TestEntries.Hash(Hasher, key), entry);
        EntryBytes -= Heap.UsableSize(entry);
        Heap.Free(entry);
    }

    internal HashSet<ulong> Keys()
    {
        var keys = new HashSet<ulong>();
        ulong cursor = 0;
        do cursor = Scan(cursor, keys);
        while (cursor != 0);
        return keys;
    }

    internal ulong Scan(ulong cursor, ICollection<ulong> keys)
    {
        var visitor = new CollectingVisitor(Heap, keys);
        return Table.Scan(cursor, ref visitor);
    }

    internal ulong VisitSegment(ulong point, ICollection<ulong> keys)
    {
        var visitor = new CollectingVisitor(Heap, keys);
        return Table.VisitSegment(point, ref visitor);
    }
}
