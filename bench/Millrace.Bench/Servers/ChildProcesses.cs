// The processes that a benchmark starts, and the folder that they work in. They end with it, whatever ends it: a guard,
// a shell that ignores the signals of a terminal, reads the ids of the live ones from a pipe. When the pipe closes,
// because the benchmark is done, was interrupted or was killed, the guard kills the last ones named and removes the
// folder.

using System.Diagnostics;
using System.Globalization;

namespace Millrace.Bench.Servers;

/// <summary>Starts processes and sees to it that they end. Used by one thread.</summary>
internal sealed class ChildProcesses : IDisposable
{
    private const string GuardScript =
        "trap '' INT TERM HUP; ids=; while read -r line; do ids=$line; done; " +
        "if [ -n \"$ids\" ]; then kill -9 $ids; fi; rm -rf \"$0\"";

    private readonly List<Process> _live = [];
    private readonly Process _guard;

    public ChildProcesses()
    {
        Folder = Directory.CreateTempSubdirectory("millrace-bench").FullName;
        var start = new ProcessStartInfo("sh", ["-c", GuardScript, Folder]) { RedirectStandardInput = true };
        _guard = Process.Start(start)!;
    }

    /// <summary>A folder for what servers write, removed at the end.</summary>
    public string Folder { get; }

    /// <summary>Starts a process on some cores (as taskset names them; null: wherever the system likes), its streams
    /// redirected.</summary>
    public Process Start(string? cores, string file, IEnumerable<string> arguments)
    {
        var (program, all) = cores is null ? (file, arguments) : ("taskset", ["-c", cores, file, .. arguments]);
        var start = new ProcessStartInfo(program, all)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Folder,
        };

        // The generator lives for seconds: what it runs is compiled once, and well. Servers have their defaults.
        var isLoad = arguments.Contains(LoadVerb) || arguments.Contains(HearVerb);
        if (isLoad) start.Environment["DOTNET_TieredCompilation"] = "0";
        var process = Process.Start(start)!;
        _live.Add(process);
        TellGuard();
        return process;
    }

    /// <summary>The verb by which this program runs as load generator.</summary>
    public const string LoadVerb = "load";

    /// <summary>The verb by which this program runs as subscribers.</summary>
    public const string HearVerb = "hear";

    /// <summary>Ends a process, if it has not, and forgets it.</summary>
    public void End(Process process)
    {
        if (!process.HasExited) process.Kill();
        process.WaitForExit();
        _live.Remove(process);
        TellGuard();
        process.Dispose();
    }

    public void Dispose()
    {
        foreach (var process in _live.ToList()) End(process);
        Abandon();
    }

    /// <summary>Lets go of the guard without ending anything, as a killed benchmark does; tests see what
    /// happens.</summary>
    internal void Abandon()
    {
        _guard.StandardInput.Close();
        _guard.WaitForExit();
        _guard.Dispose();
    }

    private void TellGuard()
    {
        var ids = _live.Select(process => process.Id.ToString(CultureInfo.InvariantCulture));
        _guard.StandardInput.WriteLine(string.Join(' ', ids));
        _guard.StandardInput.Flush();
    }
}
