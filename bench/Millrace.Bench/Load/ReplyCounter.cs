// Counts the replies in a stream of RESP2 or RESP3, split anywhere, without keeping any of it.
//
//     Type --> Line --(a bulk)--> Body --> Type          an aggregate of n adds n values that its reply still needs;
//                 +--(an aggregate or a scalar)--> Type   a reply is complete when no value is wanted any more

namespace Millrace.Bench.Load;

/// <summary>A resumable counter of replies.</summary>
internal sealed class ReplyCounter
{
    private enum State
    {
        Type,
        Line,
        Body,
    }

    private State _state;
    private byte _type;
    private long _number; // of the header under way
    private bool _isNegative;
    private bool _isTop; // whether the value under way is the reply itself, not one within
    private long _left; // bytes of the body under way, its line end included
    private long _wanted; // values that the reply under way still needs; 0 between replies

    /// <summary>Error replies so far, at the top level.</summary>
    public long Errors { get; private set; }

    /// <summary>Null replies so far, at the top level.</summary>
    public long Nulls { get; private set; }

    /// <summary>Takes bytes as they came.</summary>
    /// <returns>How many replies they complete.</returns>
    public int Feed(ReadOnlySpan<byte> bytes)
    {
        var replies = 0;
        while (!bytes.IsEmpty)
        {
            switch (_state)
            {
                case State.Type:
                    Begin(bytes[0]);
                    bytes = bytes[1..];
                    break;
                case State.Line:
                    bytes = TakeLine(bytes, ref replies);
                    break;
                default:
                    var taken = (int)Math.Min(_left, bytes.Length);
                    bytes = bytes[taken..];
                    _left -= taken;
                    if (_left == 0) EndValue(ref replies);
                    break;
            }
        }

        return replies;
    }

    private static bool HasLength(byte type) => type is (byte)'$' or (byte)'*' or (byte)'%' or (byte)'~' or (byte)'>'
        or (byte)'=' or (byte)'!' or (byte)'|';

    private void Begin(byte type)
    {
        if (!HasLength(type) && !"+-:_,#("u8.Contains(type))
            throw new InvalidDataException($"a reply begins with byte {type}");
        _isTop = _wanted == 0;
        if (_isTop)
        {
            _wanted = 1;
            if (type is (byte)'-' or (byte)'!') Errors++;
            if (type == (byte)'_') Nulls++;
        }

        _type = type;
        _state = State.Line;
        _number = 0;
        _isNegative = false;
    }

    private ReadOnlySpan<byte> TakeLine(ReadOnlySpan<byte> bytes, scoped ref int replies)
    {
        var end = bytes.IndexOf((byte)'\n');
        var line = end < 0 ? bytes : bytes[..end];
        if (HasLength(_type)) AddDigits(line);
        if (end < 0) return default;
        EndLine(ref replies);
        return bytes[(end + 1)..];
    }

    private void AddDigits(ReadOnlySpan<byte> line)
    {
        foreach (var letter in line)
        {
            if (letter == (byte)'-') _isNegative = true;
            else if (letter is >= (byte)'0' and <= (byte)'9') _number = (_number * 10) + letter - '0';
            else if (letter != (byte)'\r') throw new InvalidDataException($"a length has byte {letter} in it");
        }
    }

    private void EndLine(scoped ref int replies)
    {
        if (_isNegative && _isTop) Nulls++;
        if (!HasLength(_type) || _isNegative)
        {
            EndValue(ref replies);
        }
        else if (_type is (byte)'$' or (byte)'=' or (byte)'!')
        {
            _left = _number + 2;
            _state = State.Body;
        }
        else
        {
            // Attributes come before the value that they belong to and do not count as one.
            _wanted += _type is (byte)'%' or (byte)'|' ? 2 * _number : _number;
            if (_type == (byte)'|') _wanted++;
            EndValue(ref replies);
        }
    }

    private void EndValue(scoped ref int replies)
    {
        _state = State.Type;
        if (--_wanted == 0) replies++;
    }
}
