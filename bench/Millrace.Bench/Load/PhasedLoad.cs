// Load that runs in a process of its own while something happens to the server, told in phases.

using System.Diagnostics;
using System.Text.Json;
using Millrace.Bench.Servers;

namespace Millrace.Bench.Load;

/// <summary>Load under way. It ends when this is disposed of, and with this program.</summary>
internal sealed class PhasedLoad(ChildProcesses children, Process process, string command) : IDisposable
{
    /// <summary>Ends a phase and begins the next.</summary>
    /// <returns>What the load saw in it.</returns>
    /// <exception cref="IOException">The load has ended by itself, or saw an error.</exception>
    public LoadResult EndPhase()
    {
        process.StandardInput.WriteLine();
        process.StandardInput.Flush();
        var line = process.StandardOutput.ReadLine()
            ?? throw new IOException("the load has ended: " + process.StandardError.ReadToEnd().Trim());
        var seen = JsonSerializer.Deserialize<LoadResult>(line)!;
        return seen.Errors == 0
            ? seen
            : throw new IOException($"{seen.Errors} replies to {command} are errors");
    }

    public void Dispose() => children.End(process);
}
