namespace Millrace.Persistence.Aof;

/// <summary>
/// The manifest on the disk: read at the start, replaced as a whole afterwards.
/// </summary>
/// <remarks>
/// <code>
///   write temp-appendonly.aof.manifest -> fsync -> rename to appendonly.aof.manifest -> fsync of the directory
/// </code>
/// Whenever it stops, the manifest on the disk is the old one or the new one, complete. When the last step fails the
/// new one is in place and may be gone after a power failure: whoever replaces has to go on as if either were in
/// force, and may simply replace again.
/// </remarks>
public static class AofManifestFile
{
    /// <summary>Reads the manifest of a directory. Without one it is empty: there was never an append-only file here,
    /// or a single one of Redis before 7.0.</summary>
    /// <returns>Why it cannot be used, or null.</returns>
    public static AofManifestError? Load(IAofDirectory directory, AofNames names, out AofManifest manifest)
    {
        manifest = AofManifest.Empty;
        if (!directory.Exists(names.Manifest)) return null;
        return directory.Read(names.Manifest, AofManifestParser.MaxBytes, out var content) is { } fault
            ? new AofManifestError(0, null, $"can't open the AOF manifest file {names.Manifest} for reading: {fault}")
            : AofManifestParser.Parse(content, out manifest);
    }

    /// <summary>Replaces the manifest of a directory.</summary>
    /// <returns>What is to be logged when that failed, or null.</returns>
    public static string? Replace(IAofDirectory directory, AofNames names, AofManifest manifest)
    {
        var temporary = names.TemporaryManifest;
        if (directory.Write(temporary, manifest.ToBytes()) is { } writing)
            return $"Error trying to write the temporary AOF manifest file {temporary}: {writing}";
        if (directory.Sync(temporary) is { } syncing)
            return $"Fail to fsync the temp AOF file {temporary}: {syncing}.";
        if (directory.Rename(temporary, names.Manifest) is { } renaming)
            return $"Error trying to rename the temporary AOF manifest file {temporary} into {names.Manifest}: "
                + renaming;
        return directory.SyncDirectory() is { } directorySyncing
            ? $"Fail to fsync AOF directory {names.Manifest}: {directorySyncing}."
            : null;
    }
}
