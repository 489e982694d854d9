using System.Diagnostics;

namespace Millrace.Server.Observability;

/// <summary>What the system says that the process uses.</summary>
internal static class ProcessUsage
{
    /// <summary>Bytes of memory that are resident.</summary>
    public static long ResidentBytes()
    {
        const string file = "/proc/self/statm";
        if (!File.Exists(file)) return Environment.WorkingSet;
        var fields = File.ReadAllText(file).Split(' ');
        return fields.Length > 1 && long.TryParse(fields[1], out var pages) ? pages * Environment.SystemPageSize : 0;
    }

    /// <summary>Bytes of memory that the machine has; 0 when the system does not say.</summary>
    public static long MachineBytes()
    {
        const string file = "/proc/meminfo";
        const string label = "MemTotal:";
        if (!File.Exists(file)) return 0;
        var line = File.ReadLines(file).FirstOrDefault(static one => one.StartsWith(label));
        var kilobytes = line?[label.Length..].Replace("kB", "").Trim();
        return long.TryParse(kilobytes, out var amount) ? amount * 1024 : 0;
    }

    /// <summary>Seconds of processor time in the system and in user code.</summary>
    public static (double System, double User) CpuSeconds()
    {
        using var process = Process.GetCurrentProcess();
        return (process.PrivilegedProcessorTime.TotalSeconds, process.UserProcessorTime.TotalSeconds);
    }
}
