// Server CPU microseconds per request, beside redis-server 7.0.15, in interleaved rounds.
//
// Wall-clock figures of a shared machine say little; the CPU time of the server process over a fixed number of requests
// says much. Both servers run on core 0, redis-benchmark on core 1; each row is the median over the rounds.

using System.Diagnostics;
using System.Globalization;

namespace Millrace.Bench;

/// <summary>The table of commands and pipelines.</summary>
internal static class CpuBench
{
    private const int Clients = 50;
    private const int WarmUpRequests = 3_000_000; // tiered compilation settles after about 1.5 million

    public static int Run(BenchOptions options)
    {
        Console.WriteLine(
            $"server CPU us/request, {Clients} connections, {options.Requests} requests, " +
            $"median of {options.Rounds} rounds");
        Console.WriteLine("command  pipeline    redis  millrace  ratio");
        foreach (var command in (string[])["get", "set", "incr"])
        {
            foreach (var pipeline in (int[])[1, 16, 64]) Row(options, command, pipeline);
        }

        return 0;
    }

    private static void Row(BenchOptions options, string command, int pipeline)
    {
        var redis = new List<double>();
        var millrace = new List<double>();
        for (var round = 0; round < options.Rounds; round++)
        {
            using (var server = ServerUnderTest.Redis())
                redis.Add(Measure(server, options, command, pipeline));
            using (var server = ServerUnderTest.Millrace(options.Loops))
                millrace.Add(Measure(server, options, command, pipeline));
        }

        var (one, other) = (Median(redis), Median(millrace));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{command,-8} {pipeline,8} {one,8:F2} {other,9:F2} {other / one,6:F2}"));
    }

    private static double Measure(ServerUnderTest server, BenchOptions options, string command, int pipeline)
    {
        Load(server, "set", 64, WarmUpRequests / 3);
        Load(server, command, 16, WarmUpRequests);
        var before = server.CpuMicroseconds;
        Load(server, command, pipeline, options.Requests);
        return (server.CpuMicroseconds - before) / options.Requests;
    }

    private static void Load(ServerUnderTest server, string command, int pipeline, int requests)
    {
        string[] arguments =
        [
            "-c", "1", "redis-benchmark", "-p", Text(server.Port), "-t", command, "-P", Text(pipeline),
            "-n", Text(requests), "-c", Text(Clients), "-r", "1000000", "-q",
        ];
        var start = new ProcessStartInfo("taskset", arguments) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException("redis-benchmark failed");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }
}
