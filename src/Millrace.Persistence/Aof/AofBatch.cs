using System.Globalization;
using System.Text;

namespace Millrace.Persistence.Aof;

/// <summary>
/// What is appended to an append-only file next: blocks of commands, and the annotations around them.
/// </summary>
/// <remarks>
/// <code>
///   BeginFile ---> [ #TS:...\r\n ] block [ #TS:...\r\n ] block ... #CRC:...\r\n ---> to the file ---> Clear ---> ...
///     SELECT           when the second has changed                   Seal
/// </code>
/// Only bytes are made here: whoever owns the file appends <see cref="Bytes"/>, all of them, and clears. When that
/// fails and the file is cut back to where it ended before, <see cref="Resume"/> with the tail it had then.
/// Blocks are whole: every MULTI has its EXEC in the same block. Not thread-safe. Buffers grow with what is appended
/// and are given back beyond <see cref="KeptBytes"/>. O(bytes).
/// </remarks>
public sealed class AofBatch
{
    /// <summary>A batch holds at most so many bytes.</summary>
    public static readonly int MaxBytes = Array.MaxLength - (2 * AofAnnotation.MaxWrittenBytes);

    /// <summary>A buffer of at most so many bytes is kept for the next batch.</summary>
    public const int KeptBytes = 1024 * 1024;

    private const int FirstBytes = 4096;

    private readonly bool _hasChecksums;
    private byte[] _bytes = [];
    private int _length;
    private int _counted;           // the tail is behind this byte of the batch
    private AofTail _tail;
    private long _timestamp;

    /// <summary>An empty batch for the beginning of a file.</summary>
    /// <param name="hasChecksums">Whether batches end with a checksum.</param>
    /// <param name="hasTimestamps">The directive <c>aof-timestamp-enabled</c>.</param>
    public AofBatch(bool hasChecksums, bool hasTimestamps)
    {
        _hasChecksums = hasChecksums;
        HasTimestamps = hasTimestamps;
    }

    /// <summary>The directive <c>aof-timestamp-enabled</c>.</summary>
    public bool HasTimestamps { get; set; }

    /// <summary>What is to be appended. Valid until the batch is next changed.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    /// <summary>Whether there is nothing to append.</summary>
    public bool IsEmpty => _length == 0;

    /// <summary>Where the file ends when this batch is in it. O(bytes that were appended since).</summary>
    public AofTail Tail
    {
        get
        {
            _tail = _tail.With(_bytes.AsSpan(_counted, _length - _counted));
            _counted = _length;
            return _tail;
        }
    }

    /// <summary>Begins a new file, with the command that selects a database. Requires: the batch is empty.</summary>
    /// <param name="database">The database of the first block.</param>
    public void BeginFile(int database)
    {
        Resume(default);
        var number = database.ToString(CultureInfo.InvariantCulture);
        Add(Encoding.ASCII.GetBytes($"*2\r\n$6\r\nSELECT\r\n${number.Length}\r\n{number}\r\n"));
    }

    /// <summary>Goes on at the end of a file that is there. What is appended must begin with a SELECT, since a loader
    /// begins with database 0 in each file. Requires: the batch is empty.</summary>
    /// <param name="tail">What its reader said, once the file ends there.</param>
    public void Resume(AofTail tail)
    {
        if (!IsEmpty) throw new InvalidOperationException("what is not written yet belongs to the file before");
        _tail = tail;
        _timestamp = 0;
    }

    /// <summary>Adds a block of whole commands.</summary>
    /// <param name="block">Requests in protocol form; copied.</param>
    /// <param name="unixSeconds">When they ran, in seconds since 1970.</param>
    /// <returns>False when there is no room: append what is there first. A batch that is empty has room for
    /// <see cref="MaxBytes"/>.</returns>
    public bool TryAdd(ReadOnlySpan<byte> block, long unixSeconds)
    {
        if (block.Length > MaxBytes - _length) return false;
        if (HasTimestamps && unixSeconds > _timestamp)
        {
            Span<byte> line = stackalloc byte[AofAnnotation.MaxWrittenBytes];
            Add(line[..AofAnnotation.WriteTimestamp(unixSeconds, line)]);
            _timestamp = unixSeconds;
        }

        Add(block);
        return true;
    }

    /// <summary>Ends the batch with the checksum of all that has none. Without checksums, and when there is nothing
    /// that has none, nothing is added.</summary>
    public void Seal()
    {
        var tail = Tail;
        if (!_hasChecksums || tail.UncoveredBytes == 0) return;
        Span<byte> line = stackalloc byte[AofAnnotation.MaxWrittenBytes];
        line = line[..AofAnnotation.WriteChecksum(tail, line)];
        Add(line);
        _tail = tail.Covered(line.Length);
        _counted = _length;
    }

    /// <summary>Empties the batch: it is in the file.</summary>
    public void Clear()
    {
        _tail = Tail;
        (_length, _counted) = (0, 0);
        if (_bytes.Length > KeptBytes) _bytes = [];
    }

    private void Add(ReadOnlySpan<byte> bytes)
    {
        var needed = _length + bytes.Length;
        if (needed > _bytes.Length)
        {
            var grown = Math.Max(Math.Max(FirstBytes, needed), (int)Math.Min(Array.MaxLength, 2L * _bytes.Length));
            Array.Resize(ref _bytes, grown);
        }

        bytes.CopyTo(_bytes.AsSpan(_length));
        _length = needed;
    }
}
