namespace Millrace.Persistence.Files;

/// <summary>A file of an <see cref="IFileSystem"/> as a stream that is read from a place on. A fault of the disk is an
/// <see cref="IOException"/> with the system's words.</summary>
/// <param name="file">The file; it stays the caller's.</param>
/// <param name="offset">The place, in bytes.</param>
public sealed class ReadingStream(IReadableFile file, long offset) : Stream
{
    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => true;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => file.Length;

    /// <inheritdoc/>
    public override long Position { get; set; } = offset;

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        if (file.Read(Position, buffer, out var bytes) is { } reason) throw new IOException(reason);
        Position += bytes;
        return bytes;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => Position + offset,
        _ => Length + offset,
    };

    /// <inheritdoc/>
    public override void Flush()
    {
        // Nothing is written.
    }

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
