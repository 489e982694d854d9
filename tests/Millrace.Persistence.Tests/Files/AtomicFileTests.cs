using Millrace.Persistence.Files;

namespace Millrace.Persistence.Tests.Files;

public sealed class AtomicFileTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("millrace-atomic-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void The_content_is_replaced_and_the_mode_stays()
    {
        string path = Path.Combine(_directory, "a");
        File.WriteAllText(path, "old");
        const UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite;
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, mode);
        Assert.Null(AtomicFile.Replace(path, "new"u8));
        Assert.Equal("new", File.ReadAllText(path));
        if (!OperatingSystem.IsWindows()) Assert.Equal(mode, File.GetUnixFileMode(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_directory));
    }

    [Fact]
    public void A_file_that_was_not_there_is_for_its_owner_alone()
    {
        string path = Path.Combine(_directory, "a");
        Assert.Null(AtomicFile.Replace(path, "new"u8));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Fact]
    public void A_symbolic_link_stays_one()
    {
        string path = Path.Combine(_directory, "a");
        string link = Path.Combine(_directory, "b");
        File.WriteAllText(path, "old");
        File.CreateSymbolicLink(link, path);
        Assert.Null(AtomicFile.Replace(link, "new"u8));
        Assert.Equal("new", File.ReadAllText(path));
        Assert.Equal(path, File.ResolveLinkTarget(link, returnFinalTarget: true)!.FullName);
    }

    [Fact]
    public void What_cannot_be_written_is_said_in_the_systems_words_and_leaves_nothing()
    {
        Assert.Equal(
            "No such file or directory", AtomicFile.Replace(Path.Combine(_directory, "none", "a"), "new"u8));
        Directory.CreateDirectory(Path.Combine(_directory, "d"));
        Assert.Equal("Is a directory", AtomicFile.Replace(Path.Combine(_directory, "d"), "new"u8));
        Assert.Equal(
            "File name too long", AtomicFile.Replace(Path.Combine(_directory, new string('x', 250)), "new"u8));
        Assert.Equal([Path.Combine(_directory, "d")], Directory.GetFileSystemEntries(_directory));
    }
}
