using Millrace.Persistence.Aof;

namespace Millrace.Persistence.Tests.Aof;

/// <summary>The manifest on the disk: replaced as a whole, whatever fails.</summary>
public class AofManifestFileTests
{
    private static readonly AofNames Names = new("appendonly.aof");
    private static readonly AofManifest Old = AofManifest.Empty.NextBase(Names, isRdb: true).NextIncr(Names);
    private static readonly AofManifest New = Old.NextIncr(Names);

    [Fact]
    public void It_is_written_aside_synced_renamed_and_the_directory_synced()
    {
        var directory = new FakeDirectory();
        Assert.Null(AofManifestFile.Replace(directory, Names, Old));
        Assert.Equal(
            [
                "write temp-appendonly.aof.manifest", "sync temp-appendonly.aof.manifest",
                "rename temp-appendonly.aof.manifest appendonly.aof.manifest", "sync directory",
            ],
            directory.Steps);
        Assert.Equal(Old.ToBytes(), directory.OnDisk["appendonly.aof.manifest"]);
        Assert.Null(AofManifestFile.Load(directory, Names, out var back));
        Assert.Equal(Old.ToBytes(), back.ToBytes());
    }

    [Theory]
    [InlineData(0, "Error trying to write the temporary AOF manifest file temp-appendonly.aof.manifest: ")]
    [InlineData(1, "Fail to fsync the temp AOF file temp-appendonly.aof.manifest: ")]
    [InlineData(2, "Error trying to rename the temporary AOF manifest file temp-appendonly.aof.manifest into "
        + "appendonly.aof.manifest: ")]
    [InlineData(3, "Fail to fsync AOF directory ")]
    public void Whatever_fails_the_manifest_is_the_old_one_or_the_new_one(int failingStep, string text)
    {
        var directory = new FakeDirectory();
        Assert.Null(AofManifestFile.Replace(directory, Names, Old));
        directory.Restart(failingStep);
        var fault = AofManifestFile.Replace(directory, Names, New);
        Assert.StartsWith(text, fault);
        Assert.Contains("No space left on device", fault);
        var expected = failingStep < 3 ? Old : New;
        Assert.Equal(expected.ToBytes(), directory.Files["appendonly.aof.manifest"]);
        Assert.Equal(Old.ToBytes(), directory.OnDisk["appendonly.aof.manifest"]);
        directory.Restart(int.MaxValue);
        Assert.Null(AofManifestFile.Replace(directory, Names, New));
        Assert.Equal(New.ToBytes(), directory.OnDisk["appendonly.aof.manifest"]);
    }

    [Fact]
    public void Without_a_file_it_is_empty_and_a_broken_one_is_refused()
    {
        var directory = new FakeDirectory();
        Assert.Null(AofManifestFile.Load(directory, Names, out var manifest));
        Assert.True(manifest.HasNoData);
        directory.Write("appendonly.aof.manifest", "!!!\n"u8);
        Assert.Equal(
            "Invalid AOF manifest file format", AofManifestFile.Load(directory, Names, out manifest)!.Reason);
        directory.Restart(0);
        Assert.EndsWith(
            "for reading: No space left on device", AofManifestFile.Load(directory, Names, out manifest)!.Reason);
    }
}
