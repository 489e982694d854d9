using System.Globalization;
using System.Text;

namespace Millrace.Persistence.Rdb;

/// <summary>
/// Bytes from a file as a message shows them: printable ASCII as it is, the rest as \xNN, and not too much of it.
/// </summary>
internal static class ShownText
{
    private const int MaxBytes = 128;

    internal static string Of(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        foreach (var one in bytes[..Math.Min(bytes.Length, MaxBytes)])
        {
            if (one is >= 0x20 and < 0x7F and not (byte)'\\' and not (byte)'\'') text.Append((char)one);
            else text.Append("\\x").Append(one.ToString("x2", CultureInfo.InvariantCulture));
        }

        return bytes.Length > MaxBytes ? text.Append("...").ToString() : text.ToString();
    }
}
