// A million keys that fall due over a minute, beside 50 clients that only GET other keys: nobody but active expiry can
// remove them. The server counts how late each one was removed; its INFO tells the percentiles.

using System.Globalization;
using Millrace.Bench.Servers;
using Millrace.Client;

namespace Millrace.Bench;

/// <summary>Lateness of active expiry under load.</summary>
internal static class ExpiryBench
{
    private const int Readers = 50;
    private const int BatchKeys = 1000;
    private const int LimitMs = 10;
    private const int LoadingMs = 30_000;

    public static async Task<int> RunAsync(Arguments arguments)
    {
        var loops = arguments.Number("--loops", 1, max: 1024);
        var keys = arguments.Number("--keys", 1_000_000);
        var seconds = arguments.Number("--seconds", 60, max: 3600);
        arguments.End();
        using var children = new ChildProcesses();
        using var server = new ServerUnderTest(children, ServerRecipe.Millrace(native: null), "0", loops);
        var target = new ClientOptions { Port = server.Port };
        await using var control = await RedisClient.ConnectAsync(target).ConfigureAwait(false);
        var firstMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() + LoadingMs;
        await LoadAsync(control, keys, seconds, firstMs).ConfigureAwait(false);
        if (DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() >= firstMs)
        {
            Console.WriteLine("loading took longer than the time before the first deadline");
            return 1;
        }

        var untilMs = firstMs + (seconds * 1000L) + 1000;
        var readers = Enumerable.Range(0, Readers).Select(_ => Task.Run(() => ReadAsync(target, untilMs))).ToList();
        var reads = await Task.WhenAll(readers).ConfigureAwait(false);
        var info = (await control.ExecuteAsync("INFO", "stats").ConfigureAwait(false)).ToString();
        var left = await control.ExecuteAsync("DBSIZE").ConfigureAwait(false);
        var lines = info.Split('\n').Where(line => line.StartsWith("active_expire_lateness", StringComparison.Ordinal)
            || line.StartsWith("expired_keys", StringComparison.Ordinal)).Select(line => line.Trim()).ToList();
        Console.WriteLine(
            $"{keys} keys due over {seconds} s beside {Readers} clients of GET ({reads.Sum()} GETs)");
        foreach (var line in lines) Console.WriteLine(line);
        Console.WriteLine($"keys left: {left}");
        var p99 = lines.Single(line => line.StartsWith("active_expire_lateness_p99", StringComparison.Ordinal));
        return int.Parse(p99.Split(':')[1], CultureInfo.InvariantCulture) <= LimitMs ? 0 : 1;
    }

    private static async Task LoadAsync(RedisClient client, int keys, int seconds, long firstMs)
    {
        var random = new Random(1);
        for (var i = 0; i < keys; i += BatchKeys)
        {
            var batch = new List<Task>(BatchKeys);
            for (var j = i; j < Math.Min(i + BatchKeys, keys); j++)
            {
                var dueMs = firstMs + random.NextInt64(seconds * 1000L);
                batch.Add(client.ExecuteAsync(
                    "SET", "due:" + Text(j), "value", "PXAT", Text(dueMs)));
            }

            await Task.WhenAll(batch).ConfigureAwait(false);
        }

        await client.ExecuteAsync("SET", "read", "value").ConfigureAwait(false);
    }

    private static async Task<long> ReadAsync(ClientOptions target, long untilMs)
    {
        await using var client = await RedisClient.ConnectAsync(target).ConfigureAwait(false);
        var reads = 0L;
        while (DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() < untilMs)
        {
            await client.ExecuteAsync("GET", "read").ConfigureAwait(false);
            reads++;
        }

        return reads;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
