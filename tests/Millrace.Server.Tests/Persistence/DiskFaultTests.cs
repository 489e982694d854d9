using Millrace.Histories.Crashing;
using Millrace.Server.Persistence;
using Xunit.Abstractions;

namespace Millrace.Server.Tests.Persistence;

/// <summary>
/// A disk that fails at any operation while clients write, a snapshot is taken, the append-only file is rewritten or
/// turned on: nothing acknowledged is lost, nothing starts with other data, reads go on, and when the disk is well
/// again so is the server.
/// </summary>
/// <remarks>
/// Each case begins anew, and has the operation fail whose turn it is, the first, the second and so on, until there are
/// no more. In the short form of the tests it is the first, and in other cases one of the first few.
/// </remarks>
public sealed class DiskFaultTests(ITestOutputHelper output)
{
    private const int MostOperations = 200;
    private const int Rounds = 30;

    private static readonly string[] Policies = ["always", "everysec"];

    private static readonly string[] Deeds =
        ["writes", "a snapshot", "a rewrite", "a rewrite to commands", "turning on"];

    private static bool IsLong => Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1";

    [Theory]
    [InlineData("full")]
    [InlineData("no room")]
    [InlineData("write")]
    [InlineData("sync")]
    [InlineData("read")]
    [InlineData("read-only")]
    public void Whatever_fails_nothing_acknowledged_is_lost(string kind)
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var cases = Deeds.SelectMany(static deed => Policies.Select(policy => (deed, policy))).ToArray();
        if (!IsLong)
        {
            cases = [.. cases.Where(one => HasPart(kind, one.deed))];
            random.Shuffle(cases);
            cases = cases[..3];
        }

        var isFirst = true;
        foreach (var (deed, policy) in cases)
        {
            var (first, last) = IsLong ? (0, MostOperations) : (isFirst ? 0 : random.Next(6), 0);
            isFirst = false;
            var (failed, ended) = (0, 0);
            for (var turn = first; turn < Math.Max(last, first + 1); turn++)
            {
                using var one = new FaultyServer(kind, deed, policy, turn, random);
                one.Run(IsLong && deed == "writes" ? MostOperations : Rounds);
                if (!one.HasFailed) break;
                failed++;
                if (one.HasEnded) ended++;
            }

            output.WriteLine($"{deed}, {policy}: {failed} operations have failed, {ended} times the process has ended");
            if (first == 0) Assert.Equal(HasPart(kind, deed), failed > 0);
        }
    }

    [Theory]
    [InlineData("read")]
    [InlineData("open")]
    [InlineData("create")]
    [InlineData("sync")]
    [InlineData("names")]
    [InlineData("rename")]
    [InlineData("write")]
    [InlineData("truncate")]
    public void A_start_on_a_disk_that_fails_ends_or_has_everything_and_leaves_everything(string failing)
    {
        var files = new PowerFiles();
        using (var server = Start(files))
        {
            using var client = new Conversation(server);
            for (var i = 0; i < 50; i++) client.Say($"RPUSH list {i}");
            client.Say("BGREWRITEAOF");
            client.Say("RPUSH list 50");
        }

        const string name = "appendonly.aof.2.incr.aof";
        var torn = files.AfterKill();
        if (torn.Names.Contains(name)) torn.Overwrite(name, [.. torn.ContentOf(name), .. "*2\r\n$4\r\nIN"u8]);
        for (var turn = 0; turn < MostOperations; turn++)
        {
            var (left, hasFailed) = (torn.AfterKill(), false);
            left.Faults = (operation, before) =>
            {
                if (operation != failing || before != turn) return null;
                hasFailed = true;
                return "Input/output error";
            };
            var isStarted = TryStart(left);
            left.Faults = static (_, _) => null;
            Assert.True(hasFailed || isStarted);
            foreach (var next in (PowerFiles[])[left.AfterKill(), left.AfterPowerLoss()])
            {
                using var server = Start(next);
                using var client = new Conversation(server);
                Assert.Equal("51", client.Say("LLEN list"));
            }

            if (!hasFailed) break;
        }
    }

    // Whether something of that kind is done then.
    private static bool HasPart(string kind, string deed) => kind switch
    {
        "read" => deed is "a rewrite to commands" or "turning on",
        "read-only" => deed != "writes",
        _ => true,
    };

    private static bool TryStart(PowerFiles files)
    {
        try
        {
            using var server = Start(files);
            using var client = new Conversation(server);
            Assert.Equal("51", client.Say("LLEN list"));
            return true;
        }
        catch (InvalidOperationException fault)
        {
            Assert.Equal(AppendOnly.FatalError, fault.Message);
            return false;
        }
    }

    private static InProcessServer Start(PowerFiles files) => new(
        files, static () => Assert.Fail("it would have ended"), "--appendfsync", "always", "--io-threads", "2",
        "--auto-aof-rewrite-percentage", "0");
}
