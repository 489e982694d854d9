using Millrace.Engine.Codec;

namespace Millrace.Persistence.Rdb;

/// <summary>
/// Fills batches with records for one loading thread. A value is written to it as to any other sink, however long it
/// is.
/// </summary>
/// <remarks>
/// <code>
///   Begin -> a ValueWriter on it: name, value -> EndRecord, or GiveUp -> ... -> HandOver -> Close
/// </code>
/// Used by the thread that cuts.
/// </remarks>
/// <param name="queue">Where batches go.</param>
internal sealed class RecordLane(BatchQueue queue) : ValueSink
{
    // A record begins only where so much is free: most are shorter, and lie in one batch.
    private const int LeastFreeBytes = 1024;

    private RecordBatch? _batch;
    private bool _beganBefore; // the record that is being written, in a batch that was handed over

    /// <summary>Begins a record; its name and its value are to be written.</summary>
    public void Begin(in RdbKey key, ulong hash, long mostBytes)
    {
        var isFull = _batch is not null
            && (_batch.Count == RecordBatch.MaxRecords || _batch.Room.Length < LeastFreeBytes);
        if (isFull) HandOver();
        var batch = _batch ??= queue.TakeEmpty();
        batch.Records[batch.Count++] = new CutRecord(key, hash, mostBytes, batch.Filled);
        _beganBefore = false;
    }

    /// <inheritdoc/>
    public override Span<byte> Next(int filled)
    {
        _batch!.Filled += filled;
        if (_batch.Room.Length < MinRoomBytes) GoOn();
        return _batch.Room;
    }

    /// <inheritdoc/>
    public override void End(int filled) => _batch!.Filled += filled;

    /// <summary>All of the record was written.</summary>
    public void EndRecord()
    {
        if (_beganBefore) _batch!.HeadBytes = _batch.Filled;
        else _batch!.Ends[_batch.Count - 1] = _batch.Filled;
    }

    /// <summary>The record ends early: whoever has a part of it finds that nothing follows. Nothing else may be written
    /// any more.</summary>
    public void GiveUp()
    {
        var batch = _batch!;
        if (!_beganBefore) batch.Filled = batch.Records[--batch.Count].Start;
        else batch.Clear();
    }

    /// <summary>Hands over what there is, between two records.</summary>
    public void HandOver()
    {
        if (_batch is not { Filled: > 0 } batch) return;
        _batch = null;
        queue.Give(batch);
    }

    /// <summary>Hands over what there is; nothing follows.</summary>
    public void Close()
    {
        HandOver();
        queue.Close();
    }

    private void GoOn()
    {
        var batch = _batch!;
        batch.GoesOn = true;
        if (_beganBefore) batch.HeadBytes = batch.Filled;
        _beganBefore = true;
        queue.Give(batch);
        _batch = queue.TakeEmpty();
    }
}
