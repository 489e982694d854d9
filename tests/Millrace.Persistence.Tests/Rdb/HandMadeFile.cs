using System.Buffers.Binary;
using System.Text;
using Millrace.Memory;
using Millrace.Persistence.Rdb;

namespace Millrace.Persistence.Tests.Rdb;

/// <summary>An RDB file that is put together byte by byte.</summary>
internal sealed class HandMadeFile(string magic)
{
    private readonly List<byte> _bytes = [.. Encoding.ASCII.GetBytes(magic)];

    /// <summary>How long it is so far.</summary>
    public int Length => _bytes.Count;

    public HandMadeFile Bytes(params ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public HandMadeFile Hex(string hex) => Bytes(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));

    public HandMadeFile Opcode(RdbOpcode opcode) => Bytes((byte)opcode);

    /// <summary>A text of less than 64 bytes.</summary>
    public HandMadeFile Text(string text) => Bytes((byte)text.Length).Bytes(Encoding.Latin1.GetBytes(text));

    /// <summary>A key with a value whose first byte is its type.</summary>
    public HandMadeFile Key(string name, ReadOnlySpan<byte> typeAndValue) =>
        Bytes(typeAndValue[0]).Text(name).Bytes(typeAndValue[1..]);

    /// <summary>A key with a short text.</summary>
    public HandMadeFile String(string name, string value) => Bytes(0).Text(name).Text(value);

    /// <summary>The bytes so far.</summary>
    public byte[] Whole() => [.. _bytes];

    /// <summary>The file with its end, and with the right checksum when it has one.</summary>
    public byte[] End(bool hasChecksum = true)
    {
        Opcode(RdbOpcode.End);
        return hasChecksum ? Sealed([.. _bytes]) : [.. _bytes];
    }

    /// <summary>A file with the right checksum behind it.</summary>
    public static byte[] Sealed(ReadOnlySpan<byte> file)
    {
        Span<byte> checksum = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(checksum, Crc64.Of(file));
        return [.. file, .. checksum];
    }
}
