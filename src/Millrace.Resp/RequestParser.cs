// The request parser: finds the arguments of the next request in a connection's unread bytes.
//
// A request is either a multibulk ("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n") or an inline line ("GET k\r\n"). The parser is a
// state machine that can stop and go on at any byte:
//
//            '*'                      count line           length line, then that many bytes + 2
//     Idle ------> (ParseWhole) --+-> Count ----> Length <----> Body ---> Complete
//       |                         |   (resumable form: state in fields, slices in _pending)
//       +--> Inline (one line, found whole or not at all) ----> Complete
//
// ParseWhole is the fast path: a request that lies in the buffer complete and in its usual form is cut without touching
// a field. Whatever else it meets, it hands over to the resumable form, which is the one that knows every rule.
//
// Invariants
//  1. The outcome depends on the bytes alone, never on how they were split over calls.
//  2. Lengths that a client announces never size an allocation: the slice list grows with slices that were found.
//  3. An idle parser holds no memory beyond its fields: _pending's array is rented while a request is incomplete.
//
// Kept from Redis, since clients can see it: a NUL byte ends the search for the end of a line (so such a line can only
// end as "too big"), the byte after '\r' and the two bytes after an argument are skipped without being looked at.
// Redis decides "too big" by how much it has read so far; here the place of the line's end decides (invariant 1).
//
// Source: RESP specification, "Sending commands to a Redis server"; Redis 7.2 networking.c.

using System.Diagnostics;
using System.Text;

namespace Millrace.Resp;

/// <summary>What <see cref="RequestParser.Parse"/> found.</summary>
public enum ParseStatus
{
    /// <summary>A request; its arguments are in the list.</summary>
    Complete,

    /// <summary>The request goes on beyond the bytes that are there.</summary>
    Incomplete,

    /// <summary>Bytes that are no request and get no reply: <c>*0</c> or a blank line. They are consumed.</summary>
    Empty,

    /// <summary>The stream is broken: send the error, close the connection.</summary>
    Error,
}

/// <summary>The resumable parser of one connection's requests. Not thread-safe. O(bytes) over a whole stream, however
/// it is split.</summary>
public sealed class RequestParser
{
    private enum Stage : byte
    {
        Idle,
        Count,
        Length,
        Body,
        Inline,
    }

    private Stage _stage;
    private bool _securityAttack;
    private int _position;      // first byte of the message that is not parsed yet
    private int _scanned;       // up to here the current line has been searched for its end
    private int _remaining;     // arguments still to come, the current one included
    private int _bulkLength;    // length of the argument in stage Body
    private SliceList? _pending;
    private byte[] _error = [];

    /// <summary>The full text of the error, without '-' and CRLF, after <see cref="ParseStatus.Error"/>; empty when the
    /// reason was <see cref="SecurityAttack"/>.</summary>
    public ReadOnlySpan<byte> Error => _error;

    /// <summary>The request was the start of an HTTP request (<c>POST</c>, <c>Host:</c>): somebody makes a browser talk
    /// to us. The connection is closed without a reply.</summary>
    public bool SecurityAttack => _securityAttack;

    /// <summary>After <see cref="ParseStatus.Incomplete"/>: bytes from the start of the message that the argument being
    /// received will need, 0 when that is little. A hint that the client controls: never allocate by it
    /// alone.</summary>
    public int BytesWanted { get; private set; }

    /// <summary>A request has begun and is not complete.</summary>
    public bool IsPending => _stage != Stage.Idle;

    /// <summary>Bytes of managed memory held for the incomplete request.</summary>
    public int HeldBytes => _pending?.HeldBytes ?? 0;

    /// <summary>Looks for one request at the start of <paramref name="unread"/>.</summary>
    /// <param name="unread">All bytes from the start of the message; after <see cref="ParseStatus.Incomplete"/> the
    /// next call brings the same bytes and more after them. Inline quotes are unescaped in place.</param>
    /// <param name="limits">The limits in force.</param>
    /// <param name="authenticated">The client may use the limits for trusted clients.</param>
    /// <param name="args">Receives the arguments' places, relative to the start of <paramref name="unread"/>; empty
    /// unless the result is <see cref="ParseStatus.Complete"/>.</param>
    /// <param name="consumed">Bytes that belong to the request; 0 when incomplete or broken.</param>
    public ParseStatus Parse(
        Span<byte> unread, RequestLimits limits, bool authenticated, SliceList args, out int consumed)
    {
        Debug.Assert(_position <= unread.Length, "the message's bytes must be given again");
        args.Clear();
        consumed = 0;
        ParseStatus status;
        if (_stage == Stage.Idle)
        {
            if (unread.IsEmpty) return ParseStatus.Incomplete;
            if (unread[0] == (byte)'*')
            {
                if (authenticated && ParseWhole(unread, limits, args, out consumed))
                    return IsCrossProtocol(unread, args) ? Attacked(args, out consumed) : ParseStatus.Complete;
                args.Clear();
                _stage = Stage.Count;
                _position = 1;
            }
            else
            {
                _stage = Stage.Inline;
                _position = 0;
            }

            _scanned = _position;
        }

        status = _stage == Stage.Inline
            ? ParseInline(unread, limits, args, out consumed)
            : ParseMultibulk(unread, limits, authenticated, args, out consumed);
        if (status == ParseStatus.Incomplete) return status;
        Reset();
        if (status == ParseStatus.Complete && IsCrossProtocol(unread, args)) return Attacked(args, out consumed);
        return status;
    }

    /// <summary>Forgets an incomplete request and gives its memory back.</summary>
    public void Reset()
    {
        _stage = Stage.Idle;
        _position = 0;
        BytesWanted = 0;
        _pending?.Release();
    }

    /// <summary>The fast path: true when a whole request in its usual form is there. Sets no field.</summary>
    private static bool ParseWhole(ReadOnlySpan<byte> unread, RequestLimits limits, SliceList args, out int consumed)
    {
        consumed = 0;
        int at = 1;
        int count = ReadShortLength(unread, ref at);
        if (count <= 0) return false;
        for (int i = 0; i < count; i++)
        {
            if ((uint)at >= (uint)unread.Length || unread[at] != (byte)'$') return false;
            at++;
            int length = ReadShortLength(unread, ref at);
            if (length < 0 || length > unread.Length - at - 2 || length > limits.MaxBulkLength) return false;
            args.Add(new Slice(at, length));
            at += length + 2;
        }

        consumed = at;
        return count <= limits.MaxArguments;
    }

    /// <summary>Reads "digits \r \n" of at most seven digits and steps behind it; -1 when that is not what stands
    /// there, and the careful form shall look.</summary>
    private static int ReadShortLength(ReadOnlySpan<byte> unread, scoped ref int at)
    {
        ReadOnlySpan<byte> line = unread[at..];
        if (line.Length < 3) return -1;
        int value = line[0] - '0';
        if ((uint)value > 9) return -1;
        int i = 1;
        if (line[1] != (byte)'\r')
        {
            if (value == 0) return -1;
            while (true)
            {
                if (i >= line.Length || i > 7) return -1;
                int digit = line[i] - '0';
                if ((uint)digit > 9) break;
                value = (value * 10) + digit;
                i++;
            }

            if (line[i] != (byte)'\r' || i + 1 >= line.Length) return -1;
        }

        at += i + 2;
        return value;
    }

    private ParseStatus ParseMultibulk(
        ReadOnlySpan<byte> unread, RequestLimits limits, bool authenticated, SliceList args, out int consumed)
    {
        consumed = 0;
        if (_stage == Stage.Count)
        {
            ParseStatus status = ParseCount(unread, limits, authenticated, out consumed);
            if (status != ParseStatus.Complete) return status;
            _pending ??= new SliceList();
        }

        while (true)
        {
            if (_stage == Stage.Length)
            {
                ParseStatus status = ParseBulkLength(unread, limits, authenticated);
                if (status != ParseStatus.Complete) return status;
            }

            if (unread.Length - _position < _bulkLength + 2L) return WaitForBody(limits);
            _pending!.Add(new Slice(_position, _bulkLength));
            _position += _bulkLength + 2;
            _scanned = _position;
            _stage = Stage.Length;
            if (--_remaining == 0) break;
        }

        args.CopyFrom(_pending);
        consumed = _position;
        return ParseStatus.Complete;
    }

    /// <summary>The count line. Complete: _remaining arguments follow. Empty: a count of zero or less.</summary>
    private ParseStatus ParseCount(
        ReadOnlySpan<byte> unread, RequestLimits limits, bool authenticated, out int consumed)
    {
        consumed = 0;
        switch (FindLineEnd(unread, 0, (byte)'\r', limits, out int end))
        {
            case LineSearch.TooLong: return Fail(ProtocolErrors.TooBigMultibulkCount);
            case LineSearch.NotYet: return ParseStatus.Incomplete;
        }

        if (end + 1 >= unread.Length) return ParseStatus.Incomplete;
        if (!Numbers.TryParseInt64(unread[1..end], out long count) || count > limits.MaxArguments)
            return Fail(ProtocolErrors.InvalidMultibulkLength);
        if (!authenticated && count > limits.MaxArgumentsUnauthenticated)
            return Fail(ProtocolErrors.UnauthenticatedMultibulkLength);
        _position = end + 2;
        _scanned = _position;
        if (count <= 0)
        {
            consumed = _position;
            return ParseStatus.Empty;
        }

        _remaining = (int)count;
        _stage = Stage.Length;
        return ParseStatus.Complete;
    }

    /// <summary>One length line. Complete: an argument of _bulkLength bytes starts at _position.</summary>
    private ParseStatus ParseBulkLength(ReadOnlySpan<byte> unread, RequestLimits limits, bool authenticated)
    {
        switch (FindLineEnd(unread, _position, (byte)'\r', limits, out int end))
        {
            case LineSearch.TooLong: return Fail(ProtocolErrors.TooBigBulkCount);
            case LineSearch.NotYet: return ParseStatus.Incomplete;
        }

        if (end + 1 >= unread.Length) return ParseStatus.Incomplete;
        byte first = unread[_position];
        if (first != (byte)'$') return FailExpectedDollar(first);
        if (!Numbers.TryParseInt64(unread[(_position + 1)..end], out long length)
            || length < 0 || length > limits.MaxBulkLength || length > int.MaxValue - 2)
            return Fail(ProtocolErrors.InvalidBulkLength);
        if (!authenticated && length > limits.MaxBulkLengthUnauthenticated)
            return Fail(ProtocolErrors.UnauthenticatedBulkLength);
        _bulkLength = (int)length;
        _position = end + 2;
        _stage = Stage.Body;
        return ParseStatus.Complete;
    }

    private ParseStatus WaitForBody(RequestLimits limits)
    {
        BytesWanted = _bulkLength >= limits.BigBulkBytes
            ? (int)Math.Min(int.MaxValue, (long)_position + _bulkLength + 2)
            : 0;
        return ParseStatus.Incomplete;
    }

    private ParseStatus ParseInline(Span<byte> unread, RequestLimits limits, SliceList args, out int consumed)
    {
        consumed = 0;
        switch (FindLineEnd(unread, 0, (byte)'\n', limits, out int end))
        {
            case LineSearch.TooLong: return Fail(ProtocolErrors.TooBigInlineRequest);
            case LineSearch.NotYet: return ParseStatus.Incomplete;
        }

        int length = end > 0 && unread[end - 1] == (byte)'\r' ? end - 1 : end;
        if (!InlineWords.Split(unread[..length], args))
        {
            args.Clear();
            return Fail(ProtocolErrors.UnbalancedQuotes);
        }

        consumed = end + 1;
        return args.Count == 0 ? ParseStatus.Empty : ParseStatus.Complete;
    }

    private enum LineSearch
    {
        Found,
        NotYet,
        TooLong,
    }

    /// <summary>Searches the line that begins at <paramref name="start"/> for its end, from where the last call
    /// stopped.</summary>
    private LineSearch FindLineEnd(
        ReadOnlySpan<byte> unread, int start, byte terminator, RequestLimits limits, out int end)
    {
        int found = unread[_scanned..].IndexOfAny(terminator, (byte)0);
        end = found < 0 ? unread.Length : _scanned + found;
        _scanned = end;
        if (end < unread.Length && unread[end] == terminator)
            return end - start > limits.MaxInlineBytes ? LineSearch.TooLong : LineSearch.Found;
        return unread.Length - start > limits.MaxInlineBytes ? LineSearch.TooLong : LineSearch.NotYet;
    }

    private static bool IsCrossProtocol(ReadOnlySpan<byte> unread, SliceList args)
    {
        Slice name = args.AsSpan()[0];
        if (name.Length is not (4 or 5)) return false;
        int first = unread[name.Offset] | 0x20;
        if (first != 'p' && first != 'h') return false;
        ReadOnlySpan<byte> text = unread.Slice(name.Offset, name.Length);
        return Ascii.EqualsIgnoreCase(text, "post"u8) || Ascii.EqualsIgnoreCase(text, "host:"u8);
    }

    private ParseStatus Attacked(SliceList args, out int consumed)
    {
        args.Clear();
        consumed = 0;
        _securityAttack = true;
        _error = [];
        return ParseStatus.Error;
    }

    private ParseStatus Fail(ReadOnlySpan<byte> text)
    {
        _error = text.ToArray();
        _securityAttack = false;
        return ParseStatus.Error;
    }

    private ParseStatus FailExpectedDollar(byte got)
    {
        byte shown = got is (byte)'\r' or (byte)'\n' ? (byte)' ' : got;
        _error = [.. ProtocolErrors.ExpectedDollarStart, shown, (byte)'\''];
        _securityAttack = false;
        return ParseStatus.Error;
    }
}
