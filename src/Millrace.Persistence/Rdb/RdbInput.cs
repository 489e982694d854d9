using Millrace.Engine.Codec;
using Millrace.Memory;
using Millrace.Persistence.Files;
using Millrace.Persistence.Loading;

namespace Millrace.Persistence.Rdb;

/// <summary>
/// Gives the bytes of an RDB file in order, a buffer at a time, with the checksum of those that were used up.
/// </summary>
/// <remarks>
/// <code>
///   file   |  used up: in the checksum  |  given last           |  not read yet: Left  |
///                                       |  used up  |  unread   |
/// </code>
/// Reads at most one buffer ahead, so that whoever reads on behind the end of the RDB part knows where that is. A fault
/// of the disk looks like the end, and is remembered. Used by one thread.
/// </remarks>
public sealed class RdbInput : ValueSource
{
    /// <summary>The bytes of one read.</summary>
    public const int BufferBytes = 128 * 1024;

    private readonly IReadableFile _file;
    private readonly ILoadProgress? _progress;
    private readonly byte[] _buffer;
    private readonly long _end;
    private long _at;
    private int _given;
    private ulong _checksum;

    /// <summary>Reads a file from its beginning.</summary>
    /// <param name="file">The file; its owner disposes of it.</param>
    /// <param name="bufferBytes">The bytes of one read.</param>
    /// <param name="progress">Hears of each read, and ends the reading; or null.</param>
    public RdbInput(IReadableFile file, int bufferBytes = BufferBytes, ILoadProgress? progress = null)
    {
        ArgumentNullException.ThrowIfNull(file);
        _file = file;
        _progress = progress;
        _buffer = new byte[bufferBytes];
        _end = file.Length;
    }

    /// <inheritdoc/>
    public override long Left => _end - _at;

    /// <summary>How many bytes were given.</summary>
    public long Given => _at;

    /// <summary>Why the disk did not give bytes, or null.</summary>
    public string? Fault { get; private set; }

    /// <summary>Whether there are no more bytes, though the file had more when it was opened.</summary>
    internal bool IsShort { get; private set; }

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Next()
    {
        _checksum = Crc64.Update(_checksum, _buffer.AsSpan(0, _given));
        _given = 0;
        var most = (int)Math.Min(_buffer.Length, Left);
        if (most == 0 || IsShort) return default;
        if (_progress is { IsStopped: true })
        {
            (Fault, IsShort) = ("it is not wanted any more", true);
            return default;
        }

        Fault = _file.Read(_at, _buffer.AsSpan(0, most), out var bytes);
        IsShort = Fault is not null || bytes == 0;
        if (IsShort) return default;
        _given = bytes;
        _at += bytes;
        _progress?.Advanced(_at);
        return _buffer.AsSpan(0, bytes);
    }

    /// <summary>The checksum of all that was given, but its last bytes.</summary>
    /// <param name="unread">How many of the bytes given last are left out.</param>
    public ulong ChecksumWithout(int unread) => Crc64.Update(_checksum, _buffer.AsSpan(0, _given - unread));
}
