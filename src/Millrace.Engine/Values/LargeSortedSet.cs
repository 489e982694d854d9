using System.Buffers.Binary;
using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>
/// A sorted set in its large form: members in a hash table by their text and in a tree by their rank, each stored once.
/// </summary>
/// <remarks>
/// <code>
///   value area   0                8                16
///                +----------------+----------------+
///                | table's header | tree's header  |     references; both lead to the same blocks (ScoredMember)
///                +----------------+----------------+
/// </code>
/// A lookup by text is O(1), a change O(log n). A handle may be copied; it is used under the partition's lock.
/// Invariant: the tree has each member of the table under the score that its block says.
/// </remarks>
internal readonly struct LargeSortedSet
{
    /// <summary>The bytes of the value area.</summary>
    internal const int ValueBytes = 2 * sizeof(ulong);

    private readonly Heap _heap;
    private readonly HashTable<ScoredMemberLayout> _members;
    private readonly RankTree _order;

    /// <summary>The set that a value area refers to.</summary>
    internal LargeSortedSet(Heap heap, KeyHasher hasher, ReadOnlySpan<byte> value)
        : this(heap, hasher, Reference(value), Reference(value[sizeof(ulong)..]))
    {
    }

    /// <summary>The set of two headers.</summary>
    internal LargeSortedSet(Heap heap, KeyHasher hasher, BlockRef table, BlockRef tree)
    {
        _heap = heap;
        _members = new HashTable<ScoredMemberLayout>(heap, hasher, table);
        _order = new RankTree(heap, tree);
    }

    /// <summary>The number of members.</summary>
    internal long Count => _order.Count;

    /// <summary>The members by rank.</summary>
    internal RankTree Order => _order;

    /// <summary>The block that the table is known by.</summary>
    internal BlockRef TableHeader => _members.Header;

    /// <summary>A set without members.</summary>
    internal static LargeSortedSet Create(Heap heap, KeyHasher hasher)
    {
        var table = HashTable<ScoredMemberLayout>.Create(heap, hasher);
        return new LargeSortedSet(heap, hasher, table.Header, RankTree.Create(heap).Header);
    }

    /// <summary>Writes the references of a value area.</summary>
    internal void WriteTo(Span<byte> value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(value, _members.Header.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(value[sizeof(ulong)..], _order.Header.Value);
    }

    /// <summary>The tree of a value area, for those who need no more.</summary>
    internal static RankTree OrderOf(Heap heap, ReadOnlySpan<byte> value) =>
        new(heap, Reference(value[sizeof(ulong)..]));

    /// <summary>The header of the table of a value area.</summary>
    internal static BlockRef TableOf(ReadOnlySpan<byte> value) => Reference(value);

    /// <summary>The member with a text, or null.</summary>
    internal BlockRef Find(ulong hash, ReadOnlySpan<byte> text)
    {
        var probe = new ScoredMemberProbe(text);
        return _members.Find(hash, ref probe);
    }

    /// <summary>Adds a member. Requires: it is not there.</summary>
    internal void Add(ulong hash, ReadOnlySpan<byte> text, double score)
    {
        var member = ScoredMember.Create(_heap, score, text);
        _members.Insert(hash, member);
        _order.Insert(score, member);
    }

    /// <summary>Adds a member that has no rank until <see cref="Rank"/> gives one to all. Requires: it is not
    /// there.</summary>
    internal void AddUnranked(ulong hash, ReadOnlySpan<byte> text, double score) =>
        _members.Insert(hash, ScoredMember.Create(_heap, score, text));

    /// <summary>Gives every member its rank. Requires: all were added unranked.</summary>
    internal void Rank()
    {
        var visitor = new RankingVisitor(_heap, _order);
        var cursor = 0UL;
        do cursor = _members.Scan(cursor, ref visitor);
        while (cursor != 0);
    }

    /// <summary>Gives a member another score.</summary>
    internal void SetScore(BlockRef member, double score)
    {
        _members.BeforeChange(member);
        _order.Move(ScoredMember.Score(_heap, member), score, member);
        ScoredMember.SetScore(_heap, member, score);
    }

    /// <summary>Removes a member.</summary>
    internal void Remove(ulong hash, BlockRef member)
    {
        _order.Remove(ScoredMember.Score(_heap, member), member);
        _members.Remove(hash, member);
        _heap.Free(member);
    }

    /// <summary>Removes members by rank.</summary>
    internal void RemoveRange(KeyHasher hasher, long first, long count)
    {
        var visitor = new RemovingVisitor(_heap, _members, hasher);
        _order.RemoveRange(first, count, ref visitor);
    }

    /// <summary>Visits the members of one bucket of the table (<see cref="HashTable{TLayout}.Scan"/>).</summary>
    internal ulong Scan<TVisitor>(ulong cursor, ref TVisitor visitor)
        where TVisitor : struct, IEntryVisitor, allows ref struct =>
        _members.Scan(cursor, ref visitor);

    /// <inheritdoc cref="HashTable{TLayout}.IsBeingSaved"/>
    internal bool IsBeingSaved => _members.IsBeingSaved;

    /// <summary>A copy in a heap.</summary>
    internal LargeSortedSet CopyTo(Heap target, KeyHasher hasher)
    {
        var copy = Create(target, hasher);
        for (var cursor = _order.At(0); cursor.IsValid; cursor.Next())
        {
            var text = ScoredMember.Text(_heap, cursor.Member);
            copy.Add(hasher.Hash(text), text, cursor.Score);
        }

        return copy;
    }

    /// <summary>Bytes of table, tree and members; the members' average is that of the first so many (0: of all).
    /// </summary>
    internal long AllocatedBytes(long samples)
    {
        var measured = 0L;
        var bytes = 0L;
        for (var cursor = _order.At(0); cursor.IsValid && (samples == 0 || measured < samples); cursor.Next())
        {
            bytes += _heap.UsableSize(cursor.Member);
            measured++;
        }

        if (measured < Count) bytes = (long)((double)bytes / measured * Count);
        return _members.TableBytes + _order.AllocatedBytes + bytes;
    }

    /// <summary>Frees about so many members and their places; true when all is freed and the handle is dead.</summary>
    internal bool FreeSome(int max)
    {
        if (!_order.FreeSome(max)) return false;
        var visitor = new FreeingVisitor(_heap);
        if (!_members.FreeSome(ref visitor, max)) return false;
        _order.Free();
        return true;
    }

    private static BlockRef Reference(ReadOnlySpan<byte> bytes) =>
        BlockRef.FromValue(BinaryPrimitives.ReadUInt64LittleEndian(bytes));

    private readonly struct RankingVisitor(Heap heap, RankTree order) : IEntryVisitor
    {
        public void Visit(BlockRef entry) => order.Insert(ScoredMember.Score(heap, entry), entry);
    }

    private readonly struct RemovingVisitor(Heap heap, HashTable<ScoredMemberLayout> members, KeyHasher hasher)
        : IRankVisitor
    {
        public void Visit(double score, BlockRef member)
        {
            members.Remove(hasher.Hash(ScoredMember.Text(heap, member)), member);
            heap.Free(member);
        }
    }

    private readonly struct FreeingVisitor(Heap heap) : IEntryVisitor
    {
        public void Visit(BlockRef entry) => heap.Free(entry);
    }
}
