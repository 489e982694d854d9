using System.Globalization;
using System.Text.RegularExpressions;

namespace Millrace.Histories.Crashing;

/// <summary>
/// What strace saw of a process: everything that it changed below a directory, in the words of
/// <see cref="RecordedFiles"/>.
/// </summary>
/// <remarks>
/// <code>
///   openat(AT_FDCWD&lt;/x&gt;, "/data/a", O_WRONLY|O_CREAT|O_CLOEXEC, 0666) = 12&lt;/data/a&gt;
///   pwrite64(12&lt;/data/a&gt;, ""..., 65, 0) = 65                         one file per thread: no line is cut in two
/// </code>
/// A call that changes files in a way that the interface does not know of is a line of its own, so that the two differ.
/// Source: strace(1), options -ff and -y.
/// </remarks>
internal sealed partial class SystemCallTrace
{
    /// <summary>The calls that strace is asked for.</summary>
    public const string Calls =
        "open,openat,openat2,creat,write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,sync_file_range,sync,syncfs,"
        + "ftruncate,truncate,fallocate,rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat,"
        + "copy_file_range,sendfile,splice,mmap,io_uring_setup";

    private readonly string _directory;
    private readonly SortedSet<string> _opened = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];
    private readonly List<string> _others = [];
    private long _bytes;
    private long _syncs;

    private SystemCallTrace(string directory) => _directory = directory;

    /// <summary>Reads the files of a trace.</summary>
    /// <param name="prefix">How their paths begin.</param>
    /// <param name="directory">What happened elsewhere is passed over.</param>
    public static string[] Lines(string prefix, string directory)
    {
        var trace = new SystemCallTrace(directory);
        var files = Directory.GetFiles(Path.GetDirectoryName(prefix)!, Path.GetFileName(prefix) + ".*");
        foreach (var line in files.SelectMany(File.ReadLines)) trace.Add(line);
        return
        [
            .. trace._opened.Select(static path => "opened " + path),
            .. trace._names.Order(StringComparer.Ordinal),
            string.Create(CultureInfo.InvariantCulture, $"bytes written: {trace._bytes}"),
            string.Create(CultureInfo.InvariantCulture, $"fsyncs: {trace._syncs}"),
            .. trace._others,
        ];
    }

    private void Add(string line)
    {
        if (!line.Contains(_directory, StringComparison.Ordinal)) return;
        var end = line.IndexOf('(');
        var call = end < 0 ? "" : line[..end];
        var paths = Paths().Matches(line).Select(static one => one.Groups[1].Value).ToArray();
        switch (call)
        {
            case "open" or "openat":
                if (line.Contains("O_WRONLY") || line.Contains("O_RDWR") || line.Contains("O_CREAT"))
                    _opened.Add(paths[0]);
                break;
            case "write" or "pwrite64" or "writev" or "pwritev" or "pwritev2":
                if (IsOnFileBelow(line)) _bytes += Result(line);
                break;
            case "fsync" or "fdatasync":
                if (IsOnFileBelow(line)) _syncs++;
                break;
            case "rename" or "renameat" or "renameat2":
                _names.Add($"renamed {paths[0]} {paths[1]}");
                break;
            case "unlink" or "unlinkat":
                _names.Add("deleted " + paths[0]);
                break;
            case "ftruncate":
                break; // an operation of the interface that has nothing to be lost before the next fsync
            case "mmap":
                if (line.Contains("MAP_SHARED") && line.Contains("PROT_WRITE")) _others.Add(line);
                break;
            default:
                _others.Add(line);
                break;
        }
    }

    // Of a call whose first argument is a descriptor; the directory may stand in what is written as well.
    private bool IsOnFileBelow(string line)
    {
        var found = Descriptor().Match(line);
        return found.Success && found.Groups[1].Value.StartsWith(_directory, StringComparison.Ordinal);
    }

    private static long Result(string line) =>
        long.Parse(line.AsSpan(line.LastIndexOf("= ", StringComparison.Ordinal) + 2), CultureInfo.InvariantCulture);

    [GeneratedRegex("\"([^\"]*)\"")]
    private static partial Regex Paths();

    [GeneratedRegex(@"^\w+\(\d+<([^>]*)>")]
    private static partial Regex Descriptor();
}
