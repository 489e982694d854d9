using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Millrace.Compat.Tests.Wire;

/// <summary>
/// One reply as a tree. <c>Kind</c> is the type byte of the RESP specification; a RESP2 null is the kind it came as
/// (<c>$</c> or <c>*</c>) with <see cref="IsNull"/>. A map's items are key, value, key, value.
/// </summary>
public sealed record ReplyValue(char Kind, byte[] Scalar, IReadOnlyList<ReplyValue> Items, bool IsNull)
{
    /// <summary>The scalar as Latin-1 text.</summary>
    public string Text => Encoding.Latin1.GetString(Scalar);

    /// <summary>True for a simple or bulk error.</summary>
    public bool IsError => Kind is '-' or '!';

    /// <summary>The scalar as a number.</summary>
    public long Number => long.Parse(Text, CultureInfo.InvariantCulture);

    /// <summary>Parses the bytes of one whole reply.</summary>
    public static ReplyValue Parse(ReadOnlySpan<byte> bytes)
    {
        int at = 0;
        return Parse(bytes, ref at);
    }

    /// <summary>An unambiguous text of the tree, used to sort and to compare.</summary>
    public string Render()
    {
        if (IsNull)
            return $"{Kind}null";
        if (Items.Count == 0)
            return $"{Kind}{Scalar.Length}:{Text}";
        return $"{Kind}[{string.Join(',', Items.Select(item => item.Render()))}]";
    }

    /// <summary>The types of the tree without its contents.</summary>
    public string Shape()
    {
        if (IsNull)
            return $"{Kind}null";
        return Items.Count == 0 ? Kind.ToString() : $"{Kind}[{string.Join(',', Items.Select(item => item.Shape()))}]";
    }

    /// <summary>The value that stands after <paramref name="name"/> in a map or a flat array of pairs, or
    /// null.</summary>
    public ReplyValue? Field(string name)
    {
        for (int i = 0; i + 1 < Items.Count; i += 2)
        {
            if (string.Equals(Items[i].Text, name, StringComparison.Ordinal))
                return Items[i + 1];
        }
        return null;
    }

    private static ReplyValue Parse(ReadOnlySpan<byte> bytes, ref int at)
    {
        int line = bytes[at..].IndexOf("\r\n"u8);
        char kind = (char)bytes[at];
        ReadOnlySpan<byte> head = bytes.Slice(at + 1, line - 1);
        at += line + 2;
        if (kind is '$' or '!' or '=')
        {
            int length = Length(head);
            if (length < 0)
                return new ReplyValue(kind, [], [], true);
            byte[] content = bytes.Slice(at, length).ToArray();
            at += length + 2;
            return new ReplyValue(kind, content, [], false);
        }
        if (kind is not ('*' or '~' or '>' or '%' or '|'))
            return new ReplyValue(kind, head.ToArray(), [], kind == '_');
        int count = Length(head);
        if (count < 0)
            return new ReplyValue(kind, [], [], true);
        // An attribute takes the value behind it as its last item.
        count = kind switch { '%' => count * 2, '|' => (count * 2) + 1, _ => count };
        var items = new ReplyValue[count];
        for (int i = 0; i < count; i++)
            items[i] = Parse(bytes, ref at);
        return new ReplyValue(kind, [], items, false);
    }

    private static int Length(ReadOnlySpan<byte> digits) =>
        Utf8Parser.TryParse(digits, out int length, out int used) && used == digits.Length
            ? length
            : throw new InvalidDataException("A length that is not a number.");
}
