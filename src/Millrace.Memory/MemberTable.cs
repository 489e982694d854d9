using System.Runtime.CompilerServices;

namespace Millrace.Memory;

/// <summary>
/// A set of byte strings in native memory: a hash table with one block for each member.
/// </summary>
/// <remarks>
/// <code>
///   HashTable -->  +--------+--------------+
///                  | length | member bytes |    in the smallest size class that holds both
///                  +--------+--------------+
///                    1 to 5 bytes of 7 bits, the low ones first; the high bit: another follows
/// </code>
/// A member of 16 bytes takes a block of 24 and 10 to 11 bytes of the table. A block never moves while its member is in
/// the set. Contains, TryAdd, TryRemove, Random O(1) expected; nothing is allocated on the managed heap.
/// A handle is a few words that may be copied; whoever holds the heap's lock may use it.
/// </remarks>
public readonly struct MemberTable
{
    private const int GroupBits = 7;
    private const int MoreFollow = 1 << GroupBits;
    private const int MaxPrefixBytes = 5;

    private readonly Heap _heap;
    private readonly KeyHasher _hasher;
    private readonly HashTable<Layout> _table;

    /// <summary>A handle to the set that has this header.</summary>
    public MemberTable(Heap heap, KeyHasher hasher, BlockRef header)
    {
        _heap = heap;
        _hasher = hasher;
        _table = new HashTable<Layout>(heap, hasher, header);
    }

    /// <summary>A handle for those who only count, walk, measure and free, which takes no hasher. Nothing else may be
    /// asked of it.</summary>
    public MemberTable(Heap heap, BlockRef header)
        : this(heap, null!, header)
    {
    }

    /// <summary>The block that the set is known by; never moves.</summary>
    public BlockRef Header => _table.Header;

    /// <summary>The number of members.</summary>
    public long Count => _table.Count;

    /// <summary>The number of members that the buckets have room for.</summary>
    public long SlotCount => _table.SlotCount;

    /// <summary>An empty set.</summary>
    public static MemberTable Create(Heap heap, KeyHasher hasher) =>
        new(heap, hasher, HashTable<Layout>.Create(heap, hasher).Header);

    /// <summary>The bytes of the member in a block. Valid until it is removed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ReadOnlySpan<byte> Read(Heap heap, BlockRef block)
    {
        var head = heap.ReadHeader(block);
        return (head & MoreFollow) == 0
            ? heap.Span(block, 1, (int)(head & (MoreFollow - 1)))
            : ReadLong(heap, block, head);
    }

    /// <summary>Whether the set has a member.</summary>
    public bool Contains(ReadOnlySpan<byte> member)
    {
        var probe = new Probe(member);
        return !_table.Find(_hasher.Hash(member), ref probe).IsNull;
    }

    /// <summary>Adds a member; false when it is there already. It may be a view of another block.</summary>
    public bool TryAdd(ReadOnlySpan<byte> member)
    {
        var hash = _hasher.Hash(member);
        var probe = new Probe(member);
        if (!_table.Find(hash, ref probe).IsNull) return false;
        _table.Insert(hash, NewBlock(member));
        return true;
    }

    /// <summary>Removes a member and frees its block; false when it is not there. It may be a view of that
    /// block.</summary>
    public bool TryRemove(ReadOnlySpan<byte> member)
    {
        var hash = _hasher.Hash(member);
        var probe = new Probe(member);
        var block = _table.Find(hash, ref probe);
        if (block.IsNull) return false;
        _table.Remove(hash, block);
        _heap.Free(block);
        return true;
    }

    /// <summary>A member chosen at random, each with (nearly) the same chance
    /// (<see cref="HashTable{TLayout}.RandomEntry"/>); null when there are none.</summary>
    /// <param name="random">64 random bits.</param>
    public BlockRef Random(ulong random) => _table.RandomEntry(random);

    /// <summary>Shows the members of one bucket; see <see cref="HashTable{TLayout}.Scan"/>.</summary>
    public ulong Scan<TVisitor>(ulong cursor, ref TVisitor visitor)
        where TVisitor : struct, IEntryVisitor, allows ref struct => _table.Scan(cursor, ref visitor);

    /// <summary>Shows every member once, until the walker has enough.</summary>
    public void Walk<TWalker>(ref TWalker walker)
        where TWalker : struct, IEntryWalker, allows ref struct => _table.Walk(ref walker);

    /// <summary>A copy in another heap, or in the same. O(members).</summary>
    /// <param name="target">The heap of the copy.</param>
    /// <param name="hasher">The hasher of the copy.</param>
    public MemberTable CopyTo(Heap target, KeyHasher hasher)
    {
        var copier = new Copier(_heap, Create(target, hasher));
        Walk(ref copier);
        return copier.Copy;
    }

    /// <inheritdoc cref="HashTable{TLayout}.IsBeingSaved"/>
    public bool IsBeingSaved => _table.IsBeingSaved;

    /// <inheritdoc cref="HashTable{TLayout}.BeginSaving"/>
    public void BeginSaving() => _table.BeginSaving();

    /// <inheritdoc cref="HashTable{TLayout}.SaveSome"/>
    public bool SaveSome<TWalker>(ref TWalker walker)
        where TWalker : struct, IEntryWalker, allows ref struct => _table.SaveSome(ref walker);

    /// <summary>Bytes of native memory.</summary>
    /// <param name="samples">How many members to look at; their average stands for all. 0: all of them, and the figure
    /// is exact.</param>
    public long SizeBytes(long samples)
    {
        var count = Count;
        if (samples <= 0 || samples > count) samples = count;
        var measure = new Measure(_heap, samples);
        Walk(ref measure);
        var seen = measure.Seen;
        var members = seen == count || seen == 0 ? measure.Bytes : (long)((double)measure.Bytes / seen * count);
        return _table.TableBytes + members;
    }

    /// <summary>Frees the set a slice at a time, about so many members. Nothing else may be asked of it once this has
    /// begun.</summary>
    /// <returns>True when all is freed, the header included.</returns>
    public bool FreeSome(int maxMembers)
    {
        var freeing = new Freeing(_heap);
        return _table.FreeSome(ref freeing, maxMembers);
    }

    private BlockRef NewBlock(ReadOnlySpan<byte> member)
    {
        Span<byte> prefix = stackalloc byte[MaxPrefixBytes];
        var prefixBytes = 0;
        var rest = (uint)member.Length;
        for (; rest >= MoreFollow; rest >>= GroupBits) prefix[prefixBytes++] = (byte)(rest | MoreFollow);
        prefix[prefixBytes++] = (byte)rest;
        var size = checked(prefixBytes + member.Length);
        var block = _heap.Allocate(size);
        var room = _heap.Span(block, 0, size);
        prefix[..prefixBytes].CopyTo(room);
        member.CopyTo(room[prefixBytes..]);
        return block;
    }

    private static ReadOnlySpan<byte> ReadLong(Heap heap, BlockRef block, ulong head)
    {
        var length = 0UL;
        var prefixBytes = 0;
        for (var more = true; more && prefixBytes < MaxPrefixBytes; head >>= 8)
        {
            more = (head & MoreFollow) != 0;
            length |= (head & (MoreFollow - 1)) << (GroupBits * prefixBytes++);
        }

        return heap.Span(block, prefixBytes, checked((int)length));
    }

    /// <summary>A member's hash is that of its bytes.</summary>
    private readonly struct Layout : IEntryLayout
    {
        public static ulong HashOf(Heap heap, BlockRef entry, KeyHasher hasher) => hasher.Hash(Read(heap, entry));
    }

    private readonly ref struct Probe(ReadOnlySpan<byte> member) : IEntryProbe
    {
        private readonly ReadOnlySpan<byte> _member = member;

        public bool Matches(Heap heap, BlockRef entry) => Read(heap, entry).SequenceEqual(_member);
    }

    // All members differ, so none has to be looked for.
    private readonly struct Copier(Heap source, MemberTable copy) : IEntryWalker
    {
        internal MemberTable Copy => copy;

        public bool IsDone => false;

        public void Visit(BlockRef entry)
        {
            var member = Read(source, entry);
            copy._table.Insert(copy._hasher.Hash(member), copy.NewBlock(member));
        }
    }

    private struct Measure(Heap heap, long samples) : IEntryWalker
    {
        internal long Bytes;
        internal long Seen;

        public readonly bool IsDone => Seen >= samples;

        public void Visit(BlockRef entry)
        {
            Bytes += heap.UsableSize(entry);
            Seen++;
        }
    }

    private readonly struct Freeing(Heap heap) : IEntryVisitor
    {
        public void Visit(BlockRef entry) => heap.Free(entry);
    }
}
