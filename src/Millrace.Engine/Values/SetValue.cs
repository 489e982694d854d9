using System.Buffers.Binary;
using System.Diagnostics;
using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>How a set is stored.</summary>
public enum SetEncoding
{
    /// <summary>Integers in order, in the entry (<see cref="Memory.IntSet"/>).</summary>
    IntSet = 0,

    /// <summary>A few short members in the order of their coming, in the entry
    /// (<see cref="Memory.Listpack"/>).</summary>
    Listpack = 1,

    /// <summary>A <see cref="MemberTable"/>.</summary>
    Table = 2,
}

/// <summary>Receives the members of a set one by one. A struct, so that the call is compiled into the walk.</summary>
public interface IMemberVisitor
{
    /// <summary>One member: a view that lives until the set changes. Must not change the set.</summary>
    /// <returns>False to end the walk; a few more members may come all the same.</returns>
    bool Visit(scoped ListpackElement member);
}

/// <summary>
/// Sets: how their members are laid out, found, walked and chosen. <see cref="SetWriter"/> changes them.
/// </summary>
/// <remarks>
/// <code>
///   value area   IntSet     the integer set
///                Listpack   the listpack
///                Table      8 bytes: the header block of the table
/// </code>
/// Members are handed around as <see cref="ListpackElement"/>: the integer that a text stands for, or the text, so that
/// a member is parsed once whatever the encodings of the sets that it is looked for in.
/// The names that clients see are Redis's: intset, listpack, hashtable.
/// </remarks>
public static class SetValue
{
    /// <summary>A table of at most so many members is freed at once.</summary>
    private const int FreedAtOnce = 64;

    /// <summary>The number of members.</summary>
    public static long Count(in Entry entry)
    {
        Debug.Assert(entry.Type == ValueType.Set, "sets only");
        return EncodingOf(entry) switch
        {
            SetEncoding.IntSet => IntSet.Count(entry.Value),
            SetEncoding.Listpack => Listpack.Count(entry.Value),
            _ => Table(entry).Count,
        };
    }

    /// <summary>How the set is stored.</summary>
    public static SetEncoding EncodingOf(in Entry entry) => (SetEncoding)entry.Encoding;

    /// <summary>Whether the set has a member. O(1) for a table, O(log n) or O(n) for what is packed.</summary>
    public static bool Contains(Unit unit, in Entry entry, ListpackElement member)
    {
        Debug.Assert(entry.Type == ValueType.Set, "sets only");
        switch (EncodingOf(entry))
        {
            case SetEncoding.IntSet:
                return member.IsInteger && IntSet.Contains(entry.Value, member.Integer);
            case SetEncoding.Listpack:
                var listpack = entry.Value;
                return Listpack.Find(listpack, Listpack.First(listpack), member) >= 0;
            default:
                Span<byte> digits = stackalloc byte[ListpackElement.MaxIntegerBytes];
                return Table(entry, unit.Keyspace.Hasher).Contains(member.Text(digits));
        }
    }

    /// <summary>Shows every member once, until the visitor has enough.</summary>
    public static void Walk<TVisitor>(in Entry entry, ref TVisitor visitor)
        where TVisitor : struct, IMemberVisitor, allows ref struct
    {
        switch (EncodingOf(entry))
        {
            case SetEncoding.IntSet:
                ReadOnlySpan<byte> integers = entry.Value;
                var count = IntSet.Count(integers);
                for (var i = 0; i < count; i++)
                {
                    if (!visitor.Visit(ListpackElement.Of(IntSet.Get(integers, i)))) return;
                }

                return;
            case SetEncoding.Listpack:
                ReadOnlySpan<byte> listpack = entry.Value;
                for (var at = Listpack.First(listpack); at >= 0;)
                {
                    if (!visitor.Visit(Listpack.Take(listpack, ref at))) return;
                }

                return;
            default:
                var walker = new TableWalker<TVisitor>(entry.Heap, visitor);
                Table(entry).Walk(ref walker);
                visitor = walker.Visitor;
                return;
        }
    }

    /// <summary>A member chosen at random, each with (nearly) the same chance: a view that lives until the set
    /// changes. Requires: not empty.</summary>
    /// <param name="entry">An entry with a set.</param>
    /// <param name="random">64 random bits.</param>
    public static ListpackElement Random(in Entry entry, ulong random)
    {
        switch (EncodingOf(entry))
        {
            case SetEncoding.IntSet:
                return ListpackElement.Of(IntSet.Random(entry.Value, random));
            case SetEncoding.Listpack:
                ReadOnlySpan<byte> listpack = entry.Value;
                var index = (long)Math.BigMul(random, (ulong)Listpack.Count(listpack), out _);
                return Listpack.Get(listpack, Listpack.Seek(listpack, index));
            default:
                return Member(entry, Table(entry).Random(random));
        }
    }

    /// <summary>The table. Requires: a table is what it is. For counting, walking and measuring only.</summary>
    public static MemberTable Table(in Entry entry) => new(entry.Heap, Header(entry));

    /// <summary>The heap that the members of the table live in.</summary>
    public static Heap HeapOf(in Entry entry) => entry.Heap;

    /// <summary>The member in a block of the table.</summary>
    public static ListpackElement Member(in Entry entry, BlockRef block) =>
        ListpackElement.Of(MemberTable.Read(entry.Heap, block));

    /// <summary>The table, with all it can do. Requires: a table is what it is.</summary>
    internal static MemberTable Table(in Entry entry, KeyHasher hasher) => new(entry.Heap, hasher, Header(entry));

    /// <summary>Makes the value area refer to a table.</summary>
    internal static void SetTable(in Entry entry, MemberTable table) =>
        BinaryPrimitives.WriteUInt64LittleEndian(entry.Value, table.Header.Value);

    /// <summary>The encoding's name: intset, listpack or hashtable.</summary>
    internal static ReadOnlySpan<byte> EncodingName(in Entry entry) => EncodingOf(entry) switch
    {
        SetEncoding.IntSet => "intset"u8,
        SetEncoding.Listpack => "listpack"u8,
        _ => "hashtable"u8,
    };

    internal static bool TryCountSlots(in Entry entry, out long slots, out long members)
    {
        slots = members = 0;
        if (EncodingOf(entry) != SetEncoding.Table) return false;
        (slots, members) = (Table(entry).SlotCount, Table(entry).Count);
        return true;
    }

    internal static void AddTo(ref DataDigest digest, in Entry entry)
    {
        var members = new MemberDigests { Digest = digest };
        Walk(entry, ref members);
        digest = members.Digest;
    }

    internal static void FreeOutside(Discards discards, in Entry entry)
    {
        if (EncodingOf(entry) != SetEncoding.Table) return;
        var table = Table(entry);
        if (table.Count > FreedAtOnce || table.IsBeingSaved || !table.FreeSome(int.MaxValue))
            discards.Add(ValueType.Set, table.Header);
    }

    internal static bool FreeSome(Heap heap, BlockRef root, int max) => new MemberTable(heap, root).FreeSome(max);

    internal static long OutsideBytes(in Entry entry, long samples) =>
        EncodingOf(entry) == SetEncoding.Table ? Table(entry).SizeBytes(samples) : 0;

    internal static void CopyOutside(in Entry entry, Heap target, in Entry copy, KeyHasher hasher)
    {
        if (EncodingOf(entry) == SetEncoding.Table) SetTable(copy, Table(entry).CopyTo(target, hasher));
    }

    private static BlockRef Header(in Entry entry)
    {
        Debug.Assert(EncodingOf(entry) == SetEncoding.Table, "tables only");
        return BlockRef.FromValue(BinaryPrimitives.ReadUInt64LittleEndian(entry.Value));
    }

    private struct MemberDigests : IMemberVisitor
    {
        internal DataDigest Digest;

        public bool Visit(scoped ListpackElement member)
        {
            Digest.Xor(member);
            return true;
        }
    }

    // A reference cannot refer to what may be a ref struct, so the visitor is taken in and given back.
    private ref struct TableWalker<TVisitor> : IEntryWalker
        where TVisitor : struct, IMemberVisitor, allows ref struct
    {
        internal TVisitor Visitor;
        private readonly Heap _heap;

        internal TableWalker(Heap heap, TVisitor visitor)
        {
            _heap = heap;
            Visitor = visitor;
        }

        public bool IsDone { get; private set; }

        public void Visit(BlockRef entry)
        {
            if (!IsDone) IsDone = !Visitor.Visit(ListpackElement.Of(MemberTable.Read(_heap, entry)));
        }
    }
}
