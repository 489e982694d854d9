// Properties of the request parser: the way a stream is split never matters, and no stream makes it throw or hold memory
// beyond what was sent.

using System.Text;

namespace Millrace.Resp.Tests;

public sealed class RequestParserProperties
{
    private const int Rounds = 3000;

    private static readonly RequestLimits SmallLimits = new() { MaxBulkLength = 60, MaxInlineBytes = 100 };

    [Fact]
    public void Any_split_of_a_valid_stream_gives_the_same_requests()
    {
        int seed = Environment.TickCount;
        for (int round = 0; round < Rounds; round++)
        {
            Random random = new(seed + round);
            byte[] stream = RandomRequests.Make(random);
            AssertSplitsAgree(stream, random, RequestLimits.Default, seed + round);
        }
    }

    [Fact]
    public void Any_split_of_a_mutated_stream_gives_the_same_requests_and_errors()
    {
        int seed = Environment.TickCount;
        int errors = 0;
        for (int round = 0; round < Rounds; round++)
        {
            Random random = new(seed + round);
            byte[] stream = RandomRequests.Mutate(random, RandomRequests.Make(random));
            ParseTrace whole = AssertSplitsAgree(stream, random, SmallLimits, seed + round);
            if (whole.Events.Exists(e => e.StartsWith('!'))) errors++;
        }

        Assert.InRange(errors, Rounds / 10, Rounds);
    }

    [Fact]
    public void Memory_held_is_bounded_by_the_bytes_that_arrived()
    {
        int seed = Environment.TickCount;
        SliceList args = new();
        for (int round = 0; round < Rounds; round++)
        {
            Random random = new(seed + round);
            byte[] stream = RandomRequests.Mutate(random, RandomRequests.Make(random));
            RequestParser parser = new();
            ParseStatus status = parser.Parse(
                stream, RequestLimits.Default, authenticated: true, args, out int consumed);
            Assert.InRange(consumed, 0, stream.Length);
            Assert.True(parser.HeldBytes <= Math.Max(16, 2 * stream.Length) * 8, $"seed {seed + round}");
            Assert.True(parser.IsPending == (status == ParseStatus.Incomplete), $"seed {seed + round}");
        }
    }

    private static ParseTrace AssertSplitsAgree(byte[] stream, Random random, RequestLimits limits, int seed)
    {
        bool authenticated = random.Next(4) != 0;
        ParseTrace whole = ParseTrace.Of(stream, [], authenticated, limits);
        AssertSame(whole, ParseTrace.Of(stream, Enumerable.Range(1, stream.Length), authenticated, limits), seed, stream);
        int[] cuts = [.. Enumerable.Range(0, random.Next(1, 8)).Select(_ => random.Next(stream.Length + 1)).Order()];
        AssertSame(whole, ParseTrace.Of(stream, cuts, authenticated, limits), seed, stream);
        return whole;
    }

    private static void AssertSame(ParseTrace whole, ParseTrace split, int seed, byte[] stream)
    {
        bool isSame = whole.Consumed == split.Consumed && whole.Events.SequenceEqual(split.Events, StringComparer.Ordinal);
        Assert.True(isSame, $"seed {seed}: {Encoding.Latin1.GetString(stream)}");
    }
}
