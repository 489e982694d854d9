using System.Collections.Concurrent;
using Millrace.Memory.Interop;

namespace Millrace.Memory.Tests;

/// <summary>
/// The system as a test wants it: it refuses what it is told to refuse, can be made to wait, and notes who asked.
/// </summary>
internal sealed class SystemPagesFake : SystemPages, IDisposable
{
    private int _populated;
    private int _discarded;
    private int _hugeChunks;

    internal volatile bool RefusesHuge;
    internal volatile bool RefusesPopulate;
    internal volatile bool RefusesCommit;

    /// <summary>Populating and discarding wait until this is set.</summary>
    internal ManualResetEventSlim Gate { get; } = new(initialState: true);

    /// <summary>The threads that have populated or discarded.</summary>
    internal ConcurrentDictionary<int, bool> Workers { get; } = new();

    internal int Populated => Volatile.Read(ref _populated);

    internal int Discarded => Volatile.Read(ref _discarded);

    internal int HugeChunks => Volatile.Read(ref _hugeChunks);

    /// <summary>Opens the gate, so that a failed test leaves no thread behind that waits.</summary>
    public void Dispose() => Gate.Set();

    internal override void Commit(nint address, nint sizeBytes)
    {
        if (RefusesCommit) throw new InsufficientMemoryException("refused");
        base.Commit(address, sizeBytes);
    }

    internal override bool TryAdviseHuge(nint address, nint sizeBytes, bool huge)
    {
        if (RefusesHuge) return false;
        if (huge) Interlocked.Increment(ref _hugeChunks);
        return base.TryAdviseHuge(address, sizeBytes, huge);
    }

    internal override bool TryPopulate(nint address, nint sizeBytes)
    {
        Work();
        Interlocked.Increment(ref _populated);
        return !RefusesPopulate && base.TryPopulate(address, sizeBytes);
    }

    internal override void Discard(nint address, nint sizeBytes)
    {
        Work();
        base.Discard(address, sizeBytes);
        Interlocked.Add(ref _discarded, (int)(sizeBytes / MemorySource.ChunkBytes));
    }

    private void Work()
    {
        Workers[Environment.CurrentManagedThreadId] = true;
        Gate.Wait();
    }
}
