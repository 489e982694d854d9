using System.Globalization;
using Millrace.Engine;
using Millrace.Engine.Codec;
using Millrace.Memory;
using Millrace.Persistence.Files;
using Millrace.Persistence.Loading;

namespace Millrace.Persistence.Rdb;

/// <summary>
/// An RDB file on the disk: saved under a name of its own first, and loaded from its beginning.
/// </summary>
/// <param name="files">The file system.</param>
/// <param name="directory">Where it is; empty: the working directory.</param>
/// <param name="name">Its name there, without a directory.</param>
public sealed class RdbFile(IFileSystem files, string directory, string name)
{
    /// <summary>The whole path.</summary>
    public string FullPath { get; } = Path.Combine(directory, name);

    /// <summary>Saves a whole keyspace while nobody else runs. The old file is there until the new one is on the disk;
    /// when that fails before it has its name, nothing has changed and nothing is left behind. O(data); blocks for as
    /// long as the disk takes.</summary>
    /// <param name="unit">Holds all partitions.</param>
    /// <param name="format">What may be written; version 11 becomes 12 when that is needed.</param>
    /// <param name="contents">What stands beside the keys.</param>
    /// <param name="options">How it is written.</param>
    public RdbSaved Save(Unit unit, RdbFormat format, RdbContents contents, RdbSaveOptions options)
    {
        ArgumentNullException.ThrowIfNull(unit);
        var fitting = KeyspaceSave.FormatFor(unit.Keyspace, format);
        var delay = options.KeyDelayMicroseconds;
        return Save(output => KeyspaceSave.Write(unit, fitting, contents, output, delay), options);
    }

    /// <summary>The same with records from anywhere.</summary>
    /// <param name="write">Writes them all, the last one included, and says why it cannot, or null.</param>
    /// <param name="options">How it is written.</param>
    public RdbSaved Save(Func<RdbOutput, string?> write, RdbSaveOptions options)
    {
        ArgumentNullException.ThrowIfNull(write);
        var temporary = TemporaryName(options.ProcessId, options.IsBesideOthers);
        var path = Path.Combine(directory, temporary);
        var fault = Begin(path, out var file);
        if (file is null) return Failed(fault, temporary, 0);
        using (file)
        {
            var output = new RdbOutput(file);
            if (write(output) is { } refused) return new RdbSaved(refused, default, 0);
            if (output.Fault.IsNone) output.Seal(options.HasChecksum);
            fault = output.Fault;
            if (fault.IsNone) fault = file.Commit(FullPath);
            return fault.IsNone ? new RdbSaved(null, default, output.Length) : Failed(fault, temporary, output.Length);
        }
    }

    /// <summary>Whether there is no such file.</summary>
    public bool IsMissing()
    {
        var reason = files.Open(FullPath, out var file);
        file?.Dispose();
        return reason == DiskReason.Missing;
    }

    /// <summary>Loads the file. O(data); blocks for as long as the disk takes.</summary>
    /// <param name="sink">What takes it.</param>
    /// <param name="scratch">As <see cref="RdbReader"/> says.</param>
    /// <param name="verifies">Whether a checksum that is there is compared.</param>
    /// <param name="progress">Hears how far it is, and ends it; or null.</param>
    public RdbOutcome Load(IRdbSink sink, Heap scratch, bool verifies, ILoadProgress? progress = null)
    {
        if (files.Open(FullPath, out var file) is { } reason)
        {
            var text = $"Fatal error: can't open the RDB file {name} for reading: {reason}";
            var kind = reason == DiskReason.Missing ? RdbFaultKind.Missing : RdbFaultKind.Disk;
            return new RdbOutcome(new RdbFault(kind, text, 0), default, 0, IsVerified: false);
        }

        using (file)
        {
            progress?.Began(file!.Length);
            var input = new RdbInput(file!, progress: progress);
            return new RdbReader(input, sink, scratch, verifies).Read();
        }
    }

    /// <summary>Removes what a process of this number has left behind that ended while it saved: in a container it is
    /// always the same. What others have left stays, since they may be at it.</summary>
    /// <param name="processId">As in <see cref="RdbSaveOptions"/>.</param>
    public void RemoveLeftovers(int processId)
    {
        _ = files.Delete(Path.Combine(directory, TemporaryName(processId, isBesideOthers: false)));
        _ = files.Delete(Path.Combine(directory, TemporaryName(processId, isBesideOthers: true)));
    }

    // Never what is there already: a link that somebody has put there would lead anywhere. It is removed, not followed.
    private DiskFault Begin(string path, out ReplacementFile? file)
    {
        var kind = new NewFile(Replaces: false);
        var fault = ReplacementFile.Begin(files, path, kind, out file);
        if (fault.Reason != DiskReason.Exists || files.Delete(path) is not null) return fault;
        return ReplacementFile.Begin(files, path, kind, out file);
    }

    private static string TemporaryName(int processId, bool isBesideOthers) =>
        string.Create(CultureInfo.InvariantCulture, $"temp-{(isBesideOthers ? "bg-" : "")}{processId}.rdb");

    private RdbSaved Failed(DiskFault fault, string temporary, long bytes)
    {
        var text = fault.Step switch
        {
            DiskStep.Create =>
                $"Failed opening the temp RDB file {temporary} (in server root dir {directory}) for saving: "
                    + fault.Reason,
            DiskStep.Rename =>
                $"Error moving temp DB file {temporary} on the final destination {name} (in server root dir "
                    + $"{directory}): {fault.Reason}",
            _ => $"Write error saving DB on disk: {fault}",
        };
        return new RdbSaved(text, fault, bytes);
    }
}

/// <summary>How an RDB file is written.</summary>
/// <param name="ProcessId">Names the file until it is complete: <c>temp-ID.rdb</c>.</param>
/// <param name="HasChecksum"><c>rdbchecksum</c>.</param>
/// <param name="KeyDelayMicroseconds">Tells how long to wait after each key (<c>rdb-key-save-delay</c>, for tests);
/// negative: one microsecond after each so many keys. Asked again and again; null: no time.</param>
/// <param name="IsBesideOthers">Whether others may write such a file meanwhile (SAVE beside BGSAVE): it has another
/// name until it is complete, <c>temp-bg-ID.rdb</c>.</param>
public readonly record struct RdbSaveOptions(
    int ProcessId, bool HasChecksum = true, Func<int>? KeyDelayMicroseconds = null, bool IsBesideOthers = false);

/// <summary>How saving ended.</summary>
/// <param name="Error">A sentence for the log; null: the file is on the disk.</param>
/// <param name="Disk">The step that failed, if it was one.</param>
/// <param name="Bytes">The length of the file.</param>
public readonly record struct RdbSaved(string? Error, DiskFault Disk, long Bytes);
