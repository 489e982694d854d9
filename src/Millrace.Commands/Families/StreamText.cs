using System.Buffers.Text;
using Millrace.Engine.Values;
using Millrace.Resp;

namespace Millrace.Commands.Families;

/// <summary>IDs of streams as texts: <c>1526919030474-55</c>.</summary>
/// <remarks>Source: Redis 7.2 documentation, "Streams", "Entry IDs".</remarks>
internal static class StreamText
{
    /// <summary>The longest text of an ID.</summary>
    internal const int MaxIdBytes = 41;

    private const int MaxReadBytes = 127;

    private static ReadOnlySpan<byte> InvalidId => "ERR Invalid stream ID specified as stream command argument"u8;

    /// <summary>Writes an ID. Requires: <see cref="MaxIdBytes"/>.</summary>
    /// <returns>The bytes written.</returns>
    internal static int Format(StreamId id, Span<byte> to)
    {
        Utf8Formatter.TryFormat(id.Ms, to, out var length);
        to[length++] = (byte)'-';
        Utf8Formatter.TryFormat(id.Seq, to[length..], out var more);
        return length + more;
    }

    /// <summary>Replies with an ID.</summary>
    internal static void WriteId(ReplyWriter reply, StreamId id)
    {
        Span<byte> text = stackalloc byte[MaxIdBytes];
        reply.Bulk(text[..Format(id, text)]);
    }

    /// <summary>Records an ID as an argument of an effect.</summary>
    internal static void Record(EffectBuffer effects, StreamId id)
    {
        Span<byte> text = stackalloc byte[MaxIdBytes];
        effects.Argument(text[..Format(id, text)]);
    }

    /// <summary>Reads an ID whose sequence is 0 when there is none; writes an error when the argument is no ID.
    /// </summary>
    internal static bool TryReadId(in Call call, int argIndex, out StreamId id)
    {
        if (TryParse(call.Args[argIndex], 0, out id)) return true;
        call.Reply.Error(InvalidId);
        return false;
    }

    /// <summary>Reads the ID of an entry that is to be added, whose sequence may be left to the server
    /// (<c>ms-*</c>).</summary>
    internal static bool TryReadNewId(in Call call, int argIndex, out StreamId id, out bool hasSequence)
    {
        var text = call.Args[argIndex];
        hasSequence = !text.EndsWith("-*"u8);
        if (hasSequence) return TryReadId(call, argIndex, out id);
        var isNumber = TryParseNumber(text[..^2], out var ms);
        id = new StreamId(ms, 0);
        if (isNumber && IsShort(text)) return true;
        call.Reply.Error(InvalidId);
        return false;
    }

    /// <summary>Reads an end of a range: an ID, <c>(</c> and an ID that is not part of it, <c>-</c> or <c>+</c>.
    /// </summary>
    /// <param name="call">The call.</param>
    /// <param name="argIndex">The argument.</param>
    /// <param name="isEnd">Whether it is the greater one: without a sequence it means the last ID of a millisecond.
    /// </param>
    /// <param name="id">The smallest or the greatest ID of the range.</param>
    internal static bool TryReadBound(in Call call, int argIndex, bool isEnd, out StreamId id)
    {
        var text = call.Args[argIndex];
        var isOpen = text.Length > 1 && text[0] == (byte)'(';
        if (!TryParseBound(isOpen ? text[1..] : text, isEnd ? ulong.MaxValue : 0, allowsEnds: !isOpen, out id))
        {
            call.Reply.Error(InvalidId);
            return false;
        }

        if (!isOpen || (isEnd ? id.TryPrevious(out id) : id.TryNext(out id))) return true;
        call.Reply.Error(isEnd ? "ERR invalid end ID for the interval"u8 : "ERR invalid start ID for the interval"u8);
        return false;
    }

    /// <summary>Reads an ID that may be <c>-</c> or <c>+</c>, the smallest and the greatest; writes an error when the
    /// argument is none.</summary>
    internal static bool TryReadAnyId(in Call call, int argIndex, out StreamId id)
    {
        if (TryParseBound(call.Args[argIndex], 0, allowsEnds: true, out id)) return true;
        call.Reply.Error(InvalidId);
        return false;
    }

    /// <summary>Reads an ID: milliseconds, and perhaps a dash and a sequence.</summary>
    internal static bool TryParse(ReadOnlySpan<byte> text, ulong missingSequence, out StreamId id) =>
        TryParseBound(text, missingSequence, allowsEnds: false, out id);

    private static bool TryParseBound(
        ReadOnlySpan<byte> text, ulong missingSequence, bool allowsEnds, out StreamId id)
    {
        id = default;
        if (!IsShort(text)) return false;
        if (text.SequenceEqual("-"u8)) return allowsEnds;
        if (text.SequenceEqual("+"u8))
        {
            id = StreamId.Max;
            return allowsEnds;
        }

        // A NUL byte ends the text, as for C.
        var end = text.IndexOf((byte)0);
        if (end >= 0) text = text[..end];
        var dash = text.IndexOf((byte)'-');
        var sequence = missingSequence;
        if (!TryParseNumber(dash < 0 ? text : text[..dash], out var ms)) return false;
        if (dash >= 0 && !TryParseNumber(text[(dash + 1)..], out sequence)) return false;
        id = new StreamId(ms, sequence);
        return true;
    }

    private static bool IsShort(ReadOnlySpan<byte> text) => text.Length <= MaxReadBytes;

    // A plain integer, which must not be negative; otherwise as C's strtoull reads it: blanks, a sign and zeros in
    // front, and a negative number counts down from 2^64.
    private static bool TryParseNumber(ReadOnlySpan<byte> text, out ulong value)
    {
        value = 0;
        if (Numbers.TryParseInt64(text, out var plain))
        {
            value = unchecked((ulong)plain);
            return plain >= 0;
        }

        text = text.TrimStart(" \t\n\v\f\r"u8);
        var isNegative = text.StartsWith("-"u8);
        if (isNegative || text.StartsWith("+"u8)) text = text[1..];
        if (text.IsEmpty) return false;
        foreach (var letter in text)
        {
            var digit = (uint)(letter - '0');
            if (digit > 9 || value > (ulong.MaxValue - digit) / 10) return false;
            value = (value * 10) + digit;
        }

        if (isNegative) value = unchecked(0 - value);
        return true;
    }
}
