namespace Millrace.Engine;

/// <summary>
/// The keys, and members of keys, that a unit removed without having been asked to, in order, until their effects are
/// written.
/// </summary>
/// <remarks>The names are copied: the entries are gone by the time somebody reads the list. Buffers are
/// reused.</remarks>
public sealed class RemovalList
{
    private readonly List<(int Database, int Start, int Length, int MemberLength)> _items = [];
    private byte[] _names = new byte[256];
    private int _used;

    /// <summary>How many there are.</summary>
    public int Count => _items.Count;

    /// <summary>The database of the removal at an index.</summary>
    public int Database(int index) => _items[index].Database;

    /// <summary>The key of the removal at an index; valid until the list changes.</summary>
    public ReadOnlySpan<byte> Key(int index) => _names.AsSpan(_items[index].Start, _items[index].Length);

    /// <summary>Whether it was a member of the key and not the key itself.</summary>
    public bool IsMember(int index) => _items[index].MemberLength >= 0;

    /// <summary>The member at an index, when it was one; valid until the list changes.</summary>
    public ReadOnlySpan<byte> Member(int index)
    {
        var item = _items[index];
        return _names.AsSpan(item.Start + item.Length, item.MemberLength);
    }

    /// <summary>Remembers a key.</summary>
    public void Add(int database, ReadOnlySpan<byte> key)
    {
        _items.Add((database, _used, key.Length, -1));
        Append(key);
    }

    /// <summary>Remembers a member of a key.</summary>
    public void Add(int database, ReadOnlySpan<byte> key, ReadOnlySpan<byte> member)
    {
        _items.Add((database, _used, key.Length, member.Length));
        Append(key);
        Append(member);
    }

    /// <summary>Forgets all of them.</summary>
    public void Clear()
    {
        if (_items.Count == 0) return;
        _items.Clear();
        _used = 0;
    }

    private void Append(ReadOnlySpan<byte> name)
    {
        if (_names.Length - _used < name.Length)
            Array.Resize(ref _names, Math.Max(_names.Length * 2, checked(_used + name.Length)));
        name.CopyTo(_names.AsSpan(_used));
        _used += name.Length;
    }
}
