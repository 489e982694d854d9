// Where configuration files are read from: an interface, so that tests and the fuzzer can stand in for the disk.

using System.IO.Enumeration;
using Millrace.Engine;
using Millrace.Persistence.Files;

namespace Millrace.Server.Config;

/// <summary>Reads configuration files and answers patterns.</summary>
public interface IConfigFiles
{
    /// <summary>Reads a whole file of at most <paramref name="maxBytes"/> bytes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maxBytes">The most bytes that are read.</param>
    /// <param name="content">What it holds.</param>
    /// <param name="error">Why not.</param>
    bool TryRead(string path, int maxBytes, out byte[] content, out string error);

    /// <summary>The files that a pattern with *, ? or [ matches, in order of their names.</summary>
    /// <param name="pattern">An absolute path with wildcards.</param>
    IReadOnlyList<string> Match(string pattern);

    /// <summary>Whether a directory exists.</summary>
    /// <param name="path">The directory.</param>
    bool DirectoryExists(string path);
}

/// <summary>The files of this machine. Stateless and thread-safe.</summary>
public sealed class DiskConfigFiles : IConfigFiles
{
    private const int MaxMatches = 4096;
    private const int ChunkBytes = 64 * 1024;

    /// <inheritdoc/>
    public bool TryRead(string path, int maxBytes, out byte[] content, out string error)
    {
        content = [];
        error = "";
        try
        {
            if (Directory.Exists(path))
            {
                error = "Is a directory";
                return false;
            }

            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            return TryReadAll(file, maxBytes, out content, out error);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException
            or NotSupportedException)
        {
            error = DiskReason.Of(fault);
            return false;
        }
    }

    /// <summary>Reads a stream to its end, at most <paramref name="maxBytes"/> bytes.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="maxBytes">The most bytes that are read.</param>
    /// <param name="content">What it held.</param>
    /// <param name="error">Why not.</param>
    public static bool TryReadAll(Stream stream, int maxBytes, out byte[] content, out string error)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var kept = new MemoryStream();
        byte[] chunk = new byte[ChunkBytes];
        int count;
        while ((count = stream.Read(chunk)) > 0)
        {
            if (kept.Length + count > maxBytes)
            {
                content = [];
                error = $"more than {maxBytes} bytes";
                return false;
            }

            kept.Write(chunk, 0, count);
        }

        content = kept.ToArray();
        error = "";
        return true;
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Match(string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        List<string> found = [Path.GetPathRoot(pattern) is { Length: > 0 } root ? root : "."];
        string[] parts = pattern[(Path.GetPathRoot(pattern) ?? "").Length..]
            .Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries);
        for (int i = 0; i < parts.Length && found.Count > 0; i++)
        {
            bool isLast = i == parts.Length - 1;
            var next = new List<string>();
            foreach (string directory in found) AddMatches(directory, parts[i], isLast, next);
            found = next;
        }

        return found;
    }

    /// <inheritdoc/>
    public bool DirectoryExists(string path) => Directory.Exists(path);

    private static void AddMatches(string directory, string part, bool isLast, List<string> matches)
    {
        if (part.AsSpan().IndexOfAny("*?[") < 0)
        {
            string path = Path.Combine(directory, part);
            if (isLast ? File.Exists(path) : Directory.Exists(path)) matches.Add(path);
            return;
        }

        var found = new List<string>();
        byte[] pattern = System.Text.Encoding.UTF8.GetBytes(part);
        try
        {
            var entries = new FileSystemEnumerable<string>(directory, static (ref entry) => entry.ToFullPath());
            foreach (string path in entries)
            {
                string name = Path.GetFileName(path);
                if (name.StartsWith('.') && part[0] != '.') continue;
                byte[] bytes = System.Text.Encoding.UTF8.GetBytes(name);
                if (!Glob.Matches(pattern, bytes)) continue;
                if (isLast ? File.Exists(path) : Directory.Exists(path)) found.Add(path);
                if (matches.Count + found.Count >= MaxMatches) break;
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return;
        }

        found.Sort(StringComparer.Ordinal);
        matches.AddRange(found);
    }
}
