using System.Diagnostics;
using System.Globalization;

namespace Millrace.Memory;

/// <summary>
/// One element of a listpack, or one that is to be stored or looked for: a text, or the integer that a text stands for.
/// </summary>
/// <remarks>
/// A text that is the one canonical decimal form of a 64-bit integer is stored as that integer, so both are the same
/// element. Made from a text, an element is parsed once, however often it is compared afterwards. A view: it lives as
/// long as the listpack or text that it was made from stays unchanged.
/// </remarks>
public readonly ref struct ListpackElement
{
    /// <summary>The most bytes that the text of an integer takes.</summary>
    public const int MaxIntegerBytes = 20;

    private ListpackElement(ReadOnlySpan<byte> bytes, bool isInteger, long integer)
    {
        Bytes = bytes;
        IsInteger = isInteger;
        Integer = integer;
    }

    /// <summary>Whether it is stored as an integer.</summary>
    public bool IsInteger { get; }

    /// <summary>The integer; 0 when it is none.</summary>
    public long Integer { get; }

    /// <summary>The text where there is one: always when this is no integer, and for an integer made from a text.
    /// Otherwise empty; see <see cref="Text"/>.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>How many bytes the text has, an integer's too. O(1).</summary>
    public int TextLength => HasText ? Bytes.Length : CountDigits(Integer);

    private bool HasText => !IsInteger || !Bytes.IsEmpty;

    /// <summary>The element that a text is stored as. O(1): at most 20 bytes are looked at.</summary>
    public static ListpackElement Of(ReadOnlySpan<byte> text)
    {
        var isInteger = TryParseInteger(text, out var integer);
        return new ListpackElement(text, isInteger, integer);
    }

    /// <summary>The element that an integer is stored as.</summary>
    public static ListpackElement Of(long integer) => new(default, isInteger: true, integer);

    /// <summary>The text.</summary>
    /// <param name="scratch">At least <see cref="MaxIntegerBytes"/>, for the digits of an integer.</param>
    /// <returns>The text: a view of the listpack, or of the beginning of <paramref name="scratch"/>.</returns>
    public ReadOnlySpan<byte> Text(Span<byte> scratch) => HasText ? Bytes : scratch[..Format(Integer, scratch)];

    /// <summary>Copies the text. Requires: <see cref="TextLength"/> bytes free.</summary>
    /// <returns>The bytes written.</returns>
    public int CopyTo(Span<byte> to)
    {
        if (!HasText) return Format(Integer, to);
        Bytes.CopyTo(to);
        return Bytes.Length;
    }

    /// <summary>Whether the element's text is this one.</summary>
    public bool SameAs(ReadOnlySpan<byte> text) =>
        IsInteger ? TryParseInteger(text, out var integer) && integer == Integer : Bytes.SequenceEqual(text);

    /// <summary>Whether both have the same text.</summary>
    public bool SameAs(ListpackElement other)
    {
        if (IsInteger && other.IsInteger) return Integer == other.Integer;

        // A listpack of foreign origin may hold the text of an integer as a string.
        if (IsInteger) return other.SameAs(this);
        if (other.HasText) return Bytes.SequenceEqual(other.Bytes);
        return TryParseInteger(Bytes, out var integer) && integer == other.Integer;
    }

    /// <summary>Reads a 64-bit integer in its one canonical form: no plus sign, no leading zero, no blank, no "-0".
    /// </summary>
    internal static bool TryParseInteger(ReadOnlySpan<byte> text, out long integer)
    {
        integer = 0;
        if (text.IsEmpty || text.Length > MaxIntegerBytes) return false;
        var isNegative = text[0] == (byte)'-';
        var digits = isNegative ? text[1..] : text;
        if (digits.IsEmpty || digits.Length > MaxIntegerBytes - 1) return false;
        if (digits[0] == (byte)'0') return text.Length == 1;
        ulong sum = 0;
        foreach (var letter in digits)
        {
            var digit = (uint)(letter - '0');
            if (digit > 9) return false;
            sum = (sum * 10) + digit;
        }

        // Nineteen digits do not overflow 64 unsigned bits.
        if (sum > (isNegative ? 1UL << 63 : long.MaxValue)) return false;
        integer = isNegative ? unchecked(-(long)sum) : (long)sum;
        return true;
    }

    /// <summary>An element that is a text even where it looks like an integer: a view of what is stored elsewhere.
    /// </summary>
    public static ListpackElement OfString(ReadOnlySpan<byte> bytes) => new(bytes, isInteger: false, 0);

    private static int Format(long integer, Span<byte> to)
    {
        var fits = integer.TryFormat(to, out var written, default, CultureInfo.InvariantCulture);
        Debug.Assert(fits, "twenty bytes hold every 64-bit integer");
        return written;
    }

    private static int CountDigits(long integer)
    {
        var count = integer < 0 ? 2 : 1;
        for (var rest = integer / 10; rest != 0; rest /= 10) count++;
        return count;
    }
}
