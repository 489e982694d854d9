namespace Millrace.Engine;

/// <summary>
/// The keys that a unit removed without having been asked to, in order, until their effects are written.
/// </summary>
/// <remarks>The names are copied: the entries are gone by the time somebody reads the list. Buffers are
/// reused.</remarks>
public sealed class RemovalList
{
    private readonly List<(int Database, int Start, int Length)> _items = [];
    private byte[] _names = new byte[256];
    private int _used;

    /// <summary>How many there are.</summary>
    public int Count => _items.Count;

    /// <summary>The database of the removal at an index.</summary>
    public int Database(int index) => _items[index].Database;

    /// <summary>The key of the removal at an index; valid until the list changes.</summary>
    public ReadOnlySpan<byte> Key(int index) => _names.AsSpan(_items[index].Start, _items[index].Length);

    /// <summary>Remembers one.</summary>
    public void Add(int database, ReadOnlySpan<byte> key)
    {
        if (_names.Length - _used < key.Length)
            Array.Resize(ref _names, Math.Max(_names.Length * 2, checked(_used + key.Length)));
        key.CopyTo(_names.AsSpan(_used));
        _items.Add((database, _used, key.Length));
        _used += key.Length;
    }

    /// <summary>Forgets all of them.</summary>
    public void Clear()
    {
        if (_items.Count == 0) return;
        _items.Clear();
        _used = 0;
    }
}
