using Millrace.Server.Config;

namespace Millrace.Server.Tests.Config;

public sealed class ConfigFilesTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("millrace-config-").FullName;
    private readonly DiskConfigFiles _files = new();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_file_is_read_up_to_the_limit()
    {
        string path = Write("a.conf", "port 1");
        Assert.True(_files.TryRead(path, 6, out byte[] content, out _));
        Assert.Equal("port 1"u8, content);
        Assert.False(_files.TryRead(path, 5, out _, out string error));
        Assert.Equal("more than 5 bytes", error);
    }

    [Fact]
    public void What_cannot_be_read_has_the_texts_of_the_system()
    {
        Assert.False(_files.TryRead(Path.Combine(_directory, "none"), 10, out _, out string error));
        Assert.Equal("No such file or directory", error);
        Assert.False(_files.TryRead(_directory, 10, out _, out error));
        Assert.Equal("Is a directory", error);
    }

    [Fact]
    public void A_pattern_finds_files_in_order_through_directories()
    {
        Write("2.conf", "");
        Write("1.conf", "");
        Write(".hidden.conf", "");
        Write("x.txt", "");
        Directory.CreateDirectory(Path.Combine(_directory, "d1.conf"));
        Write("d1.conf/z.conf", "");
        Assert.Equal(
            [Path.Combine(_directory, "1.conf"), Path.Combine(_directory, "2.conf")],
            _files.Match(Path.Combine(_directory, "*.conf")));
        Assert.Equal(
            [Path.Combine(_directory, "d1.conf", "z.conf")],
            _files.Match(Path.Combine(_directory, "d*", "z.conf")));
        Assert.Empty(_files.Match(Path.Combine(_directory, "none", "*")));
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_directory, name);
        File.WriteAllText(path, text);
        return path;
    }
}
