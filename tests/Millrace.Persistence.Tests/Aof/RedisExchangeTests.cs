using System.Diagnostics;
using Millrace.Persistence.Aof;
using static Millrace.Persistence.Tests.Aof.Requests;

namespace Millrace.Persistence.Tests.Aof;

/// <summary>
/// Append-only directories that a real redis-server and this library write for each other, and the same verdict of both
/// on what is wrong.
/// </summary>
public sealed class RedisExchangeTests : IDisposable
{
    private static readonly AofNames Names = new("a");
    private readonly string _directory = Directory.CreateTempSubdirectory("millrace-aof-").FullName;

    private string AofDirectory => Path.Combine(_directory, "appendonlydir");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Redis_loads_what_the_writer_writes()
    {
        Put(Names.Incr(1), SampleFile.Make().Bytes);
        Put(Names.Manifest, AofManifest.Empty.NextIncr(Names).ToBytes());
        Assert.Equal((0, ""), CheckAof());
        using var server = Start("--aof-load-truncated", "no");
        Assert.False(server.HasExited);
        Assert.Equal("2", server.Call("GET", "a"));
        Assert.Equal("", server.Call("GET", "b"));
        Assert.Equal("3", server.Call("GET", "c"));
        Assert.Equal(SampleFile.LongValue, server.Call("GET", "d"));
        Assert.Equal(":4", server.Call("DBSIZE"));
    }

    [Fact]
    public void Redis_loads_the_bases_and_increments_of_a_manifest_in_its_order()
    {
        var manifest = AofManifest.Empty.NextBase(Names, isRdb: false).NextIncr(Names).NextIncr(Names);
        Put(Names.Base(1, isRdb: false), Written(Of("APPEND", "k", "0")));
        Put(Names.Incr(1), Written(Of("APPEND", "k", "a"), Of("SELECT", "5"), Of("SET", "far", "1")));
        Put(Names.Incr(2), Written(Of("APPEND", "k", "b")));
        Put(Names.Manifest, manifest.ToBytes());
        Assert.Equal((0, ""), CheckAof());
        using var server = Start("--aof-load-truncated", "no");
        Assert.Equal("0ab", server.Call("GET", "k"));
        Assert.Equal("", server.Call("GET", "far"));
    }

    [Theory]
    [InlineData("no")]
    [InlineData("yes")]
    public void The_reader_delivers_what_Redis_wrote(string timestamps)
    {
        using (var server = Start("--aof-use-rdb-preamble", "no", "--aof-timestamp-enabled", timestamps))
        {
            server.Call("SET", "a", "1");
            server.Call("MULTI");
            server.Call("INCR", "a");
            server.Call("SET", "b", "x\r\n");
            server.Call("EXEC");
            server.Call("SELECT", "3");
            server.Call("SET", "c", "#");
            server.Stop();
        }

        Assert.Null(AofManifestParser.Parse(Get(Names.Manifest), out var manifest));
        Assert.Equal(
            AofManifest.Empty.NextBase(Names, isRdb: false).NextIncr(Names).ToBytes(), manifest.ToBytes());
        Assert.Equal(manifest.ToBytes(), Get(Names.Manifest));
        var (result, lines) = Read(Get(Names.Incr(1)));
        Assert.Equal(AofFault.None, result.Fault);
        Assert.Equal(
            ["SELECT 0", "SET a 1", "[2", "INCR a", "SET b x\r\n", "]", "SELECT 3", "SET c #"], lines);

        // The base always has one; the increments none in the second in which it was written.
        (result, _) = Read(Get(Names.Base(1, isRdb: false)));
        Assert.Equal(AofFault.None, result.Fault);
        Assert.Equal(timestamps == "yes", result.TimestampSeconds > 1_700_000_000);
    }

    [Fact]
    public void A_base_that_Redis_wrote_is_an_RDB_file()
    {
        using (var server = Start()) server.Stop();
        var (result, _) = Read(Get(Names.Base(1, isRdb: true)));
        Assert.Equal(AofFault.RdbPreamble, result.Fault);
    }

    [Fact]
    public void Redis_goes_on_behind_ours_and_we_go_on_behind_Redis()
    {
        var sample = SampleFile.Make();
        Put(Names.Incr(1), sample.Bytes);
        Put(Names.Manifest, AofManifest.Empty.NextIncr(Names).ToBytes());
        using (var server = Start())
        {
            server.Call("SET", "theirs", "1");
            server.Stop();
        }

        var file = Get(Names.Incr(1));
        Assert.Equal(sample.Bytes, file[..sample.Bytes.Length]);
        var (result, lines) = Read(file);
        Assert.Equal((AofFault.None, true), (result.Fault, result.HasChecksums));
        Assert.Equal(file.Length - sample.Bytes.Length, result.Tail.UncoveredBytes);
        Assert.Equal([.. sample.LinesOf(int.MaxValue), "SELECT 0", "SET theirs 1"], lines);

        var batch = new AofBatch(hasChecksums: true, hasTimestamps: false);
        batch.Resume(result.Tail);
        Assert.True(batch.TryAdd(Join(Of("SELECT", "0"), Of("SET", "ours", "2")), 0));
        batch.Seal();
        file = Join(file, batch.Bytes.ToArray());
        Put(Names.Incr(1), file);
        (result, _) = Read(file);
        Assert.Equal((AofFault.None, 0), (result.Fault, (int)result.Tail.UncoveredBytes));
        using var again = Start("--aof-load-truncated", "no");
        Assert.Equal("1", again.Call("GET", "theirs"));
        Assert.Equal("2", again.Call("GET", "ours"));
    }

    [Fact]
    public void Redis_cuts_a_truncated_file_of_ours_and_what_is_left_is_read()
    {
        var sample = SampleFile.Make();
        Put(Names.Manifest, AofManifest.Empty.NextIncr(Names).ToBytes());
        for (var length = sample.Seals[^2]; length < sample.Bytes.Length; length += 9)
        {
            Put(Names.Incr(1), sample.Bytes[..length]);
            using (var server = Start("--aof-load-truncated", "yes"))
            {
                Assert.False(server.HasExited);
                server.Stop();
            }

            var cut = Get(Names.Incr(1));
            var (result, lines) = Read(cut);
            // Redis leaves a cut annotation, which it passes over, and the begun transaction around a cut command.
            Assert.True(
                result.Fault == AofFault.None || cut[(int)result.Tail.Offset] == '#' || result.IsInTransaction,
                $"{length}: {result}");
            Assert.Equal(sample.LinesOf(length), lines);
        }
    }

    [Theory]
    [InlineData("#CRC:0123456789abcdef 5\r\n", "*1\r\n$5\r\nMULTI\r\n#x\n*1\r\n$4\r\nEXEC\r\n")]
    [InlineData("", "#")]
    [InlineData("", "#CRC:01")]
    public void Redis_passes_over_annotations_where_commands_begin_and_at_the_end(string before, string after)
    {
        Put(Names.Incr(1), Join(Raw(before), Of("SET", "k", "1"), Raw(after)));
        Put(Names.Manifest, AofManifest.Empty.NextIncr(Names).ToBytes());
        using var server = Start("--aof-load-truncated", "no");
        Assert.False(server.HasExited);
        Assert.Equal("1", server.Call("GET", "k"));
    }

    [Fact]
    public void Faults_of_files_have_the_words_of_Redis()
    {
        foreach (var text in (string[])["!!!", "\r\n", "*0\r\n", "*1\r\n+OK\r\n", "*", "*1\r\n$4\r\nPI", "\0",
            "*1\r\n$5\r\nMULTI\r\n*1\r\n$4\r\nPING\r\n", "#" + new string('x', 1023) + "\n"])
        {
            var file = Join(Of("SET", "k", "1"), Raw(text));
            Put(Names.Incr(1), file);
            Put(Names.Manifest, AofManifest.Empty.NextIncr(Names).ToBytes());
            using var server = Start("--aof-load-truncated", "no");
            Assert.True(server.HasExited, text);
            var ours = Read(file).Result.Describe(Names.Incr(1));
            Assert.Contains(ours[..ours.LastIndexOf(" (", StringComparison.Ordinal)], server.Log);
        }
    }

    [Fact]
    public void Manifests_are_accepted_and_refused_as_Redis_does_it()
    {
        foreach (var (text, reason) in ManifestSamples.All)
        {
            foreach (var seq in (int[])[1, 2, 3])
            {
                Put(Names.Incr(seq), Of("SET", "k", "1"));
                Put(Names.Base(seq, isRdb: false), Of("SET", "k", "1"));
            }

            Put(Names.Manifest, Raw(text));
            using var server = Start("--aof-load-truncated", "no");
            Assert.True(server.HasExited == reason is not null, $"{text}: {reason}");

            // Names that are no files at all are refused when they are opened, in the words of the system.
            var isOpened = reason == "File can't be a path, just a filename" && !text.Contains("../x/")
                && !text.Contains('\\');
            if (reason is not null && !isOpened) Assert.Contains(reason, server.Log);
        }
    }

    private static (AofLoadResult Result, List<string> Lines) Read(byte[] file)
    {
        var sink = new RecordingSink();
        return (new AofReader(new MemoryStream(file), sink).Read(), sink.Lines);
    }

    private static byte[] Written(params byte[][] blocks)
    {
        var batch = new AofBatch(hasChecksums: true, hasTimestamps: true);
        batch.BeginFile(0);
        foreach (var block in blocks) Assert.True(batch.TryAdd(block, 1_700_000_000));
        batch.Seal();
        return batch.Bytes.ToArray();
    }

    private RedisServer Start(params string[] options) =>
        RedisServer.Start(_directory, ["--appendfilename", Names.BaseName, .. options]);

    private void Put(string name, byte[] content)
    {
        Directory.CreateDirectory(AofDirectory);
        File.WriteAllBytes(Path.Combine(AofDirectory, name), content);
    }

    private byte[] Get(string name) => File.ReadAllBytes(Path.Combine(AofDirectory, name));

    /// <summary>The exit code of redis-check-aof, and what it says when that is not 0.</summary>
    private (int Code, string Text) CheckAof()
    {
        using var process = Process.Start(
            new ProcessStartInfo("redis-check-aof", [Path.Combine(AofDirectory, Names.Manifest)])
            {
                RedirectStandardOutput = true,
            })!;
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, process.ExitCode == 0 ? "" : text);
    }
}
