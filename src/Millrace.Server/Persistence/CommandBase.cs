using System.Globalization;
using System.Text;
using Millrace.Commands;
using Millrace.Engine;
using Millrace.Engine.Codec;
using Millrace.Memory;
using Millrace.Persistence.Aof;
using Millrace.Persistence.Files;
using Millrace.Persistence.Rdb;

namespace Millrace.Server.Persistence;

/// <summary>
/// Turns a snapshot into a base of commands (<c>aof-use-rdb-preamble no</c>): a RESTORE with the value's bytes for each
/// key, in batches with their checksums.
/// </summary>
/// <remarks>
/// <code>
///   snapshot -> value by value, in memory of its own -> RESTORE key deadline payload ABSTTL -> file, fsync, its name
/// </code>
/// Takes the memory of one value at a time, and O(data) on the thread that calls it. Whoever loads it needs RESTORE and
/// the RDB version of the values, as for a snapshot.
/// </remarks>
internal sealed class CommandBase : IRdbSink, IDisposable
{
    private const int BatchBytes = 256 * 1024;
    private const long RegionBytes = 1L << 40;
    private const int MaxShownBytes = 128;

    private readonly MemorySource _memory = new(RegionBytes);
    private readonly Keyspace _keyspace;
    private readonly Unit _unit;
    private readonly EffectBuffer _commands = new();
    private readonly AofBatch _batch;
    private readonly ReplacementFile _file;
    private readonly long _unixSeconds = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
    private int _database = -1;
    private string? _fault;

    private CommandBase(ReplacementFile file, int databases, RdbFormat format, bool hasTimestamps)
    {
        _file = file;
        _keyspace = new Keyspace(new KeyspaceShape(1, databases, 1), _memory, new KeyHasher()) { Format = format };
        _unit = new Unit(_keyspace, seed: 1);
        _unit.TryBegin(_keyspace.AllPartitions, loopUnixMs: 0, patient: true, out _); // nothing is due
        _batch = new AofBatch(hasChecksums: true, hasTimestamps);
        _commands.Reset(isRecording: true);
    }

    /// <inheritdoc/>
    public int Databases => _keyspace.Shape.Databases;

    /// <inheritdoc/>
    public long MostBytes => _keyspace.Budget.MostLoadedBytes;

    /// <summary>Makes the file. The snapshot stays.</summary>
    /// <param name="directory">Where both are.</param>
    /// <param name="snapshot">The name of the snapshot.</param>
    /// <param name="name">The name of the base.</param>
    /// <param name="databases">How many databases there are.</param>
    /// <param name="format">How values are written.</param>
    /// <param name="hasTimestamps">Whether it says when it was made.</param>
    /// <param name="bytes">How long it is.</param>
    /// <returns>Null, or why there is none, as a sentence for the log.</returns>
    public static string? Write(
        AofDirectory directory, string snapshot, string name, int databases, RdbFormat format, bool hasTimestamps,
        out long bytes)
    {
        bytes = 0;
        var id = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        var temporary = directory.PathOf($"temp-rewriteaof-{id}.aof");
        var fault = ReplacementFile.Begin(directory.Files, temporary, new NewFile(Replaces: true), out var file);
        if (file is null) return $"Opening the temp file for AOF rewrite in background: {fault.Reason}";
        using (file)
        using (var made = new CommandBase(file, databases, format, hasTimestamps))
        {
            if (made.Convert(directory, snapshot) is { } reason) return reason;
            bytes = made._batch.Tail.Offset;
            fault = file.Commit(directory.PathOf(name));
            return fault.IsNone ? null : $"Write error writing append only file on disk: {fault}";
        }
    }

    /// <inheritdoc/>
    public void Aux(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        // It is about the snapshot.
    }

    /// <inheritdoc/>
    public void Resize(int database, ulong keys, ulong deadlines)
    {
        // It is about the snapshot.
    }

    /// <inheritdoc/>
    public string? Function(ReadOnlySpan<byte> code) => "functions are not available yet";

    /// <inheritdoc/>
    public RdbTaking Take(in RdbKey key, scoped ref ValueReader value)
    {
        var place = new ValuePlace(_unit, new Key(key.Database, _keyspace.HashOf(key.Name), key.Name));
        if (!ValueCodec.TryRead(ref value, key.Type, place, out var made)) return RdbTaking.Unreadable;
        if (_fault is null) Add(key, made);
        place.Drop(made);
        while (!_keyspace[0].FreeDiscarded(int.MaxValue))
        {
            // Until all of it is free.
        }

        return RdbTaking.Taken;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _unit.End();
        _keyspace.Dispose();
        _memory.Dispose();
    }

    private string? Convert(AofDirectory directory, string snapshot)
    {
        if (directory.Files.Open(directory.PathOf(snapshot), out var file) is { } reason)
            return $"The snapshot for the base of the append only file cannot be opened: {reason}";
        using (file)
        {
            var outcome = new RdbReader(new RdbInput(file!), this, _keyspace[0].Heap, verifies: true).Read();
            if (!outcome.IsComplete) return outcome.Fault.ToString();
        }

        if (_commands.Bytes.Length > 0) WriteBatch();
        return _fault;
    }

    private void Add(in RdbKey key, in Entry entry)
    {
        var heap = _keyspace[0].Heap;
        var type = ValueCodec.TypeOf(entry, _keyspace.Format, nowMs: 0);
        var encoded = _unit.Encoded;
        encoded.Begin(heap, ValueCodec.ExpectedBytes(entry));
        var writer = new ValueWriter(encoded, heap, _keyspace.Format);
        writer.Type(type);
        ValueCodec.Write(ref writer, entry, type, nowMs: 0);
        writer.End();
        encoded.Seal(_keyspace.Format.VersionOf(type));
        var isTooLong = encoded.IsTooLong || encoded.Length + (long)key.Name.Length > EncodedValue.MaxBytes;
        if (type == RdbType.None || isTooLong) _fault = NoForm(key);
        else AddCommand(key, encoded.Bytes);
        encoded.Clear();
        if (_commands.Bytes.Length >= BatchBytes) WriteBatch();
    }

    private static string NoForm(in RdbKey key)
    {
        var name = Encoding.Latin1.GetString(ErrorTexts.Quotable(key.Name, MaxShownBytes));
        return $"The value of the key '{name}' in DB {key.Database} has no form as a command, which has at most 2 GB. "
            + "With aof-use-rdb-preamble yes it can be written";
    }

    private void AddCommand(in RdbKey key, ReadOnlySpan<byte> payload)
    {
        if (key.Database != _database)
        {
            _database = key.Database;
            _commands.Begin(2);
            _commands.Argument("SELECT"u8);
            _commands.Argument(_database);
        }

        _commands.Begin(5);
        _commands.Argument("RESTORE"u8);
        _commands.Argument(key.Name);
        _commands.Argument(key.DeadlineMs < 0 ? 0 : Math.Max(key.DeadlineMs, 1));
        _commands.Argument(payload);
        _commands.Argument("ABSTTL"u8);
    }

    private void WriteBatch()
    {
        if (!_batch.TryAdd(_commands.Bytes, _unixSeconds)) _fault ??= "a value is too long for a command";
        _commands.Reset(isRecording: true);
        _batch.Seal();
        var fault = _file.Write(_batch.Bytes);
        if (!fault.IsNone) _fault ??= $"Write error writing append only file on disk: {fault}";
        _batch.Clear();
    }
}
