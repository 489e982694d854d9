using System.Text;
using Millrace.Persistence.Loading;
using Millrace.Resp;

namespace Millrace.Persistence.Aof;

/// <summary>
/// Reads one append-only file and delivers its commands.
/// </summary>
/// <remarks>
/// <code>
///   file          [ RDB file ] item*                  item     command | annotation | transaction
///   transaction   MULTI item* EXEC                    command  a request in its multibulk form, RESP
///
///               [----- buffer ------------------------------------------]
///   ... folded  | *1 MULTI | *3 SET ... | *3 SET ... | *1 EX            |  not read yet
///               ^ kept from here on                  ^ _at              ^ _end
///               (without a transaction: _at)
/// </code>
/// Invariants
///  1. A transaction is delivered when its EXEC has been read: as a whole, or not at all.
///  2. The tail is behind the last item outside of transactions that was whole; every byte before it has been counted
///     into its checksum, or is covered by an annotation that was right.
///  3. Lengths that the file announces never size an allocation: the buffer doubles as bytes arrive, up to
///     <see cref="MaxKeptBytes"/>.
/// A checksum that is wrong is found when its annotation is read, behind the commands that it covers: they may have
/// been delivered, so whoever loads must take a fault other than a truncated end as the end of the whole loading.
/// A file that ends too early may also be one in which a changed length swallows all that follows. Therefore what is
/// left is searched for the next checksum before the end is called truncated (<see cref="AofRemains"/>).
/// Stricter than redis-server 7.0, as redis-check-aof is: ends of lines are looked at, MULTI and EXEC come in turns.
/// O(bytes). Not thread-safe. Source: redis.io, "Redis persistence"; what redis-server 7.0 accepts and writes.
/// </remarks>
public sealed class AofReader
{
    /// <summary>The buffer in the beginning, in bytes.</summary>
    public const int UsualBufferBytes = 256 * 1024;

    private const int LeastBufferBytes = 16;
    private const int RdbMagicBytes = 5;

    private static readonly RequestLimits Limits = new() { MaxBulkLength = Array.MaxLength, MaxInlineBytes = 32 };

    private readonly Stream _file;
    private readonly IAofSink _sink;
    private readonly ILoadProgress? _progress;
    private readonly RequestParser _parser = new();
    private readonly SliceList _args = new();
    private readonly SliceList _queuedArgs = new();     // relative to the start of the transaction
    private readonly List<int> _queuedEnds = [];        // where the arguments of each queued command end in that list
    private byte[] _buffer;
    private long _bufferOffset;     // of the first byte of the buffer, in the file
    private int _at;                // the item being read
    private int _end;               // behind the last byte that was read
    private int _transaction = -1;  // MULTI, or -1
    private bool _isFull;           // the latest filling had no room
    private AofTail _counted;       // everything before _at
    private AofTail _tail;
    private bool _hasChecksums;
    private long _timestamp;
    private long _commands;

    /// <summary>A reader of one file.</summary>
    /// <param name="file">The file, at its beginning; it stays the caller's.</param>
    /// <param name="sink">Receives the commands.</param>
    /// <param name="bufferBytes">The buffer in the beginning, in bytes.</param>
    /// <param name="progress">Hears of each read, and ends the reading; or null.</param>
    public AofReader(
        Stream file, IAofSink sink, int bufferBytes = UsualBufferBytes, ILoadProgress? progress = null)
    {
        _file = file;
        _sink = sink;
        _progress = progress;
        _buffer = new byte[Math.Max(bufferBytes, LeastBufferBytes)];
    }

    /// <summary>The most bytes of a command or a transaction.</summary>
    public static int MaxKeptBytes => Array.MaxLength;

    /// <summary>How far the reading has come, in bytes from the start of the file.</summary>
    public long Position => _bufferOffset + _at;

    private ReadOnlySpan<byte> Unread => _buffer.AsSpan(_at, _end - _at);

    /// <summary>Whether bytes are the beginning of an RDB file, which can stand in front of the commands.</summary>
    public static bool IsRdb(ReadOnlySpan<byte> firstBytes) => firstBytes.StartsWith("REDIS"u8);

    /// <summary>Reads the file to its end or to the first fault. May be called once.</summary>
    /// <param name="startOffset">Where the commands begin, and where the stream stands: 0, or behind the RDB file that
    /// was found there before.</param>
    public AofLoadResult Read(long startOffset = 0)
    {
        _bufferOffset = startOffset;
        _counted = _tail = new AofTail(startOffset, 0, 0);
        try
        {
            AofLoadResult? ended;
            do ended = _progress is { IsStopped: true } ? End(AofFault.Stopped, Position, "given up") : ReadItem();
            while (ended is null);
            return ended;
        }
        catch (IOException fault)
        {
            return End(AofFault.ReadFailed, Position, fault.Message);
        }
    }

    private AofLoadResult? ReadItem()
    {
        if (_at == _end && !TryFill())
            return _transaction < 0 ? End(AofFault.None, Position, null) : EndShort("MULTI without its EXEC");
        switch (_buffer[_at])
        {
            case (byte)'*':
                return ReadCommand();
            case (byte)'#':
                return ReadAnnotation();
            case (byte)'R' when Position == 0 && BeginsWithRdb():
                return End(AofFault.RdbPreamble, 0, "the file begins with an RDB file");
            default:
                return End(AofFault.BadFormat, Position, "neither a command nor an annotation");
        }
    }

    private bool BeginsWithRdb()
    {
        while (Unread.Length < RdbMagicBytes && TryFill())
        {
            // Until there is enough to tell.
        }

        return IsRdb(Unread);
    }

    private AofLoadResult? ReadAnnotation()
    {
        int length;
        while ((length = Unread.IndexOf((byte)'\n') + 1) == 0 && Unread.Length < AofAnnotation.MaxLineBytes)
        {
            if (!TryFill()) return EndShort("an annotation without its end");
        }

        if (length is 0 or > AofAnnotation.MaxLineBytes)
            return End(AofFault.BadFormat, Position, "an annotation that is too long");
        var line = Unread[..length];
        if (!AofAnnotation.IsChecksum(line))
        {
            if (AofAnnotation.TryReadTimestamp(line, out var timestamp)) _timestamp = Math.Max(_timestamp, timestamp);
            _counted = _counted.With(line);
        }
        else if (WrongChecksum(line) is { } reason)
        {
            return End(AofFault.ChecksumMismatch, Position - _counted.UncoveredBytes, reason);
        }
        else
        {
            _hasChecksums = true;
            _counted = _counted.Covered(length);
        }

        Advance(length);
        return null;
    }

    private string? WrongChecksum(ReadOnlySpan<byte> line)
    {
        if (!AofAnnotation.TryReadChecksum(line, out var crc, out var bytes))
            return $"the checksum at offset {Position} is none";
        if (bytes != _counted.UncoveredBytes)
            return $"the checksum at offset {Position} covers {bytes} bytes, but there are {_counted.UncoveredBytes}";
        return crc == _counted.Crc
            ? null
            : $"the checksum at offset {Position} is not that of the {bytes} bytes before it";
    }

    private AofLoadResult? ReadCommand()
    {
        int length;
        ParseStatus status;
        while (true)
        {
            status = _parser.Parse(_buffer.AsSpan(_at, _end - _at), Limits, authenticated: true, _args, out length);
            if (status != ParseStatus.Incomplete) break;
            if (!EndsBehindFile(_parser.BytesWanted) && TryFill()) continue;
            return CommandBytes.IsBeginning(Unread)
                ? EndShort("a command without its end")
                : End(AofFault.BadFormat, Position, "a command that is malformed");
        }

        if (status != ParseStatus.Complete)
        {
            var reason = status == ParseStatus.Empty ? "a command of no words" : ParserError();
            return End(AofFault.BadFormat, Position, reason);
        }

        var command = Unread[..length];
        if (!CommandBytes.HasAllLineEnds(command, _args.AsSpan()))
            return End(AofFault.BadFormat, Position, "a line that does not end in CR LF");
        if (Take(command) is { } ended) return ended;
        _counted = _counted.With(command);
        Advance(length);
        return null;
    }

    private string ParserError() => _parser.SecurityAttack
        ? "an HTTP request"
        : Encoding.Latin1.GetString(_parser.Error).Replace("ERR Protocol error: ", "");

    /// <summary>Queues or delivers a command; what ends the reading, or null.</summary>
    private AofLoadResult? Take(ReadOnlySpan<byte> command)
    {
        var args = new Args(command, _args.AsSpan());
        if (CommandBytes.IsWord(args[0], "multi"u8))
        {
            if (_transaction >= 0) return End(AofFault.BadFormat, Position, "MULTI within MULTI");
            _transaction = _at;
            return null;
        }

        if (CommandBytes.IsWord(args[0], "exec"u8))
        {
            if (_transaction < 0) return End(AofFault.BadFormat, Position, "EXEC without MULTI");
            if (!DeliverTransaction()) return EndRefused(_bufferOffset + _transaction);
            _transaction = -1;
            _queuedArgs.Clear();
            _queuedEnds.Clear();
            return null;
        }

        if (_transaction >= 0)
        {
            foreach (var slice in _args.AsSpan())
                _queuedArgs.Add(slice with { Offset = slice.Offset + _at - _transaction });
            _queuedEnds.Add(_queuedArgs.Count);
            return null;
        }

        _commands++;
        return _sink.Command(args) ? null : EndRefused(Position);
    }

    private bool DeliverTransaction()
    {
        var bytes = _buffer.AsSpan(_transaction, _at - _transaction);
        var slices = _queuedArgs.AsSpan();
        if (!_sink.BeginTransaction(_queuedEnds.Count)) return false;
        var from = 0;
        foreach (var to in _queuedEnds)
        {
            _commands++;
            if (!_sink.Command(new Args(bytes, slices[from..to]))) return false;
            from = to;
        }

        return _sink.EndTransaction();
    }

    /// <summary>Steps over an item that has been counted.</summary>
    private void Advance(int length)
    {
        _at += length;
        if (_transaction < 0) _tail = _counted;
    }

    // Without this, a length of two gigabytes would have the rest of the file read into memory to find it missing.
    private bool EndsBehindFile(int bytesWanted) => _file.CanSeek && Position + bytesWanted > _file.Length;

    /// <summary>Reads more behind what is there. False at the end of the file, and when there is no room for
    /// more.</summary>
    private bool TryFill()
    {
        if (_end == _buffer.Length) MakeRoom();
        _isFull = _end == _buffer.Length;
        if (_isFull) return false;
        _sink.BeforeRead();
        var read = _file.Read(_buffer.AsSpan(_end));
        _end += read;
        _progress?.Advanced(_bufferOffset + _end);
        return read > 0;
    }

    // Drops what nobody needs any more; grows when little was dropped, so that each byte is moved only a few times.
    private void MakeRoom()
    {
        var kept = _transaction < 0 ? _at : _transaction;
        var to = _buffer;
        if (kept < _buffer.Length / 2)
            to = new byte[(int)Math.Min(MaxKeptBytes, 2L * _buffer.Length)];
        _buffer.AsSpan(kept, _end - kept).CopyTo(to);
        _buffer = to;
        _bufferOffset += kept;
        _at -= kept;
        _end -= kept;
        if (_transaction >= 0) _transaction = 0;
    }

    private AofLoadResult EndRefused(long offset) => End(AofFault.Refused, offset, "a command that was refused");

    /// <summary>There is no more, unless there was no room for it: the end of the file came too early, or a checksum
    /// that follows tells otherwise.</summary>
    private AofLoadResult EndShort(string reason)
    {
        if (_isFull) return End(AofFault.TooLarge, Position, "a command or a transaction that is too large");
        var remains = new AofRemains(_file, _counted, Unread);
        return remains.FindWrongChecksum() is { } wrong
            ? End(AofFault.ChecksumMismatch, Position - _counted.UncoveredBytes, wrong)
            : End(AofFault.TruncatedEnd, _transaction < 0 ? Position : _bufferOffset + _transaction, reason);
    }

    private AofLoadResult End(AofFault fault, long offset, string? reason) => new()
    {
        Fault = fault,
        FaultOffset = offset,
        Reason = reason,
        Tail = _tail,
        Commands = _commands,
        IsInTransaction = _transaction >= 0,
        HasChecksums = _hasChecksums,
        TimestampSeconds = _timestamp,
    };
}
