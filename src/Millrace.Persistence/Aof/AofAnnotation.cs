using System.Diagnostics;
using System.Globalization;
using Millrace.Resp;

namespace Millrace.Persistence.Aof;

/// <summary>
/// The lines between commands that are no commands: they begin with '#', and whoever does not know one passes it over.
/// </summary>
/// <remarks>
/// <code>
///   #TS:1628217470\r\n                      the commands behind it ran in this second or later (Unix time)
///   #CRC:e9c6d914c4b8d9ca 4711\r\n          the CRC64 (Millrace.Memory, Crc64) of the 4711 bytes before it: back to
///        16 hexadecimal digits,             the end of the previous such line, or to where the commands begin
///        in lower case
/// </code>
/// redis-server 7.0 passes over a line that begins with '#' wherever a command may begin, within MULTI as well, if it
/// has at most 1023 bytes; at the end of a file it may be cut anywhere. Within a command it is an error.
/// A checksum has one form only, so that no changed byte of it goes unseen.
/// Source: redis.conf of Redis 7.0, "aof-timestamp-enabled"; what redis-server 7.0 accepts.
/// </remarks>
public static class AofAnnotation
{
    /// <summary>The longest line, with its end, in bytes.</summary>
    public const int MaxLineBytes = 1023;

    /// <summary>The most bytes of a line that is written here.</summary>
    public const int MaxWrittenBytes = 64;

    private const int CrcDigits = 16;

    /// <summary>How a checksum begins.</summary>
    internal static ReadOnlySpan<byte> ChecksumStart => "#CRC:"u8;

    private static ReadOnlySpan<byte> TimestampStart => "#TS:"u8;

    /// <summary>Writes the checksum of what nothing covers yet. Requires: <see cref="MaxWrittenBytes"/> free.</summary>
    /// <returns>The bytes written.</returns>
    public static int WriteChecksum(AofTail tail, Span<byte> to)
    {
        ChecksumStart.CopyTo(to);
        var at = ChecksumStart.Length;
        var fits = tail.Crc.TryFormat(to[at..], out var digits, "x16", CultureInfo.InvariantCulture);
        Debug.Assert(fits && digits == CrcDigits, "sixteen digits hold every checksum");
        at += digits;
        to[at++] = (byte)' ';
        at += Numbers.FormatInt64(tail.UncoveredBytes, to[at..]);
        return WriteEnd(to, at);
    }

    /// <summary>Writes a timestamp. Requires: <see cref="MaxWrittenBytes"/> free.</summary>
    /// <param name="unixSeconds">Seconds since 1970.</param>
    /// <param name="to">Where to write.</param>
    /// <returns>The bytes written.</returns>
    public static int WriteTimestamp(long unixSeconds, Span<byte> to)
    {
        TimestampStart.CopyTo(to);
        var at = TimestampStart.Length;
        at += Numbers.FormatInt64(unixSeconds, to[at..]);
        return WriteEnd(to, at);
    }

    /// <summary>Whether a line is meant to be a checksum, right or wrong.</summary>
    public static bool IsChecksum(ReadOnlySpan<byte> line) => line.StartsWith(ChecksumStart);

    /// <summary>Reads a checksum in its one form.</summary>
    /// <param name="line">The line with its end.</param>
    /// <param name="crc">The checksum.</param>
    /// <param name="bytes">How many bytes it covers, one or more.</param>
    public static bool TryReadChecksum(ReadOnlySpan<byte> line, out ulong crc, out long bytes)
    {
        (crc, bytes) = (0, 0);
        var shortest = ChecksumStart.Length + CrcDigits + 1;
        if (line.Length < shortest || !IsChecksum(line) || !line.EndsWith("\r\n"u8)) return false;
        foreach (var digit in line.Slice(ChecksumStart.Length, CrcDigits))
        {
            if (!char.IsAsciiHexDigitLower((char)digit)) return false;
            crc = (crc << 4) | (uint)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
        }

        return line[shortest - 1] == (byte)' '
            && Numbers.TryParseInt64(line[shortest..^2], out bytes) && bytes > 0;
    }

    /// <summary>Reads a timestamp.</summary>
    /// <param name="line">The line with its end.</param>
    /// <param name="unixSeconds">Seconds since 1970.</param>
    public static bool TryReadTimestamp(ReadOnlySpan<byte> line, out long unixSeconds)
    {
        unixSeconds = 0;
        return line.StartsWith(TimestampStart) && line.EndsWith("\r\n"u8)
            && Numbers.TryParseInt64(line[TimestampStart.Length..^2], out unixSeconds);
    }

    private static int WriteEnd(Span<byte> to, int at)
    {
        "\r\n"u8.CopyTo(to[at..]);
        return at + 2;
    }
}
