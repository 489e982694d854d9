using System.Globalization;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Tools;
using Xunit.Abstractions;

namespace Millrace.Compat.Tests.Exchange;

/// <summary>
/// One append-only directory after the other for generated datasets, each kept by redis-server, then by Millrace, then
/// by redis-server again, or the other way round: each loads what was left and goes on, rewrites it meanwhile, and
/// leaves what the next one loads. With snapshots as bases, and with commands. Long form: 200 datasets of each.
/// </summary>
public sealed class AppendOnlyExchangeTests(ITestOutputHelper output)
{
    private const int DatasetsOfShortForm = 1;
    private const int Sentences = 100;
    private const int Turns = 3;
    private static readonly TimeSpan s_end = TimeSpan.FromSeconds(20);

    // What adds scores up in an order of its own: the last bit may differ.
    private static readonly string[] s_leftOut = ["ZUNION", "ZINTER"];

    [Theory]
    [InlineData("yes")]
    [InlineData("no")]
    public void Directories_of_fixed_datasets_go_from_server_to_server(string hasPreamble) =>
        Exchange(ExchangeSeeds.OfEveryRun, hasPreamble);

    [Theory]
    [InlineData("yes")]
    [InlineData("no")]
    public void Directories_of_fresh_datasets_go_from_server_to_server(string hasPreamble) =>
        Exchange(ExchangeSeeds.OfThisRun, hasPreamble);

    private void Exchange(int seed, string hasPreamble)
    {
        output.WriteLine($"seed {seed}");
        int datasets = 0;
        int keys = 0;
        foreach (int one in ExchangeSeeds.Of(seed, DatasetsOfShortForm))
        {
            string directory = Directory.CreateTempSubdirectory("millrace-exchange-").FullName;
            try
            {
                keys += Exchange(one, hasPreamble, directory, isOurs: datasets % 2 == 1);
            }
            finally
            {
                Directory.Delete(directory, recursive: true);
            }

            datasets++;
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{datasets} datasets, {keys} keys"));
    }

    private static int Exchange(int seed, string hasPreamble, string directory, bool isOurs)
    {
        KeyspaceView? view = null;
        for (int turn = 0; turn < Turns; turn++, isOurs = !isOurs)
        {
            using ServerProcess server = Start(directory, hasPreamble, isOurs);
            view = Keep(seed + turn, turn == 0 ? new Dataset(seed) : null, server, view);
            Check(directory);
        }

        using ServerProcess last = Start(directory, hasPreamble, isOurs);
        using var client = new ExchangeClient(last);
        KeyspaceView.AssertSame(view!, client.View(), $"dataset {seed}");
        return view!.Count;
    }

    private static ServerProcess Start(string directory, string hasPreamble, bool isOurs)
    {
        string[] options =
        [
            "--dir", directory, "--appendonly", "yes", "--aof-use-rdb-preamble", hasPreamble,
            "--auto-aof-rewrite-percentage", "0", "--aof-timestamp-enabled", isOurs ? "no" : "yes",
        ];
        return isOurs ? ServerProcess.StartMillrace([.. options, "--rdb-version", "10"])
            : ServerProcess.StartRedis(options);
    }

    // A server has the directory for a while; what it holds in the end.
    private static KeyspaceView Keep(int seed, Dataset? dataset, ServerProcess server, KeyspaceView? before)
    {
        using var client = new ExchangeClient(server);
        if (before is not null) KeyspaceView.AssertSame(before, client.View(), $"dataset of seed {seed}");
        client.Configure(seed);
        if (dataset is not null) client.Fill(dataset.Requests);
        client.Change(seed, Sentences, s_leftOut);
        // As commands, Redis writes nothing of what is pending and was deleted.
        if (client.IsRedis) client.AcknowledgeDeleted();
        if (seed % 3 > 0) client.Rewrite(() => client.Change(seed ^ 0x5555, Sentences, s_leftOut));
        client.Change(seed ^ 0x3333, Sentences, s_leftOut);

        // Redis does not record a BITFIELD that makes a key and then has nothing to write: OVERFLOW FAIL.
        if (client.IsRedis) client.Expect("+OK\r\n", "DEBUG", "LOADAOF");
        KeyspaceView view = client.View();
        Assert.InRange(view.Count, 10, int.MaxValue);
        Assert.True(server.Terminate(s_end), server.Log);
        return view;
    }

    private static void Check(string directory)
    {
        ToolRun run = ToolRun.Run(
            "redis-check-aof", [Path.Combine(directory, "appendonlydir", "appendonly.aof.manifest")]);
        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.Contains("All AOF files and manifest are valid", run.Output, StringComparison.Ordinal);
    }
}
