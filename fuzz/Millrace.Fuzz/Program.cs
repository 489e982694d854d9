// The fuzzer: millrace-fuzz TARGET [--executions N] [--seed N] [--planted] [--blind] [--lines]
//
//   corpus/<target>/valid      inputs to start from
//   corpus/<target>/crashes    inputs that once crashed; new ones are written here and replayed by the tests
//
// The program loads itself a second time in a context in which the target's assembly is rewritten to report what it
// does (InstrumentedContext), and runs the loop there.

using System.Diagnostics;
using System.Reflection;

namespace Millrace.Fuzz;

/// <summary>The command line of the fuzzer.</summary>
public static class Program
{
    private const long DefaultExecutions = 5_000_000;
    private const int CrashFound = 1;
    private const int Misused = 2;

    /// <summary>Runs the fuzzer in the instrumented context. Exit code 1: a crash was found.</summary>
    public static int Main(string[] args)
    {
        if (args.Length == 0 || FuzzTarget.Find(args[0]) is not { } target)
        {
            Console.Error.WriteLine($"usage: fuzz TARGET [--executions N] [--seed N] [--planted] [--blind] [--lines]");
            Console.Error.WriteLine($"targets: {string.Join(", ", FuzzTarget.Names)}");
            return Misused;
        }
        var instrumentation = new Instrumentation();
        string original = Path.Combine(AppContext.BaseDirectory, target.Assembly + ".dll");
        byte[] rewritten = instrumentation.Rewrite(original, target.SourceFiles);
        var context = new InstrumentedContext(new() { [target.Assembly] = rewritten });
        Assembly again = context.LoadFromAssemblyPath(typeof(Program).Assembly.Location);
        Type inside = again.GetType(typeof(Program).FullName!)!;
        return (int)inside.GetMethod(nameof(RunInside), BindingFlags.Public | BindingFlags.Static)!
            .Invoke(obj: null, [args, instrumentation.Places])!;
    }

    /// <summary>The run itself, within the instrumented context.</summary>
    public static int RunInside(string[] args, string[] places)
    {
        // A failed assertion is a crash like any other: it must reach the loop as an exception.
        Trace.Listeners.Clear();
        Trace.Listeners.Add(new ThrowingListener());
        FuzzTarget target = FuzzTarget.Find(args[0])!;
        if (args.Contains("--planted", StringComparer.Ordinal))
            target = new PlantedBug(target);
        var options = new FuzzOptions(
            Number(args, "--executions", DefaultExecutions), (int)Number(args, "--seed", Environment.TickCount),
            CorpusFolder(target, args), args.Contains("--blind", StringComparer.Ordinal));
        var loop = new FuzzLoop(target, options);
        var clock = Stopwatch.StartNew();
        string? crash = loop.Run();
        var coverage = new LineCoverage(places, Probe.Reached);
        Console.WriteLine(
            $"{target.Name}: seed {options.Seed}, {loop.Executions} executions in {clock.Elapsed.TotalSeconds:F1} s, "
            + $"corpus {loop.CorpusSize}, lines {coverage.Reached} of {coverage.Total} ({coverage.Percent:F1} %), "
            + $"at most {loop.MostAllocated} bytes allocated");
        if (args.Contains("--lines", StringComparer.Ordinal))
            Console.WriteLine("never reached: " + string.Join(' ', coverage.Missed));
        if (crash is null)
            return 0;
        Console.WriteLine("CRASH: " + crash);
        return CrashFound;
    }

    private static long Number(string[] args, string option, long otherwise)
    {
        int at = Array.IndexOf(args, option);
        return at < 0 || at + 1 == args.Length ? otherwise : long.Parse(args[at + 1]);
    }

    /// <summary>tests/corpus/TARGET of the repository; with a planted bug a scratch copy, so that its crash stays
    /// out.</summary>
    private static string CorpusFolder(FuzzTarget target, string[] args)
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "Millrace.slnx")))
            root = root.Parent;
        string folder = Path.Combine(root?.FullName ?? ".", "tests", "corpus", target.Name);
        if (!args.Contains("--planted", StringComparer.Ordinal))
            return folder;
        string scratch = Directory.CreateTempSubdirectory("millrace-fuzz-").FullName;
        Directory.CreateDirectory(Path.Combine(scratch, "valid"));
        foreach ((string name, byte[] input) in Corpus.Files(folder))
            File.WriteAllBytes(Path.Combine(scratch, "valid", name), input);
        return scratch;
    }

    private sealed class ThrowingListener : TraceListener
    {
        public override void Write(string? message)
        {
            // Only failures matter.
        }

        public override void WriteLine(string? message)
        {
            // Only failures matter.
        }

        public override void Fail(string? message, string? detailMessage) =>
            throw new BrokenPromiseException($"assertion failed: {message} {detailMessage}");
    }
}
