// The timers of one loop: a binary heap in an array, ordered by (due time, order of start).
//
//     index i has its children at 2i+1 and 2i+2; each timer knows its index, so that cancelling finds it at once
//
// Start, cancel and take: O(log n). Nothing is allocated when a handle is used again and the array is large enough.
// Timers started by a callback fire in the next turn at the earliest, and only so many fire in one turn: a turn's work
// is bounded, and connections are served between many that are due at the same moment.

using System.Diagnostics;

namespace Millrace.Net;

internal sealed class TimerHeap(EventLoop loop)
{
    private const long NeverUs = long.MaxValue;
    private const int MaxPerTurn = 64;

    private LoopTimer?[] _heap = new LoopTimer?[16];
    private int _count;
    private long _sequence;

    /// <summary>Timers that wait.</summary>
    public int Count => _count;

    /// <summary>When the first one is due; long.MaxValue when there is none.</summary>
    public long NextDueUs => _count == 0 ? NeverUs : _heap[0]!.DueUs;

    public void Start(LoopTimer timer, long dueInMs)
    {
        if (timer.IsActive) Cancel(timer);
        long waitUs = Math.Clamp(dueInMs, 0, long.MaxValue / 4000) * 1000;
        timer.DueUs = loop.NowUs + waitUs;
        timer.Sequence = ++_sequence;
        if (_count == _heap.Length) Array.Resize(ref _heap, _count * 2);
        Place(timer, _count++);
        SiftUp(timer);
    }

    public void Cancel(LoopTimer timer)
    {
        int index = timer.HeapIndex;
        if (index < 0) return;
        Debug.Assert(ReferenceEquals(_heap[index], timer), "a timer knows its place");
        timer.HeapIndex = -1;
        LoopTimer last = _heap[--_count]!;
        _heap[_count] = null;
        if (ReferenceEquals(last, timer)) return;
        Place(last, index);
        SiftUp(last);
        SiftDown(last);
    }

    /// <summary>Calls the timers that are due and were started before this call, but no more than some.</summary>
    public void FireDue(long nowUs)
    {
        long newest = _sequence;
        for (int fired = 0; fired < MaxPerTurn && _count > 0; fired++)
        {
            LoopTimer first = _heap[0]!;
            if (first.DueUs > nowUs || first.Sequence > newest) return;
            Cancel(first);
            first.Target(first);
            loop.Steps.End(Stopwatch.GetTimestamp());
        }
    }

    private static bool IsBefore(LoopTimer a, LoopTimer b) =>
        a.DueUs < b.DueUs || (a.DueUs == b.DueUs && a.Sequence < b.Sequence);

    private void Place(LoopTimer timer, int index)
    {
        _heap[index] = timer;
        timer.HeapIndex = index;
    }

    private void SiftUp(LoopTimer timer)
    {
        int index = timer.HeapIndex;
        while (index > 0)
        {
            int parent = (index - 1) / 2;
            LoopTimer above = _heap[parent]!;
            if (!IsBefore(timer, above)) break;
            Place(above, index);
            index = parent;
        }
        Place(timer, index);
    }

    private void SiftDown(LoopTimer timer)
    {
        int index = timer.HeapIndex;
        while (true)
        {
            int child = (2 * index) + 1;
            if (child >= _count) break;
            if (child + 1 < _count && IsBefore(_heap[child + 1]!, _heap[child]!)) child++;
            LoopTimer below = _heap[child]!;
            if (!IsBefore(below, timer)) break;
            Place(below, index);
            index = child;
        }
        Place(timer, index);
    }
}
