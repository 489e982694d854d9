// The most memory that a server and the children that it forks take while this lives, looked at every 20 ms.
//
// A page that parent and child share counts once: the parent's resident pages, and those that only the child has. The
// latter are counted by walking the child's page tables (smaps_rollup), which takes milliseconds, and nobody waits for
// the child; of the server itself only a counter is read.

using System.Globalization;

namespace Millrace.Bench.Servers;

/// <summary>Watches a process from a thread of its own.</summary>
internal sealed class ResidentPeak : IDisposable
{
    private const int LookMs = 20;

    private readonly string _folder;
    private readonly Thread _thread;
    private volatile bool _isOver;
    private long _bytes;

    public ResidentPeak(int processId)
    {
        _folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}");
        _thread = new Thread(Watch) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>The most so far, in bytes.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    public void Dispose()
    {
        _isOver = true;
        _thread.Join();
    }

    /// <summary>The sum of some lines of a file like /proc/PID/status, whose numbers are in kB; in bytes.</summary>
    public static long SumOf(IEnumerable<string> lines, params string[] names)
    {
        var sum = 0L;
        foreach (var line in lines)
        {
            if (line.Split(':', 2) is not [var name, var rest] || !names.Contains(name)) continue;
            var number = rest.Replace("kB", "", StringComparison.Ordinal).Trim();
            sum += long.Parse(number, CultureInfo.InvariantCulture) * 1024;
        }

        return sum;
    }

    private void Watch()
    {
        while (!_isOver)
        {
            var bytes = SumOf(Lines($"{_folder}/status"), "VmRSS");
            foreach (var child in Children())
                bytes += SumOf(Lines($"/proc/{child}/smaps_rollup"), "Private_Clean", "Private_Dirty");
            if (bytes > Bytes) Volatile.Write(ref _bytes, bytes);
            Thread.Sleep(LookMs);
        }
    }

    private IEnumerable<string> Children()
    {
        var id = Path.GetFileName(_folder);
        return Lines($"{_folder}/task/{id}/children")
            .SelectMany(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    // A process may end while it is looked at.
    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (IOException)
        {
            return [];
        }
    }
}
