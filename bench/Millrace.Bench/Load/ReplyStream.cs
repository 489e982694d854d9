// The replies of one connection, decoded into values as a client does. What a generator spends on a reply decides how
// many requests a fast server finds when it wakes up, so one that only counted lines would make every server look
// cheaper than its users find it.

using Millrace.Resp;

namespace Millrace.Bench.Load;

/// <summary>Decodes and counts the replies of a connection, split anywhere.</summary>
internal sealed class ReplyStream
{
    // Grows with the longest line, which the reader bounds; a bulk is taken out of it piece by piece.
    private const int FirstBufferBytes = 4 * 1024;

    private readonly RespReader _reader = new();
    private byte[] _buffer = new byte[FirstBufferBytes];
    private int _filled; // bytes of an unfinished line, at the front of the buffer

    /// <summary>Error replies so far.</summary>
    public long Errors { get; private set; }

    /// <summary>Null replies so far.</summary>
    public long Nulls { get; private set; }

    /// <summary>Where the next bytes of the stream go; <see cref="Take"/> tells how many came. Never empty.</summary>
    public ArraySegment<byte> Room
    {
        get
        {
            if (_filled == _buffer.Length) Array.Resize(ref _buffer, 2 * _buffer.Length);
            return new ArraySegment<byte>(_buffer, _filled, _buffer.Length - _filled);
        }
    }

    /// <summary>Decodes what has come into the room.</summary>
    /// <returns>How many replies it completes.</returns>
    /// <exception cref="InvalidDataException">These are no replies.</exception>
    public int Take(int count)
    {
        ReadOnlySpan<byte> unread = _buffer.AsSpan(0, _filled + count);
        var replies = 0;
        while (true)
        {
            var status = _reader.Read(unread, out var value, out var consumed);
            unread = unread[consumed..];
            if (status == ReadStatus.Error) throw new InvalidDataException(_reader.Error);
            if (status == ReadStatus.Incomplete) break;
            if (value!.IsError) Errors++;
            if (value.IsNull) Nulls++;
            replies++;
        }

        unread.CopyTo(_buffer);
        _filled = unread.Length;
        return replies;
    }
}
