namespace Millrace.Persistence.Tests.Aof;

/// <summary>A file that gives at most so many bytes at a time, cannot be sought, and may fail at a place.</summary>
internal sealed class DripStream(byte[] bytes, int step, int failsAt = int.MaxValue) : Stream
{
    private readonly byte[] _bytes = bytes;
    private readonly int _step = step;
    private readonly int _failsAt = failsAt;
    private int _at;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => _at; set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        if (_at >= _failsAt) throw new IOException("Input/output error");
        var read = Math.Min(Math.Min(_step, buffer.Length), _bytes.Length - _at);
        _bytes.AsSpan(_at, read).CopyTo(buffer);
        _at += read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
