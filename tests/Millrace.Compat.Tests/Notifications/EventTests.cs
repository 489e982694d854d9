using System.Security.Cryptography;
using Millrace.Compat.Tests.Generation;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;
using Xunit.Abstractions;

namespace Millrace.Compat.Tests.Notifications;

/// <summary>
/// Keyspace notifications under generated load against a real redis-server, with all classes on. MILLRACE_TEST_SEED
/// runs one seed alone.
/// </summary>
public sealed class EventTests(ITestOutputHelper output)
{
    private const int FixedSeed = 20_261_127;
    private static readonly int s_sentences = TestSettings.Commands ?? (TestSettings.Long ? 100_000 : 8_000);

    // What changes or reads keys, and nothing that depends on the server's version, its clients or its settings. How
    // far a SCAN gets before it has to be continued, and which expired keys RANDOMKEY draws, is each server's own.
    private static IEnumerable<Form> Forms => new[]
    {
        StringGrammar.Forms, BitmapGrammar.Forms, HyperLogLogGrammar.Forms, HashGrammar.Forms, ListGrammar.Forms,
        SetGrammar.Forms, SortedSetGrammar.Forms, SortGrammar.Forms, StreamGrammar.Forms, GeoGrammar.Forms,
        KeysGrammar.Forms, DumpGrammar.Forms, TransactionGrammar.Forms,
    }.SelectMany(forms => forms).Where(form => form.Name is not ("SCAN" or "RANDOMKEY"));

    [Fact]
    public void The_notifications_of_the_fixed_stream_equal_those_of_redis() =>
        RunSeed(TestSettings.Seed ?? FixedSeed);

    [Fact]
    public void The_notifications_of_a_fresh_stream_equal_those_of_redis() =>
        RunSeed(TestSettings.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue));

    [Fact]
    public void Two_real_servers_differ_in_nothing_and_every_usual_event_is_told()
    {
        // A deadline may fall between the moments at which the two get the same request; hardly twice.
        if (!RunTwoServers(mayDiffer: true)) Assert.True(RunTwoServers(mayDiffer: false));
    }

    private static bool RunTwoServers(bool mayDiffer)
    {
        using var redis = ServerProcess.StartRedis();
        using var other = ServerProcess.StartRedis();
        using var run = new EventRun(redis.Port, other.Port, FixedSeed, Forms);
        run.Run(s_sentences);
        if (mayDiffer && run.Mismatches.Count > 0) return false;
        AssertEqual(run);
        Assert.All(run.Explained.Keys, reason => Assert.Equal(EventDifferences.Seed, reason));
        Assert.True(run.Told.Count >= 50, $"only {run.Told.Count} events: {string.Join(' ', run.Told.Keys)}");
        return true;
    }

    private void RunSeed(int seed)
    {
        output.WriteLine($"seed {seed} (MILLRACE_TEST_SEED={seed} repeats it)");
        using var pair = new ServerPair();
        using var run = new EventRun(pair.Redis.Port, pair.Millrace.Port, seed, Forms);
        run.Run(s_sentences);
        foreach ((string name, int count) in run.Told)
            output.WriteLine($"{count,8} {name}");
        foreach ((string reason, int count) in run.Explained)
            output.WriteLine($"{count,8} differ: {reason}");
        Assert.False(pair.Millrace.HasExited, pair.Millrace.Log);
        AssertEqual(run);
    }

    private static void AssertEqual(EventRun run) => Differences.AssertNone(run.Mismatches);
}
