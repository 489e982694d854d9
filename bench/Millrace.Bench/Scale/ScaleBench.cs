// How the pipeline scales over threads: N of them run batches against one keyspace, and the CPU time of a thread per
// command says what sharing costs. In this process, without sockets.
//
//     for each partition count:  fill a keyspace per thread
//         each load:  each round:  for each thread count:  N threads start together, run, read their own clocks,
//                     first on one keyspace, then each on its own
//
// Threads that share nothing still slow each other down where cores share caches, memory or a clock budget: "apart" is
// what a command costs then, so the distance between the two columns is what sharing costs. Ratios are medians of the
// ratios within a round.
//
// The keyspace has the shape of as many loops as the most threads, so one thread takes its locks too; the row "alone"
// is a keyspace of one loop and one partition, as a server with one loop has it, where locks are elided. Threads are
// kept on cores of their own as far as there are cores. Commands per second are estimated: as many as the threads run
// in so much CPU time when nobody has to wait.

using Millrace.Bench.Compare;
using Millrace.Engine;
using Millrace.Server.Effects;

namespace Millrace.Bench.Scale;

/// <summary>Nanoseconds of thread CPU per command by threads and partitions.</summary>
internal sealed class ScaleBench(ScaleOptions options)
{
    private const int FillCommands = 100_000;
    private const int WarmUpCommands = 2_000_000;

    public int Run()
    {
        Console.WriteLine(
            $"ns of thread CPU per command (parse, dispatch, locks, table, reply), {options.Keys} keys of " +
            $"{options.ValueSize} bytes, batches of {options.Batch}, {options.Commands} commands per thread, " +
            $"median of {options.Rounds} rounds on {Environment.ProcessorCount} cores");
        Console.WriteLine(
            $"A lock set is one 64-bit mask, so {KeyspaceShape.MaxPartitions} partitions are the most there can be. " +
            "Parks: commands that found their partition taken for over 1 ms.");
        Console.WriteLine("load     partitions  threads  ns/command  to 1 thread  to apart  est. cmds/s    parks");
        RunShape(new KeyspaceShape(1, 1, 1), [1]);
        var most = Math.Max(2, options.Threads.Max());
        foreach (var partitions in options.Partitions)
            RunShape(new KeyspaceShape(partitions, 1, most), options.Threads);
        return 0;
    }

    private void RunShape(KeyspaceShape shape, IReadOnlyList<int> threadCounts)
    {
        var most = threadCounts.Max();
        var grounds = Enumerable.Range(0, most).Select(_ => new Ground(shape)).ToArray();
        try
        {
            var together = Enumerable.Range(0, most).Select(i => new BatchDriver(grounds[0], i)).ToArray();
            var apart = Enumerable.Range(0, most).Select(i => new BatchDriver(grounds[i], i)).ToArray();
            FillAll(apart);
            foreach (var load in options.Loads)
            {
                using var logs = new LogEnds(load == "set+log" ? grounds : []);
                RunLoad(load, shape, threadCounts, together, apart);
            }

            if (together.Concat(apart).Any(driver => driver.Errors > 0))
                throw new InvalidDataException("error replies");
        }
        finally
        {
            foreach (var ground in grounds) ground.Dispose();
        }
    }

    private void RunLoad(
        string load, KeyspaceShape shape, IReadOnlyList<int> threadCounts, BatchDriver[] together, BatchDriver[] apart)
    {
        // Compilation happens before the first round, and per load.
        var streams = Streams(load, together.Length);
        Measure(together[..1], streams, WarmUpCommands);
        var rounds = new List<Round>();
        for (var round = 0; round < options.Rounds; round++)
        {
            var one = Measure(together[..1], streams, options.Commands);
            foreach (var threads in threadCounts)
            {
                rounds.Add(threads == 1 ? new Round(1, one, one, one) : new Round(
                    threads,
                    one,
                    Measure(together[..threads], streams, options.Commands),
                    Measure(apart[..threads], streams, options.Commands)));
            }
        }

        foreach (var threads in threadCounts) Print(shape, load, [.. rounds.Where(round => round.Threads == threads)]);
    }

    // Each on the core that it will be used on, where memory has a place.
    private void FillAll(BatchDriver[] drivers)
    {
        var threads = drivers.Select((driver, i) => new Thread(() =>
        {
            CpuClocks.PinThisThread(i % Environment.ProcessorCount);
            Fill(driver);
        })).ToList();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
    }

    private void Fill(BatchDriver driver)
    {
        for (var key = 0; key < options.Keys; key += FillCommands)
        {
            var count = Math.Min(FillCommands, options.Keys - key);
            RunAll(driver, CommandStream.Fill(key, count, options.Keys, options.ValueSize), count);
        }
    }

    private CommandStream[] Streams(string load, int threads) => [.. Enumerable.Range(0, threads).Select(i =>
        CommandStream.Of(load, options.Keys, options.ValueSize, options.Commands, options.Batch, seed: i + 1))];

    private Timing Measure(BatchDriver[] drivers, CommandStream[] streams, int commands)
    {
        var nanoseconds = new double[drivers.Length];
        var parksBefore = drivers.Sum(driver => driver.Parks);
        using var start = new Barrier(drivers.Length);
        var threads = drivers.Select((driver, i) => new Thread(() =>
        {
            CpuClocks.PinThisThread(i % Environment.ProcessorCount);
            start.SignalAndWait();
            var before = CpuClocks.OfThisThread();
            RunAll(driver, streams[i], commands);
            nanoseconds[i] = CpuClocks.OfThisThread() - before;
        })).ToList();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        return new Timing(nanoseconds.Average() / commands, drivers.Sum(driver => driver.Parks) - parksBefore);
    }

    private void RunAll(BatchDriver driver, CommandStream stream, int commands)
    {
        var at = 0;
        for (var done = 0; done < commands; done += options.Batch)
        {
            if (at == stream.Bytes.Length) at = 0;
            at = driver.Run(stream.Bytes, at, Math.Min(options.Batch, commands - done));
        }
    }

    private static void Print(KeyspaceShape shape, string load, IReadOnlyList<Round> rounds)
    {
        var threads = rounds[0].Threads;
        var ns = Comparison.Median(rounds.Select(round => round.Together.Nanoseconds));
        var toOne = Comparison.Median(rounds.Select(round => round.Together.Nanoseconds / round.One.Nanoseconds));
        var toApart = Comparison.Median(rounds.Select(round => round.Together.Nanoseconds / round.Apart.Nanoseconds));
        var partitions = shape.Loops == 1 ? "alone" : shape.Partitions.ToString();
        Console.WriteLine(
            $"{load,-8} {partitions,10} {threads,8} {ns,11:F1} {toOne,12:F2} {toApart,9:F2} " +
            $"{threads / ns * 1e9,12:F0} {rounds.Sum(round => round.Together.Parks),8}");
    }

    private sealed record Timing(double Nanoseconds, long Parks);

    private sealed record Round(int Threads, Timing One, Timing Together, Timing Apart);

    // Ends of logs, attached while a load is measured that writes with the log on.
    private sealed class LogEnds : IDisposable
    {
        private readonly List<(Ground Ground, LogEnd End)> _ends = [];

        public LogEnds(IEnumerable<Ground> grounds)
        {
            foreach (var ground in grounds)
            {
                var end = new LogEnd();
                ground.Log.Attach(end);
                _ends.Add((ground, end));
            }
        }

        public void Dispose()
        {
            foreach (var (ground, end) in _ends) ground.Log.Detach(end);
        }
    }

    // What stands at the end of the log in a server copies the bytes; so does this.
    private sealed class LogEnd : IEffectConsumer
    {
        private readonly byte[] _buffer = new byte[1 << 20];
        private int _filled;

        public void Append(ReadOnlySpan<byte> block, long endPosition)
        {
            if (_filled + block.Length > _buffer.Length) _filled = 0;
            block.CopyTo(_buffer.AsSpan(_filled));
            _filled += block.Length;
        }
    }
}
