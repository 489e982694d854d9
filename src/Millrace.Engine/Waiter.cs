namespace Millrace.Engine;

/// <summary>
/// A client that waits until a key holds something (BLPOP and its kin). Whoever serves it needs nothing but this
/// record and never touches the client's connection.
/// </summary>
/// <remarks>
/// <code>
///   Waiting --TryBeginService--> InService --EndService--> Served
///      ^                            |
///      |  +---------- Resume -------+   (it found nothing after all)
///      +--+
///      +-------- TryEnd: time-out, UNBLOCK, KILL, disconnection --> Ended
/// </code>
/// One compare-and-swap decides between all of them. A record is served by whoever holds <see cref="Partitions"/>;
/// anybody may end it. An ended record stays in its queues, passed over, until its own loop takes it out.
/// </remarks>
public abstract class Waiter
{
    private const int Waiting = 0;
    private const int InService = 1;
    private const int Served = 2;
    private const int Ended = 3;

    private readonly List<WaitNode> _nodes = [];
    private int _state;

    /// <summary>A record of somebody who is about to wait.</summary>
    /// <param name="database">The database of its keys.</param>
    /// <param name="type">What a key must hold to be worth a look.</param>
    /// <param name="mindsLoss">Whether a key that is gone, or holds something else, ends the wait as well.</param>
    protected Waiter(int database, ValueType type, bool mindsLoss = false)
    {
        Database = database;
        Type = type;
        MindsLoss = mindsLoss;
    }

    /// <summary>The database of its keys.</summary>
    public int Database { get; }

    /// <summary>What a key must hold to be worth a look.</summary>
    public ValueType Type { get; }

    /// <summary>Whether a key that is gone, or holds something else, is worth a look too (XREADGROUP).</summary>
    public bool MindsLoss { get; }

    /// <summary>The partitions of all keys of its command, those that it only writes to included.</summary>
    public ulong Partitions { get; protected set; }

    /// <summary>Whether it still waits.</summary>
    public bool IsWaiting => Volatile.Read(ref _state) is Waiting or InService;

    /// <summary>Whether it has ended without service.</summary>
    public bool HasEnded => Volatile.Read(ref _state) == Ended;

    /// <summary>Claims it for service; false when it has ended.</summary>
    public bool TryBeginService() => TryMove(Waiting, InService);

    /// <summary>It has been served.</summary>
    public void EndService() => Volatile.Write(ref _state, Served);

    /// <summary>The service found nothing: it waits on.</summary>
    public void Resume() => Volatile.Write(ref _state, Waiting);

    /// <summary>
    /// Ends the wait without service.
    /// </summary>
    /// <param name="isInService">When the result is false: it is being served at this moment, and may yet wait
    /// on.</param>
    public bool TryEnd(out bool isInService)
    {
        var seen = Interlocked.CompareExchange(ref _state, Ended, Waiting);
        isInService = seen == InService;
        return seen == Waiting;
    }

    /// <summary>Waits for a key, behind those who wait already; for a key that it waits for already, nothing happens.
    /// Requires: <paramref name="unit"/> holds <see cref="Partitions"/>, and has since the first key.</summary>
    public void WaitFor(Unit unit, in Key key)
    {
        if (unit.PartitionFor(key).Awaited.Add(key, this) is { } node) _nodes.Add(node);
    }

    /// <summary>Takes it out of the queues of one partition. Requires: the partition is held, by whoever serves it or,
    /// when it has ended, by its own loop.</summary>
    public void Leave(Partition partition)
    {
        for (var i = _nodes.Count - 1; i >= 0; i--)
        {
            if (!partition.Awaited.TryRemove(_nodes[i])) continue;
            _nodes[i] = _nodes[^1];
            _nodes.RemoveAt(_nodes.Count - 1);
        }
    }

    private bool TryMove(int from, int to) => Interlocked.CompareExchange(ref _state, to, from) == from;
}
