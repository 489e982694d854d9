using System.Buffers.Binary;
using Millrace.Engine.Codec;
using Millrace.Memory;
using Millrace.Persistence.Files;

namespace Millrace.Persistence.Rdb;

/// <summary>
/// Takes the bytes of an RDB file in order: one buffer, written out whenever it is full, and the checksum of all of it.
/// </summary>
/// <remarks>
/// After a fault nothing is written any more, and room is given all the same; whoever writes looks at
/// <see cref="Fault"/> now and then, and at the end. Used by one thread at a time.
/// </remarks>
/// <param name="target">Where the bytes go.</param>
public sealed class RdbOutput(IByteTarget target) : ValueSink
{
    /// <summary>The bytes of one write.</summary>
    public const int BufferBytes = 128 * 1024;

    private readonly byte[] _buffer = new byte[BufferBytes];
    private int _filled;
    private long _written;
    private ulong _checksum;

    /// <summary>Why bytes are lost; none while all went well.</summary>
    public DiskFault Fault { get; private set; }

    /// <summary>How many bytes there were so far.</summary>
    public long Length => _written + _filled;

    /// <inheritdoc/>
    public override Span<byte> Next(int filled)
    {
        _filled += filled;
        if (_buffer.Length - _filled < MinRoomBytes) Flush();
        return _buffer.AsSpan(_filled);
    }

    /// <inheritdoc/>
    public override void End(int filled) => _filled += filled;

    /// <summary>Takes bytes that are encoded already.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var room = Next(0);
            var taken = Math.Min(room.Length, bytes.Length);
            bytes[..taken].CopyTo(room);
            End(taken);
            bytes = bytes[taken..];
        }
    }

    /// <summary>Ends the file behind its last record, and writes everything out.</summary>
    /// <param name="hasChecksum">Whether it ends with its checksum, or with zeros, which mean that there is none.
    /// </param>
    public void Seal(bool hasChecksum)
    {
        Flush();
        BinaryPrimitives.WriteUInt64LittleEndian(_buffer, hasChecksum ? _checksum : 0);
        _filled = sizeof(ulong);
        Flush();
    }

    private void Flush()
    {
        var bytes = _buffer.AsSpan(0, _filled);
        _checksum = Crc64.Update(_checksum, bytes);
        if (Fault.IsNone) Fault = target.Write(bytes);
        _written += _filled;
        _filled = 0;
    }
}
