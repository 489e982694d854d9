using Millrace.Net;
using Millrace.Server.PubSub;

namespace Millrace.Server.Tracking;

/// <summary>
/// Keys that have changed, on their way to those clients of one loop that keep copies of them.
/// </summary>
/// <remarks>
/// <code>
///   of tracked keys    key -> clients, key -> clients, ...     one message per key and client
///   of a prefix        keys                                    one message per client of the prefix
///   of a flush         nothing                                 one message per client that tracks at all
/// </code>
/// Made by the loop whose unit has touched the keys, delivered and then kept for reuse by the loop of the clients.
/// </remarks>
internal sealed class Invalidation : Letter
{
    private const int ItemBytes = 32; // of a list that grows by doubling

    private readonly List<Item> _items = [];
    private long[] _clients = new long[4];
    private int _clientCount;
    private byte[] _names = new byte[256];
    private int _used;

    /// <summary>Delivers it.</summary>
    public Invalidator Target { get; set; } = null!;

    /// <summary>The prefix whose clients it goes to, or null.</summary>
    public Topic? Prefix { get; set; }

    /// <summary>When it was posted, in moments of <see cref="Channels"/>; for <see cref="Prefix"/>.</summary>
    public long Moment { get; set; }

    /// <summary>Whether all keys are to be forgotten.</summary>
    public bool IsFlush { get; set; }

    /// <summary>The client whose command did it, when that one hears of others itself; or null.</summary>
    public Client? Origin { get; set; }

    /// <summary>How many keys there are.</summary>
    public int Count => _items.Count;

    /// <inheritdoc/>
    protected override long Bytes => _used + ((long)_clientCount * sizeof(long)) + ((long)_items.Count * ItemBytes);

    /// <inheritdoc/>
    protected override long Deliveries => Prefix?.LiveOn(Target.Loop.Index) ?? _clientCount;

    /// <summary>The name of a key.</summary>
    public ReadOnlySpan<byte> Key(int index) => _names.AsSpan(_items[index].Start, _items[index].Length);

    /// <summary>Whether the command of <see cref="Origin"/> changed a key itself, rather than time or want of
    /// memory.</summary>
    public bool IsOwn(int index) => _items[index].IsOwn;

    /// <summary>The numbers of the clients that a key goes to. Valid until the letter changes.</summary>
    public ReadOnlySpan<long> Clients(int index)
    {
        var first = _items[index].FirstClient;
        var end = index + 1 < _items.Count ? _items[index + 1].FirstClient : _clientCount;
        return _clients.AsSpan(first, end - first);
    }

    /// <summary>Adds a key.</summary>
    public void Add(ReadOnlySpan<byte> key, bool isOwn)
    {
        if (_names.Length - _used < key.Length)
            Array.Resize(ref _names, Math.Max(_names.Length * 2, checked(_used + key.Length)));
        key.CopyTo(_names.AsSpan(_used));
        _items.Add(new Item(_used, key.Length, isOwn, _clientCount));
        _used += key.Length;
    }

    /// <summary>Adds a key that may be there already, with a later cause; among many, it may come twice.</summary>
    public void AddOnce(ReadOnlySpan<byte> key, bool isOwn)
    {
        const int MostSearched = 128;
        for (var i = _items.Count - 1; i >= Math.Max(_items.Count - MostSearched, 0); i--)
        {
            if (!Key(i).SequenceEqual(key)) continue;
            _items[i] = _items[i] with { IsOwn = isOwn };
            return;
        }

        Add(key, isOwn);
    }

    /// <summary>Adds a client that the last key goes to.</summary>
    public void AddClient(long id)
    {
        if (_clientCount == _clients.Length) Array.Resize(ref _clients, _clientCount * 2);
        _clients[_clientCount++] = id;
    }

    /// <summary>Forgets what has been delivered, and large buffers.</summary>
    public void Clear()
    {
        _items.Clear();
        _used = _clientCount = 0;
        if (_clients.Length * sizeof(long) > KeptBytes) _clients = new long[4];
        if (_names.Length > KeptBytes) _names = new byte[256];
        Prefix = null;
        Origin = null;
        IsFlush = false;
    }

    /// <inheritdoc/>
    protected override void DeliverTo(EventLoop loop) => Target.Deliver(this);

    private readonly record struct Item(int Start, int Length, bool IsOwn, int FirstClient);
}
