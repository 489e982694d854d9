using System.Globalization;
using System.Text;

namespace Millrace.Server.Observability;

/// <summary>
/// The text of INFO as it grows: sections with a heading, a blank line between them, one <c>name:value</c> per line.
/// </summary>
internal sealed class InfoText
{
    private static readonly string[] Units = ["B", "K", "M", "G", "T", "P", "E"];

    private readonly StringBuilder _text = new();

    /// <summary>The length of the text so far.</summary>
    public int Length => _text.Length;

    /// <summary>Makes the text as short as it was.</summary>
    /// <param name="length">What <see cref="Length"/> was.</param>
    public void Cut(int length) => _text.Length = length;

    /// <summary>Begins a section.</summary>
    public void Section(string heading)
    {
        if (_text.Length > 0) _text.Append("\r\n");
        _text.Append("# ").Append(heading).Append("\r\n");
    }

    /// <summary>Adds a line.</summary>
    public void Line(string name, string value) => _text.Append(name).Append(':').Append(value).Append("\r\n");

    /// <summary>Adds a line with a whole number.</summary>
    public void Line(string name, long value) => Line(name, value.ToString(CultureInfo.InvariantCulture));

    /// <summary>Adds a line with a number of <paramref name="digits"/> decimals.</summary>
    public void Line(string name, double value, int digits) =>
        Line(name, value.ToString("F" + digits.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture));

    /// <summary>Adds a number of bytes, and a second line <c>name_human</c> that is easier to read.</summary>
    public void Bytes(string name, long value)
    {
        Line(name, value);
        Line(name + "_human", Human(value));
    }

    /// <summary>A size as people read it: 1.50M.</summary>
    public static string Human(long bytes)
    {
        if (bytes < 1024) return bytes.ToString(CultureInfo.InvariantCulture) + "B";
        var unit = 0;
        double size = bytes;
        for (; size >= 1024 && unit < Units.Length - 1; unit++) size /= 1024;
        return size.ToString("F2", CultureInfo.InvariantCulture) + Units[unit];
    }

    /// <summary>The bytes of the text so far.</summary>
    public byte[] ToBytes() => Encoding.UTF8.GetBytes(_text.ToString());
}
