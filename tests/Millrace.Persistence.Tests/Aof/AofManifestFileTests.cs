using Millrace.Persistence.Aof;
using Millrace.Persistence.Tests.Files;

namespace Millrace.Persistence.Tests.Aof;

/// <summary>The manifest on the disk: replaced as a whole, whatever fails.</summary>
public class AofManifestFileTests
{
    private const string Path = "aof/appendonly.aof.manifest";
    private const string Temporary = "aof/temp-appendonly.aof.manifest";

    private static readonly AofNames Names = new("appendonly.aof");
    private static readonly AofManifest Old = AofManifest.Empty.NextBase(Names, isRdb: true).NextIncr(Names);
    private static readonly AofManifest New = Old.NextIncr(Names);

    [Fact]
    public void It_is_written_aside_synced_renamed_and_the_directory_synced()
    {
        var files = new MemoryFiles();
        var file = new AofManifestFile(files, "aof", Names);
        Assert.Null(file.Replace(Old, out _));
        Assert.Equal(
            [$"create {Temporary}", "write", "sync", "close", $"rename {Temporary} {Path}", "sync directory aof"],
            files.Operations);
        Assert.Equal(Old.ToBytes(), files.OnDisk[Path]);
        Assert.Null(file.Load(out var back));
        Assert.Equal(Old.ToBytes(), back.ToBytes());
    }

    [Theory]
    [InlineData(0, "Error trying to write the temporary AOF manifest file temp-appendonly.aof.manifest: ")]
    [InlineData(1, "Error trying to write the temporary AOF manifest file temp-appendonly.aof.manifest: ")]
    [InlineData(2, "Fail to fsync the temp AOF file temp-appendonly.aof.manifest: ")]
    [InlineData(3, "Error trying to write the temporary AOF manifest file temp-appendonly.aof.manifest: ")]
    [InlineData(4, "Error trying to rename the temporary AOF manifest file temp-appendonly.aof.manifest into "
        + "appendonly.aof.manifest: ")]
    [InlineData(5, "Fail to fsync AOF directory ")]
    public void Whatever_fails_the_manifest_is_the_old_one_or_the_new_one(int failingStep, string text)
    {
        var files = new MemoryFiles();
        var file = new AofManifestFile(files, "aof", Names);
        Assert.Null(file.Replace(Old, out _));
        files.FailsAfter = failingStep;
        var fault = file.Replace(New, out var mayBeInForce);
        Assert.Equal(failingStep >= 4, mayBeInForce);
        Assert.StartsWith(text, fault);
        Assert.Contains(MemoryFiles.Reason, fault);
        var expected = failingStep < 5 ? Old : New;
        Assert.Equal(expected.ToBytes(), files[Path]);
        Assert.Equal(Old.ToBytes(), files.OnDisk[Path]);
        Assert.Null(file.Replace(New, out _));
        Assert.Equal(New.ToBytes(), files.OnDisk[Path]);
    }

    [Fact]
    public void One_without_files_is_removed_and_not_written()
    {
        var files = new MemoryFiles();
        var file = new AofManifestFile(files, "aof", Names);
        Assert.Null(file.Replace(Old, out _));
        Assert.Null(file.Replace(AofManifest.Empty.Behind(Old), out _));
        Assert.Empty(files.OnDisk);
        Assert.Null(file.Load(out var manifest));
        Assert.True(manifest.HasNoData);
        files.FailsAfter = 0;
        Assert.Contains(MemoryFiles.Reason, file.Replace(AofManifest.Empty, out var mayBeInForce));
        Assert.True(mayBeInForce);
    }

    [Fact]
    public void Without_a_file_it_is_empty_and_a_broken_one_is_refused()
    {
        var files = new MemoryFiles();
        var file = new AofManifestFile(files, "aof", Names);
        Assert.Null(file.Load(out var manifest));
        Assert.True(manifest.HasNoData);
        files[Path] = [.. "!!!\n"u8];
        Assert.Equal("Invalid AOF manifest file format", file.Load(out manifest)!.Reason);
        foreach (var failingStep in (int[])[0, 1])
        {
            files.FailsAfter = failingStep;
            Assert.EndsWith("for reading: " + MemoryFiles.Reason, file.Load(out manifest)!.Reason);
        }
    }
}
