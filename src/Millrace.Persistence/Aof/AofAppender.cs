using Millrace.Persistence.Files;

namespace Millrace.Persistence.Aof;

/// <summary>
/// The end of one append-only file: what is appended there, batch by batch, and where it ended when all was well.
/// </summary>
/// <remarks>
/// <code>
///   file   [ whole batches | what a write that failed has left ]
///                          ^ Length: cut back to here, and written again from here on
/// </code>
/// A batch that could not be written stays, and is what <see cref="Write"/> tries again: nothing else can be added
/// before. One thread; <see cref="IAppendFile.Sync"/> of <see cref="File"/> may run on another.
/// </remarks>
/// <param name="file">The file; it is this one's now.</param>
/// <param name="tail">Where its last whole item ends.</param>
/// <param name="hasTimestamps">The directive <c>aof-timestamp-enabled</c>.</param>
public sealed class AofAppender(IAppendFile file, AofTail tail, bool hasTimestamps) : IDisposable
{
    private readonly AofBatch _batch = Begin(tail, hasTimestamps);

    /// <summary>Whether batches begin with a timestamp when the second has changed.</summary>
    public bool HasTimestamps
    {
        get => _batch.HasTimestamps;
        set => _batch.HasTimestamps = value;
    }

    /// <summary>The file.</summary>
    public IAppendFile File => file;

    /// <summary>Where the last batch ends that is in the file, in bytes.</summary>
    public long Length { get; private set; } = tail.Offset;

    /// <summary>Whether a batch waits to be written again.</summary>
    public bool IsPending => !_batch.IsEmpty;

    /// <summary>Makes whole blocks the next batch. Requires: none is pending.</summary>
    /// <param name="blocks">Requests in protocol form, at most <see cref="AofBatch.MaxBytes"/>; copied.</param>
    /// <param name="unixSeconds">When the first of them ran.</param>
    public void Add(ReadOnlySpan<byte> blocks, long unixSeconds)
    {
        if (IsPending || !_batch.TryAdd(blocks, unixSeconds))
            throw new InvalidOperationException("a batch is written before the next one");
        _batch.Seal();
    }

    /// <summary>Writes the batch that is pending. Null when it is in the file, or why it is not, in the system's
    /// words: then the file was cut back to <see cref="Length"/>, if that was possible.</summary>
    public string? Write()
    {
        if (file.Write(Length, _batch.Bytes) is { } reason)
        {
            _ = file.Truncate(Length); // when that fails a loader cuts it, or the next attempt overwrites it
            return reason;
        }

        Length += _batch.Bytes.Length;
        _batch.Clear();
        return null;
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private static AofBatch Begin(AofTail tail, bool hasTimestamps)
    {
        var batch = new AofBatch(hasChecksums: true, hasTimestamps);
        batch.Resume(tail);
        return batch;
    }
}
