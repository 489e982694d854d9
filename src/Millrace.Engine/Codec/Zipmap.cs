using System.Buffers.Binary;

namespace Millrace.Engine.Codec;

/// <summary>
/// Zipmaps, in which Redis packed hashes before 2.6: read only, and only as untrusted bytes.
/// </summary>
/// <remarks>
/// <code>
///   +---------+-- ... --+------+
///   | fields  | field   | 0xFF |      fields: 254 means that there are that many or more
///   | 1       |         |      |
///   +---------+-- ... --+------+
///
///   field    | length | name | length | free | value | free bytes |
///   length   1 byte below 254, or 254 and 4 bytes, LE
/// </code>
/// Source: redis-rdb-tools, "Redis RDB Dump File Format", "Zipmap encoding".
/// </remarks>
internal static class Zipmap
{
    /// <summary>Where the first field is.</summary>
    internal const int First = 1;

    private const byte LongLength = 254;
    private const byte End = 255;

    /// <summary>Takes the field at a place, which becomes that of the next one, or -1 behind the last.</summary>
    /// <returns>False when the bytes are no zipmap.</returns>
    internal static bool TryTake(
        ReadOnlySpan<byte> zipmap, scoped ref int at, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        name = value = default;
        if (!TryLength(zipmap, ref at, out var length) || length > zipmap.Length - at) return false;
        name = zipmap.Slice(at, (int)length);
        at += (int)length;
        if (!TryLength(zipmap, ref at, out length) || at >= zipmap.Length) return false;
        int free = zipmap[at++];
        if (length + free > zipmap.Length - at) return false;
        value = zipmap.Slice(at, (int)length);
        at += (int)length + free;
        if (at >= zipmap.Length) return false;
        if (zipmap[at] != End) return true;
        var isLast = at == zipmap.Length - 1;
        at = -1;
        return isLast;
    }

    /// <summary>Whether so many fields are as many as the first byte says.</summary>
    internal static bool IsCount(ReadOnlySpan<byte> zipmap, long count) =>
        zipmap[0] >= LongLength || zipmap[0] == count;

    private static bool TryLength(ReadOnlySpan<byte> zipmap, scoped ref int at, out long length)
    {
        length = 0;
        if (at >= zipmap.Length) return false;
        length = zipmap[at++];
        if (length < LongLength) return true;
        if (length == End || zipmap.Length - at < sizeof(uint)) return false;
        length = BinaryPrimitives.ReadUInt32LittleEndian(zipmap[at..]);
        at += sizeof(uint);
        return true;
    }
}
