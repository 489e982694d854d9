// The reply writer: replies of one connection, written straight into the segments of its output queue.
//
//     Attach(output, segment, start)                    Detach() -> filled
//     [ earlier replies | start ... _at ->      _end ]  when full: output.Next(filled, minimumFree)
//
// Aggregates whose length is not known beforehand are deferred: between BeginDeferred and its End everything goes to a
// side buffer rented from the pool, and End puts the header before what was written since its mark. They nest; an inner
// End shifts its own content by the header's length, the outermost End copies everything to the output. Cost: O(bytes)
// per nesting level.
//
// Each method writes one element in the form of the protocol in force; the caller counts the elements of an aggregate.
// While Muted, whatever is written is dropped.
//
// A bulk string may be filled in late: BeginLate leaves room for it in the segments and goes on behind it, FillLate
// copies the bytes there, in the order of the Begins, before the writer is detached.
//
// Source: RESP specification (RESP2 and RESP3 types); Redis 7.2 networking.c for the forms sent to RESP2 clients.

using System.Buffers;
using System.Diagnostics;

namespace Millrace.Resp;

/// <summary>Writes replies in RESP2 or RESP3. Not thread-safe. Text is copied, so spans may be reused after each
/// call.</summary>
public sealed class ReplyWriter
{
    private const int MaxHeaderBytes = 24;  // type byte, sign, 19 digits, CRLF
    private const int FirstDeferredBytes = 4096;
    private const int MaxKeptErrorBytes = 64;

    private SegmentSource? _output;
    private byte[] _segment = [];
    private int _at;
    private int _end;
    private int _origin;        // where this writer began in _segment
    private long _before;       // bytes written to earlier segments
    private bool _muted;
    private bool _isResp3;
    private readonly byte[] _lastError = new byte[MaxKeptErrorBytes];
    private int _lastErrorLength;
    private int _lastErrorCodeLength;

    // Room left for late bulk strings, in order; those before _latePiece are filled.
    private readonly List<(byte[] Segment, int At, int Length)> _late = [];
    private int _latePiece;

    // While aggregates are deferred, the fields above describe the side buffer and these the segment.
    private int _deferredDepth;
    private byte[] _outerSegment = [];
    private int _outerAt;
    private int _outerOrigin;

    /// <summary>The protocol version, 2 or 3.</summary>
    public int Protocol
    {
        get => _isResp3 ? 3 : 2;
        set
        {
            Debug.Assert(value is 2 or 3, "there are two protocols");
            _isResp3 = value == 3;
        }
    }

    /// <summary>What is written is dropped (CLIENT REPLY OFF and SKIP).</summary>
    public bool Muted
    {
        get => _muted;
        set => _muted = value;
    }

    /// <summary>Whether <see cref="TryBeginLate"/> may leave room for what comes later; as a rule it may.</summary>
    public bool AllowsLate { get; set; } = true;

    /// <summary>Bytes written since <see cref="Attach"/>.</summary>
    public long Written => _deferredDepth == 0
        ? _before + (_at - _origin)
        : _before + (_outerAt - _outerOrigin) + _at;

    /// <summary>Errors written since the writer was made, muted ones included.</summary>
    public long ErrorCount { get; private set; }

    /// <summary>The code of the last error: its text up to the first space, at most 64 bytes.</summary>
    public ReadOnlySpan<byte> LastErrorCode => _lastError.AsSpan(0, _lastErrorCodeLength);

    /// <summary>The text of the last error with its code, at most 64 bytes of it.</summary>
    public ReadOnlySpan<byte> LastErrorText => _lastError.AsSpan(0, _lastErrorLength);

    /// <summary>An aggregate is open whose length is not known yet.</summary>
    public bool IsDeferred => _deferredDepth > 0;

    /// <summary>Starts writing to an output.</summary>
    /// <param name="output">Gives further segments; kept until <see cref="Detach"/>.</param>
    /// <param name="segment">The first segment, owned by the output.</param>
    /// <param name="start">Index of its first free byte.</param>
    /// <param name="protocol">2 or 3.</param>
    public void Attach(SegmentSource output, byte[] segment, int start, int protocol)
    {
        ArgumentNullException.ThrowIfNull(segment);
        Debug.Assert(_output is null, "one output at a time");
        _output = output;
        _segment = segment;
        _at = start;
        _origin = start;
        _end = segment.Length;
        _before = 0;
        _muted = false;
        Protocol = protocol;
    }

    /// <summary>Stops writing; aggregates that are still deferred are dropped.</summary>
    /// <returns>Index one behind the last byte written in the current segment.</returns>
    public int Detach()
    {
        Debug.Assert(_deferredDepth == 0, "every deferred aggregate must be ended");
        if (_deferredDepth > 0) LeaveDeferred();
        Debug.Assert(_late.Count == 0, "every late bulk string must be filled");
        if (_late.Count > 0) ForgetLate();  // or a later value would be copied into a segment that is gone
        int filled = _at;
        _output = null;
        _segment = [];
        _at = _end = _origin = 0;
        return filled;
    }

    /// <summary>The simple string OK.</summary>
    public void Ok() => Raw("+OK\r\n"u8);

    /// <summary>A simple string. Requires: no CR or LF in it.</summary>
    /// <param name="text">The text without '+' and CRLF.</param>
    public void Simple(ReadOnlySpan<byte> text)
    {
        if (_muted) return;
        Debug.Assert(text.IndexOfAny((byte)'\r', (byte)'\n') < 0, "a simple string is one line");
        Byte((byte)'+');
        Text(text);
        Raw("\r\n"u8);
    }

    /// <summary>An error. CR and LF in the text become spaces, so that client input may be quoted in it.</summary>
    /// <param name="textWithPrefix">Code and text ("ERR syntax error"), without '-' and CRLF.</param>
    public void Error(ReadOnlySpan<byte> textWithPrefix)
    {
        NoteError(textWithPrefix);
        if (_muted) return;
        Byte((byte)'-');
        ReadOnlySpan<byte> rest = textWithPrefix;
        while (true)
        {
            int newline = rest.IndexOfAny((byte)'\r', (byte)'\n');
            if (newline < 0) break;
            Text(rest[..newline]);
            Byte((byte)' ');
            rest = rest[(newline + 1)..];
        }

        Text(rest);
        Raw("\r\n"u8);
    }

    private void NoteError(ReadOnlySpan<byte> text)
    {
        _lastErrorLength = Math.Min(text.Length, MaxKeptErrorBytes);
        ReadOnlySpan<byte> kept = text[.._lastErrorLength];
        kept.CopyTo(_lastError);
        int space = kept.IndexOf((byte)' ');
        _lastErrorCodeLength = space < 0 ? _lastErrorLength : space;
        ErrorCount++;
    }

    /// <summary>An integer.</summary>
    /// <param name="value">The value.</param>
    public void Integer(long value) => Header((byte)':', value);

    /// <summary>A bulk string.</summary>
    /// <param name="value">Its bytes, anything.</param>
    public void Bulk(ReadOnlySpan<byte> value)
    {
        if (_muted) return;
        int length = value.Length;
        if (_end - _at - MaxHeaderBytes - 2 < length)
        {
            BulkAcrossSegments(value);
            return;
        }

        Span<byte> to = _segment.AsSpan(_at);
        int at = WriteHeader(to, (byte)'$', length);
        value.CopyTo(to[at..]);
        at += length;
        to[at + 1] = (byte)'\n';
        to[at] = (byte)'\r';
        _at += at + 2;
    }

    /// <summary>A bulk string whose bytes come later: leaves room for them.</summary>
    /// <param name="length">How many bytes.</param>
    /// <returns>False, with nothing written, while muted or while an aggregate is deferred: what is written then may
    /// be dropped or moved.</returns>
    public bool TryBeginLate(int length)
    {
        if (_muted || _deferredDepth > 0 || !AllowsLate) return false;
        Header((byte)'$', length);
        while (length > 0)
        {
            if (_at == _end) Grow(1);
            int free = Math.Min(_end - _at, length);
            _late.Add((_segment, _at, free));
            _at += free;
            length -= free;
        }

        Raw("\r\n"u8);
        return true;
    }

    /// <summary>Fills the room that the oldest unfilled <see cref="TryBeginLate"/> left.</summary>
    /// <param name="value">As many bytes as were announced.</param>
    public void FillLate(ReadOnlySpan<byte> value)
    {
        while (!value.IsEmpty)
        {
            (byte[] segment, int at, int length) = _late[_latePiece++];
            value[..length].CopyTo(segment.AsSpan(at));
            value = value[length..];
        }

        if (_latePiece == _late.Count) ForgetLate();
    }

    private void ForgetLate()
    {
        _late.Clear();
        _latePiece = 0;
    }

    /// <summary>An integer as a bulk string.</summary>
    /// <param name="value">The value.</param>
    public void BulkInteger(long value)
    {
        Span<byte> digits = stackalloc byte[Numbers.MaxInt64Bytes];
        Bulk(digits[..Numbers.FormatInt64(value, digits)]);
    }

    /// <summary>The null of a missing value.</summary>
    public void Null() => Raw(_isResp3 ? "_\r\n"u8 : "$-1\r\n"u8);

    /// <summary>The null of a missing list.</summary>
    public void NullArray() => Raw(_isResp3 ? "_\r\n"u8 : "*-1\r\n"u8);

    /// <summary>A double; RESP2: a bulk string.</summary>
    /// <param name="value">The value, infinities and NaN included.</param>
    public void Double(double value)
    {
        Span<byte> text = stackalloc byte[Numbers.MaxDoubleBytes];
        text = text[..Numbers.FormatDouble(value, text)];
        if (_isResp3) Line((byte)',', text);
        else Bulk(text);
    }

    /// <summary>A double whose text is made already (INCRBYFLOAT's and GEOPOS's human form); RESP2: a bulk
    /// string.</summary>
    /// <param name="text">The number's digits.</param>
    public void DoubleText(ReadOnlySpan<byte> text)
    {
        if (_isResp3) Line((byte)',', text);
        else Bulk(text);
    }

    /// <summary>A boolean; RESP2: 1 or 0.</summary>
    /// <param name="value">The value.</param>
    public void Bool(bool value)
    {
        if (_isResp3) Raw(value ? "#t\r\n"u8 : "#f\r\n"u8);
        else Raw(value ? ":1\r\n"u8 : ":0\r\n"u8);
    }

    /// <summary>An integer of any size; RESP2: a bulk string.</summary>
    /// <param name="digits">Its decimal digits, with a sign if negative.</param>
    public void BigNumber(ReadOnlySpan<byte> digits)
    {
        if (_isResp3) Line((byte)'(', digits);
        else Bulk(digits);
    }

    /// <summary>A text with its format; RESP2: a bulk string of the text alone.</summary>
    /// <param name="format">Three bytes such as <c>txt</c>.</param>
    /// <param name="text">The text.</param>
    public void Verbatim(ReadOnlySpan<byte> format, ReadOnlySpan<byte> text)
    {
        if (!_isResp3)
        {
            Bulk(text);
            return;
        }

        if (_muted) return;
        Debug.Assert(format.Length == 3, "a format is three bytes");
        Header((byte)'=', text.Length + 4L);
        Raw(format);
        Byte((byte)':');
        Text(text);
        Raw("\r\n"u8);
    }

    /// <summary>The header of an array of <paramref name="count"/> elements.</summary>
    /// <param name="count">Elements that follow.</param>
    public void Array(long count) => Header((byte)'*', count);

    /// <summary>The header of a map; RESP2: of an array with twice as many elements.</summary>
    /// <param name="pairs">Pairs that follow.</param>
    public void Map(int pairs) => Header((byte)(_isResp3 ? '%' : '*'), _isResp3 ? pairs : 2L * pairs);

    /// <summary>The header of a set; RESP2: of an array.</summary>
    /// <param name="count">Elements that follow.</param>
    public void Set(long count) => Header((byte)(_isResp3 ? '~' : '*'), count);

    /// <summary>The header of a push; RESP2: of an array.</summary>
    /// <param name="count">Elements that follow.</param>
    public void Push(int count) => Header((byte)(_isResp3 ? '>' : '*'), count);

    /// <summary>The header of an attribute, which precedes the reply that it belongs to. RESP2 has none: the header is
    /// not written, and the caller must not write the pairs either.</summary>
    /// <param name="pairs">Pairs that follow.</param>
    public void Attribute(int pairs)
    {
        if (_isResp3) Header((byte)'|', pairs);
    }

    /// <summary>Bytes that are in protocol form already.</summary>
    /// <param name="bytes">The bytes.</param>
    public void Raw(ReadOnlySpan<byte> bytes)
    {
        if (_muted) return;
        Text(bytes);
    }

    /// <summary>Opens an aggregate whose length is found while it is written.</summary>
    /// <returns>The mark for the matching End.</returns>
    public int BeginDeferred()
    {
        if (_deferredDepth++ == 0)
        {
            _outerSegment = _segment;
            _outerAt = _at;
            _outerOrigin = _origin;
            _segment = ArrayPool<byte>.Shared.Rent(FirstDeferredBytes);
            _at = _origin = 0;
            _end = _segment.Length;
        }

        return _at;
    }

    /// <summary>Ends a deferred array.</summary>
    /// <param name="mark">What its <see cref="BeginDeferred"/> returned.</param>
    /// <param name="count">Elements written since.</param>
    public void EndDeferredArray(int mark, long count) => EndDeferred(mark, (byte)'*', count);

    /// <summary>Ends a deferred map; RESP2: an array.</summary>
    /// <param name="mark">What its <see cref="BeginDeferred"/> returned.</param>
    /// <param name="pairs">Pairs written since.</param>
    public void EndDeferredMap(int mark, int pairs) =>
        EndDeferred(mark, (byte)(_isResp3 ? '%' : '*'), _isResp3 ? pairs : 2L * pairs);

    /// <summary>Ends a deferred set; RESP2: an array.</summary>
    /// <param name="mark">What its <see cref="BeginDeferred"/> returned.</param>
    /// <param name="count">Elements written since.</param>
    public void EndDeferredSet(int mark, long count) => EndDeferred(mark, (byte)(_isResp3 ? '~' : '*'), count);

    /// <summary>Ends a deferred push; RESP2: an array.</summary>
    /// <param name="mark">What its <see cref="BeginDeferred"/> returned.</param>
    /// <param name="count">Elements written since.</param>
    public void EndDeferredPush(int mark, int count) => EndDeferred(mark, (byte)(_isResp3 ? '>' : '*'), count);

    /// <summary>Ends a deferred aggregate by forgetting it: what was written since the mark is dropped.</summary>
    /// <param name="mark">What its <see cref="BeginDeferred"/> returned.</param>
    public void CancelDeferred(int mark)
    {
        Debug.Assert(_deferredDepth > 0 && mark <= _at, "ends match begins");
        _at = mark;
        if (--_deferredDepth == 0) ReturnToSegment();
    }

    private void EndDeferred(int mark, byte type, long count)
    {
        Debug.Assert(_deferredDepth > 0 && mark <= _at, "ends match begins");
        if (_deferredDepth > 1)
        {
            _deferredDepth--;
            if (!_muted) InsertHeader(mark, type, count);
            return;
        }

        byte[] side = _segment;
        int length = _at;
        _deferredDepth = 0;
        Restore();
        if (!_muted)
        {
            Header(type, count);
            Text(side.AsSpan(0, length));
        }

        ArrayPool<byte>.Shared.Return(side);
    }

    private void InsertHeader(int mark, byte type, long count)
    {
        Span<byte> header = stackalloc byte[MaxHeaderBytes];
        int length = WriteHeader(header, type, count);
        if (_end - _at < length) Grow(length);
        Span<byte> content = _segment.AsSpan(mark, _at - mark);
        content.CopyTo(_segment.AsSpan(mark + length));
        header[..length].CopyTo(_segment.AsSpan(mark));
        _at += length;
    }

    private void LeaveDeferred()
    {
        _deferredDepth = 0;
        ReturnToSegment();
    }

    private void ReturnToSegment()
    {
        byte[] side = _segment;
        Restore();
        ArrayPool<byte>.Shared.Return(side);
    }

    private void Restore()
    {
        _segment = _outerSegment;
        _at = _outerAt;
        _origin = _outerOrigin;
        _end = _segment.Length;
        _outerSegment = [];
    }

    private void Header(byte type, long value)
    {
        if (_muted) return;
        if (_end - _at < MaxHeaderBytes) Grow(MaxHeaderBytes);
        _at += WriteHeader(_segment.AsSpan(_at), type, value);
    }

    /// <summary>Type byte, number, CRLF. Requires: MaxHeaderBytes free.</summary>
    private static int WriteHeader(Span<byte> to, byte type, long value)
    {
        to[3] = (byte)'\n';
        to[0] = type;
        if ((ulong)value < 10)
        {
            to[1] = (byte)('0' + value);
            to[2] = (byte)'\r';
            return 4;
        }

        int at = 1 + Numbers.FormatInt64(value, to[1..]);
        to[at + 1] = (byte)'\n';
        to[at] = (byte)'\r';
        return at + 2;
    }

    private void Line(byte type, ReadOnlySpan<byte> text)
    {
        if (_muted) return;
        Byte(type);
        Text(text);
        Raw("\r\n"u8);
    }

    private void Byte(byte value)
    {
        if (_at == _end) Grow(1);
        _segment[_at++] = value;
    }

    private void Text(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _end - _at)
        {
            TextAcrossSegments(bytes);
            return;
        }

        bytes.CopyTo(_segment.AsSpan(_at));
        _at += bytes.Length;
    }

    private void BulkAcrossSegments(ReadOnlySpan<byte> value)
    {
        Header((byte)'$', value.Length);
        Text(value);
        Raw("\r\n"u8);
    }

    private void TextAcrossSegments(ReadOnlySpan<byte> bytes)
    {
        while (true)
        {
            int free = Math.Min(_end - _at, bytes.Length);
            bytes[..free].CopyTo(_segment.AsSpan(_at));
            _at += free;
            bytes = bytes[free..];
            if (bytes.IsEmpty) return;
            Grow(_deferredDepth > 0 ? bytes.Length : 1);
        }
    }

    /// <summary>Makes room: the next segment, or a larger side buffer while an aggregate is deferred.</summary>
    private void Grow(int minimumFree)
    {
        if (_deferredDepth > 0)
        {
            long wanted = Math.Max((long)_at + minimumFree, 2L * _segment.Length);
            byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(wanted, System.Array.MaxLength));
            _segment.AsSpan(0, _at).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_segment);
            _segment = larger;
            _end = larger.Length;
            return;
        }

        _before += _at - _origin;
        _segment = _output!.Next(_at, minimumFree, out int start);
        _at = _origin = start;
        _end = _segment.Length;
        Debug.Assert(_end - _at >= minimumFree, "the source gives what it is asked for");
    }
}
