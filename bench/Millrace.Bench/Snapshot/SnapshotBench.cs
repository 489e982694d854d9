// What saving costs: BGSAVE beside clients that read and write (LoadedSaves), and SAVE, an idle BGSAVE and loading by
// themselves (LoneSaves), each beside redis-server, which forks.

using System.Globalization;
using Millrace.Bench.Servers;

namespace Millrace.Bench.Snapshot;

/// <summary>Runs the part that is asked for.</summary>
internal sealed class SnapshotBench(SnapshotOptions options, ChildProcesses children)
{
    public async Task<int> RunAsync()
    {
        Console.WriteLine($"load average of the machine at the beginning: {LoadAverage()}");
        if (options.IsAlone) await new LoneSaves(options, children).RunAsync().ConfigureAwait(false);
        else await new LoadedSaves(options, children).RunAsync().ConfigureAwait(false);
        Console.WriteLine($"load average of the machine at the end: {LoadAverage()}");
        return 0;
    }

    private static string LoadAverage() =>
        string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ').Take(2)).ToString(CultureInfo.InvariantCulture);
}
