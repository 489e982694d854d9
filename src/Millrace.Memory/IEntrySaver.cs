namespace Millrace.Memory;

/// <summary>Takes what a snapshot needs before it changes, while the heap's lock is held.</summary>
public interface IEntrySaver
{
    /// <summary>An entry as it is at the snapshot's cut, shown once, and about to change. Must not change the table,
    /// nor allocate from the heap.</summary>
    /// <param name="table">The header of the entry's table.</param>
    /// <param name="entry">The entry.</param>
    void Save(BlockRef table, BlockRef entry);

    /// <summary>A block of a deque's or a stream's content that is about to change or to be freed. Told of every such
    /// block while there is a saver, whether or not it was there at the cut, and again of one that it knows.</summary>
    /// <param name="owner">The block by which the deque or the stream is known.</param>
    /// <param name="block">The block.</param>
    /// <param name="content">What it holds.</param>
    void SaveContent(BlockRef owner, BlockRef block, ReadOnlySpan<byte> content);
}
