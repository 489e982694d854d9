namespace Millrace.Persistence.Rdb;

/// <summary>
/// Batches between the thread that cuts records and one that makes them: full ones on their way there, in order, empty
/// ones on their way back. There are at most <see cref="MaxBatches"/>, so that who is ahead waits.
/// </summary>
internal sealed class BatchQueue
{
    /// <summary>How many batches there are at most.</summary>
    public const int MaxBatches = 6;

    private readonly object _gate = new(); // guards what follows; held for moments
    private readonly Queue<RecordBatch> _full = new();
    private readonly Stack<RecordBatch> _empty = new();
    private int _made;
    private bool _isClosed;

    /// <summary>An empty batch. Waits for one while all are full.</summary>
    public RecordBatch TakeEmpty()
    {
        lock (_gate)
        {
            while (_empty.Count == 0 && _made == MaxBatches) Monitor.Wait(_gate);
            if (_empty.TryPop(out var batch)) return batch;
            _made++;
        }

        return new RecordBatch();
    }

    /// <summary>Hands a batch over.</summary>
    public void Give(RecordBatch batch)
    {
        lock (_gate)
        {
            _full.Enqueue(batch);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>No batch follows any more.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The next full batch; null when none follows. Waits for it.</summary>
    public RecordBatch? Take()
    {
        lock (_gate)
        {
            while (_full.Count == 0 && !_isClosed) Monitor.Wait(_gate);
            return _full.TryDequeue(out var batch) ? batch : null;
        }
    }

    /// <summary>Gives a batch back that was worked through.</summary>
    public void GiveBack(RecordBatch batch)
    {
        batch.Clear();
        lock (_gate)
        {
            _empty.Push(batch);
            Monitor.PulseAll(_gate);
        }
    }
}
