using Millrace.Persistence.Files;

namespace Millrace.Persistence.Tests.Files;

public sealed class DiskFileSystemTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("millrace-disk-").FullName;
    private readonly DiskFileSystem _files = new();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_file_is_written_read_renamed_and_deleted()
    {
        var (first, second) = (Path.Combine(_directory, "a"), Path.Combine(_directory, "b"));
        Assert.Null(_files.Create(first, new NewFile(Replaces: false), out var made));
        using (made)
        {
            Assert.Null(made!.Write([1, 2, 3]));
            Assert.Null(made.Write([4]));
            Assert.Null(made.Sync());
            Assert.Null(made.Close());
        }

        Assert.Contains("exists", _files.Create(first, default, out _), StringComparison.Ordinal);
        File.WriteAllBytes(second, [9]);
        Assert.Null(_files.Rename(first, second));
        Assert.Null(_files.SyncDirectory(_directory));
        Assert.Null(_files.Open(second, out var opened));
        using (opened)
        {
            Assert.Equal(4, opened!.Length);
            var room = new byte[10];
            Assert.Null(opened.Read(1, room, out var bytes));
            Assert.Equal([2, 3, 4], room[..bytes]);
            Assert.Null(opened.Read(4, room, out bytes));
            Assert.Equal(0, bytes);
        }

        Assert.Null(_files.Delete(second));
        Assert.Null(_files.Delete(second));
        Assert.Empty(Directory.GetFiles(_directory));
    }

    [Fact]
    public void What_fails_is_said_in_the_systems_words()
    {
        const string NoSuch = "No such file or directory";
        var missing = Path.Combine(_directory, "none", "a");
        Assert.Equal(NoSuch, _files.Create(missing, new NewFile(Replaces: true), out var made));
        Assert.Null(made);
        Assert.Equal(NoSuch, _files.Open(missing, out var opened));
        Assert.Null(opened);
        Assert.Equal(NoSuch, _files.Rename(missing, Path.Combine(_directory, "b")));
        Assert.Equal(NoSuch, _files.SyncDirectory(Path.Combine(_directory, "none")));
        Assert.Equal("Is a directory", _files.Open(_directory, out _));
    }

    [Fact]
    public void A_full_disk_is_a_fault_of_the_write()
    {
        if (!File.Exists("/dev/full")) return;
        Assert.Null(_files.Create("/dev/full", new NewFile(Replaces: true), out var full));
        using (full) Assert.Equal("No space left on device", full!.Write(new byte[100]));
    }
}
