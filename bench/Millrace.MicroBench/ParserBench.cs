// The request parser over a pipeline of 64 GETs or SETs, as one read of a socket brings it.

using BenchmarkDotNet.Attributes;
using Millrace.Bench.Load;
using Millrace.Resp;

namespace Millrace.MicroBench;

/// <summary>Cutting requests out of bytes.</summary>
public class ParserBench
{
    private const int Pipeline = 64;

    private readonly RequestParser _parser = new();
    private readonly SliceList _slices = new();
    private byte[] _get = [];
    private byte[] _set = [];

    [GlobalSetup]
    public void SetUp()
    {
        _get = RequestTemplate.Of("get", 1_000_000, 3).Repeat(Pipeline);
        _set = RequestTemplate.Of("set", 1_000_000, 64).Repeat(Pipeline);
    }

    [Benchmark(OperationsPerInvoke = Pipeline)]
    public int Get() => ParseAll(_get);

    [Benchmark(OperationsPerInvoke = Pipeline)]
    public int SetOf64Bytes() => ParseAll(_set);

    private int ParseAll(byte[] input)
    {
        var at = 0;
        while (at < input.Length)
        {
            var status = _parser.Parse(input.AsSpan(at), RequestLimits.Default, true, _slices, out var consumed);
            if (status != ParseStatus.Complete) throw new InvalidDataException(status.ToString());
            at += consumed;
        }

        return at;
    }
}
