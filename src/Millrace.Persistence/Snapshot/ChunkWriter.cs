using System.Buffers;
using Millrace.Engine.Codec;
using Millrace.Persistence.Rdb;

namespace Millrace.Persistence.Snapshot;

/// <summary>
/// Writes chunks to the file: names the database when it is another than before, compresses texts, and keeps the pieces
/// of a long record together.
/// </summary>
/// <remarks>
/// <code>
///   while a long record is open, chunks of others are set aside; they follow when it has ended
/// </code>
/// At most one long record is open at a time (<see cref="KeyspaceSnapshot.TryOpenRecord"/>). Used by one thread.
/// </remarks>
internal sealed class ChunkWriter
{
    private readonly RdbOutput _output;
    private readonly RdbWriter _records;
    private readonly RdbFormat _format;
    private readonly (long Keys, long Deadlines)[] _counts;
    private readonly bool[] _isNamed;
    private readonly List<SnapshotChunk> _aside = [];
    private LongRecord? _open;
    private int _database = -1;
    private byte[] _room = [];

    internal ChunkWriter(
        RdbOutput output, RdbWriter records, RdbFormat format, (long Keys, long Deadlines)[] counts)
    {
        _output = output;
        _records = records;
        _format = format;
        _counts = counts;
        _isNamed = new bool[counts.Length];
    }

    /// <summary>Writes a chunk, or sets it aside; frees it when it is written.</summary>
    /// <returns>How many keys were written.</returns>
    internal long Write(SnapshotChunk chunk, SnapshotQueue queue)
    {
        if (_open is not null && chunk.Record != _open)
        {
            _aside.Add(chunk);
            queue.SetAside(chunk.WorkBytes);
            return 0;
        }

        _open = chunk.EndsRecord ? null : chunk.Record;
        long keys = WriteNow(chunk, queue);
        if (_open is not null) return keys;
        foreach (var one in _aside)
        {
            queue.SetAside(-one.WorkBytes);
            keys += WriteNow(one, queue);
        }

        _aside.Clear();
        return keys;
    }

    /// <summary>Frees what was set aside and will not be written.</summary>
    internal void FreeSetAside(SnapshotQueue queue)
    {
        foreach (var chunk in _aside)
        {
            queue.SetAside(-chunk.WorkBytes);
            queue.Free(chunk);
        }

        _aside.Clear();
    }

    private int WriteNow(SnapshotChunk chunk, SnapshotQueue queue)
    {
        if (chunk.Database != _database) Name(chunk.Database);
        var written = 0;
        foreach (var text in chunk.Texts)
        {
            _output.Append(chunk.Bytes[written..text.At]);
            Write(chunk.BytesOf(text));
            written = text.Blob.IsNull ? text.At + text.Bytes : text.At;
        }

        _output.Append(chunk.Bytes[written..]);
        var keys = chunk.Keys;
        queue.Free(chunk);
        return keys;
    }

    private void Name(int database)
    {
        _database = database;
        if (_isNamed[database]) _records.DatabaseAgain(database);
        else _records.Database(database, _counts[database].Keys, _counts[database].Deadlines);
        _isNamed[database] = true;
    }

    private void Write(ReadOnlySpan<byte> text)
    {
        var writer = new ValueWriter(_output);
        if (_format.Compresses)
        {
            if (_room.Length < text.Length)
            {
                ArrayPool<byte>.Shared.Return(_room);
                _room = ArrayPool<byte>.Shared.Rent(text.Length);
            }

            writer.Text(text, _room);
        }
        else
        {
            writer.Length(text.Length);
            writer.Bytes(text);
        }

        writer.End();
    }
}
