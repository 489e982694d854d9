using System.Numerics;

namespace Millrace.Engine;

/// <summary>
/// The keys of one partition that somebody waits for, and who does, in the order in which they came.
/// </summary>
/// <remarks>
/// <code>
///   key -> WaitQueue: first &lt;-> node &lt;-> node (last)      one node per waiter and key; taken out in O(1)
/// </code>
/// Used under the partition's lock. Adding and removing keep <see cref="PartitionLine.WaiterMask"/>: the partitions
/// that whoever serves a waiter of this partition needs.
/// </remarks>
public sealed class AwaitedKeys
{
    private readonly Partition _partition;
    private readonly Dictionary<OwnedKey, WaitQueue> _keys = new(new OwnedKey.Comparer());
    private readonly Dictionary<OwnedKey, WaitQueue>.AlternateLookup<Key> _byView;
    private readonly List<WaitQueue> _lost = []; // of keys that went because their time had come
    private int[]? _needed; // per partition: how many nodes here need it; null while no waiter needs another one

    internal AwaitedKeys(Partition partition)
    {
        _partition = partition;
        _byView = _keys.GetAlternateLookup<Key>();
    }

    /// <summary>How many keys somebody waits for.</summary>
    public int Count => _keys.Count;

    /// <summary>Whether keys have gone because their time had come whose loss ends somebody's wait.</summary>
    public bool HasLost => _lost.Count > 0;

    /// <summary>For how many of them the loss of the key ends somebody's wait. O(keys).</summary>
    public int CountMindingLoss()
    {
        var count = 0;
        foreach (var queue in _keys.Values)
        {
            if (queue.MindingLoss > 0) count++;
        }

        return count;
    }

    /// <summary>Puts a waiter at the end of a key's queue; null when it is there already.</summary>
    internal WaitNode? Add(in Key key, Waiter waiter)
    {
        if (!_byView.TryGetValue(key, out var queue))
        {
            queue = new WaitQueue(_partition.Index, OwnedKey.Of(key));
            _keys.Add(queue.Key, queue);
        }

        if (queue.Last?.Waiter == waiter) return null; // nobody else has come since its first key
        var node = new WaitNode(queue, waiter);
        queue.Add(node);
        Need(waiter.Partitions, 1);
        _partition.CountListeners();
        return node;
    }

    /// <summary>Takes a node out, if it stands in this partition.</summary>
    internal bool TryRemove(WaitNode node)
    {
        if (node.Queue.Partition != _partition.Index) return false;
        node.Queue.Remove(node);
        if (node.Queue.Count == 0) _keys.Remove(node.Queue.Key);
        Need(node.Waiter.Partitions, -1);
        _partition.CountListeners();
        return true;
    }

    /// <summary>Notes that a key goes because its time has come; false when nobody waits who minds. Whoever finds that
    /// out may not hold what serving the waiters takes: they are served from the list.</summary>
    internal bool NoteLoss(in Key key)
    {
        if (Find(key) is not { MindingLoss: > 0, IsLost: false } queue) return false;
        queue.IsLost = true;
        _lost.Add(queue);
        return true;
    }

    /// <summary>Hands over what <see cref="NoteLoss"/> has noted.</summary>
    internal void TakeLost(ReadyKeys ready)
    {
        foreach (var queue in _lost)
        {
            queue.IsLost = false;
            ready.Add(queue);
        }

        _lost.Clear();
    }

    /// <summary>The queue of a key, or null.</summary>
    internal WaitQueue? Find(in Key key) => _byView.TryGetValue(key, out var queue) ? queue : null;

    /// <summary>Notes that any awaited key of a database may be ready: it got another table (SWAPDB, FLUSHDB).
    /// </summary>
    internal void AddAll(int database, ReadyKeys ready)
    {
        foreach (var (key, queue) in _keys)
        {
            if (key.Database == database) ready.Add(queue);
        }
    }

    private void Need(ulong partitions, int change)
    {
        var own = 1UL << _partition.Index;
        for (var rest = partitions & ~own; rest != 0; rest &= rest - 1)
        {
            var index = BitOperations.TrailingZeroCount(rest);
            _needed ??= new int[KeyspaceShape.MaxPartitions];
            _needed[index] += change;
            if (_needed[index] > 0) _partition.Line.WaiterMask |= 1UL << index;
            else _partition.Line.WaiterMask &= ~(1UL << index);
        }
    }
}

/// <summary>Those who wait for one key, first come, first served. Under the partition's lock.</summary>
public sealed class WaitQueue
{
    internal WaitQueue(int partition, OwnedKey key)
    {
        Partition = partition;
        Key = key;
    }

    /// <summary>The key.</summary>
    public OwnedKey Key { get; }

    /// <summary>How many wait.</summary>
    public int Count { get; private set; }

    /// <summary>How many of them mind when the key is gone (<see cref="Waiter.MindsLoss"/>).</summary>
    public int MindingLoss { get; private set; }

    /// <summary>Who came first, or null.</summary>
    public WaitNode? First { get; private set; }

    /// <summary>The partition that it stands in.</summary>
    internal int Partition { get; }

    /// <summary>Whether the unit that runs has it in its list of keys that became ready.</summary>
    internal bool IsReady { get; set; }

    /// <summary>Who came last, or null.</summary>
    internal WaitNode? Last { get; private set; }

    /// <summary>Whether it is in the list of keys that were lost.</summary>
    internal bool IsLost { get; set; }

    internal void Add(WaitNode node)
    {
        node.Previous = Last;
        if (Last is null) First = node;
        else Last.Next = node;
        Last = node;
        Count++;
        if (node.Waiter.MindsLoss) MindingLoss++;
    }

    internal void Remove(WaitNode node)
    {
        if (node.Previous is null) First = node.Next;
        else node.Previous.Next = node.Next;
        if (node.Next is null) Last = node.Previous;
        else node.Next.Previous = node.Previous;
        node.Previous = node.Next = null;
        Count--;
        if (node.Waiter.MindsLoss) MindingLoss--;
    }
}

/// <summary>The place of a waiter in the queue of one key.</summary>
public sealed class WaitNode
{
    internal WaitNode(WaitQueue queue, Waiter waiter)
    {
        Queue = queue;
        Waiter = waiter;
    }

    /// <summary>The queue.</summary>
    public WaitQueue Queue { get; }

    /// <summary>Who waits.</summary>
    public Waiter Waiter { get; }

    /// <summary>Who came next, or null.</summary>
    public WaitNode? Next { get; internal set; }

    internal WaitNode? Previous { get; set; }
}

/// <summary>The awaited keys that a unit has changed and not yet looked at, in the order of the changes. One per
/// unit.</summary>
public sealed class ReadyKeys
{
    private readonly Queue<WaitQueue> _queues = new();

    /// <summary>Whether there are any.</summary>
    public bool IsEmpty => _queues.Count == 0;

    /// <summary>Takes the one that changed first.</summary>
    public bool TryTake(out WaitQueue queue)
    {
        if (!_queues.TryDequeue(out queue!)) return false;
        queue.IsReady = false;
        return true;
    }

    internal void Add(WaitQueue queue)
    {
        if (queue.IsReady) return;
        queue.IsReady = true;
        _queues.Enqueue(queue);
    }
}
