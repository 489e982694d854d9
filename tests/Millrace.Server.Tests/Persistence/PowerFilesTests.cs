using Millrace.Histories.Crashing;
using Millrace.Persistence.Files;

namespace Millrace.Server.Tests.Persistence;

/// <summary>What a failure of the power leaves of files in memory: tests that count on it can fail.</summary>
public sealed class PowerFilesTests
{
    private const string One = "/one";
    private const string Other = "/other";

    private readonly PowerFiles _files = new();

    [Fact]
    public void Bytes_last_as_far_as_they_were_synced()
    {
        using var file = Make("/one/a", "first");
        Assert.Null(file.Sync());
        _files.SyncDirectory(One);
        file.Write(5, "second"u8);
        Assert.Equal("firstsecond", Text(_files.AfterKill(), "a"));
        Assert.Equal("first", Text(_files.AfterPowerLoss(), "a"));
        file.Truncate(2);
        Assert.Equal("first", Text(_files.AfterPowerLoss(), "a"));
        file.Sync();
        Assert.Equal("fi", Text(_files.AfterPowerLoss(), "a"));
        file.Write(2, "x"u8);
        file.Write(0, "y"u8);
        Assert.Equal("fi", Text(_files.AfterPowerLoss(), "a"));
        file.Sync();
        Assert.Equal("yix", Text(_files.AfterPowerLoss(), "a"));
    }

    [Fact]
    public void A_kill_makes_nothing_last()
    {
        using var file = Make("/one/a", "first");
        file.Sync();
        _files.SyncDirectory(One);
        file.Write(5, "second"u8);
        using (Make("/one/b", "new"))
        {
            var left = _files.AfterKill();
            Assert.Equal(["a", "b"], left.Names);
            Assert.Equal(["a"], left.AfterPowerLoss().Names);
            Assert.Equal("first", Text(left.AfterPowerLoss(), "a"));
            Assert.Null(left.OpenToAppend("/one/a", out var again));
            again!.Sync();
            Assert.Equal("firstsecond", Text(left.AfterPowerLoss(), "a"));
            Assert.Equal("first", Text(_files.AfterPowerLoss(), "a"));
        }
    }

    [Fact]
    public void A_name_lasts_when_its_own_directory_was_synced_after_it()
    {
        Make("/one/a", "a").Dispose();
        _files.SyncDirectory(Other);
        Assert.Empty(_files.AfterPowerLoss().Names);
        _files.SyncDirectory(One);
        Assert.Equal(["a"], _files.AfterPowerLoss().Names);
        _files.Rename("/one/a", "/one/b");
        Assert.Equal(["a"], _files.AfterPowerLoss().Names);
        _files.SyncDirectory(One);
        Assert.Equal(["b"], _files.AfterPowerLoss().Names);
        _files.Delete("/one/b");
        Assert.Equal(["b"], _files.AfterPowerLoss().Names);
        _files.SyncDirectory(One);
        Assert.Empty(_files.AfterPowerLoss().Names);
    }

    [Fact]
    public void What_is_in_a_directory_lasts_when_that_one_does()
    {
        _files.CreateDirectory("/one/made");
        Make("/one/made/a", "a").Dispose();
        _files.SyncDirectory("/one/made");
        Assert.Empty(_files.AfterPowerLoss().Names);
        _files.SyncDirectory(One);
        Assert.Equal(["a"], _files.AfterPowerLoss().Names);
    }

    [Fact]
    public void By_chance_some_of_what_was_not_synced_lasts_each_change_of_names_as_a_whole()
    {
        using var file = Make("/one/a", "first");
        file.Sync();
        _files.SyncDirectory(One);
        file.Write(5, "second"u8);
        _files.Rename("/one/a", "/one/b");
        Make("/one/c", "c").Dispose();
        var found = new HashSet<string>();
        for (var seed = 0; seed < 200; seed++)
        {
            var left = _files.AfterPowerLoss(new Random(seed));
            var name = Assert.Single(left.Names, static one => one is "a" or "b");
            var text = Text(left, name);
            Assert.StartsWith("first", text);
            Assert.StartsWith(text, "firstsecond");
            found.Add($"{name} {left.Names.Length} {text.Length}");
        }

        Assert.True(found.Count > 20);
    }

    [Fact]
    public void A_full_disk_takes_what_fits()
    {
        _files.RoomBytes = 7;
        Assert.Null(_files.OpenToAppend("/one/a", out var file));
        using (file)
        {
            Assert.Null(file!.Write(0, "first"u8));
            Assert.Equal("No space left on device", file.Write(5, "second"u8));
            Assert.Equal("firstse", Text(_files, "a"));
            Assert.Null(file.Truncate(5));
            Assert.Null(file.Write(5, "x"u8));
            Assert.Equal(1, _files.FullWrites);
        }
    }

    private IAppendFile Make(string path, string text)
    {
        Assert.Null(_files.OpenToAppend(path, out var file));
        Assert.Null(file!.Write(0, System.Text.Encoding.ASCII.GetBytes(text)));
        return file;
    }

    private static string Text(PowerFiles files, string name) =>
        System.Text.Encoding.ASCII.GetString(files.ContentOf(name));
}
