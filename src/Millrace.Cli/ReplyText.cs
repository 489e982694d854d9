// Replies as redis-cli shows them: for people ("(integer) 1", numbered lists, quoted strings) and raw.
//
//     1) "a"                      1# "field" => (integer) 1          1~ "member"
//     2) 1) "b"                   2# "list" =>
//        2) (nil)                    1) "x"
//                                    2) "y"
//
// Numbers are right-aligned to the widest one, and nested lists are indented by that width plus two.
// Byte-equal to redis-cli 7.0 and 7.2 (cliFormatReplyTTY, cliFormatReplyRaw). Those know no big numbers and give up on
// them; here they are shown as "(big number) 123".

using System.Buffers;
using System.Globalization;
using System.Text;
using Millrace.Resp;

namespace Millrace.Cli;

/// <summary>Formats replies into bytes. Recursion is bounded by the reader's depth limit.</summary>
public static class ReplyText
{
    /// <summary>The form for people, with a line end.</summary>
    /// <param name="value">The reply.</param>
    public static byte[] ForPeople(RespValue value)
    {
        ArrayBufferWriter<byte> to = new();
        People(value, string.Empty, to);
        return to.WrittenSpan.ToArray();
    }

    /// <summary>The raw form, without a delimiter behind it.</summary>
    /// <param name="value">The reply.</param>
    /// <param name="delimiter">What separates elements.</param>
    public static byte[] Raw(RespValue value, ReadOnlySpan<byte> delimiter)
    {
        ArrayBufferWriter<byte> to = new();
        Raw(value, delimiter, to);
        return to.WrittenSpan.ToArray();
    }

    /// <summary>The form of a push of key invalidations, or null when the value is another.</summary>
    /// <param name="value">A push.</param>
    public static byte[]? Invalidation(RespValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (value.Items is not [{ Kind: RespKind.Bulk } name, { Kind: RespKind.Array } keys]) return null;
        if (!name.Bytes.Span.StartsWith("invalidate"u8)) return null;
        ArrayBufferWriter<byte> to = new();
        to.Write("-> invalidate: "u8);
        for (int i = 0; i < keys.Items.Count; i++)
        {
            if (i > 0) to.Write(", "u8);
            to.Write("'"u8);
            to.Write(keys.Items[i].Bytes.Span);
            to.Write("'"u8);
        }

        to.Write("\n"u8);
        return to.WrittenSpan.ToArray();
    }

    private static void People(RespValue value, string indent, ArrayBufferWriter<byte> to)
    {
        switch (value.Kind)
        {
            case RespKind.Null or RespKind.NullBulk or RespKind.NullArray: to.Write("(nil)\n"u8); return;
            case RespKind.Bool: to.Write(value.Integer != 0 ? "(true)\n"u8 : "(false)\n"u8); return;
            case RespKind.Integer: Text($"(integer) {value.Integer}\n", to); return;
            case RespKind.Error: Line("(error) "u8, value, to); return;
            case RespKind.Double: Line("(double) "u8, value, to); return;
            case RespKind.BigNumber: Line("(big number) "u8, value, to); return;
            case RespKind.Simple or RespKind.Verbatim: Line([], value, to); return;
            case RespKind.Bulk:
                Quoted(value.Bytes.Span, to);
                to.Write("\n"u8);
                return;
            default:
                if (value.Items.Count == 0) to.Write(EmptyText(value.Kind));
                else Elements(value, indent, to);
                return;
        }
    }

    private static void Elements(RespValue value, string indent, ArrayBufferWriter<byte> to)
    {
        bool isMap = value.Kind == RespKind.Map;
        int step = isMap ? 2 : 1;
        int width = (value.Items.Count / step).ToString(CultureInfo.InvariantCulture).Length;
        string inner = indent + new string(' ', width + 2);
        char mark = value.Kind switch { RespKind.Set => '~', RespKind.Map => '#', _ => ')' };
        for (int i = 0; i < value.Items.Count; i += step)
        {
            string number = ((i / step) + 1).ToString(CultureInfo.InvariantCulture).PadLeft(width);
            Text($"{(i == 0 ? string.Empty : indent)}{number}{mark} ", to);
            if (!isMap)
            {
                People(value.Items[i], inner, to);
                continue;
            }

            ArrayBufferWriter<byte> key = new();
            People(value.Items[i], inner, key);
            to.Write(key.WrittenSpan[..^1]);
            to.Write(" => "u8);
            if (IsMultiline(value.Items[i + 1])) Text("\n" + inner, to);
            People(value.Items[i + 1], inner, to);
        }
    }

    private static bool IsMultiline(RespValue value)
    {
        if (!value.IsAggregate || value.Items.Count == 0) return false;
        int single = value.Kind == RespKind.Map ? 2 : 1;
        return value.Items.Count > single || IsMultiline(value.Items[single - 1]);
    }

    private static ReadOnlySpan<byte> EmptyText(RespKind kind) => kind switch
    {
        RespKind.Map => "(empty hash)\n"u8,
        RespKind.Set => "(empty set)\n"u8,
        RespKind.Push => "(empty push)\n"u8,
        _ => "(empty array)\n"u8,
    };

    private static void Line(ReadOnlySpan<byte> before, RespValue value, ArrayBufferWriter<byte> to)
    {
        to.Write(before);
        to.Write(value.Bytes.Span);
        to.Write("\n"u8);
    }

    /// <summary>The text in double quotes, escaped as sdscatrepr does.</summary>
    private static void Quoted(ReadOnlySpan<byte> text, ArrayBufferWriter<byte> to)
    {
        to.Write("\""u8);
        foreach (byte c in text)
        {
            switch (c)
            {
                case (byte)'\\': to.Write("\\\\"u8); break;
                case (byte)'"': to.Write("\\\""u8); break;
                case (byte)'\n': to.Write("\\n"u8); break;
                case (byte)'\r': to.Write("\\r"u8); break;
                case (byte)'\t': to.Write("\\t"u8); break;
                case (byte)'\a': to.Write("\\a"u8); break;
                case (byte)'\b': to.Write("\\b"u8); break;
                case >= 0x20 and < 0x7F: to.Write([c]); break;
                default: Text($"\\x{c:x2}", to); break;
            }
        }

        to.Write("\""u8);
    }

    private static void Raw(RespValue value, ReadOnlySpan<byte> delimiter, ArrayBufferWriter<byte> to)
    {
        switch (value.Kind)
        {
            case RespKind.Null or RespKind.NullBulk or RespKind.NullArray: return;
            case RespKind.Bool: to.Write(value.Integer != 0 ? "(true)"u8 : "(false)"u8); return;
            case RespKind.Integer: Text(value.Integer.ToString(CultureInfo.InvariantCulture), to); return;
            case RespKind.Error: Line([], value, to); return;
            case RespKind.Map:
                for (int i = 0; i < value.Items.Count; i += 2)
                {
                    if (i > 0) to.Write(delimiter);
                    Raw(value.Items[i], delimiter, to);
                    to.Write(" "u8);
                    Raw(value.Items[i + 1], delimiter, to);
                }

                return;
            case RespKind.Array or RespKind.Set or RespKind.Push:
                for (int i = 0; i < value.Items.Count; i++)
                {
                    if (i > 0) to.Write(delimiter);
                    Raw(value.Items[i], delimiter, to);
                }

                return;
            default:
                to.Write(value.Bytes.Span);
                return;
        }
    }

    private static void Text(string text, ArrayBufferWriter<byte> to) => to.Write(Encoding.UTF8.GetBytes(text));
}
