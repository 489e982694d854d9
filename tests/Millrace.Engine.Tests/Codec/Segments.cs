using Millrace.Engine.Codec;

namespace Millrace.Engine.Tests.Codec;

/// <summary>Collects what is written, in segments of one size.</summary>
internal sealed class SegmentSink(int segmentBytes) : ValueSink
{
    private readonly MemoryStream _all = new();
    private byte[] _segment = [];

    public byte[] Bytes => _all.ToArray();

    public override Span<byte> Next(int filled)
    {
        End(filled);
        return _segment = new byte[segmentBytes];
    }

    public override void End(int filled) => _all.Write(_segment, 0, filled);
}

/// <summary>Gives bytes a few at a time, each time in memory of its own that is spoiled afterwards.</summary>
internal sealed class SegmentSource(byte[] bytes, int segmentBytes) : ValueSource
{
    private byte[] _last = [];
    private int _at;

    public override long Left => bytes.Length - _at;

    public override ReadOnlySpan<byte> Next()
    {
        _last.AsSpan().Fill(0xEE);
        _last = bytes.AsSpan(_at, Math.Min(segmentBytes, bytes.Length - _at)).ToArray();
        _at += _last.Length;
        return _last;
    }
}
