using Millrace.Persistence.Files;

namespace Millrace.Persistence.Aof;

/// <summary>
/// The manifest on the disk: read at the start, replaced as a whole afterwards.
/// </summary>
/// <remarks>
/// <code>
///   write temp-appendonly.aof.manifest -> fsync -> rename to appendonly.aof.manifest -> fsync of the directory
/// </code>
/// Whenever it stops, the manifest on the disk is the old one or the new one, complete (<see cref="ReplacementFile"/>).
/// One without files is no file: an empty one would be refused.
/// When the last step fails the new one is in place and may be gone after a power failure: whoever replaces has to go
/// on as if either were in force, and may simply replace again.
/// </remarks>
/// <param name="files">The file system.</param>
/// <param name="directory">Where the append-only files are.</param>
/// <param name="names">How they are named.</param>
public sealed class AofManifestFile(IFileSystem files, string directory, AofNames names)
{
    private readonly string _path = Path.Combine(directory, names.Manifest);

    /// <summary>Reads the manifest. Without one it is empty: there was never an append-only file here, or a single one
    /// of Redis before 7.0.</summary>
    /// <returns>Why it cannot be used, or null.</returns>
    public AofManifestError? Load(out AofManifest manifest)
    {
        manifest = AofManifest.Empty;
        if (files.Open(_path, out var file) is { } reason)
            return reason == DiskReason.Missing ? null : Unreadable(reason);
        using (file)
        {
            var content = new byte[(int)Math.Min(file!.Length, AofManifestParser.MaxBytes + 1)];
            var filled = 0;
            while (filled < content.Length)
            {
                if (file.Read(filled, content.AsSpan(filled), out var bytes) is { } fault) return Unreadable(fault);
                if (bytes == 0) break;
                filled += bytes;
            }

            return AofManifestParser.Parse(content.AsSpan(0, filled), out manifest);
        }
    }

    /// <summary>Replaces the manifest.</summary>
    /// <param name="manifest">The new one.</param>
    /// <param name="mayBeInForce">When it failed: whether the new one may be in force all the same, now or after a
    /// power failure, so that the files that it names must stay.</param>
    /// <returns>What is to be logged when that failed, or null.</returns>
    public string? Replace(AofManifest manifest, out bool mayBeInForce)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        if (!manifest.FileNames().Any()) return Remove(out mayBeInForce);
        var temporary = names.TemporaryManifest;
        var path = Path.Combine(directory, temporary);
        var fault = ReplacementFile.Begin(files, path, new NewFile(Replaces: true), out var file);
        using (file)
        {
            if (fault.IsNone) fault = file!.Write(manifest.ToBytes());
            if (fault.IsNone) fault = file!.Commit(_path);
        }

        mayBeInForce = fault.Step is DiskStep.Rename or DiskStep.SyncDirectory;
        return fault.Step switch
        {
            DiskStep.None => null,
            DiskStep.Sync => $"Fail to fsync the temp AOF file {temporary}: {fault.Reason}.",
            DiskStep.Rename =>
                $"Error trying to rename the temporary AOF manifest file {temporary} into {names.Manifest}: "
                    + fault.Reason,
            DiskStep.SyncDirectory => $"Fail to fsync AOF directory {names.Manifest}: {fault.Reason}.",
            _ => $"Error trying to write the temporary AOF manifest file {temporary}: {fault.Reason}",
        };
    }

    private string? Remove(out bool mayBeInForce)
    {
        mayBeInForce = false;
        if (files.Delete(_path) is { } kept)
            return $"Error trying to remove the AOF manifest file {names.Manifest}: {kept}";
        if (files.SyncDirectory(directory) is not { } reason) return null;
        mayBeInForce = true;
        return $"Fail to fsync AOF directory {names.Manifest}: {reason}.";
    }

    private AofManifestError Unreadable(string reason) =>
        new(0, null, $"can't open the AOF manifest file {names.Manifest} for reading: {reason}");
}
