using System.Security.Cryptography;
using System.Text;
using Millrace.Compat.Tests.Generation;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;
using Xunit.Abstractions;

namespace Millrace.Compat.Tests.Differential;

/// <summary>
/// Generated streams against a real redis-server. Short form 40,000 requests, long form (MILLRACE_TEST_LONG=1) 500,000,
/// with one fixed seed and one fresh one; MILLRACE_TEST_SEED runs one seed alone.
/// </summary>
public sealed class DifferentialTests(ITestOutputHelper output)
{
    private const int FixedSeed = 20_240_229;
    private const double MaxErrorShare = 0.25;
    private const int MaxKeys = 200;
    private static readonly int s_requests = TestSettings.Commands ?? (TestSettings.Long ? 500_000 : 40_000);

    [Fact]
    public void Every_reply_of_the_fixed_stream_equals_redis() => RunSeed(TestSettings.Seed ?? FixedSeed);

    [Fact]
    public void Every_reply_of_a_fresh_stream_equals_redis() =>
        RunSeed(TestSettings.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue));

    [Fact]
    public void A_planted_wrong_reply_is_found_with_its_command_and_seed()
    {
        const int seed = 4711;
        using var redis = ServerProcess.StartRedis();
        using var other = ServerProcess.StartRedis();
        // The last digit of an integer that no rule tolerates: replies of INCR and DECR are unique in being long
        // numbers.
        using var proxy = new CorruptingProxy(other.Port, 1500, reply => reply[0] == (byte)'$' && reply.Length > 20);
        Form[] forms = [.. StringGrammar.Forms];
        using var run = new DifferentialRun(redis.Port, proxy.Port, seed, forms);
        run.Run(6000, stopsAtFirst: true);

        Assert.NotNull(proxy.Original);
        Mismatch found = run.Mismatches[0];
        Assert.Equal(found.Reference, proxy.Original);
        Assert.NotEqual(found.Subject, proxy.Original);
        string story = found.Describe(seed);
        Assert.Contains($"seed {seed}", story, StringComparison.Ordinal);
        Assert.Contains(found.Request.ToString(), story, StringComparison.Ordinal);
        Assert.NotEmpty(found.History);
        output.WriteLine(story);
    }

    [Fact]
    public void A_planted_wrong_value_is_found_by_the_state_check()
    {
        using var redis = ServerProcess.StartRedis();
        using var other = ServerProcess.StartRedis();
        using (var connection = other.Connect())
            connection.Call("SET", "planted", "1");
        using var state = new StateCheck(redis.Port, other.Port);
        Assert.Contains("planted", Assert.Single(
            state.Compare(), line => !line.Contains("DBSIZE", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_persistent_fault_is_minimised_to_the_requests_that_show_it()
    {
        using var redis = ServerProcess.StartRedis();
        using var other = ServerProcess.StartRedis("--proto-max-bulk-len", "1mb", "--maxclients", "9000");
        // A fault that needs two requests: SETRANGE past the smaller limit of one server.
        (int, Sentence)[] past =
        [
            (0, Sample("SET", "a", "1")), (1, Sample("SET", "b", "2")), (2, Sample("GET", "a")),
            (3, Sample("APPEND", "b", "x")), (1, Sample("SETRANGE", "b", "2000000", "y")),
        ];
        IReadOnlyList<string>? lines = new Minimiser(redis.Port, other.Port).Shrink(past);
        Assert.NotNull(lines);
        Assert.Contains("SETRANGE", Assert.Single(lines), StringComparison.Ordinal);
    }

    private static Sentence Sample(params string[] words) =>
        new([new Request(words[0], [.. words.Select(Encoding.Latin1.GetBytes)], [])]);

    private void RunSeed(int seed)
    {
        output.WriteLine($"seed {seed} (MILLRACE_TEST_SEED={seed} repeats it)");
        using var pair = new ServerPair();
        using var run = new DifferentialRun(pair.Redis.Port, pair.Millrace.Port, seed);
        run.Run(s_requests);
        output.WriteLine($"{run.Elapsed.TotalSeconds:0.0} s");
        output.WriteLine(run.Coverage.Report());
        AssertEqual(run, pair);
        AssertCovered(run.Coverage, seed);
    }

    private static void AssertEqual(DifferentialRun run, ServerPair pair)
    {
        if (run.Mismatches.Count == 0 && run.StateDifferences.Count == 0)
            return;
        var text = new StringBuilder();
        text.Append(
            $"{run.Mismatches.Count} replies and {run.StateDifferences.Count} states differ (seed {run.Seed}).\n");
        if (pair.Millrace.HasExited)
            text.Append("The server has ended:\n").Append(pair.Millrace.Log);
        var groups = run.Mismatches.GroupBy(mismatch => mismatch.Group, StringComparer.Ordinal);
        foreach (IGrouping<string, Mismatch> group in groups)
            text.Append($"\n[{group.Count()} times] ").Append(Told(group.First(), run, pair));
        foreach (string difference in run.StateDifferences)
            text.Append('\n').Append(difference);
        Assert.Fail(text.ToString());
    }

    private static string Told(Mismatch mismatch, DifferentialRun run, ServerPair pair)
    {
        if (!pair.Millrace.HasExited)
        {
            (int, Sentence)[] past = [
                .. run.Past.TakeWhile(step => !step.Sentence.Requests.Contains(mismatch.Request))];
            (int, Sentence) last = run.Past[past.Length];
            mismatch.Minimised = new Minimiser(pair.Redis.Port, pair.Millrace.Port).Shrink([.. past, last]);
        }
        return mismatch.Describe(run.Seed);
    }

    // In a short stream of a fresh seed chance alone may leave an option out.
    private static void AssertCovered(Coverage coverage, int seed)
    {
        int perCommand = Math.Min(500, s_requests / 1000);
        int perOption = Math.Min(50, s_requests / 10_000);
        if (seed == FixedSeed || TestSettings.Long)
            Differences.AssertNone(coverage.Missing(perCommand, perOption));
        Assert.True(coverage.Errors <= MaxErrorShare * coverage.Requests, "more errors than a useful stream has");
        Assert.True(coverage.Resp3 >= 0.2 * coverage.Requests, "too little in RESP3");
        Assert.True(Vocabulary.AllKeys().Count() <= MaxKeys, "too many keys to collide");
        Assert.True(coverage.Expired >= s_requests / 800, "too few keys expired");
    }
}
