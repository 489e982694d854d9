// The client side of the wire: cuts a stream of bytes into values, resumable at any byte.
//
// The reader takes what it can use: complete lines and pieces of bulk bodies are consumed at once and kept inside, only
// an unfinished line stays with the caller. So the caller's buffer needs room for one line, however large the reply,
// and the work is O(bytes).
//
//     Line --'$' '=' '!'--> Body --all bytes + CRLF--> value       value: into the innermost open aggregate, or out
//     Line --'*' '%' '~' '>' '|'--> one more open aggregate        (an attribute waits for the value that follows it)
//
// Announced lengths never size an allocation: bodies and item lists grow with what has arrived.
// Streamed types (RESP3 "$?", "*?") are refused: no server sends them.
//
// Source: RESP specification, all types of RESP2 and RESP3.

using System.Text;

namespace Millrace.Resp;

/// <summary>The limits of a reader; immutable.</summary>
public sealed class ReplyLimits
{
    /// <summary>Limits that every reply of a Redis server respects.</summary>
    public static readonly ReplyLimits Default = new();

    /// <summary>The longest line: an error, a simple string, a big number (bytes).</summary>
    public int MaxLineBytes { get; init; } = 1024 * 1024;

    /// <summary>The longest bulk string (bytes).</summary>
    public int MaxBulkBytes { get; init; } = System.Array.MaxLength - 2;

    /// <summary>The most elements of one aggregate.</summary>
    public int MaxElements { get; init; } = System.Array.MaxLength / 2;

    /// <summary>How deep aggregates may nest.</summary>
    public int MaxDepth { get; init; } = 256;
}

/// <summary>What <see cref="RespReader.Read"/> found.</summary>
public enum ReadStatus
{
    /// <summary>A whole value.</summary>
    Complete,

    /// <summary>More bytes are needed.</summary>
    Incomplete,

    /// <summary>The stream is broken; see <see cref="RespReader.Error"/>. The reader stays in this state.</summary>
    Error,
}

/// <summary>Reads one connection's replies. Not thread-safe.</summary>
/// <param name="limits">What the server may send.</param>
public sealed class RespReader(ReplyLimits limits)
{
    private const int FirstBodyBytes = 4096;

    private readonly Stack<OpenAggregate> _open = new();
    private int _scanned;           // bytes of the unfinished line that hold no CR
    private byte _bodyType;         // 0: a line is next
    private byte[] _body = [];
    private int _bodyFilled;
    private int _bodyLength;
    private int _bodyEndSeen;       // bytes of the CRLF behind the body that were taken
    private RespValue? _attributes; // for the next value at the current level

    /// <summary>Makes a reader with the usual limits.</summary>
    public RespReader()
        : this(ReplyLimits.Default)
    {
    }

    /// <summary>Why the status is <see cref="ReadStatus.Error"/>.</summary>
    public string Error { get; private set; } = string.Empty;

    /// <summary>Part of a value has been taken.</summary>
    public bool IsPending => _bodyType != 0 || _open.Count > 0 || _attributes is not null;

    /// <summary>Reads on.</summary>
    /// <param name="unread">Bytes that follow those consumed so far.</param>
    /// <param name="value">The value, when complete.</param>
    /// <param name="consumed">Bytes taken; also when the value is incomplete. The caller drops them.</param>
    public ReadStatus Read(ReadOnlySpan<byte> unread, out RespValue? value, out int consumed)
    {
        value = null;
        consumed = 0;
        while (Error.Length == 0)
        {
            RespValue? item;
            if (_bodyType != 0)
            {
                if (!TakeBody(unread, ref consumed, out item)) break;
            }
            else
            {
                if (!TakeLine(unread, ref consumed, out item)) break;
            }

            if (item is null) continue;
            value = Close(item);
            if (value is not null) return ReadStatus.Complete;
        }

        return Error.Length == 0 ? ReadStatus.Incomplete : ReadStatus.Error;
    }

    /// <summary>Puts an element where it belongs; the outermost value when that is complete now.</summary>
    private RespValue? Close(RespValue item)
    {
        while (_open.TryPeek(out OpenAggregate? open))
        {
            open.Items.Add(item);
            if (open.Items.Count < open.Wanted) return null;
            _open.Pop();
            if (open.IsAttribute)
            {
                _attributes = RespValue.OfItems(RespKind.Map, open.Items, open.Attributes);
                return null;
            }

            item = RespValue.OfItems(open.Kind, open.Items, open.Attributes);
        }

        return item;
    }

    /// <summary>False: more bytes are needed or the stream is broken. A null item: an aggregate or a body was
    /// opened.</summary>
    private bool TakeLine(ReadOnlySpan<byte> unread, ref int consumed, out RespValue? item)
    {
        item = null;
        ReadOnlySpan<byte> rest = unread[consumed..];
        int end = rest[_scanned..].IndexOf((byte)'\r');
        if (end < 0 || _scanned + end + 1 >= rest.Length)
        {
            _scanned = end < 0 ? rest.Length : _scanned + end;
            return _scanned > limits.MaxLineBytes && Fail("a line of the reply is too long");
        }

        end += _scanned;
        if (end > limits.MaxLineBytes) return Fail("a line of the reply is too long");
        if (rest[end + 1] != (byte)'\n') return Fail("a line of the reply does not end with CR LF");
        if (end == 0) return Fail("a line of the reply is empty");
        _scanned = 0;
        consumed += end + 2;
        return TakeTyped(rest[0], rest[1..end], out item);
    }

    private bool TakeTyped(byte type, ReadOnlySpan<byte> text, out RespValue? item)
    {
        item = null;
        switch ((char)type)
        {
            case '+': return Give(RespValue.OfText(RespKind.Simple, text.ToArray(), TakeAttributes()), out item);
            case '-': return Give(RespValue.OfText(RespKind.Error, text.ToArray(), TakeAttributes()), out item);
            case ',': return TakeDouble(text, out item);
            case '(': return TakeBigNumber(text, out item);
            case ':':
                if (!Numbers.TryParseInt64(text is [(byte)'+', ..] ? text[1..] : text, out long integer))
                    return Fail("an integer of the reply is no number");
                return Give(RespValue.OfInteger(RespKind.Integer, integer, TakeAttributes()), out item);
            case '#':
                if (text is not [(byte)'t'] and not [(byte)'f'])
                    return Fail("a boolean of the reply is neither t nor f");
                int truth = text[0] == (byte)'t' ? 1 : 0;
                return Give(RespValue.OfInteger(RespKind.Bool, truth, TakeAttributes()), out item);
            case '_':
                if (!text.IsEmpty) return Fail("a null of the reply is not empty");
                return Give(RespValue.OfNull(RespKind.Null, TakeAttributes()), out item);
            case '$' or '=' or '!': return OpenBody(type, text, out item);
            case '*': return Open(RespKind.Array, text, 1, out item);
            case '~': return Open(RespKind.Set, text, 1, out item);
            case '>': return Open(RespKind.Push, text, 1, out item);
            case '%': return Open(RespKind.Map, text, 2, out item);
            case '|': return OpenAttribute(text);
            default:
                return Fail($"got '{(type is >= 32 and < 127 ? (char)type : '.')}' as the type of a reply");
        }
    }

    private bool TakeDouble(ReadOnlySpan<byte> text, out RespValue? item)
    {
        item = null;
        bool isNan = Ascii.EqualsIgnoreCase(text, "nan"u8) || Ascii.EqualsIgnoreCase(text, "-nan"u8);
        if (!isNan && !Numbers.TryParseDouble(text, out _)) return Fail("a double of the reply is no number");
        return Give(RespValue.OfText(RespKind.Double, text.ToArray(), TakeAttributes()), out item);
    }

    private bool TakeBigNumber(ReadOnlySpan<byte> text, out RespValue? item)
    {
        item = null;
        ReadOnlySpan<byte> digits = text is [(byte)'-' or (byte)'+', ..] ? text[1..] : text;
        if (digits.IsEmpty || digits.IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0)
            return Fail("a big number of the reply is no number");
        return Give(RespValue.OfText(RespKind.BigNumber, text.ToArray(), TakeAttributes()), out item);
    }

    private bool OpenBody(byte type, ReadOnlySpan<byte> text, out RespValue? item)
    {
        item = null;
        if (!Numbers.TryParseInt64(text, out long length) || length < -1 || length > limits.MaxBulkBytes)
            return Fail("the length of a string of the reply is out of range");
        if (length < 0)
        {
            if (type != (byte)'$') return Fail("the length of a string of the reply is out of range");
            return Give(RespValue.OfNull(RespKind.NullBulk, TakeAttributes()), out item);
        }

        _bodyType = type;
        _bodyLength = (int)length;
        _bodyFilled = 0;
        _bodyEndSeen = 0;
        _body = length == 0 ? [] : new byte[Math.Min(length, FirstBodyBytes)];
        return true;
    }

    private bool TakeBody(ReadOnlySpan<byte> unread, ref int consumed, out RespValue? item)
    {
        item = null;
        ReadOnlySpan<byte> rest = unread[consumed..];
        int take = Math.Min(rest.Length, _bodyLength - _bodyFilled);
        if (take > 0)
        {
            MakeBodyRoom(take);
            rest[..take].CopyTo(_body.AsSpan(_bodyFilled));
            _bodyFilled += take;
            consumed += take;
            rest = rest[take..];
        }

        while (_bodyFilled == _bodyLength && _bodyEndSeen < 2 && !rest.IsEmpty)
        {
            if (rest[0] != "\r\n"u8[_bodyEndSeen]) return Fail("a string of the reply does not end with CR LF");
            _bodyEndSeen++;
            consumed++;
            rest = rest[1..];
        }

        return _bodyEndSeen == 2 && CloseBody(out item);
    }

    private void MakeBodyRoom(int more)
    {
        int needed = _bodyFilled + more;
        if (needed <= _body.Length) return;
        System.Array.Resize(ref _body, (int)Math.Min(_bodyLength, Math.Max(needed, 2L * _body.Length)));
    }

    private bool CloseBody(out RespValue? item)
    {
        item = null;
        byte[] body = _body;
        RespKind kind = _bodyType switch
        {
            (byte)'=' => RespKind.Verbatim,
            (byte)'!' => RespKind.Error,
            _ => RespKind.Bulk,
        };
        _bodyType = 0;
        _body = [];
        if (kind == RespKind.Verbatim && (body.Length < 4 || body[3] != (byte)':'))
            return Fail("a verbatim string of the reply has no format");
        return Give(RespValue.OfText(kind, body, TakeAttributes()), out item);
    }

    private bool Open(RespKind kind, ReadOnlySpan<byte> text, int perElement, out RespValue? item)
    {
        item = null;
        if (!TryCount(text, out int count)) return false;
        RespValue? attributes = TakeAttributes();
        if (count < 0)
        {
            if (kind != RespKind.Array) return Fail("the length of an aggregate of the reply is out of range");
            return Give(RespValue.OfNull(RespKind.NullArray, attributes), out item);
        }

        if (count == 0) return Give(RespValue.OfItems(kind, [], attributes), out item);
        if (_open.Count >= limits.MaxDepth) return Fail("the reply is nested too deep");
        _open.Push(new OpenAggregate(kind, count * perElement, isAttribute: false, attributes));
        return true;
    }

    private bool OpenAttribute(ReadOnlySpan<byte> text)
    {
        if (!TryCount(text, out int count)) return false;
        if (count < 0) return Fail("the length of an aggregate of the reply is out of range");
        if (count == 0) return true;
        if (_open.Count >= limits.MaxDepth) return Fail("the reply is nested too deep");
        _open.Push(new OpenAggregate(RespKind.Map, count * 2, isAttribute: true, TakeAttributes()));
        return true;
    }

    private bool TryCount(ReadOnlySpan<byte> text, out int count)
    {
        count = 0;
        if (!Numbers.TryParseInt64(text, out long announced) || announced < -1 || announced > limits.MaxElements)
            return Fail("the length of an aggregate of the reply is out of range");
        count = (int)announced;
        return true;
    }

    private RespValue? TakeAttributes()
    {
        RespValue? attributes = _attributes;
        _attributes = null;
        return attributes;
    }

    private static bool Give(RespValue made, out RespValue? item)
    {
        item = made;
        return true;
    }

    private bool Fail(string reason)
    {
        Error = reason;
        return false;
    }

    private sealed class OpenAggregate(RespKind kind, int wanted, bool isAttribute, RespValue? attributes)
    {
        public RespKind Kind { get; } = kind;

        public int Wanted { get; } = wanted;

        public bool IsAttribute { get; } = isAttribute;

        public RespValue? Attributes { get; } = attributes;

        public List<RespValue> Items { get; } = [];
    }
}
