using System.Buffers.Binary;
using Millrace.Memory;

namespace Millrace.Engine.Codec;

/// <summary>
/// What ends the payload of DUMP.
/// </summary>
/// <remarks>
/// <code>
///   +------+-- ... --+-------------+---------------------+
///   | type | value   | RDB version | CRC64 of all before |
///   | 1    |         | 2, LE       | 8, LE               |
///   +------+-- ... --+-------------+---------------------+
/// </code>
/// Source: Redis 7.2 documentation, "DUMP".
/// </remarks>
public static class DumpFooter
{
    /// <summary>How long it is.</summary>
    public const int Bytes = sizeof(ushort) + sizeof(ulong);

    /// <summary>Writes it behind a value.</summary>
    /// <param name="value">The type and the value.</param>
    /// <param name="version">The RDB version.</param>
    /// <param name="to">Room for it.</param>
    public static void Write(ReadOnlySpan<byte> value, int version, Span<byte> to)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(to, (ushort)version);
        var crc = Crc64.Update(Crc64.Of(value), to[..sizeof(ushort)]);
        BinaryPrimitives.WriteUInt64LittleEndian(to[sizeof(ushort)..], crc);
    }

    /// <summary>Whether a payload ends with a right checksum and a version that is known.</summary>
    /// <param name="payload">Bytes from anywhere.</param>
    /// <param name="verifies">Whether the checksum is compared.</param>
    /// <param name="value">The type and the value.</param>
    public static bool TryOpen(ReadOnlySpan<byte> payload, bool verifies, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (payload.Length < Bytes) return false;
        value = payload[..^Bytes];
        var footer = payload[^Bytes..];
        if (BinaryPrimitives.ReadUInt16LittleEndian(footer) > RdbFormat.LatestVersion) return false;
        var crc = BinaryPrimitives.ReadUInt64LittleEndian(footer[sizeof(ushort)..]);
        return !verifies || Crc64.Of(payload[..^sizeof(ulong)]) == crc;
    }
}
