using System.Diagnostics;
using System.Globalization;
using Millrace.Commands;
using Millrace.Engine;
using Millrace.Persistence.Aof;
using Millrace.Persistence.Files;
using Millrace.Persistence.Rdb;
using Millrace.Server.Logging;

namespace Millrace.Server.Persistence;

/// <summary>
/// Loads the files that a manifest names into an empty keyspace, in their order: the base, then the increments.
/// </summary>
/// <remarks>
/// <code>
///   base  ->  increment  ->  increment  ->  the last one, whose end may be cut: a write was under way
/// </code>
/// A fault other than a cut end of the last file ends the loading; what is wrong is logged here, once. Files stay as
/// they are, but the last one is cut behind its last whole command when <c>aof-load-truncated</c> allows that.
/// </remarks>
internal sealed class AofLoad
{
    private readonly IFileSystem _files;
    private readonly string _directory;
    private readonly CommandTable _table;
    private readonly Unit _unit;
    private readonly Log _journal;

    /// <summary>A loading.</summary>
    /// <param name="files">The file system.</param>
    /// <param name="directory">Where the files are.</param>
    /// <param name="table">All commands.</param>
    /// <param name="unit">Holds all partitions.</param>
    /// <param name="journal">Where log lines go.</param>
    public AofLoad(IFileSystem files, string directory, CommandTable table, Unit unit, Log journal) =>
        (_files, _directory, _table, _unit, _journal) = (files, directory, table, unit, journal);

    /// <summary>Where the last file ends.</summary>
    public AofTail Tail { get; private set; }

    /// <summary>Bytes of all files.</summary>
    public long TotalBytes { get; private set; }

    /// <summary>Bytes of the base.</summary>
    public long BaseBytes { get; private set; }

    /// <summary>How many keys the base has brought, when it is a snapshot.</summary>
    public long Keys { get; private set; }

    /// <summary>Loads all files. False, with the reason in the log, when that is not possible.</summary>
    /// <param name="manifest">What to load.</param>
    /// <param name="mayTruncate">The directive <c>aof-load-truncated</c>.</param>
    public bool TryRun(AofManifest manifest, bool mayTruncate)
    {
        if (!TryMeasure(manifest)) return false;
        var keyspace = _unit.Keyspace;
        var (notifies, began) = (keyspace.Notifies, Stopwatch.GetTimestamp());
        keyspace.Notifies = NotifyClasses.None;
        _unit.IsLoading = true;
        var isLoaded = TryLoadAll(manifest, mayTruncate);
        _unit.IsLoading = false;
        keyspace.Notifies = notifies;
        if (isLoaded) _journal.Notice($"DB loaded from append only file: {Seconds(began)} seconds");
        return isLoaded;
    }

    private bool TryMeasure(AofManifest manifest)
    {
        foreach (var one in FilesOf(manifest))
        {
            if (_files.Open(PathOf(one), out var file) is { } reason)
            {
                _journal.Warning($"Unable to obtain the AOF file {one.Name} length. stat: {reason}");
                return false;
            }

            using (file)
            {
                TotalBytes += file!.Length;
                if (one.Type == AofFileType.Base) BaseBytes = file.Length;
            }
        }

        return true;
    }

    private bool TryLoadAll(AofManifest manifest, bool mayTruncate)
    {
        var files = FilesOf(manifest).ToList();
        for (var i = 0; i < files.Count; i++)
        {
            var began = Stopwatch.GetTimestamp();
            var isLast = IsLast(files, i);
            if (!TryLoad(files[i], isLast, isLast && mayTruncate)) return false;
            var kind = files[i].Type == AofFileType.Base ? "base" : "incr";
            _journal.Notice($"DB loaded from {kind} file {files[i].Name}: {Seconds(began)} seconds");
        }

        return true;
    }

    // A rewrite names the next file before it is written to, and before this one is on the disk as a whole.
    private bool IsLast(List<AofFile> files, int index)
    {
        for (var i = index + 1; i < files.Count; i++)
        {
            if (_files.Open(PathOf(files[i]), out var file) is not null) return false;
            using (file)
            {
                if (file!.Length > 0) return false;
            }
        }

        return true;
    }

    private bool TryLoad(AofFile one, bool isLast, bool mayTruncate)
    {
        if (_files.Open(PathOf(one), out var file) is { } reason)
        {
            _journal.Warning(
                $"Fatal error: can't open the append log file {one.Name} for reading: {reason}");
            return false;
        }

        using (file)
        {
            if (!TryLoadSnapshot(one, file!, out var offset)) return false;
            using var stream = new ReadingStream(file!, offset);
            var result = new AofReader(stream, new CommandReplay(_table, _unit, one.Name, _journal)).Read(offset);
            Tail = result.Tail;
            if (result.Fault == AofFault.None) return true;
            if (result.Fault == AofFault.TruncatedEnd && mayTruncate) return TryCut(one, result);
            if (result.Fault == AofFault.TruncatedEnd && !isLast)
                _journal.Warning("Fatal error: the truncated file is not the last file");
            if (result.Fault == AofFault.Refused)
                _journal.Warning($"The append only file {one.Name} is not loaded (offset {result.FaultOffset})");
            else _journal.Warning(result.Describe(one.Name));
            return false;
        }
    }

    // What stands in front of the commands, if anything: the base, or the preamble of a file of Redis 4 to 6.
    private bool TryLoadSnapshot(AofFile one, IReadableFile file, out long offset)
    {
        offset = 0;
        Span<byte> first = stackalloc byte[5];
        var isBase = one.Name.EndsWith(".rdb", StringComparison.Ordinal);
        if (file.Length < first.Length && !isBase) return true;
        if (file.Read(0, first, out var bytes) is { } reason)
        {
            _journal.Warning($"Unrecoverable error reading the append only file {one.Name}: {reason}");
            return false;
        }

        if (!isBase && (bytes < first.Length || !AofReader.IsRdb(first))) return true;
        _journal.Notice(
            isBase ? "Reading RDB base file on AOF loading..." : "Reading RDB preamble from AOF file...");
        var load = new KeyspaceLoad(_unit, new KeyspaceLoadOptions(DropsExpired: false));
        var keyspace = _unit.Keyspace;
        var reader = new RdbReader(
            new RdbInput(file), new LoggedLoad(load, _journal), keyspace[0].Heap, keyspace.VerifiesChecksums);
        var outcome = reader.Read();
        Keys = load.Keys;
        offset = outcome.EndOffset;
        if (outcome.IsComplete)
        {
            LoggedLoad.Done(_journal, load.Keys, load.Expired, load.Empty);
            if (!isBase) _journal.Notice("Reading the remaining AOF tail...");
            return true;
        }

        _journal.Warning(outcome.Fault.ToString());
        _journal.Warning(isBase
            ? $"Error reading the RDB base file {one.Name}, AOF loading aborted"
            : $"Error reading the RDB preamble of the AOF file {one.Name}, AOF loading aborted");
        return false;
    }

    private bool TryCut(AofFile one, AofLoadResult result)
    {
        if (result.IsInTransaction)
            _journal.Warning($"Revert incomplete MULTI/EXEC transaction in AOF file {one.Name}");
        _journal.Warning($"!!! Warning: short read while loading the AOF file {one.Name}!!!");
        _journal.Warning($"!!! Truncating the AOF {one.Name} at offset {result.Tail.Offset} !!!");
        var reason = _files.OpenToAppend(PathOf(one), out var file);
        using (file)
        {
            reason ??= file!.Truncate(result.Tail.Offset);
            reason ??= file!.Sync();
        }

        if (reason is not null)
        {
            _journal.Warning($"Error truncating the AOF file {one.Name}: {reason}");
            return false;
        }

        _journal.Warning($"AOF {one.Name} loaded anyway because aof-load-truncated is enabled");
        return true;
    }

    private static IEnumerable<AofFile> FilesOf(AofManifest manifest) =>
        manifest.Base is { } basis ? manifest.Incr.Prepend(basis) : manifest.Incr;

    private string PathOf(AofFile file) => Path.Combine(_directory, file.Name);

    private static string Seconds(long began) =>
        Stopwatch.GetElapsedTime(began).TotalSeconds.ToString("F3", CultureInfo.InvariantCulture);
}
