using System.Globalization;
using System.Text;

namespace Millrace.Compat.Tests.Wire;

/// <summary>Bytes as text that can be read, and pasted into redis-cli.</summary>
public static class Printable
{
    /// <summary>The bytes quoted as redis-cli quotes them; the middle of a long value is left out.</summary>
    public static string Quote(ReadOnlySpan<byte> bytes, int limit = 200)
    {
        var text = new StringBuilder("\"");
        for (int i = 0; i < bytes.Length; i++)
        {
            if (i == limit / 2 && bytes.Length > limit)
            {
                text.Append(CultureInfo.InvariantCulture, $"...{bytes.Length - limit} bytes...");
                i = bytes.Length - (limit / 2);
            }
            Append(text, bytes[i]);
        }
        return text.Append('"').ToString();
    }

    /// <summary>The bytes around the first one in which they differ from <paramref name="other"/>, quoted.</summary>
    public static string QuoteFrom(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> other)
    {
        const int Before = 60;
        const int After = 100;
        int start = Math.Max(0, bytes.CommonPrefixLength(other) - Before);
        string lead = start == 0 ? "" : $"...{start} bytes...";
        return lead + Quote(bytes.Slice(start, Math.Min(bytes.Length - start, Before + After)));
    }

    private static void Append(StringBuilder text, byte value)
    {
        switch (value)
        {
            case (byte)'\r':
                text.Append("\\r");
                break;
            case (byte)'\n':
                text.Append("\\n");
                break;
            case (byte)'"' or (byte)'\\':
                text.Append('\\').Append((char)value);
                break;
            case >= 0x20 and < 0x7f:
                text.Append((char)value);
                break;
            default:
                text.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}");
                break;
        }
    }
}
