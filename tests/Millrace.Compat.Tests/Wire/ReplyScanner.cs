using System.Buffers.Text;

namespace Millrace.Compat.Tests.Wire;

/// <summary>Finds where one reply ends in bytes that may hold a part of it. O(length) per call.</summary>
public static class ReplyScanner
{
    /// <summary>The length of the first reply in <paramref name="bytes"/>, or -1 when it is not there whole.</summary>
    public static int Measure(ReadOnlySpan<byte> bytes)
    {
        int at = 0;
        // The values still to read; an attribute or a push is followed by the reply it stands before.
        long open = 1;
        int depth = 0;
        while (open > 0)
        {
            int line = bytes[at..].IndexOf("\r\n"u8);
            if (line < 0)
                return -1;
            ReadOnlySpan<byte> head = bytes.Slice(at, line);
            at += line + 2;
            if (head.IsEmpty)
                throw new InvalidDataException("An empty line where a reply begins.");
            long announced = head.Length > 1 && "$!=*%~>|"u8.Contains(head[0]) ? ParseLength(head[1..]) : 0;
            open--;
            switch (head[0])
            {
                case (byte)'+' or (byte)'-' or (byte)':' or (byte)'_' or (byte)'#' or (byte)',' or (byte)'(':
                    break;
                case (byte)'$' or (byte)'!' or (byte)'=':
                    if (announced < 0)
                        break;
                    if (bytes.Length - at < announced + 2)
                        return -1;
                    at += (int)announced + 2;
                    break;
                case (byte)'*' or (byte)'~':
                    open += Math.Max(announced, 0);
                    break;
                case (byte)'>':
                    open += announced + (depth == 0 ? 1 : 0);
                    break;
                case (byte)'%':
                    open += 2 * announced;
                    break;
                case (byte)'|':
                    open += (2 * announced) + 1;
                    break;
                default:
                    throw new InvalidDataException($"A reply cannot begin with byte {head[0]}.");
            }
            depth++;
        }
        return at;
    }

    private static long ParseLength(ReadOnlySpan<byte> digits) =>
        Utf8Parser.TryParse(digits, out long length, out int used) && used == digits.Length
            ? length
            : throw new InvalidDataException("A length that is not a number.");
}
