// Completed operations on their way from any thread to a loop, and the loop's place to sleep.
//
// No completion is overslept: the loop sets _isWaiting (full fence) and then looks at the queue; a completing thread
// appends, and then (full fence) looks at _isWaiting. At least one of them sees the other. The signal remembers a Set
// that comes before the wait; one left over from a wait that ended by itself costs an empty turn.

using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Millrace.Net;

internal sealed class CompletionQueue : IDisposable
{
    private readonly ConcurrentQueue<SocketOperation> _arrived = new();
    private readonly Queue<SocketOperation> _local = new();
    private readonly AutoResetEvent _signal = new(initialState: false);
    private int _isWaiting;

    /// <summary>Operations that wait. On the loop's thread.</summary>
    public int Count => _local.Count + _arrived.Count;

    /// <summary>Appends. Any thread.</summary>
    public void Add(SocketOperation operation)
    {
        _arrived.Enqueue(operation);
        if (Interlocked.Exchange(ref _isWaiting, 0) == 1) Wake();
    }

    /// <summary>Appends an operation that was complete at once. On the loop's thread.</summary>
    public void AddLocal(SocketOperation operation) => _local.Enqueue(operation);

    /// <summary>Takes one. On the loop's thread.</summary>
    public bool TryTake([NotNullWhen(true)] out SocketOperation? operation) =>
        _local.TryDequeue(out operation) || _arrived.TryDequeue(out operation);

    /// <summary>Ends the sleep, or the next one. Any thread.</summary>
    public void Wake()
    {
        try
        {
            _signal.Set();
        }
        catch (ObjectDisposedException)
        {
            // The loop has ended: there is nobody to wake.
        }
    }

    /// <summary>Sleeps until something has arrived. On the loop's thread.</summary>
    public void Wait(int timeoutMs)
    {
        if (timeoutMs == 0 || _local.Count > 0) return;
        Interlocked.Exchange(ref _isWaiting, 1);
        if (_arrived.IsEmpty) _signal.WaitOne(timeoutMs < 0 ? Timeout.Infinite : timeoutMs);
        Interlocked.Exchange(ref _isWaiting, 0);
    }

    public void Dispose() => _signal.Dispose();
}
