namespace Millrace.Engine;

/// <summary>
/// What one client watches between WATCH and EXEC, and whether any of it has changed since.
/// </summary>
/// <remarks>
/// Whoever changes a watched key sets <see cref="IsBroken"/> while he holds the key's partition; the client reads it
/// while it holds the partitions of all its keys, so it sees every change that came before. Everything else here
/// belongs to the client's loop. Made anew for each first WATCH: what is left behind of an older one can break
/// nothing.
/// </remarks>
public sealed class Watcher
{
    private readonly List<OwnedKey> _keys = [];
    private volatile bool _isBroken;

    /// <summary>Whether a watched key has changed.</summary>
    public bool IsBroken => _isBroken;

    /// <summary>The partitions of the watched keys, as a mask.</summary>
    public ulong Partitions { get; private set; }

    /// <summary>How many keys are watched.</summary>
    public int Count => _keys.Count;

    /// <summary>Whether a key is watched already. O(keys).</summary>
    public bool Watches(in Key key)
    {
        foreach (var one in _keys)
        {
            if (one.Is(key)) return true;
        }

        return false;
    }

    /// <summary>Watches a key, from this moment on. Requires: <paramref name="unit"/> holds its partition.</summary>
    public void Add(Unit unit, in Key key)
    {
        if (Watches(key)) return;
        var partition = unit.PartitionFor(key);
        unit.Find(key, Access.Peek); // an entry whose time has come goes, unless it has to stay for a while
        var isExpired = unit.HasExpiredEntry(key);
        _keys.Add(partition.Watched.Add(key, this, isExpired));
        partition.CountListeners();
        Partitions |= 1UL << partition.Index;
    }

    /// <summary>Looks whether the time of a watched key has come: that breaks the watch even though nobody has removed
    /// the key yet. Requires: <paramref name="unit"/> holds <see cref="Partitions"/>.</summary>
    public void Settle(Unit unit)
    {
        foreach (var key in _keys)
        {
            var view = key.View;
            unit.Find(view, Access.Peek);
            if (!unit.RemovesExpired && unit.HasExpiredEntry(view)
                && !unit.PartitionFor(view).Watched.WasExpired(view, this))
                Break();
        }
    }

    /// <summary>Watches no more what lies in one partition. Requires: it is held.</summary>
    public void Forget(Partition partition, Keyspace keyspace)
    {
        for (var i = _keys.Count - 1; i >= 0; i--)
        {
            if (keyspace.PartitionOf(_keys[i].Hash) != partition.Index) continue;
            partition.Watched.Remove(_keys[i], this);
            _keys[i] = _keys[^1];
            _keys.RemoveAt(_keys.Count - 1);
        }

        partition.CountListeners();
        Partitions &= ~(1UL << partition.Index);
    }

    /// <summary>A watched key has changed.</summary>
    internal void Break() => _isBroken = true;
}
