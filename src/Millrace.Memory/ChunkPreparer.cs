using Millrace.Memory.Interop;

namespace Millrace.Memory;

/// <summary>
/// The thread that deals with the system on behalf of a <see cref="MemorySource"/>, so that nobody who takes or returns
/// pages waits for it: it gives memory, in huge pages, to the chunks that will be taken next, and takes it from those
/// that are no longer needed.
/// </summary>
/// <remarks>
/// <para>
/// The first touch of a huge page costs 2 to 4 ms, since the system clears it; of a small page 2 us. So a chunk is
/// advised to have huge pages only here, just before it is populated, and advised to have small ones when its memory is
/// taken: whoever is faster than this thread pays for small pages (measured: 2 us per 4 kB), never for a huge one.
/// </para>
/// <para>
/// It sleeps until it is woken, and looks at the clock only while the pace (<see cref="AheadPace"/>) has not come to
/// rest. A chunk that it works on is held: nobody else can have its pages.
/// </para>
/// </remarks>
internal sealed class ChunkPreparer
{
    /// <summary>How long it prepares nothing after the system has refused memory, in milliseconds.</summary>
    internal const int RefusalMs = 1_000;

    private const int StackBytes = 256 * 1024;

    private readonly MemorySource _source;
    private readonly SystemPages _system;
    private readonly AutoResetEvent _wake = new(initialState: true);
    private readonly Thread _thread;
    private AheadPace _pace = new(Environment.TickCount64);
    private long _refusedUntilMs;
    private volatile bool _isStopping;

    /// <summary>Starts the thread.</summary>
    internal ChunkPreparer(MemorySource source, SystemPages system)
    {
        _source = source;
        _system = system;
        _thread = new Thread(Live, StackBytes) { IsBackground = true, Name = "millrace-memory" };
        _thread.Start();
    }

    /// <summary>Says that there may be something to do. Any thread; never waits.</summary>
    internal void Wake() => _wake.Set();

    /// <summary>Ends the thread and waits for its end: at most for one chunk.</summary>
    internal void Stop()
    {
        _isStopping = true;
        _wake.Set();
        _thread.Join();
        _wake.Dispose();
    }

    private void Live()
    {
        while (!_isStopping)
        {
            var nowMs = Environment.TickCount64;
            if (HasWorked(nowMs)) continue;
            var isResting = _pace.IsResting && nowMs >= _refusedUntilMs;
            _wake.WaitOne(isResting ? Timeout.Infinite : AheadPace.TickMs);
        }
    }

    // One piece of work: at most one chunk populated, or one run of chunks discarded.
    private bool HasWorked(long nowMs)
    {
        var (inUse, missed) = _source.ReadUse();
        _pace.Observe(nowMs, inUse, missed);
        if (nowMs >= _refusedUntilMs && HasPrepared(nowMs)) return true;
        if (_source.DiscardQueued()) return true;
        var spare = _pace.IsIdle ? 0 : MemorySource.SpareChunks - 1;
        return _source.DiscardBeyond(_pace.Chunks, _pace.Chunks + spare);
    }

    private bool HasPrepared(long nowMs)
    {
        try
        {
            if (!_source.TryHoldNext(_pace.Chunks, out var first)) return _source.HasPopulatedRecords();
            var address = _source.AddressOf(first);
            _ = _system.TryAdviseHuge(address, MemorySource.ChunkBytes, huge: true); // refused: then small pages
            if (_system.TryPopulate(address, MemorySource.ChunkBytes))
            {
                _source.ReleaseHeld(first, withMemory: true);
                return true;
            }

            _source.DiscardHeld(first);
        }
        catch (InsufficientMemoryException)
        {
            // Nothing is held; whoever needs memory will be told.
        }

        _refusedUntilMs = nowMs + RefusalMs;
        _source.ExpectNoChunks();
        return false;
    }
}
