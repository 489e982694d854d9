using Millrace.Memory.Interop;

namespace Millrace.Memory;

/// <summary>
/// What is known about the 2 MB chunks of a <see cref="MemorySource"/>: how many of their pages are taken, and whether
/// they have memory. Used under the source's lock.
/// </summary>
/// <remarks>
/// <code>
///   no memory   none of its pages was ever taken, or it was discarded
///   free        has memory, no page is taken
///   in use      has memory, some pages are taken
///   held        whole and by the source itself, to be prepared or discarded: all pages count as taken
/// </code>
/// All calls are O(chunks concerned).
/// </remarks>
/// <param name="system">Commits chunks.</param>
/// <param name="baseAddress">Where chunk 0 begins.</param>
/// <param name="count">How many chunks the region has.</param>
internal sealed class ChunkMap(SystemPages system, nint baseAddress, int count)
{
    private const int PagesPerChunk = MemorySource.PagesPerChunk;

    private readonly ChunkState[] _chunks = new ChunkState[count];

    /// <summary>Bytes of the chunks that have memory, or may have.</summary>
    internal long CommittedBytes { get; private set; }

    /// <summary>How many chunks have memory and no page in use.</summary>
    internal int FreeCount { get; private set; }

    /// <summary>Chunks ever taken into use.</summary>
    internal long OpenedCount { get; private set; }

    /// <summary>How many chunks have a page in use.</summary>
    internal int InUseCount { get; private set; }

    /// <summary>How many were taken into use that had no memory.</summary>
    internal long MissedCount { get; private set; }

    /// <summary>Where a chunk begins.</summary>
    internal nint AddressOf(int chunk) => baseAddress + ((nint)chunk * MemorySource.ChunkBytes);

    /// <summary>Whether a chunk has memory.</summary>
    internal bool HasMemory(int chunk) => _chunks[chunk].HasMemory;

    /// <summary>Whether a chunk has memory that nobody uses.</summary>
    internal bool IsFree(int chunk) => _chunks[chunk] is { HasMemory: true, TakenPages: 0 };

    /// <summary>Counts pages as taken.</summary>
    /// <exception cref="InsufficientMemoryException">The system refuses memory; no page is counted.</exception>
    internal void Take(int first, int pages)
    {
        GiveMemory(first / PagesPerChunk, (first + pages - 1) / PagesPerChunk);
        for (int page = first, end = first + pages; page < end;)
        {
            var chunk = page / PagesPerChunk;
            var next = Math.Min(end, (chunk + 1) * PagesPerChunk);
            ref var state = ref _chunks[chunk];
            if (state.TakenPages == 0) Open();
            state.TakenPages += (byte)(next - page);
            page = next;
        }
    }

    /// <summary>Counts pages as free.</summary>
    internal void Give(int first, int pages)
    {
        for (int page = first, end = first + pages; page < end;)
        {
            var chunk = page / PagesPerChunk;
            var next = Math.Min(end, (chunk + 1) * PagesPerChunk);
            ref var state = ref _chunks[chunk];
            state.TakenPages -= (byte)(next - page);
            if (state.TakenPages == 0) Close();
            page = next;
        }
    }

    /// <summary>Takes whole chunks out of use. Requires: no page of theirs is taken.</summary>
    /// <exception cref="InsufficientMemoryException">The system refuses memory; nothing has changed.</exception>
    internal void Hold(int from, int to)
    {
        for (var chunk = from; chunk < to; chunk++)
        {
            ref var state = ref _chunks[chunk];
            if (state.HasMemory) FreeCount--;
            else Commit(chunk, ref state);
            state.TakenPages = PagesPerChunk;
        }
    }

    /// <summary>Ends <see cref="Hold"/>: the chunks are free, with memory or without.</summary>
    internal void Release(int from, int to, bool withMemory)
    {
        for (var chunk = from; chunk < to; chunk++)
        {
            ref var state = ref _chunks[chunk];
            state.TakenPages = 0;
            state.HasMemory = withMemory;
            if (withMemory) FreeCount++;
            else CommittedBytes -= MemorySource.ChunkBytes;
        }
    }

    /// <summary>Whether the sums agree with the chunks. For tests.</summary>
    internal bool IsSound()
    {
        var committed = 0L;
        var free = 0;
        for (var chunk = 0; chunk < _chunks.Length; chunk++)
        {
            if (HasMemory(chunk)) committed += MemorySource.ChunkBytes;
            if (IsFree(chunk)) free++;
        }

        return committed == CommittedBytes && free == FreeCount;
    }

    // Whoever takes a chunk without memory has to touch it first: that is a miss.
    private void GiveMemory(int firstChunk, int lastChunk)
    {
        for (var chunk = firstChunk; chunk <= lastChunk; chunk++)
        {
            ref var state = ref _chunks[chunk];
            if (state.HasMemory) continue;
            Commit(chunk, ref state);
            MissedCount++;
            FreeCount++;
        }
    }

    private void Open()
    {
        FreeCount--;
        OpenedCount++;
        InUseCount++;
    }

    private void Close()
    {
        FreeCount++;
        InUseCount--;
    }

    private void Commit(int chunk, ref ChunkState state)
    {
        system.Commit(AddressOf(chunk), MemorySource.ChunkBytes);
        state.HasMemory = true;
        CommittedBytes += MemorySource.ChunkBytes;
    }

    private struct ChunkState
    {
        internal byte TakenPages;
        internal bool HasMemory;
    }
}
