// The value of a directive: the text that CONFIG GET answers, and the number behind it.
//
// Configuration is bytes, not characters: a password may hold any byte. Everywhere in this folder a string therefore
// holds one byte per char (Latin-1); ConfigText converts at the edges, where a value becomes a path, an environment
// string or bytes on the wire.

using System.Globalization;
using System.Text;

namespace Millrace.Server.Config;

/// <summary>An immutable value of a directive.</summary>
/// <param name="Text">The canonical text, one byte per char.</param>
/// <param name="Number">The number that the text stands for; 0 when there is none. A percentage is negative.</param>
public sealed record DirectiveValue(string Text, long Number = 0);

/// <summary>Converts between bytes, the one-byte-per-char strings of this folder and ordinary strings.</summary>
public static class ConfigText
{
    /// <summary>One char per byte.</summary>
    /// <param name="bytes">Any bytes.</param>
    public static string FromBytes(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    /// <summary>The bytes of a configuration string.</summary>
    /// <param name="text">One byte per char.</param>
    public static byte[] ToBytes(string text) => Encoding.Latin1.GetBytes(text);

    /// <summary>The configuration string of an ordinary string (UTF-8).</summary>
    /// <param name="text">An ordinary string.</param>
    public static string FromString(string text) => FromBytes(Encoding.UTF8.GetBytes(text));

    /// <summary>The text in double quotes, as a configuration file has it (sdscatrepr's form): printable ASCII as it
    /// is, everything else escaped.</summary>
    /// <param name="text">One byte per char.</param>
    public static string Quoted(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        foreach (char c in text)
        {
            quoted = c switch
            {
                '"' or '\\' => quoted.Append('\\').Append(c),
                '\n' => quoted.Append("\\n"),
                '\r' => quoted.Append("\\r"),
                '\t' => quoted.Append("\\t"),
                '\a' => quoted.Append("\\a"),
                '\b' => quoted.Append("\\b"),
                >= ' ' and <= '~' => quoted.Append(c),
                _ => quoted.Append("\\x").Append(((int)c).ToString("x2", CultureInfo.InvariantCulture)),
            };
        }

        return quoted.Append('"').ToString();
    }

    /// <summary>A path or a text for people: the bytes read as UTF-8.</summary>
    /// <param name="text">One byte per char.</param>
    public static string ToDisplay(string text) => Encoding.UTF8.GetString(ToBytes(text));
}
