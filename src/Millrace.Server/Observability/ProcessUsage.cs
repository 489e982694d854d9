using System.Buffers.Text;
using Microsoft.Win32.SafeHandles;

namespace Millrace.Server.Observability;

/// <summary>What the system says that the process uses.</summary>
/// <remarks>INFO asks on a loop: the file stays open, and nothing is allocated to read it.</remarks>
internal sealed class ProcessUsage
{
    private const string MemoryFile = "/proc/self/statm";

    private readonly SafeFileHandle? _memory = File.Exists(MemoryFile) ? File.OpenHandle(MemoryFile) : null;

    /// <summary>Bytes of memory that are resident.</summary>
    public long ResidentBytes()
    {
        if (_memory is null) return Environment.WorkingSet;
        Span<byte> text = stackalloc byte[128];
        text = text[..RandomAccess.Read(_memory, text, fileOffset: 0)];
        // Pages: of the address space, resident, ...
        text = text[(text.IndexOf((byte)' ') + 1)..];
        return Utf8Parser.TryParse(text, out long pages, out _) ? pages * Environment.SystemPageSize : 0;
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
        var usage = Environment.CpuUsage;
        return (usage.PrivilegedTime.TotalSeconds, usage.UserTime.TotalSeconds);
    }
}
