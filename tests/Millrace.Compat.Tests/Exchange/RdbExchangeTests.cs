using System.Globalization;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Tools;
using Xunit.Abstractions;

namespace Millrace.Compat.Tests.Exchange;

/// <summary>
/// RDB files of generated datasets, from redis-server to Millrace and back, and the other way round: each loads what
/// the other has saved, by SAVE or by a background save under load, and holds the same. Both load files of other limits
/// than their own. Long form: 200 datasets.
/// </summary>
public sealed class RdbExchangeTests(ITestOutputHelper output)
{
    private const int DatasetsOfShortForm = 2;
    private const int Sentences = 150;

    // With every so many datasets one is loaded by a server that starts with the file, with all its threads.
    private const int StartsApart = 10;

    [Fact]
    public void Files_of_fixed_datasets_go_from_each_server_to_the_other() => Exchange(ExchangeSeeds.OfEveryRun);

    [Fact]
    public void Files_of_fresh_datasets_go_from_each_server_to_the_other() => Exchange(ExchangeSeeds.OfThisRun);

    private void Exchange(int seed)
    {
        output.WriteLine($"seed {seed}");
        string hasChecksum = seed % 2 == 0 ? "no" : "yes";
        using ServerProcess redis = ServerProcess.StartRedis("--rdbchecksum", hasChecksum);
        using ServerProcess millrace = ServerProcess.StartMillrace(
            "--rdbchecksum", hasChecksum, "--rdb-version", "10");
        using var theirs = new ExchangeClient(redis);
        using var ours = new ExchangeClient(millrace);
        int datasets = 0;
        int keys = 0;
        foreach (int one in ExchangeSeeds.Of(seed, DatasetsOfShortForm))
        {
            bool isOursFirst = datasets % 2 == 1;
            bool isStarted = datasets % StartsApart == 0;
            keys += Exchange(one, isOursFirst ? ours : theirs, isOursFirst ? theirs : ours, isStarted);
            datasets++;
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{datasets} datasets, {keys} keys"));
    }

    private static int Exchange(int seed, ExchangeClient first, ExchangeClient second, bool isStarted)
    {
        foreach (ExchangeClient one in (ExchangeClient[])[first, second])
        {
            one.Configure(seed + (one.IsRedis ? 1 : 0));
            one.Expect("+OK\r\n", "FLUSHALL");
        }

        first.Fill(new Dataset(seed).Requests);
        first.Change(seed, Sentences);
        KeyspaceView view = first.View();
        Assert.InRange(view.Count, 10, int.MaxValue);
        Pass(seed, view, first, second);
        second.Change(seed + 1, Sentences);
        view = second.View();
        Pass(seed, view, second, first);
        if (isStarted) StartWith(seed, view, first.File);
        return view.Count;
    }

    // The view is that of the first moment of the saving.
    private static void Pass(int seed, KeyspaceView view, ExchangeClient from, ExchangeClient to)
    {
        from.Save((seed / 2) + (from.IsRedis ? 1 : 0));
        Check(from.File);
        File.Copy(from.File, to.File, overwrite: true);
        to.Expect("+OK\r\n", "DEBUG", "RELOAD", "NOSAVE");
        KeyspaceView.AssertSame(view, to.View(), $"dataset {seed}");
    }

    private static void StartWith(int seed, KeyspaceView view, string file)
    {
        string directory = Path.GetDirectoryName(file)!;
        foreach (bool isOurs in (bool[])[true, false])
        {
            using ServerProcess server = isOurs
                ? ServerProcess.StartMillrace("--dir", directory)
                : ServerProcess.StartRedis("--dir", directory);
            using var client = new ExchangeClient(server);
            KeyspaceView.AssertSame(view, client.View(), $"dataset {seed}, started with the file");
        }
    }

    private static void Check(string file)
    {
        ToolRun run = ToolRun.Run("redis-check-rdb", [file]);
        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.Contains("RDB looks OK!", run.Output, StringComparison.Ordinal);
    }
}
