using Millrace.Persistence.Files;

namespace Millrace.Persistence.Tests.Files;

/// <summary>
/// Files in memory. Notes every operation as a word, and fails the one whose turn it is.
/// </summary>
internal sealed class MemoryFiles : IFileSystem
{
    public const string Reason = "Input/output error";

    private readonly Dictionary<string, MemoryStream> _files = new(StringComparer.Ordinal);
    private readonly List<string> _operations = [];
    private readonly Dictionary<string, byte[]> _synced = new(StringComparer.Ordinal);
    private Dictionary<string, byte[]> _onDisk = [];

    /// <summary>How many operations go well before one fails; -1: all.</summary>
    public int FailsAfter { get; set; } = -1;

    /// <summary>How many bytes are written of a write that fails.</summary>
    public int TornBytes { get; set; }

    /// <summary>What was asked for, in order; writes that follow each other count as one.</summary>
    public IReadOnlyList<string> Operations => _operations;

    /// <summary>Files as they are after a power failure: names as they were when their directory was last synced, each
    /// with what of it had been synced.</summary>
    public IReadOnlyDictionary<string, byte[]> OnDisk => _onDisk;

    public IEnumerable<string> Names => _files.Keys.Order(StringComparer.Ordinal);

    public byte[] this[string path]
    {
        get => _files[path].ToArray();
        set
        {
            _files[path] = new MemoryStream();
            _files[path].Write(value);
        }
    }

    public string? Create(string path, NewFile kind, out IWritableFile? file)
    {
        file = null;
        if (Fails("create " + path)) return Reason;
        if (_files.ContainsKey(path) && !kind.Replaces) return "File exists";
        this[path] = [];
        file = new Writable(this, path);
        return null;
    }

    public string? Open(string path, out IReadableFile? file)
    {
        file = null;
        if (Fails("open " + path)) return Reason;
        if (!_files.ContainsKey(path)) return "No such file or directory";
        file = new Readable(this, this[path]);
        return null;
    }

    public string? OpenToAppend(string path, out IAppendFile? file)
    {
        file = null;
        if (Fails("append " + path)) return Reason;
        if (!_files.ContainsKey(path)) this[path] = [];
        file = new Appended(this, path);
        return null;
    }

    public string? CreateDirectory(string path) => Fails("directory " + path) ? Reason : null;

    public string? Rename(string from, string to)
    {
        if (Fails($"rename {from} {to}")) return Reason;
        _files[to] = _files[from];
        _files.Remove(from);
        _synced[to] = _synced.GetValueOrDefault(from) ?? [];
        _synced.Remove(from);
        return null;
    }

    public string? Delete(string path)
    {
        _operations.Add("delete " + path);
        _files.Remove(path);
        return null;
    }

    public string? SyncDirectory(string path)
    {
        if (Fails("sync directory " + path)) return Reason;
        _onDisk = _files.Keys.ToDictionary(name => name, name => _synced.GetValueOrDefault(name) ?? []);
        return null;
    }


    private bool Fails(string operation)
    {
        if (_operations.Count == 0 || operation != "write" || _operations[^1] != operation) _operations.Add(operation);
        if (FailsAfter < 0 || FailsAfter-- > 0) return false;
        FailsAfter = -1;
        return true;
    }

    private sealed class Writable(MemoryFiles files, string path) : IWritableFile
    {
        public string? Write(ReadOnlySpan<byte> bytes)
        {
            var fails = files.Fails("write");
            files._files[path].Write(fails ? bytes[..Math.Min(files.TornBytes, bytes.Length)] : bytes);
            return fails ? Reason : null;
        }

        public string? Sync()
        {
            if (files.Fails("sync")) return Reason;
            files._synced[path] = files[path];
            return null;
        }

        public string? Close() => files.Fails("close") ? Reason : null;

        public void Dispose()
        {
            // Nothing is held.
        }
    }

    private sealed class Appended(MemoryFiles files, string path) : IAppendFile
    {
        public long Length { get; } = files[path].Length;

        public string? Write(long offset, ReadOnlySpan<byte> bytes)
        {
            var fails = files.Fails("write");
            var file = files._files[path];
            file.Position = offset;
            file.Write(fails ? bytes[..Math.Min(files.TornBytes, bytes.Length)] : bytes);
            return fails ? Reason : null;
        }

        public string? Truncate(long length)
        {
            if (files.Fails("truncate")) return Reason;
            files._files[path].SetLength(length);
            return null;
        }

        public string? Sync()
        {
            if (files.Fails("sync")) return Reason;
            files._synced[path] = files[path];
            return null;
        }

        public void Dispose()
        {
            // Nothing is held.
        }
    }

    private sealed class Readable(MemoryFiles files, byte[] content) : IReadableFile
    {
        public long Length => content.Length;

        public string? Read(long offset, Span<byte> to, out int bytes)
        {
            bytes = 0;
            if (files.Fails("read")) return Reason;
            bytes = (int)Math.Min(to.Length, content.Length - offset);
            content.AsSpan((int)offset, bytes).CopyTo(to);
            return null;
        }

        public void Dispose()
        {
            // Nothing is held.
        }
    }
}
