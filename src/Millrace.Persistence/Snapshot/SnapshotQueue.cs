namespace Millrace.Persistence.Snapshot;

/// <summary>
/// Chunks on their way from the partitions to the thread that writes the file, in the order in which they were handed
/// over, and a count of all memory that chunks take.
/// </summary>
/// <remarks>Thread-safe. Nothing else is locked under its lock. Nobody waits here but that thread, which is woken when
/// there is enough to write for the system call that wakes it, and looks by itself now and then.</remarks>
internal sealed class SnapshotQueue
{
    private const int WakeBytes = 512 * 1024;
    private const int LookMs = 5;

    private readonly object _sync = new();
    private readonly Queue<SnapshotChunk> _chunks = new();
    private bool _isEnded;
    private bool _isWaiting;
    private long _heldBytes;
    private long _queuedBytes;
    private long _asideBytes;

    /// <summary>The memory of all chunks that are not written yet, also of those that are still being filled.</summary>
    internal long HeldBytes => Volatile.Read(ref _heldBytes);

    /// <summary>The memory of chunks that were taken and set aside, because a long record comes first.</summary>
    internal long AsideBytes => Volatile.Read(ref _asideBytes);

    /// <summary>What those take that were handed over, large strings included.</summary>
    internal long QueuedBytes => Volatile.Read(ref _queuedBytes);

    /// <summary>Counts memory that a chunk has taken.</summary>
    internal void Hold(long bytes)
    {
        if (bytes != 0) Interlocked.Add(ref _heldBytes, bytes); // after each entry, mostly of nothing
    }

    /// <summary>Hands a chunk over.</summary>
    internal void Add(SnapshotChunk chunk)
    {
        lock (_sync)
        {
            if (_isEnded)
            {
                Free(chunk); // nobody takes it any more
                return;
            }

            _queuedBytes += chunk.WorkBytes;
            _chunks.Enqueue(chunk);
            if (_isWaiting && _queuedBytes >= WakeBytes) Monitor.Pulse(_sync);
        }
    }

    /// <summary>No chunk comes any more.</summary>
    internal void End()
    {
        lock (_sync)
        {
            _isEnded = true;
            Monitor.Pulse(_sync);
        }
    }

    /// <summary>Waits for the next chunk; false when there is none and will be none.</summary>
    internal bool TryTake(out SnapshotChunk? chunk)
    {
        lock (_sync)
        {
            while (!_chunks.TryDequeue(out chunk))
            {
                if (_isEnded) return false;
                _isWaiting = true;
                Monitor.Wait(_sync, LookMs);
                _isWaiting = false;
            }

            _queuedBytes -= chunk.WorkBytes;
            return true;
        }
    }

    /// <summary>Counts what is set aside.</summary>
    internal void SetAside(long bytes) => Interlocked.Add(ref _asideBytes, bytes);

    /// <summary>Frees a chunk that is written or given up.</summary>
    internal void Free(SnapshotChunk chunk)
    {
        Interlocked.Add(ref _heldBytes, -chunk.HeldBytes);
        chunk.Free();
    }
}
