// What this machine adds to the CPU time of a thread: steps that always do the same, a few hundred reads and writes of
// the thread's own memory, so that each would take a few microseconds. A virtual machine's thread is also charged for
// what the host does meanwhile (another guest's turn, a page of memory that it brings back). Read the longest steps of
// a server beside this: what its code makes long is long in each run, what the machine makes long is not.

using System.Globalization;

namespace Millrace.Bench;

/// <summary>The longest steps of a thread that does nothing long.</summary>
internal static class NoiseBench
{
    public const string Help = """
        --rounds N --seconds N    (6 of 10 s); --megabytes N of memory (300)
        """;

    private const int PageBytes = 4096;
    private const int TouchesPerStep = 500;
    private const long LongNanoseconds = 1_000_000;
    private const ulong Multiplier = 6_364_136_223_846_793_005; // a linear congruential sequence (Knuth)

    public static int Run(Arguments arguments)
    {
        var rounds = arguments.Number("--rounds", 6, max: 1000);
        var seconds = arguments.Number("--seconds", 10, max: 600);
        var memory = new byte[arguments.Number("--megabytes", 300, max: 2000) << 20];
        arguments.End();
        for (var i = 0; i < memory.Length; i += PageBytes) memory[i] = 1;
        Step(memory, seed: 1); // compiled
        Console.WriteLine(
            $"steps of {TouchesPerStep} reads and writes in {memory.Length >> 20} MB, {seconds} s a round");
        Console.WriteLine("    steps  mean us  longest us  over 1 ms");
        for (var round = 0; round < rounds; round++)
            Console.WriteLine(Measure(memory, seconds * 1_000_000_000L));
        return 0;
    }

    private static string Measure(byte[] memory, long nanoseconds)
    {
        var (steps, longest, isLong, seed) = (0L, 0L, 0, 1UL);
        var began = CpuClocks.OfThisThread();
        var last = began;
        while (last - began < nanoseconds)
        {
            seed = Step(memory, seed);
            var now = CpuClocks.OfThisThread();
            longest = Math.Max(longest, now - last);
            if (now - last > LongNanoseconds) isLong++;
            last = now;
            steps++;
        }

        return string.Create(
            CultureInfo.InvariantCulture,
            $"{steps,9} {(last - began) / 1e3 / steps,8:F1} {longest / 1e3,11:F0} {isLong,10}");
    }

    private static ulong Step(byte[] memory, ulong seed)
    {
        for (var i = 0; i < TouchesPerStep; i++)
        {
            seed = (seed * Multiplier) + 1;
            memory[(int)((seed >> 20) % (ulong)memory.Length)]++;
        }

        return seed;
    }
}
