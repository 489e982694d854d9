using Millrace.Engine.Values;

namespace Millrace.Engine;

/// <summary>
/// The keys of one partition that somebody watches (WATCH), and who does.
/// </summary>
/// <remarks>
/// What breaks a watch: any change of the key, its removal and its expiry; with FLUSHDB, FLUSHALL and SWAPDB only if
/// the key exists before or after. A key whose time had come when it was watched, and which only still lies there, may
/// be removed without breaking anything: nothing has changed for anybody (Redis 7.2, "WATCH stale keys").
/// Used under the partition's lock. Look-ups allocate nothing.
/// </remarks>
public sealed class WatchedKeys
{
    private readonly Dictionary<OwnedKey, List<Watch>> _keys = new(new OwnedKey.Comparer());
    private readonly Dictionary<OwnedKey, List<Watch>>.AlternateLookup<Key> _byView;

    internal WatchedKeys() => _byView = _keys.GetAlternateLookup<Key>();

    /// <summary>How many keys are watched.</summary>
    public int Count => _keys.Count;

    /// <summary>Adds a watcher of a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="watcher">Who watches; not yet a watcher of this key.</param>
    /// <param name="isExpired">Whether an entry lies there whose time has come.</param>
    /// <returns>The key by which <see cref="Remove"/> knows it.</returns>
    internal OwnedKey Add(in Key key, Watcher watcher, bool isExpired)
    {
        if (!_byView.TryGetValue(key, out var owned, out var watches))
        {
            owned = OwnedKey.Of(key);
            _keys.Add(owned, watches = []);
        }

        watches.Add(new Watch(watcher, isExpired));
        return owned;
    }

    /// <summary>Removes a watcher of a key.</summary>
    internal void Remove(OwnedKey key, Watcher watcher)
    {
        if (!_keys.TryGetValue(key, out var watches)) return;
        watches.RemoveAll(one => ReferenceEquals(one.Watcher, watcher));
        if (watches.Count == 0) _keys.Remove(key);
    }

    /// <summary>Whether the key's time had come when it was watched.</summary>
    internal bool WasExpired(in Key key, Watcher watcher)
    {
        if (!_byView.TryGetValue(key, out var watches)) return false;
        foreach (var one in watches)
        {
            if (ReferenceEquals(one.Watcher, watcher)) return one.WasExpired;
        }

        return false;
    }

    /// <summary>A key has changed or was removed.</summary>
    internal void Touch(in Key key)
    {
        if (!_byView.TryGetValue(key, out var watches)) return;
        foreach (var one in watches) one.Watcher.Break();
    }

    /// <summary>A key was removed because its time had come.</summary>
    internal void Expire(in Key key)
    {
        if (!_byView.TryGetValue(key, out var watches)) return;
        for (var i = 0; i < watches.Count; i++)
        {
            if (!watches[i].WasExpired) watches[i].Watcher.Break();
            else watches[i] = watches[i] with { WasExpired = false };
        }
    }

    /// <summary>A database's table is exchanged for another one (SWAPDB) or for an empty one (FLUSHDB).</summary>
    /// <param name="database">The database.</param>
    /// <param name="before">Its table so far; null for an empty one.</param>
    /// <param name="after">Its table from now on.</param>
    /// <param name="nowMs">The unit's time.</param>
    internal void Exchange(int database, KeyTable? before, KeyTable? after, long nowMs)
    {
        foreach (var (key, watches) in _keys)
        {
            if (key.Database != database) continue;
            var old = before?.Find(key.Hash, key.Bytes) ?? default;
            var now = after?.Find(key.Hash, key.Bytes) ?? default;
            if (old.IsMissing && now.IsMissing) continue;
            var isDead = !now.IsMissing && Value.IsExpired(now, nowMs);
            for (var i = 0; i < watches.Count; i++)
            {
                // Whoever sees no live key before and none after has seen no change.
                var sawNone = watches[i].WasExpired || old.IsMissing;
                if (sawNone && (now.IsMissing || isDead)) watches[i] = watches[i] with { WasExpired = isDead };
                else watches[i].Watcher.Break();
            }
        }
    }

    private readonly record struct Watch(Watcher Watcher, bool WasExpired);
}
