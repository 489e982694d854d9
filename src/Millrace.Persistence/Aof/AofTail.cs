using Millrace.Memory;

namespace Millrace.Persistence.Aof;

/// <summary>
/// A place in an append-only file that something can be appended at, and the checksum so far: of the bytes between the
/// latest checksum annotation, or the beginning, and there.
/// </summary>
/// <remarks>
/// <code>
///   ... #CRC:... \r\n *3\r\n$3\r\nSET ... *3\r\n$3\r\nSET ...
///                    |--------- UncoveredBytes ---------|
///                                                       Offset
/// </code>
/// The reader gives the one behind the last whole command or transaction, and the writer goes on from it: the next
/// annotation covers what nothing covered before, whoever has written that.
/// </remarks>
/// <param name="Offset">Bytes from the start of the file.</param>
/// <param name="UncoveredBytes">How many of them no annotation covers.</param>
/// <param name="Crc">The checksum of those.</param>
public readonly record struct AofTail(long Offset, long UncoveredBytes, ulong Crc)
{
    /// <summary>The place behind some more bytes. O(bytes).</summary>
    public AofTail With(ReadOnlySpan<byte> bytes) =>
        new(Offset + bytes.Length, UncoveredBytes + bytes.Length, Crc64.Update(Crc, bytes));

    /// <summary>The place behind an annotation that covers everything up to here.</summary>
    /// <param name="annotationBytes">How long it is.</param>
    public AofTail Covered(int annotationBytes) => new(Offset + annotationBytes, 0, 0);
}
