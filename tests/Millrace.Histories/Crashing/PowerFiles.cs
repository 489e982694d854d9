using Millrace.Persistence.Files;

namespace Millrace.Histories.Crashing;

/// <summary>
/// Files in memory that a power failure reduces to what was synced: names to those that their directory had when it was
/// last synced, contents to what of them was synced, and as much of what follows as chance lets pass. Any operation can
/// be made to fail.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class PowerFiles : IFileSystem
{
    private readonly object _gate = new();
    private readonly Dictionary<string, Node> _names = new(StringComparer.Ordinal);
    private readonly HashSet<string> _directories = new(StringComparer.Ordinal);
    private Dictionary<string, Node> _durable = new(StringComparer.Ordinal);

    /// <summary>Says why an operation fails, or null: its name (write, sync, create, open, rename, truncate, directory,
    /// read, delete), and how many of that name came before.</summary>
    public Func<string, int, string?> Faults { get; set; } = static (_, _) => null;

    /// <summary>How many bytes are in the file of a write that fails.</summary>
    public int TornBytes { get; set; }

    /// <summary>How long a sync takes, in milliseconds.</summary>
    public int SyncMs { get; set; }

    /// <summary>How many operations of each kind there were.</summary>
    public Dictionary<string, int> Operations { get; } = new(StringComparer.Ordinal);

    /// <summary>The names that there are.</summary>
    public string[] Names
    {
        get
        {
            lock (_gate) return [.. _names.Keys.Select(Path.GetFileName).Order(StringComparer.Ordinal)!];
        }
    }

    /// <summary>What another server finds after the power has failed at this moment.</summary>
    /// <param name="chance">Decides how much of what was not synced is there all the same; null: nothing.</param>
    public PowerFiles AfterPowerLoss(Random? chance = null)
    {
        var left = new PowerFiles();
        lock (_gate)
        {
            foreach (var (name, node) in _durable) left.Put(name, node.AfterPowerLoss(chance));
            foreach (var directory in _directories) left._directories.Add(directory);
        }

        return left;
    }

    /// <summary>What another server finds after this one was killed.</summary>
    public PowerFiles AfterKill()
    {
        var left = new PowerFiles();
        lock (_gate)
        {
            foreach (var (name, node) in _names) left.Put(name, node.Bytes.ToArray());
            foreach (var directory in _directories) left._directories.Add(directory);
        }

        return left;
    }

    public string? Create(string path, NewFile kind, out IWritableFile? file)
    {
        file = null;
        lock (_gate)
        {
            if (Fault("create") is { } reason) return reason;
            if (_names.ContainsKey(path) && !kind.Replaces) return "File exists";
            file = new Written(this, _names[path] = new Node());
            return null;
        }
    }

    public string? Open(string path, out IReadableFile? file)
    {
        file = null;
        lock (_gate)
        {
            if (Fault("open") is { } reason) return reason;
            if (!_names.TryGetValue(path, out var node)) return DiskReason.Missing;
            file = new Read(this, node.Bytes.ToArray());
            return null;
        }
    }

    public string? OpenToAppend(string path, out IAppendFile? file)
    {
        file = null;
        lock (_gate)
        {
            if (Fault("create") is { } reason) return reason;
            if (!_names.TryGetValue(path, out var node)) _names[path] = node = new Node();
            file = new Appended(this, node);
            return null;
        }
    }

    public string? CreateDirectory(string path)
    {
        lock (_gate)
        {
            if (Fault("directory") is { } reason) return reason;
            _directories.Add(path);
            return null;
        }
    }

    public string? Rename(string from, string to)
    {
        lock (_gate)
        {
            if (Fault("rename") is { } reason) return reason;
            if (!_names.Remove(from, out var node)) return DiskReason.Missing;
            _names[to] = node;
            return null;
        }
    }

    public string? Delete(string path)
    {
        lock (_gate)
        {
            if (Fault("delete") is { } reason) return reason;
            _names.Remove(path);
            return null;
        }
    }

    public string? SyncDirectory(string path)
    {
        lock (_gate)
        {
            if (Fault("sync") is { } reason) return reason;
            _durable = new Dictionary<string, Node>(_names, StringComparer.Ordinal);
            return null;
        }
    }

    private void Put(string name, byte[] content)
    {
        var node = new Node();
        node.Bytes.AddRange(content);
        node.Sync();
        _names[name] = _durable[name] = node;
    }

    private string? Fault(string operation)
    {
        var before = Operations.GetValueOrDefault(operation);
        Operations[operation] = before + 1;
        return Faults(operation, before);
    }

    private string? Write(Node node, long offset, ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            var reason = Fault("write");
            if (reason is not null) bytes = bytes[..Math.Min(TornBytes, bytes.Length)];
            node.Write((int)offset, bytes);
            return reason;
        }
    }

    private string? Sync(Node node)
    {
        byte[] content;
        lock (_gate) content = node.Bytes.ToArray();
        if (SyncMs > 0) Thread.Sleep(SyncMs);
        lock (_gate)
        {
            if (Fault("sync") is { } reason) return reason;
            node.Synced = content;
            return null;
        }
    }

    private sealed class Node
    {
        public List<byte> Bytes { get; } = [];

        public byte[] Synced { get; set; } = [];

        public void Sync() => Synced = [.. Bytes];

        public void Write(int offset, ReadOnlySpan<byte> bytes)
        {
            if (offset < Bytes.Count) Bytes.RemoveRange(offset, Math.Min(bytes.Length, Bytes.Count - offset));
            Bytes.InsertRange(offset, bytes.ToArray());
        }

        public byte[] AfterPowerLoss(Random? chance)
        {
            var more = Bytes.Count - Synced.Length;
            if (chance is null || more <= 0) return Synced;
            return [.. Synced, .. Bytes.GetRange(Synced.Length, chance.Next(more + 1))];
        }
    }

    private sealed class Written(PowerFiles files, Node node) : IWritableFile
    {
        public string? Write(ReadOnlySpan<byte> bytes) => files.Write(node, node.Bytes.Count, bytes);

        public string? Sync() => files.Sync(node);

        public string? Close() => null;

        public void Dispose()
        {
            // Nothing is held.
        }
    }

    private sealed class Appended(PowerFiles files, Node node) : IAppendFile
    {
        public long Length { get; } = node.Bytes.Count;

        public string? Write(long offset, ReadOnlySpan<byte> bytes) => files.Write(node, offset, bytes);

        public string? Truncate(long length)
        {
            lock (files._gate)
            {
                if (files.Fault("truncate") is { } reason) return reason;
                if (length < node.Bytes.Count) node.Bytes.RemoveRange((int)length, node.Bytes.Count - (int)length);
                return null;
            }
        }

        public string? Sync() => files.Sync(node);

        public void Dispose()
        {
            // Nothing is held.
        }
    }

    private sealed class Read(PowerFiles files, byte[] content) : IReadableFile
    {
        public long Length => content.Length;

        string? IReadableFile.Read(long offset, Span<byte> to, out int bytes)
        {
            bytes = 0;
            lock (files._gate)
            {
                if (files.Fault("read") is { } reason) return reason;
            }

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
