namespace Millrace.Persistence.Aof;

/// <summary>
/// What is left of an append-only file behind the last item that could be read, and the question whether it is the cut
/// end of one item, or bytes that have been changed.
/// </summary>
/// <remarks>
/// <code>
///   counted so far      *3\r\n$9\r\nSET ... *3\r\n ...       #CRC:0123456789abcdef 97\r\n
///   UncoveredBytes     |------ an argument without end ---- ...
///   |------------- 97 bytes ---------------------------------|
/// </code>
/// Bytes that were cut off are followed by nothing. If there is a checksum further behind, which covers exactly the
/// bytes from the end of the previous one to itself, then a whole batch was written here, and its bytes are other ones
/// than they were unless the checksum is right. One that is right proves nothing: it stands in somebody's value.
/// O(bytes), in a buffer of its own.
/// </remarks>
internal ref struct AofRemains
{
    private const int BufferBytes = 64 * 1024;

    private readonly Stream _file;
    private readonly byte[] _buffer = new byte[BufferBytes];
    private ReadOnlySpan<byte> _unread;
    private AofTail _counted;       // everything before _at
    private int _at;
    private int _end;

    /// <summary>What is left.</summary>
    /// <param name="file">What follows <paramref name="unread"/>.</param>
    /// <param name="counted">Everything before <paramref name="unread"/>.</param>
    /// <param name="unread">The bytes that have been read from the file already.</param>
    internal AofRemains(Stream file, AofTail counted, ReadOnlySpan<byte> unread)
    {
        _file = file;
        _counted = counted;
        _unread = unread;
    }

    /// <summary>What a checksum says that is wrong; null when there is none.</summary>
    internal string? FindWrongChecksum()
    {
        bool isEnd;
        do
        {
            isEnd = !TryFill();
            if (Search(isEnd) is { } wrong) return wrong;
        }
        while (!isEnd);
        return null;
    }

    private bool TryFill()
    {
        _buffer.AsSpan(_at, _end - _at).CopyTo(_buffer);
        (_at, _end) = (0, _end - _at);
        var room = _buffer.AsSpan(_end);
        int read;
        if (_unread.IsEmpty)
        {
            read = _file.Read(room);
        }
        else
        {
            read = Math.Min(_unread.Length, room.Length);
            _unread[..read].CopyTo(room);
            _unread = _unread[read..];
        }

        _end += read;
        return read > 0;
    }

    /// <summary>Searches what is in the buffer, and leaves of it what may be the beginning of a checksum.</summary>
    private string? Search(bool isEnd)
    {
        while (true)
        {
            var found = _buffer.AsSpan(_at, _end - _at).IndexOf("\n#CRC:"u8);
            if (found < 0) break;
            var line = _at + found + 1;
            if (!isEnd && _end - line < AofAnnotation.MaxWrittenBytes)
            {
                Count(line - 1);
                return null;
            }

            Count(line);
            if (IsWrong() is { } wrong) return wrong;
        }

        if (!isEnd) Count(Math.Max(_at, _end - AofAnnotation.MaxWrittenBytes));
        return null;
    }

    private void Count(int to)
    {
        _counted = _counted.With(_buffer.AsSpan(_at, to - _at));
        _at = to;
    }

    private readonly string? IsWrong()
    {
        var text = _buffer.AsSpan(_at, Math.Min(_end - _at, AofAnnotation.MaxWrittenBytes));
        text = text[..(text.IndexOf((byte)'\n') + 1)];
        if (!AofAnnotation.TryReadChecksum(text, out var crc, out var bytes)) return null;
        return bytes != _counted.UncoveredBytes || crc == _counted.Crc
            ? null
            : $"the checksum at offset {_counted.Offset} is not that of the {bytes} bytes before it";
    }
}
