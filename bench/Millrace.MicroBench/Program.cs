// Micro benchmarks of the steps that a command takes: parser, dispatch, table, reply writer, and a whole batch.
//
//     ./dev bench micro [filter]        a filter is a pattern of names, as *Parser*; without one all run
//
// They run in this process: BenchmarkDotNet's usual way, a project of its own per job, would be built under the rules
// of this repository.

using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Millrace.MicroBench;

string[] patterns = args.Length == 0 || args[0].StartsWith('-') ? ["--filter", "*", .. args]
    : ["--filter", "*" + args[0].Trim('*') + "*", .. args[1..]];
var config = ManualConfig.CreateEmpty()
    .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
    .AddDiagnoser(MemoryDiagnoser.Default)
    .AddColumnProvider(DefaultColumnProviders.Instance)
    .AddLogger(ConsoleLogger.Default)
    .AddExporter(MarkdownExporter.GitHub)
    .WithArtifactsPath("artifacts/micro");
var summaries = BenchmarkSwitcher.FromAssembly(typeof(ParserBench).Assembly).Run(patterns, config).ToList();
return summaries.Count > 0 && summaries.TrueForAll(summary => !summary.HasCriticalValidationErrors) ? 0 : 1;
