// The reply writer: the replies of GET, SET and INCR, 64 of each into one segment.

using BenchmarkDotNet.Attributes;
using Millrace.Resp;

namespace Millrace.MicroBench;

/// <summary>Writing replies.</summary>
public class ReplyBench
{
    private const int Replies = 64;

    private readonly ReplyWriter _writer = new();
    private readonly byte[] _segment = new byte[64 * 1024];
    private readonly byte[] _value = new byte[64];
    private readonly NoMore _source = new();

    [Benchmark(OperationsPerInvoke = Replies)]
    public int Ok()
    {
        _writer.Attach(_source, _segment, 0, protocol: 2);
        for (var i = 0; i < Replies; i++) _writer.Ok();
        return _writer.Detach();
    }

    [Benchmark(OperationsPerInvoke = Replies)]
    public int BulkOf3Bytes() => Bulks(3);

    [Benchmark(OperationsPerInvoke = Replies)]
    public int BulkOf64Bytes() => Bulks(64);

    [Benchmark(OperationsPerInvoke = Replies)]
    public int Integer()
    {
        _writer.Attach(_source, _segment, 0, protocol: 2);
        for (var i = 0; i < Replies; i++) _writer.Integer(1234567 + i);
        return _writer.Detach();
    }

    private int Bulks(int sizeBytes)
    {
        _writer.Attach(_source, _segment, 0, protocol: 2);
        for (var i = 0; i < Replies; i++) _writer.Bulk(_value.AsSpan(0, sizeBytes));
        return _writer.Detach();
    }

    private sealed class NoMore : SegmentSource
    {
        public override byte[] Next(int filledInCurrent, int minimumFree, out int start) =>
            throw new InvalidOperationException("64 replies fit one segment");
    }
}
