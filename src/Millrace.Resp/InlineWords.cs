// Words of an inline request, split and unescaped in place as Redis's sdssplitargs does.
//
// Blanks separate words. Double quotes understand \n \r \t \b \a, \xHH and \ before any other byte; single quotes
// understand \' only. A closing quote must be followed by a blank or the end. Unescaping never makes a word longer, so
// the result is written over the source: the write position never passes the read position.

namespace Millrace.Resp;

/// <summary>Splits a line into words with Redis's quoting rules.</summary>
public static class InlineWords
{
    /// <summary>Splits <paramref name="line"/>; false when quotes are unbalanced. The line's bytes are overwritten.
    /// O(bytes).</summary>
    /// <param name="line">The line without its end. Owned by the caller; the slices point into it.</param>
    /// <param name="words">Receives the words' places.</param>
    public static bool Split(Span<byte> line, SliceList words)
    {
        ArgumentNullException.ThrowIfNull(words);
        int read = 0;
        while (true)
        {
            while (read < line.Length && IsSpace(line[read])) read++;
            if (read >= line.Length || line[read] == 0) return true;
            int start = read;
            int write = start;
            while (read < line.Length && !EndsWord(line[read]))
            {
                byte c = line[read];
                if (c is (byte)'"' or (byte)'\'')
                {
                    read++;
                    bool closed = c == (byte)'"'
                        ? TakeDoubleQuoted(line, ref read, ref write)
                        : TakeSingleQuoted(line, ref read, ref write);
                    if (!closed || (read < line.Length && line[read] != 0 && !IsSpace(line[read]))) return false;
                    break;
                }

                line[write++] = c;
                read++;
            }

            words.Add(new Slice(start, write - start));
        }
    }

    private static bool TakeDoubleQuoted(Span<byte> line, ref int read, ref int write)
    {
        while (read < line.Length)
        {
            byte c = line[read];
            if (c == 0) return false;
            if (c == (byte)'"')
            {
                read++;
                return true;
            }

            if (c == (byte)'\\' && read + 1 < line.Length && line[read + 1] != 0)
            {
                if (line[read + 1] == (byte)'x' && read + 3 < line.Length
                    && char.IsAsciiHexDigit((char)line[read + 2]) && char.IsAsciiHexDigit((char)line[read + 3]))
                {
                    line[write++] = (byte)((HexValue(line[read + 2]) * 16) + HexValue(line[read + 3]));
                    read += 4;
                    continue;
                }

                line[write++] = Unescape(line[read + 1]);
                read += 2;
                continue;
            }

            line[write++] = c;
            read++;
        }

        return false;
    }

    private static bool TakeSingleQuoted(Span<byte> line, ref int read, ref int write)
    {
        while (read < line.Length)
        {
            byte c = line[read];
            if (c == 0) return false;
            if (c == (byte)'\\' && read + 1 < line.Length && line[read + 1] == (byte)'\'')
            {
                line[write++] = (byte)'\'';
                read += 2;
                continue;
            }

            read++;
            if (c == (byte)'\'') return true;
            line[write++] = c;
        }

        return false;
    }

    private static byte Unescape(byte c) => c switch
    {
        (byte)'n' => (byte)'\n',
        (byte)'r' => (byte)'\r',
        (byte)'t' => (byte)'\t',
        (byte)'b' => (byte)'\b',
        (byte)'a' => (byte)'\a',
        _ => c,
    };

    private static int HexValue(byte c) => c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;

    private static bool IsSpace(byte c) => c is (byte)' ' or (>= (byte)'\t' and <= (byte)'\r');

    private static bool EndsWord(byte c) => c is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t' or 0;
}
