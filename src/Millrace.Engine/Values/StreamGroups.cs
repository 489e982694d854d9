using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>
/// The consumer groups of a stream, in the order of their names.
/// </summary>
/// <remarks>
/// <code>
///   stream header -> index of groups: name -> group -> pending entries: ID -> when, how often, consumer
///                                              |
///                                              +--> index of consumers: name -> consumer -> IDs that it has
/// </code>
/// An entry that is pending is once in its group's index and once in its consumer's. A handle may be copied; it is used
/// under the partition's lock.
/// </remarks>
public readonly struct StreamGroups
{
    private readonly Heap _heap;
    private readonly StreamLog _log;

    internal StreamGroups(Heap heap, StreamLog log)
    {
        _heap = heap;
        _log = log;
    }

    /// <summary>How many there are.</summary>
    public long Count => _log.Head.Groups.IsNull ? 0 : Index.Count;

    /// <summary>Bytes of all groups with what they own. O(groups + consumers).</summary>
    internal long AllocatedBytes
    {
        get
        {
            if (_log.Head.Groups.IsNull) return 0;
            var sum = Index.AllocatedBytes;
            for (var i = 0L; i < Index.Count; i++) sum += this[i].AllocatedBytes;
            return sum;
        }
    }

    private NameIndex Index => new(_heap, _log.Head.Groups);

    /// <summary>The group with so many names before its own. O(log n).</summary>
    public StreamGroup this[long rank] => At(Index.At(rank).Member);

    /// <summary>The group of a name, or one that is missing.</summary>
    public StreamGroup Find(ReadOnlySpan<byte> name)
    {
        if (_log.Head.Groups.IsNull) return default;
        var found = Index.Find(name);
        return found.IsNull ? default : At(found);
    }

    /// <summary>Adds a group. Requires: there is none of this name.</summary>
    public StreamGroup Add(ReadOnlySpan<byte> name, StreamId lastId, long entriesRead)
    {
        var group = StreamGroup.Create(_heap, lastId, entriesRead);
        Enter(name, group);
        return group;
    }

    /// <summary>Gives a group to another stream in the same heap. Requires: that has none of this name.</summary>
    internal void Give(StreamGroup group, StreamGroups other)
    {
        var name = group.NameBlock;
        other.Enter(group.Name, group);
        Index.Remove(name);
    }

    /// <summary>Removes a group with all its consumers. O(pending entries).</summary>
    internal void Remove(StreamGroup group)
    {
        while (!group.FreeSome(int.MaxValue))
        {
        }

        var name = group.NameBlock;
        group.FreeEmpty();
        Index.Remove(name);
    }

    /// <summary>Whether a group needs an entry: it has not read it, or not acknowledged it. O(groups log n).</summary>
    public bool Need(StreamId id)
    {
        for (var i = 0L; i < Count; i++)
        {
            var group = this[i];
            if (group.LastId < id || group.Pending.TryFind(id.Ms, id.Seq, out _)) return true;
        }

        return false;
    }

    /// <summary>Removes all references to an entry: it is pending in no group. O(groups log n).</summary>
    /// <returns>In how many groups it was pending.</returns>
    public int Forget(StreamId id)
    {
        var forgotten = 0;
        for (var i = 0L; i < Count; i++)
        {
            if (this[i].Acknowledge(id)) forgotten++;
        }

        return forgotten;
    }

    /// <summary>The last ID that all groups have handed out; the greatest ID when there are none.</summary>
    internal StreamId ReadByAll()
    {
        var least = StreamId.Max;
        for (var i = 0L; i < Count; i++)
        {
            if (this[i].LastId < least) least = this[i].LastId;
        }

        return least;
    }

    /// <summary>Frees a part of the groups; true when none is left. After that the stream is good for nothing but
    /// freeing.</summary>
    internal bool FreeSome(int max)
    {
        var head = _log.Head;
        if (head.Groups.IsNull) return true;
        if (Index.Count > 0)
        {
            var group = this[0];
            if (!group.FreeSome(max)) return false;
            Remove(group);
            return false;
        }

        Index.Free();
        head.Groups = default;
        return true;
    }

    /// <summary>Gives another stream a copy of all groups. Requires: it has none.</summary>
    internal void CopyTo(StreamGroups target)
    {
        for (var i = 0L; i < Count; i++)
        {
            var group = this[i];
            group.CopyTo(target.Add(group.Name, group.LastId, group.EntriesRead));
        }
    }

    private void Enter(ReadOnlySpan<byte> name, StreamGroup group)
    {
        var head = _log.Head;
        if (head.Groups.IsNull) head.Groups = NameIndex.Create(_heap).Header;
        group.NameBlock = Index.Add(name, group.Block.Value);
    }

    private StreamGroup At(BlockRef name) => new(_heap, BlockRef.FromValue(NameIndex.Word(_heap, name)));
}
