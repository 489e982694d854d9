using System.Text;
using Millrace.Resp;

namespace Millrace.Persistence.Aof;

/// <summary>
/// Looks at the bytes of one command as a file holds it, beyond what <see cref="RequestParser"/> looks at: that passes
/// over the ends of lines without reading them, and cannot know that nothing more comes.
/// </summary>
/// <remarks>
/// <code>
///   command   '*' number CR LF, then as many times:  '$' number CR LF, that many bytes, CR LF
///   number    decimal digits, no sign, no zero in front
/// </code>
/// </remarks>
internal static class CommandBytes
{
    private const int MaxDigits = 10;

    /// <summary>Whether every line of a whole command ends as it should. Requires: the parser has cut it so.</summary>
    internal static bool HasAllLineEnds(ReadOnlySpan<byte> command, ReadOnlySpan<Slice> slices)
    {
        var at = command.IndexOf((byte)'\r');
        foreach (var slice in slices)
        {
            if (!IsLineEnd(command[at..]) || command[at + 2] != (byte)'$') return false;
            if (!IsLineEnd(command[(slice.Offset - 2)..])) return false;
            at = slice.Offset + slice.Length;
        }

        return IsLineEnd(command[at..]);
    }

    /// <summary>Whether bytes are the beginning of a command, to which the rest is missing; what stands there must be
    /// right. O(arguments).</summary>
    internal static bool IsBeginning(ReadOnlySpan<byte> bytes)
    {
        if (!TryNumber(ref bytes, (byte)'*', out var count) || count == 0) return false;
        for (; count > 0 && !bytes.IsEmpty; count--)
        {
            if (!TryNumber(ref bytes, (byte)'$', out var length)) return false;
            if (length >= bytes.Length) return true;
            bytes = bytes[(int)length..];
            if (!"\r\n"u8.StartsWith(bytes[..Math.Min(2, bytes.Length)])) return false;
            bytes = bytes[Math.Min(2, bytes.Length)..];
        }

        return bytes.IsEmpty;
    }

    /// <summary>Whether an argument is that word, in upper or lower case.</summary>
    internal static bool IsWord(ReadOnlySpan<byte> argument, ReadOnlySpan<byte> word) =>
        Ascii.EqualsIgnoreCase(argument, word);

    private static bool IsLineEnd(ReadOnlySpan<byte> bytes) => bytes.StartsWith("\r\n"u8);

    // A line that is cut gives the most, and leaves nothing.
    private static bool TryNumber(ref ReadOnlySpan<byte> bytes, byte kind, out long number)
    {
        number = 0;
        if (bytes[0] != kind) return false;
        bytes = bytes[1..];
        var digits = bytes[..Math.Min(bytes.Length, MaxDigits)].IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        var isCut = digits < 0 && bytes.Length <= MaxDigits;
        if (digits < 0) digits = Math.Min(bytes.Length, MaxDigits);
        if (digits > 0 && !Numbers.TryParseInt64(bytes[..digits], out number)) return false;
        bytes = bytes[digits..];
        if (!isCut && digits == 0) return false;
        if (!"\r\n"u8.StartsWith(bytes[..Math.Min(2, bytes.Length)])) return false;
        isCut |= bytes.Length < 2;
        bytes = isCut ? default : bytes[2..];
        if (isCut) number = long.MaxValue;
        return true;
    }
}
