using System.Buffers;
using System.Diagnostics;
using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>
/// Changes one set: that of a key, or one that is built apart and takes a key's place when it is complete.
/// </summary>
/// <remarks>
/// <code>
///   IntSet ... a text comes, few members ... Listpack
///      :                                        :
///      ... too many, or a text comes ... Table ... too many, or too long a member
/// </code>
/// As in Redis 7.2, and never back. What is packed grows and shrinks in its entry, which may move: views of members end
/// with every change. A set built apart has an entry that is in no table, so it may be read from while others, of the
/// same key even, are read too; <see cref="Commit"/> or <see cref="Drop"/> ends it. Nobody is told of changes
/// (<c>Unit.Changed</c>), and an emptied set stays: the caller removes it.
/// </remarks>
public ref struct SetWriter
{
    private const int ReferenceBytes = sizeof(ulong);

    private readonly Unit _unit;
    private readonly Key _key;
    private readonly Heap _heap;
    private readonly bool _isApart;
    private long _deadlineMs; // of an entry that is made here
    private Entry _entry;

    /// <summary>Changes the set of a key.</summary>
    /// <param name="unit">Holds the key's partition.</param>
    /// <param name="key">The key.</param>
    /// <param name="existing">Its entry with a set, or missing: the first member makes one.</param>
    public SetWriter(Unit unit, Key key, scoped in Entry existing)
        : this(unit, key, existing, isApart: false)
    {
    }

    private SetWriter(Unit unit, Key key, scoped in Entry existing, bool isApart)
    {
        _unit = unit;
        _key = key;
        _heap = unit.PartitionFor(key).Heap;
        _entry = existing;
        _isApart = isApart;
        _deadlineMs = -1;
    }

    /// <summary>The set's entry as it is now.</summary>
    public readonly Entry Entry => _entry;

    /// <summary>The number of members.</summary>
    public readonly long Count => _entry.IsMissing ? 0 : SetValue.Count(_entry);

    private readonly EncodingLimits Limits => _unit.Keyspace.Encodings;

    /// <summary>A set apart from the one of the key, in the same heap, with its first encoding.</summary>
    public static SetWriter Apart(Unit unit, Key key, SetEncoding encoding)
    {
        var writer = new SetWriter(unit, key, default, isApart: true);
        writer.Make(encoding);
        return writer;
    }

    /// <summary>A set apart from the one of the key, in the same heap.</summary>
    /// <param name="unit">Holds the key's partition.</param>
    /// <param name="key">The key.</param>
    /// <param name="made">An entry in no table, or missing: the first member makes one.</param>
    /// <param name="deadlineMs">The deadline that it is made with.</param>
    internal static SetWriter Apart(Unit unit, Key key, scoped in Entry made, long deadlineMs) =>
        new(unit, key, made, isApart: true) { _deadlineMs = deadlineMs };

    /// <summary>Chooses an encoding for members to come: makes the set if there is none, and a table of a listpack that
    /// would not hold that many. Integers are counted as they come, because redis-server 7.0.15 keeps them an intset
    /// while no more than that many differ.</summary>
    /// <param name="first">The first of them.</param>
    /// <param name="count">How many, some may be there already or come twice.</param>
    public void Expect(ListpackElement first, long count)
    {
        var limits = Limits;
        if (_entry.IsMissing)
        {
            if (first.IsInteger) Make(SetEncoding.IntSet);
            else Make(count <= limits.SetEntries ? SetEncoding.Listpack : SetEncoding.Table);
            return;
        }

        if (SetValue.EncodingOf(_entry) is SetEncoding.Listpack && count > limits.SetEntries) BecomeTable();
    }

    /// <summary>Makes a table of what is packed and has more members than its encoding may have. Requires: there is a
    /// set.</summary>
    internal void Unpack()
    {
        var most = SetValue.EncodingOf(_entry) switch
        {
            SetEncoding.IntSet => Limits.IntSetEntries,
            SetEncoding.Listpack => Limits.SetEntries,
            _ => long.MaxValue,
        };
        if (Count > most) BecomeTable();
    }

    /// <summary>Adds a member, which must be no view of this set's own packed bytes; false when it is there already.
    /// Requires: there is a set (<see cref="Expect"/>).</summary>
    public bool Add(scoped ListpackElement member) => SetValue.EncodingOf(_entry) switch
    {
        SetEncoding.IntSet => member.IsInteger ? AddInteger(member.Integer) : AddText(member),
        SetEncoding.Listpack => AddPacked(member),
        _ => AddToTable(member),
    };

    /// <summary>Removes a member, which may be a view of this set; false when it is not there.</summary>
    public bool Remove(scoped ListpackElement member)
    {
        switch (SetValue.EncodingOf(_entry))
        {
            case SetEncoding.IntSet:
                if (!member.IsInteger) return false;
                var before = _entry.ValueLength;
                var after = IntSet.Remove(_entry.Value, member.Integer);
                if (after == before) return false;
                Reshape(SetEncoding.IntSet, after, after);
                return true;
            case SetEncoding.Listpack:
                var listpack = _entry.Value;
                var at = Listpack.Find(listpack, Listpack.First(listpack), member);
                if (at < 0) return false;
                var total = Listpack.Delete(listpack, at, 1);
                Reshape(SetEncoding.Listpack, total, total);
                return true;
            default:
                Span<byte> digits = stackalloc byte[ListpackElement.MaxIntegerBytes];
                return Table.TryRemove(member.Text(digits));
        }
    }

    /// <summary>Puts the set that was built apart in the place of what its key holds now. Requires: not
    /// empty.</summary>
    /// <param name="existing">The key's entry, of any type, or missing. Its value is freed and its deadline
    /// ends.</param>
    /// <param name="keepsDeadline">Whether the key's deadline stays instead.</param>
    public readonly void Commit(in Entry existing, bool keepsDeadline = false)
    {
        Debug.Assert(_isApart, "sets of keys are there already");
        var deadline = keepsDeadline ? existing.DeadlineMs : -1;
        _unit.Install(_key, existing, _entry);
        if (deadline >= 0) _unit.SetDeadline(_key, _entry, deadline);
    }

    /// <summary>Frees the set that was built apart.</summary>
    public readonly void Drop()
    {
        Debug.Assert(_isApart, "sets of keys are removed by their key");
        Value.Free(_unit.PartitionFor(_key).Discards, _entry);
    }

    private readonly MemberTable Table => SetValue.Table(_entry, _unit.Keyspace.Hasher);

    private void Make(SetEncoding encoding)
    {
        switch (encoding)
        {
            case SetEncoding.IntSet:
                Reshape(encoding, IntSet.EmptyBytes, 0);
                IntSet.WriteEmpty(_entry.Value);
                break;
            case SetEncoding.Listpack:
                Reshape(encoding, Listpack.EmptyBytes, 0);
                Listpack.WriteEmpty(_entry.Value);
                break;
            default:
                var table = MemberTable.Create(_heap, _unit.Keyspace.Hasher);
                Reshape(encoding, ReferenceBytes, 0);
                SetValue.SetTable(_entry, table);
                break;
        }
    }

    private bool AddInteger(long integer)
    {
        var integers = _entry.Value;
        if (IntSet.Contains(integers, integer)) return false;
        var count = IntSet.Count(integers);
        var isFull = IntSet.EmptyBytes + ((count + 1L) * sizeof(long)) > EncodingLimits.MaxPackedBytes;
        if (count >= Limits.IntSetEntries || isFull)
        {
            BecomeTable();
            return AddToTable(ListpackElement.Of(integer));
        }

        Reshape(SetEncoding.IntSet, IntSet.SizeAfterInsert(integers, integer), integers.Length);
        return IntSet.Insert(_entry.Value, integer);
    }

    // The first member that is no integer.
    private bool AddText(scoped ListpackElement member)
    {
        var limits = Limits;
        ReadOnlySpan<byte> integers = _entry.Value;
        var count = IntSet.Count(integers);
        var longest = 0;
        if (count > 0)
        {
            var least = ListpackElement.Of(IntSet.Get(integers, 0)).TextLength;
            longest = Math.Max(least, ListpackElement.Of(IntSet.Get(integers, count - 1)).TextLength);
        }

        if (count < limits.SetEntries && Math.Max(member.TextLength, longest) <= limits.SetValueBytes
            && Fits(Listpack.EmptyBytes + ((long)count * Listpack.MaxIntegerSize), member))
        {
            BecomeListpack(member);
            return true;
        }

        BecomeTable();
        return AddToTable(member);
    }

    private bool AddPacked(scoped ListpackElement member)
    {
        var listpack = _entry.Value;
        if (Listpack.Find(listpack, Listpack.First(listpack), member) >= 0) return false;
        var total = listpack.Length;
        var limits = Limits;
        if (Listpack.Count(listpack) < limits.SetEntries && member.TextLength <= limits.SetValueBytes
            && Fits(total, member))
        {
            Reshape(SetEncoding.Listpack, total + Listpack.SizeOf(member), total);
            Listpack.Append(_entry.Value, member);
            return true;
        }

        BecomeTable();
        return AddToTable(member);
    }

    // Whether a listpack of so many bytes may get this member. Its text first: nobody asks how much a very long one
    // takes.
    private static bool Fits(long bytes, scoped ListpackElement member) =>
        member.TextLength <= EncodingLimits.MaxPackedBytes
        && bytes + Listpack.SizeOf(member) <= EncodingLimits.MaxPackedBytes;

    private readonly bool AddToTable(scoped ListpackElement member)
    {
        Span<byte> digits = stackalloc byte[ListpackElement.MaxIntegerBytes];
        return Table.TryAdd(member.Text(digits));
    }

    // The integers in their order, and one member more.
    private void BecomeListpack(scoped ListpackElement last)
    {
        var length = _entry.ValueLength;
        var copy = ArrayPool<byte>.Shared.Rent(length);
        _entry.Value.CopyTo(copy);
        ReadOnlySpan<byte> integers = copy.AsSpan(0, length);
        var count = IntSet.Count(integers);
        var size = Listpack.EmptyBytes + Listpack.SizeOf(last);
        for (var i = 0; i < count; i++) size += Listpack.SizeOf(IntSet.Get(integers, i));
        Reshape(SetEncoding.Listpack, size, 0);
        var builder = ListpackBuilder.Begin(_entry.Value);
        for (var i = 0; i < count; i++) builder.Append(IntSet.Get(integers, i));
        builder.Append(last);
        var total = builder.Finish();
        Debug.Assert(total == size, "SizeOf and the builder agree");
        ArrayPool<byte>.Shared.Return(copy);
    }

    private void BecomeTable()
    {
        var mover = new Mover(MemberTable.Create(_heap, _unit.Keyspace.Hasher));
        SetValue.Walk(_entry, ref mover);
        Reshape(SetEncoding.Table, ReferenceBytes, 0);
        SetValue.SetTable(_entry, mover.Table);
    }

    // Gives the entry a value area of this size, or makes it. Requires: it refers to nothing outside.
    private void Reshape(SetEncoding encoding, int valueLength, int keepValueBytes)
    {
        var deadline = _entry.IsMissing ? _deadlineMs : _entry.DeadlineMs;
        var shape = new EntryShape(ValueType.Set, (int)encoding, valueLength, deadline, 0);
        if (!_isApart) _entry = _unit.Store(_key, _entry, shape, keepValueBytes);
        else if (_entry.IsMissing) _entry = Entry.Create(_heap, _key.Bytes, shape);
        else _entry = Entry.Reshape(_heap, _entry, shape, keepValueBytes);
    }

    private readonly struct Mover(MemberTable table) : IMemberVisitor
    {
        internal MemberTable Table => table;

        public bool Visit(scoped ListpackElement member)
        {
            Span<byte> digits = stackalloc byte[ListpackElement.MaxIntegerBytes];
            table.TryAdd(member.Text(digits));
            return true;
        }
    }
}
