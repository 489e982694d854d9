using Millrace.Persistence.Files;
using Millrace.Persistence.Rdb;
using Millrace.Persistence.Tests.Files;

namespace Millrace.Persistence.Tests.Rdb;

/// <summary>The steps of saving, each of them failed in turn, in memory and on the disk.</summary>
public sealed class RdbFileTests : IDisposable
{
    private readonly RdbKeyspace _keyspace = new();
    private readonly string _directory = Directory.CreateTempSubdirectory("millrace-rdb-").FullName;

    public RdbFileTests()
    {
        _keyspace.Run(0, "SET", "key", "value");
        for (var i = 0; i < 5; i++) _keyspace.Run(i, "SET", "long", Noise(100_000, i));
    }

    public void Dispose()
    {
        _keyspace.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void A_file_is_written_beside_the_old_one_synchronized_and_renamed()
    {
        var files = new MemoryFiles { ["dump.rdb"] = [1, 2, 3] };
        Assert.Null(_keyspace.TrySave(files).Error);
        Assert.Equal(
            [
                "create temp-7.rdb", "write", "sync", "close", "rename temp-7.rdb dump.rdb", "sync directory .",
            ],
            files.Operations);
        Assert.InRange(files["dump.rdb"].Length, 500_000, 600_000);
    }

    [Theory]
    [InlineData(0, DiskStep.Create,
        "Failed opening the temp RDB file temp-7.rdb (in server root dir ) for saving: Input/output error")]
    [InlineData(1, DiskStep.Write, "Write error saving DB on disk: write: Input/output error")]
    [InlineData(3, DiskStep.Write, "Write error saving DB on disk: write: Input/output error")]
    [InlineData(-5, DiskStep.Write, "Write error saving DB on disk: write: Input/output error")]
    [InlineData(-4, DiskStep.Sync, "Write error saving DB on disk: fsync: Input/output error")]
    [InlineData(-3, DiskStep.Close, "Write error saving DB on disk: close: Input/output error")]
    [InlineData(-2, DiskStep.Rename,
        "Error moving temp DB file temp-7.rdb on the final destination dump.rdb (in server root dir ): "
            + "Input/output error")]
    public void A_step_that_fails_leaves_the_old_file_and_nothing_else(int step, DiskStep failed, string error)
    {
        foreach (var torn in (int[])[0, 1, 1_000])
        {
            var files = new MemoryFiles { ["dump.rdb"] = [1, 2, 3], TornBytes = torn };
            files.FailsAfter = step >= 0 ? step : Steps() + step;
            var saved = _keyspace.TrySave(files);
            Assert.Equal((failed, error), (saved.Disk.Step, saved.Error));
            Assert.Equal(["dump.rdb"], files.Names);
            Assert.Equal([1, 2, 3], files["dump.rdb"]);
        }
    }

    [Fact]
    public void When_the_directory_is_not_synchronized_the_new_file_is_there_and_the_error_says_so()
    {
        var files = new MemoryFiles { ["dump.rdb"] = [1, 2, 3], FailsAfter = Steps() - 1 };
        var saved = _keyspace.TrySave(files);
        Assert.Equal(DiskStep.SyncDirectory, saved.Disk.Step);
        Assert.Equal("Write error saving DB on disk: fsync of the directory: Input/output error", saved.Error);
        Assert.Equal(["dump.rdb"], files.Names);
        Assert.InRange(files["dump.rdb"].Length, 500_000, 600_000);
    }

    [Fact]
    public void A_real_file_is_saved_replaced_and_loaded()
    {
        var file = new RdbFile(new DiskFileSystem(), _directory, "dump.rdb");
        foreach (var value in (string[])["one", "two"])
        {
            _keyspace.Run(0, "SET", "key", value);
            Assert.Null(Save(file).Error);
            Assert.Equal(["dump.rdb"], Directory.GetFiles(_directory).Select(Path.GetFileName));
            using var other = new RdbKeyspace();
            Assert.True(other.Driver.Unit.TryBegin(1, other.Driver.NowMs, patient: true, out _));
            var load = new KeyspaceLoad(other.Driver.Unit, new KeyspaceLoadOptions(DropsExpired: true));
            var outcome = file.Load(load, other.Keyspace[0].Heap, verifies: true);
            other.Driver.Unit.End();
            Assert.True(outcome.IsComplete && outcome.IsVerified);
            Assert.Equal(new FileInfo(file.FullPath).Length, outcome.EndOffset);
            Assert.Equal(_keyspace.Digest(), other.Digest());
            Assert.Equal(value, other.Driver.Say("GET key"));
        }
    }

    [Fact]
    public void A_link_in_the_place_of_the_temporary_file_is_removed_and_not_followed()
    {
        var victim = Path.Combine(_directory, "victim");
        File.WriteAllText(victim, "precious");
        File.CreateSymbolicLink(Path.Combine(_directory, "temp-7.rdb"), victim);
        var file = new RdbFile(new DiskFileSystem(), _directory, "dump.rdb");
        Assert.Null(Save(file).Error);
        Assert.Equal("precious", File.ReadAllText(victim));
        Assert.Null(new FileInfo(file.FullPath).LinkTarget);
        Assert.Equal(["dump.rdb", "victim"], Directory.GetFiles(_directory).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void What_a_process_of_the_same_number_has_left_behind_is_replaced_or_removed()
    {
        var left = Path.Combine(_directory, "temp-7.rdb");
        var other = Path.Combine(_directory, "temp-8.rdb");
        File.WriteAllText(other, "of somebody who saves");
        var file = new RdbFile(new DiskFileSystem(), _directory, "dump.rdb");
        File.WriteAllText(left, "half");
        Assert.Null(Save(file).Error);
        Assert.False(File.Exists(left));
        File.WriteAllText(left, "half");
        file.RemoveLeftovers(7);
        Assert.False(File.Exists(left));
        Assert.True(File.Exists(other));
    }

    [Fact]
    public void What_is_in_the_way_on_a_real_disk_is_said()
    {
        var nowhere = new RdbFile(new DiskFileSystem(), Path.Combine(_directory, "none"), "dump.rdb");
        Assert.EndsWith("none) for saving: No such file or directory", Save(nowhere).Error, StringComparison.Ordinal);
        Directory.CreateDirectory(Path.Combine(_directory, "taken.rdb", "full"));
        var taken = new RdbFile(new DiskFileSystem(), _directory, "taken.rdb");
        Assert.Equal(DiskStep.Rename, Save(taken).Disk.Step);
        Assert.Empty(Directory.GetFiles(_directory));
        var outcome = nowhere.Load(
            new KeyspaceLoad(_keyspace.Driver.Unit, default), _keyspace.Keyspace[0].Heap, verifies: true);
        Assert.Equal(
            "Fatal error: can't open the RDB file dump.rdb for reading: No such file or directory",
            outcome.Fault.Text);
        Assert.Equal(RdbFaultKind.Missing, outcome.Fault.Kind);
        outcome = taken.Load(
            new KeyspaceLoad(_keyspace.Driver.Unit, default), _keyspace.Keyspace[0].Heap, verifies: true);
        Assert.EndsWith("Is a directory", outcome.Fault.Text, StringComparison.Ordinal);
    }

    private RdbSaved Save(RdbFile file)
    {
        var driver = _keyspace.Driver;
        Assert.True(driver.Unit.TryBegin(_keyspace.Keyspace.AllPartitions, driver.NowMs, patient: true, out _));
        var saved = file.Save(driver.Unit, Engine.Codec.RdbFormat.Usual, new RdbContents(), new RdbSaveOptions(7));
        driver.Unit.End();
        return saved;
    }

    // How many operations there are, each write counted.
    private int Steps()
    {
        for (var steps = 0; ; steps++)
        {
            var files = new MemoryFiles { FailsAfter = steps };
            if (_keyspace.TrySave(files).Error is null) return steps;
        }
    }

    private static string Noise(int length, int seed)
    {
        var random = new Random(seed);
        return string.Create(length, random, (text, source) =>
        {
            foreach (ref var letter in text) letter = (char)source.Next(256);
        });
    }
}
