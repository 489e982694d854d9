namespace Millrace.Server.Tests.Persistence;

/// <summary>A directory of its own for the file of the servers of a test, one after the other.</summary>
internal sealed class SnapshotDirectory : IDisposable
{
    public string FullPath { get; } = Directory.CreateTempSubdirectory("millrace-snapshot-").FullName;

    /// <summary>The file.</summary>
    public string File => Path.Combine(FullPath, "dump.rdb");

    /// <summary>A server that keeps its file here.</summary>
    public InProcessServer Start(params string[] directives) =>
        new(["--dir", FullPath, "--enable-debug-command", "yes", .. directives]);

    /// <summary>A directory where the file would be: nothing can take its place.</summary>
    public void Obstruct() => Directory.CreateDirectory(Path.Combine(File, "full"));

    public void Dispose() => Directory.Delete(FullPath, recursive: true);
}
