using System.Buffers.Binary;

namespace Millrace.Engine;

/// <summary>
/// The keys that a unit has touched and that somebody wants to hear of, until the unit tells them.
/// </summary>
/// <remarks>
/// <code>
///   bytes   [ key | trackers | key | key | trackers ...       one item per touch that somebody hears of
/// </code>
/// A key that is touched again, and that nobody tracks since, is one item with the later cause. The names are copied:
/// entries are gone by the time somebody reads the list. Buffers are reused; <see cref="IsFull"/> bounds them.
/// </remarks>
public sealed class TouchedKeys
{
    private const int FullBytes = 4 * 1024 * 1024;
    private const int KeptBytes = 64 * 1024;

    private readonly List<Item> _items = [];
    private byte[] _bytes = new byte[256];
    private int _used;

    /// <summary>Whether a database was emptied: everybody has to forget all keys.</summary>
    public bool IsFlushed { get; private set; }

    /// <summary>Whether there is nothing to tell.</summary>
    public bool IsEmpty => _items.Count == 0 && !IsFlushed;

    /// <summary>Whether it is time to tell what there is: a transaction may touch any number of keys.</summary>
    public bool IsFull => _used > FullBytes;

    /// <summary>How many items there are.</summary>
    public int Count => _items.Count;

    /// <summary>The name of an item; valid until the list changes.</summary>
    public ReadOnlySpan<byte> Key(int index) => _bytes.AsSpan(_items[index].Start, _items[index].Length);

    /// <summary>Whether the command of the unit's client did it, rather than time or want of memory.</summary>
    public bool IsOwn(int index) => _items[index].IsOwn;

    /// <summary>How many track the key of an item.</summary>
    public int TrackerCount(int index) => _items[index].Trackers;

    /// <summary>One of those who track the key of an item.</summary>
    public ulong Tracker(int index, int number)
    {
        var item = _items[index];
        var at = item.Start + item.Length + (number * sizeof(ulong));
        return BinaryPrimitives.ReadUInt64LittleEndian(_bytes.AsSpan(at));
    }

    /// <summary>Notes a touch.</summary>
    /// <param name="key">The key's name.</param>
    /// <param name="isOwn">See <see cref="IsOwn"/>.</param>
    /// <param name="trackers">Those who track it, as words of 8 bytes; empty when it is noted for other
    /// reasons.</param>
    public void Add(ReadOnlySpan<byte> key, bool isOwn, ReadOnlySpan<byte> trackers)
    {
        if (trackers.IsEmpty && _items is [.., { Trackers: 0 }] && Key(_items.Count - 1).SequenceEqual(key))
        {
            _items[^1] = _items[^1] with { IsOwn = isOwn };
            return;
        }

        _items.Add(new Item(_used, key.Length, trackers.Length / sizeof(ulong), isOwn));
        Append(key);
        Append(trackers);
    }

    /// <summary>Notes that a database was emptied.</summary>
    public void Flush() => IsFlushed = true;

    /// <summary>Forgets all of it.</summary>
    public void Clear()
    {
        IsFlushed = false;
        if (_items.Count == 0) return;
        _items.Clear();
        _used = 0;
        if (_bytes.Length > KeptBytes) _bytes = new byte[256];
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (_bytes.Length - _used < bytes.Length)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, checked(_used + bytes.Length)));
        bytes.CopyTo(_bytes.AsSpan(_used));
        _used += bytes.Length;
    }

    private readonly record struct Item(int Start, int Length, int Trackers, bool IsOwn);
}
