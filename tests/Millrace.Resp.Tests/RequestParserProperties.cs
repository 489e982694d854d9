// Properties of the request parser: the way a stream is split never matters, and no stream makes it throw or hold
// memory beyond what was sent.

using System.Text;

namespace Millrace.Resp.Tests;

public sealed class RequestParserProperties
{
    private const int Rounds = 2000;

    private static readonly RequestLimits SmallLimits = new() { MaxBulkLength = 60, MaxInlineBytes = 100 };

    [Fact]
    public void Any_split_of_a_valid_stream_gives_the_same_requests()
    {
        for (int round = 0; round < Rounds; round++)
        {
            Random random = new(Seeds.Of(round));
            byte[] stream = RandomRequests.Make(random);
            AssertSplitsAgree(stream, random, RequestLimits.Default, Seeds.Of(round));
        }
    }

    [Fact]
    public void Any_split_of_a_mutated_stream_gives_the_same_requests_and_errors()
    {
        int errors = 0;
        for (int round = 0; round < Rounds; round++)
        {
            Random random = new(Seeds.Of(round));
            byte[] stream = RandomRequests.Mutate(random, RandomRequests.Make(random));
            ParseTrace whole = AssertSplitsAgree(stream, random, SmallLimits, Seeds.Of(round));
            if (whole.Events.Exists(e => e.StartsWith('!'))) errors++;
        }

        Assert.InRange(errors, Rounds / 10, Rounds);
    }

    [Fact]
    public void Memory_held_is_bounded_by_the_bytes_that_arrived()
    {
        SliceList args = new();
        for (int round = 0; round < Rounds; round++)
        {
            Random random = new(Seeds.Of(round));
            byte[] stream = RandomRequests.Mutate(random, RandomRequests.Make(random));
            RequestParser parser = new();
            ParseStatus status = parser.Parse(
                stream, RequestLimits.Default, authenticated: true, args, out int consumed);
            Assert.InRange(consumed, 0, stream.Length);
            Assert.True(parser.HeldBytes <= Math.Max(16, 2 * stream.Length) * 8, $"seed {Seeds.Of(round)}");
            bool isIncomplete = status == ParseStatus.Incomplete && stream.Length > 0;
            Assert.True(parser.IsPending == isIncomplete, $"seed {Seeds.Of(round)}");
        }
    }

    private static ParseTrace AssertSplitsAgree(byte[] stream, Random random, RequestLimits limits, int seed)
    {
        bool authenticated = random.Next(4) != 0;
        ParseTrace whole = ParseTrace.Of(stream, [], authenticated, limits);
        IEnumerable<int> everyByte = Enumerable.Range(1, stream.Length);
        AssertSame(whole, ParseTrace.Of(stream, everyByte, authenticated, limits), seed, stream);
        int[] cuts = [.. Enumerable.Range(0, random.Next(1, 8)).Select(_ => random.Next(stream.Length + 1)).Order()];
        AssertSame(whole, ParseTrace.Of(stream, cuts, authenticated, limits), seed, stream);
        return whole;
    }

    private static void AssertSame(ParseTrace whole, ParseTrace split, int seed, byte[] stream)
    {
        bool isSame = whole.Consumed == split.Consumed && whole.Events.SequenceEqual(split.Events);
        Assert.True(isSame, $"seed {seed}: {Encoding.Latin1.GetString(stream)}");
    }
}
