using Millrace.Server.Persistence;

namespace Millrace.Server.Tests.Persistence;

/// <summary>The files that a server loads at its start, of any kind: made, loaded slowly, damaged and compared.
/// </summary>
/// <param name="kind">The RDB file, or an append-only file that begins with a snapshot or with commands.</param>
internal sealed class LoadedFiles(FileKind kind) : IDisposable
{
    /// <summary>How many strings there are: <c>key:0</c> and so on.</summary>
    public const int Keys = 3_000;

    private const int LaterKeys = Keys / 2;

    /// <summary>What a command is answered meanwhile.</summary>
    public const string Loading = "LOADING Redis is loading the dataset in memory";

    /// <summary>Where they are.</summary>
    public SnapshotDirectory Directory { get; } = new();

    /// <summary>What the start says when they are damaged.</summary>
    public string FatalError => kind == FileKind.Rdb ? Snapshots.FatalError : AppendOnly.FatalError;

    /// <summary>The bytes of all of them that are loaded.</summary>
    public long Bytes => Paths.Where(static path => !path.EndsWith(".manifest", StringComparison.Ordinal))
        .Sum(static path => new FileInfo(path).Length);

    private IEnumerable<string> Paths =>
        System.IO.Directory.GetFiles(Directory.FullPath, "*", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal);

    /// <summary>Makes them. A part of the strings comes behind the snapshot that an append-only file begins with.
    /// </summary>
    /// <param name="keys">How many strings.</param>
    /// <returns>The digest of what they hold.</returns>
    public string Fill(int keys = Keys)
    {
        using var server = Restart();
        using var client = new Conversation(server);
        Assert.Equal("OK", client.Say($"DEBUG POPULATE {keys - LaterKeys}"));
        client.Say("SET expiring 1 PX 100000000");
        client.Say("RPUSH list a b c");
        if (kind != FileKind.Rdb)
        {
            Assert.StartsWith("Background", client.Say("BGREWRITEAOF"), StringComparison.Ordinal);
            while (InfoFields.Number(client.Say("INFO persistence"), "aof_rewrite_in_progress") == 1) Thread.Sleep(1);
        }

        for (var i = keys - LaterKeys; i < keys; i++) client.Say($"SET key:{i} value:{i}");
        for (var i = 0; i < 100; i++)
        {
            client.Say("MULTI");
            client.Say($"HSET hash field:{i} {i}");
            client.Say("INCR counter");
            client.Say("EXEC");
        }

        if (kind == FileKind.Rdb) Assert.Equal("OK", client.Say("SAVE"));
        return client.Say("DEBUG DIGEST");
    }

    /// <summary>A server that loads them, at once.</summary>
    public InProcessServer Restart() => Directory.Start(Mode);

    /// <summary>A server that is still loading them when its clients come: until the delay is changed, for half a
    /// minute and more.</summary>
    public LoadingServer Load(params string[] directives) => new(
        Directory,
        [.. Mode, "--enable-protected-configs", "yes", "--key-load-delay", "20000", .. directives]);

    /// <summary>Damages what is loaded last.</summary>
    public void Damage()
    {
        if (kind != FileKind.Rdb)
        {
            var last = Paths.Last(static path => path.EndsWith(".incr.aof", StringComparison.Ordinal));
            File.AppendAllText(last, "*1\r\n$9\r\nNOTHING:)\r\n");
            return;
        }

        var bytes = File.ReadAllBytes(Directory.File);
        bytes[^1] ^= 1;
        File.WriteAllBytes(Directory.File, bytes);
    }

    /// <summary>The names and the content of all files.</summary>
    public List<(string? Name, string Bytes)> Content() =>
        [.. Paths.Select(static path => (Path.GetFileName(path), Convert.ToHexString(File.ReadAllBytes(path))))];

    public void Dispose() => Directory.Dispose();

    private string[] Mode => kind switch
    {
        FileKind.Rdb => [],
        FileKind.Snapshot => ["--appendonly", "yes"],
        _ => ["--appendonly", "yes", "--aof-use-rdb-preamble", "no"],
    };
}

/// <summary>What a server loads.</summary>
public enum FileKind
{
    /// <summary>The RDB file.</summary>
    Rdb,

    /// <summary>An append-only file whose base is a snapshot.</summary>
    Snapshot,

    /// <summary>An append-only file whose base is made of commands.</summary>
    Commands,
}
