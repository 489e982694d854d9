using Millrace.Persistence.Files;

namespace Millrace.Histories.Crashing;

/// <summary>
/// Files in memory that know what of them is on the disk: a power failure reduces them to that, and to as much of the
/// rest as chance lets pass. Any operation can be made to fail, and the disk can be full.
/// </summary>
/// <remarks>
/// <code>
///   contents  write, truncate -> what processes read       fsync of the file        -> what is on the disk
///   names     create, rename, delete, mkdir -> pending     fsync of the directory   -> on the disk: of its names only
///
///   AfterKill        all that processes read, and still no more on the disk than was: the next one may lose power
///   AfterPowerLoss   names and contents on the disk; with chance: any of the pending changes of names, each as a
///                    whole, whatever their order, and any length of the bytes behind those that were synced
/// </code>
/// A directory that was there before anything was made here needs no fsync of its own. Thread-safe.
/// </remarks>
internal sealed class PowerFiles : IFileSystem
{
    private const string Full = "No space left on device";

    private readonly object _gate = new();
    private readonly List<Change> _pending = [];
    private Dictionary<string, PowerNode> _names = new(StringComparer.Ordinal);
    private Dictionary<string, PowerNode> _durable = new(StringComparer.Ordinal);
    private int _total;

    /// <summary>Says why an operation fails, or null: its name (create, open, write, sync, close, rename, truncate,
    /// directory, names, read, delete; names is the sync of a directory), and how many of that name came before.
    /// </summary>
    public Func<string, int, string?> Faults { get; set; } = static (_, _) => null;

    /// <summary>How many bytes are in the file of a write that fails.</summary>
    public int TornBytes { get; set; }

    /// <summary>Whether what a failed sync should have written is lost for good, whatever the next one says.</summary>
    public bool LosesFailedSyncs { get; set; }

    /// <summary>How long a sync takes, in milliseconds.</summary>
    public int SyncMs { get; set; }

    /// <summary>How many bytes all files may have together; a write beyond gets in what fits, and fails.</summary>
    public long RoomBytes { get; set; } = long.MaxValue;

    /// <summary>How many writes have found no room.</summary>
    public int FullWrites { get; private set; }

    /// <summary>How many operations of each kind there were.</summary>
    public Dictionary<string, int> Operations { get; } = new(StringComparer.Ordinal);

    /// <summary>How many operations there were, the one that <see cref="Faults"/> is asked about among them.</summary>
    public int Total => Volatile.Read(ref _total);

    /// <summary>The bytes of all files.</summary>
    public long UsedBytes
    {
        get
        {
            lock (_gate) return _names.Values.Sum(static node => (long)node.Length);
        }
    }

    /// <summary>The names of files that there are, without their directories.</summary>
    public string[] Names
    {
        get
        {
            lock (_gate)
                return [.. Files().Select(static one => Path.GetFileName(one.Key)).Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>What is in the file of a name, whatever its directory.</summary>
    public byte[] ContentOf(string name)
    {
        lock (_gate) return Find(name).ToArray();
    }

    /// <summary>A file that has been there, with its name, for long.</summary>
    public void Put(string path, byte[] content)
    {
        var node = new PowerNode();
        node.Reset(content);
        lock (_gate) _names[path] = _durable[path] = node;
    }

    /// <summary>Gives a file another content, which is on the disk.</summary>
    public void Overwrite(string name, byte[] content)
    {
        lock (_gate) Find(name).Reset(content);
    }

    /// <summary>What another server finds after the power has failed at this moment.</summary>
    /// <param name="chance">Decides how much of what was not synced is there all the same; null: nothing.</param>
    public PowerFiles AfterPowerLoss(Random? chance = null)
    {
        var left = new PowerFiles();
        lock (_gate)
        {
            var names = new Dictionary<string, PowerNode>(_durable, StringComparer.Ordinal);
            foreach (var change in _pending)
            {
                if (chance is not null && chance.Next(2) == 0) change.ApplyTo(names);
            }

            foreach (var (path, node) in names)
            {
                if (IsLost(Path.GetDirectoryName(path)!, names)) continue;
                left._names[path] = left._durable[path] = node.AfterPowerLoss(chance);
            }
        }

        return left;
    }

    /// <summary>What another server finds after this one was killed. What was not synced is not more so now.</summary>
    public PowerFiles AfterKill()
    {
        var left = new PowerFiles();
        lock (_gate)
        {
            var copies = new Dictionary<PowerNode, PowerNode>(ReferenceEqualityComparer.Instance);
            left._names = _names.ToDictionary(one => one.Key, one => Copy(one.Value), StringComparer.Ordinal);
            left._durable = _durable.ToDictionary(one => one.Key, one => Copy(one.Value), StringComparer.Ordinal);
            foreach (var change in _pending) left._pending.Add(change.With(Copy));

            PowerNode Copy(PowerNode of) => copies.TryGetValue(of, out var copy) ? copy : copies[of] = of.Copy();
        }

        return left;
    }

    public string? Create(string path, NewFile kind, out IWritableFile? file)
    {
        file = null;
        lock (_gate)
        {
            if (Fault("create") is { } reason) return reason;
            if (_names.ContainsKey(path) && !kind.Replaces) return DiskReason.Exists;
            file = new Written(this, Make(path));
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
            file = new Read(this, node.ToArray());
            return null;
        }
    }

    public string? OpenToAppend(string path, out IAppendFile? file)
    {
        file = null;
        lock (_gate)
        {
            if (Fault("create") is { } reason) return reason;
            if (!_names.TryGetValue(path, out var node)) node = Make(path);
            file = new Appended(this, node);
            return null;
        }
    }

    public string? CreateDirectory(string path)
    {
        lock (_gate)
        {
            if (Fault("directory") is { } reason) return reason;
            if (!_names.ContainsKey(path)) Note(new Change([(path, new PowerNode { IsDirectory = true })]));
            return null;
        }
    }

    public string? Rename(string from, string to)
    {
        lock (_gate)
        {
            if (Fault("rename") is { } reason) return reason;
            if (!_names.TryGetValue(from, out var node)) return DiskReason.Missing;
            Note(new Change([(from, null), (to, node)]));
            return null;
        }
    }

    public string? Delete(string path)
    {
        lock (_gate)
        {
            if (Fault("delete") is { } reason) return reason;
            if (_names.ContainsKey(path)) Note(new Change([(path, null)]));
            return null;
        }
    }

    public string? SyncDirectory(string path)
    {
        lock (_gate)
        {
            if (Fault("names") is { } reason) return reason;
            foreach (var change in _pending) change.ApplyTo(_durable, path);
            _pending.RemoveAll(static one => one.IsEmpty);
            return null;
        }
    }

    private IEnumerable<KeyValuePair<string, PowerNode>> Files() => _names.Where(static one => !one.Value.IsDirectory);

    private PowerNode Find(string name) => Files().Single(one => Path.GetFileName(one.Key) == name).Value;

    private PowerNode Make(string path)
    {
        var node = new PowerNode();
        Note(new Change([(path, node)]));
        return node;
    }

    private void Note(Change change)
    {
        change.ApplyTo(_names);
        _pending.Add(change);
    }

    // A directory that was made here, and whose own name is not there.
    private bool IsLost(string directory, Dictionary<string, PowerNode> names) =>
        _names.TryGetValue(directory, out var node) && node.IsDirectory && !names.ContainsKey(directory);

    private string? Fault(string operation)
    {
        _total++;
        var before = Operations.GetValueOrDefault(operation);
        Operations[operation] = before + 1;
        return Faults(operation, before);
    }

    private string? Write(PowerNode node, long offset, ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            var reason = Fault("write");
            if (reason is not null) bytes = bytes[..Math.Min(TornBytes, bytes.Length)];
            if (RoomBytes != long.MaxValue)
            {
                var room = Math.Max(RoomBytes - UsedBytes, 0) + Math.Max(node.Length - offset, 0);
                if (room < bytes.Length)
                {
                    bytes = bytes[..(int)room];
                    reason ??= Full;
                    FullWrites++;
                }
            }

            node.Write((int)offset, bytes);
            return reason;
        }
    }

    private string? Sync(PowerNode node)
    {
        byte[] content;
        lock (_gate) content = node.BeginSync();
        if (SyncMs > 0) Thread.Sleep(SyncMs);
        lock (_gate)
        {
            var reason = Fault("sync");
            if (reason is null) node.EndSync(content);
            else if (LosesFailedSyncs) node.LoseSync();
            return reason;
        }
    }

    // Names that change in one step: path and node, null when the name goes.
    private sealed class Change(List<(string Path, PowerNode? Node)> names)
    {
        public bool IsEmpty => names.Count == 0;

        public Change With(Func<PowerNode, PowerNode> copy) =>
            new([.. names.Select(one => (one.Path, one.Node is { } node ? copy(node) : null))]);

        public void ApplyTo(Dictionary<string, PowerNode> to) => names.ForEach(one => Apply(one, to));

        // Of one directory only, and for good.
        public void ApplyTo(Dictionary<string, PowerNode> to, string directory) => names.RemoveAll(one =>
        {
            if (Path.GetDirectoryName(one.Path) != directory) return false;
            Apply(one, to);
            return true;
        });

        private static void Apply((string Path, PowerNode? Node) one, Dictionary<string, PowerNode> to)
        {
            if (one.Node is { } node) to[one.Path] = node;
            else to.Remove(one.Path);
        }
    }

    private sealed class Written(PowerFiles files, PowerNode node) : IWritableFile
    {
        public string? Write(ReadOnlySpan<byte> bytes) => files.Write(node, node.Length, bytes);

        public string? Sync() => files.Sync(node);

        public string? Close()
        {
            lock (files._gate) return files.Fault("close");
        }

        public void Dispose()
        {
            // Nothing is held.
        }
    }

    private sealed class Appended(PowerFiles files, PowerNode node) : IAppendFile
    {
        public long Length { get; } = node.Length;

        public string? Write(long offset, ReadOnlySpan<byte> bytes) => files.Write(node, offset, bytes);

        public string? Truncate(long length)
        {
            lock (files._gate)
            {
                if (files.Fault("truncate") is { } reason) return reason;
                node.Truncate((int)length);
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
