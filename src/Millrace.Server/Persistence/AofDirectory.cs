using Millrace.Persistence.Aof;
using Millrace.Persistence.Files;
using Millrace.Server.Config;
using Millrace.Server.Logging;

namespace Millrace.Server.Persistence;

/// <summary>
/// The append-only directory: its files, and the manifest that is in force.
/// </summary>
/// <remarks>
/// Where it is is fixed when the server begins to use it, whatever CONFIG SET dir says later. What goes wrong is logged
/// here, once. Each operation blocks for as long as the disk takes.
/// A name that a manifest gives is on the disk, and what the file held before is not, before that manifest may come
/// into force. A file goes when it is certain that no manifest that may be in force after a power failure has it to be
/// loaded.
/// Lock: <c>_gate</c> guards the manifest and its file, which the thread of a rewrite replaces while settings that come
/// into force load or clean it; taken last. Files are touched under it.
/// </remarks>
/// <param name="files">The file system.</param>
/// <param name="settings">Say where it is, and how its files are named.</param>
/// <param name="journal">Where log lines go.</param>
internal sealed class AofDirectory(IFileSystem files, Settings settings, Log journal)
{
    private readonly object _gate = new();
    private readonly HashSet<string> _needless = new(StringComparer.Ordinal); // files to be removed when that is safe
    private bool _isInDoubt; // a manifest that could not be brought into force may be, after a power failure
    private readonly AofManifestFile _file = new(
        files,
        Path.Combine(settings.WorkingDirectory, settings.Aof.DirectoryName),
        new AofNames(settings.Aof.FileName));

    /// <summary>The file system.</summary>
    public IFileSystem Files => files;

    /// <summary>Where it is.</summary>
    public string FullPath { get; } = Path.Combine(settings.WorkingDirectory, settings.Aof.DirectoryName);

    /// <summary>How its files are named.</summary>
    public AofNames Names { get; } = new(settings.Aof.FileName);

    /// <summary>The manifest in force.</summary>
    public AofManifest Manifest { get; private set; } = AofManifest.Empty;

    /// <summary>The path of a file.</summary>
    public string PathOf(string name) => Path.Combine(FullPath, name);

    /// <summary>Whether this is the directory that settings name.</summary>
    public bool IsOf(Settings other) =>
        FullPath == Path.Combine(other.WorkingDirectory, other.Aof.DirectoryName)
        && Names.BaseName == other.Aof.FileName;

    /// <summary>Reads the manifest. False when it cannot be used. Numbers that were given before are not given again.
    /// </summary>
    public bool TryLoad()
    {
        lock (_gate)
        {
            if (_file.Load(out var manifest) is not { } error)
            {
                Manifest = manifest.Behind(Manifest);
                return true;
            }

            foreach (var line in error.LogLines) journal.Warning(line);
            return false;
        }
    }

    /// <summary>Makes the directory, if there is none, and makes sure that its name is on the disk.</summary>
    public bool TryCreate()
    {
        var reason = files.CreateDirectory(FullPath) ?? files.SyncDirectory(settings.WorkingDirectory);
        if (reason is null) return true;
        journal.Warning($"Can't open or create append-only dir {settings.Aof.DirectoryName}: {reason}");
        return false;
    }

    /// <summary>Moves the single file of a server before Redis 7.0 into the directory, where it becomes the base,
    /// unless the directory holds data. When this stops half-way the next start goes on with it.</summary>
    public bool TryUpgrade()
    {
        var old = Path.Combine(settings.WorkingDirectory, Names.BaseName);
        if (!IsThere(old, out var reason)) return true;
        var isHalfDone = Manifest.Base?.Name == Names.BaseName && Manifest.Incr.IsEmpty
            && !IsThere(PathOf(Names.BaseName), out _);
        if (!Manifest.HasNoData && !isHalfDone) return true;
        if (reason is not null)
        {
            journal.Warning($"Can't open the old AOF file {Names.BaseName}: {reason}");
            return false;
        }

        if (!TryCreate() || !TryReplace(AofManifest.OfOldFile(Names.BaseName))) return false;
        reason = files.Rename(old, PathOf(Names.BaseName));
        reason ??= files.SyncDirectory(FullPath);
        reason ??= files.SyncDirectory(settings.WorkingDirectory);
        if (reason is not null)
        {
            journal.Warning(
                $"Error trying to move the old AOF file {Names.BaseName} into dir {settings.Aof.DirectoryName}: "
                + reason);
            return false;
        }

        journal.Notice(
            $"Successfully migrated an old-style AOF file ({Names.BaseName}) into the AOF directory "
            + $"({settings.Aof.DirectoryName}).");
        return true;
    }

    /// <summary>Brings another manifest into force, on the disk first.</summary>
    public bool TryReplace(AofManifest manifest)
    {
        lock (_gate)
        {
            if (_file.Replace(manifest, out var mayBeInForce) is not { } reason)
            {
                Manifest = manifest;
                RemoveNeedless();
                return true;
            }

            journal.Warning(reason);
            Manifest = Manifest.Behind(manifest);
            _isInDoubt |= mayBeInForce;
            return false;
        }
    }

    /// <summary>A file was made that no manifest is going to name, because what it was made for has failed: it is
    /// removed, at once if that is safe, otherwise when the next manifest is in force.</summary>
    public void Discard(string name)
    {
        lock (_gate)
        {
            _needless.Add(name);
            if (!_isInDoubt) RemoveNeedless();
        }
    }

    /// <summary>Makes sure that the files of a manifest, and their names, are on the disk.</summary>
    public bool TrySync(AofManifest manifest)
    {
        foreach (var one in manifest.Base is { } basis ? manifest.Incr.Prepend(basis) : manifest.Incr)
        {
            var reason = files.OpenToAppend(PathOf(one.Name), out var file);
            using (file) reason ??= file!.Sync();
            if (reason is null) continue;
            journal.Warning($"Fail to fsync the AOF file {one.Name}: {reason}");
            return false;
        }

        if (files.SyncDirectory(FullPath) is not { } failed) return true;
        journal.Warning($"Fail to fsync the append-only dir {settings.Aof.DirectoryName}: {failed}");
        return false;
    }

    /// <summary>The name of a snapshot that is to become a base of commands.</summary>
    public const string TemporarySnapshot = "temp-rewriteaof.rdb";

    /// <summary>Makes the base of a snapshot that has the name which <see cref="NameOfSnapshot"/> said.</summary>
    /// <param name="name">The name of the base.</param>
    /// <param name="now">Say how values are written.</param>
    /// <param name="bytes">How long the snapshot is; afterwards the base.</param>
    public bool TryMakeBase(string name, Settings now, ref long bytes)
    {
        if (NameOfSnapshot(name) == name) return true;
        var reason = CommandBase.Write(
            this, TemporarySnapshot, name, now.Databases, now.Format, now.Aof.HasTimestamps, out bytes);
        TryRemove(TemporarySnapshot);
        if (reason is not null) journal.Warning(reason);
        return reason is null;
    }

    /// <summary>The name of the snapshot that a base is made from: its own, when it is one.</summary>
    public static string NameOfSnapshot(string name) =>
        name.EndsWith(".rdb", StringComparison.Ordinal) ? name : TemporarySnapshot;

    /// <summary>Opens a file to append to.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="empties">Whether it is to be a new one: it is empty, and its name is on the disk.</param>
    public IAppendFile? TryOpen(string name, bool empties)
    {
        var reason = files.OpenToAppend(PathOf(name), out var file);
        if (reason is null && empties) reason = MakeEmpty(file!);
        if (reason is null) return file;
        file?.Dispose();
        journal.Warning($"Can't open the append-only file {name}: {reason}");
        return null;
    }

    /// <summary>Removes what a rewrite has made needless; when that fails it is tried again the next time. No start
    /// reads a file of history, so files go before their names: whenever it stops, nothing is left that no manifest
    /// knows of.</summary>
    public void RemoveHistory()
    {
        lock (_gate)
        {
            if (Manifest.History.IsEmpty) return;
            // Whoever has written the manifest may have been stopped before its name was on the disk.
            if (files.SyncDirectory(FullPath) is { } reason)
            {
                journal.Warning($"Fail to fsync the append-only dir {settings.Aof.DirectoryName}: {reason}");
                return;
            }

            var areGone = true;
            foreach (var name in Manifest.Removable())
            {
                journal.Notice($"Removing the history file {name} in the background");
                areGone &= TryRemove(name);
            }

            if (areGone) TryReplace(Manifest.WithoutHistory());
        }
    }

    /// <summary>Removes a file that no manifest has ever named. False when it is still there.</summary>
    public bool TryRemove(string name)
    {
        if (files.Delete(PathOf(name)) is not { } reason) return true;
        journal.Warning($"The file {name} of the append-only directory could not be removed: {reason}");
        return false;
    }

    // Under the lock: the manifest is in force, and no other one will be.
    private void RemoveNeedless()
    {
        _isInDoubt = false;
        _needless.RemoveWhere(name => Manifest.Has(name) || TryRemove(name));
    }

    private string? MakeEmpty(IAppendFile file)
    {
        var reason = file.Length > 0 ? file.Truncate(0) : null;
        reason ??= file.Sync();
        return reason ?? files.SyncDirectory(FullPath);
    }

    // What is there and cannot be opened is there as well; then there is a reason.
    private bool IsThere(string path, out string? reason)
    {
        reason = files.Open(path, out var file);
        file?.Dispose();
        return reason is not (DiskReason.Missing or DiskReason.IsDirectory);
    }
}
