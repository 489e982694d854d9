using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Millrace.Host.Tests;

/// <summary>The append-only file over the life of the process: kills, signals, files that it must not start with.
/// </summary>
public sealed class AppendOnlyTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("millrace-appended-").FullName;

    private string Files => Path.Combine(_directory, "appendonlydir");

    private string Manifest => Path.Combine(Files, "appendonly.aof.manifest");

    public void Dispose()
    {
        if (Directory.Exists(_directory)) Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData("everysec")]
    [InlineData("always")]
    public void A_kill_loses_nothing_that_was_acknowledged(string policy)
    {
        const int fewest = 4, most = 16;
        int rounds = Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1" ? 500 : 4;
        var random = new Random(Environment.ProcessId);
        long[] acknowledged = new long[most];
        int port = Ports.Free();
        for (int round = 0; round <= rounds; round++)
        {
            using HostProcess host = Start(
                port, "--appendfsync", policy, "--auto-aof-rewrite-min-size", "100kb", "--io-threads", "2");
            for (int i = 0; i < most; i++)
            {
                long found = Number(port, $"GET own:{i}");
                Assert.True(found >= acknowledged[i], $"own:{i} is {found}, {acknowledged[i]} was acknowledged");
                Assert.Equal(Number(port, $"GET x:{i}"), Number(port, $"GET y:{i}"));
            }

            if (round == rounds) return;
            long before = acknowledged.Sum();
            Thread[] threads = [.. Enumerable.Range(0, random.Next(fewest, most + 1)).Select(
                i => new Thread(() => WriteUntilClosed(port, i, ref acknowledged[i])))];
            foreach (Thread thread in threads) thread.Start();
            HostProcess.WaitUntil(() => acknowledged.Sum() > before, "a reply");
            Thread.Sleep(random.Next(400));
            Kill(host);
            foreach (Thread thread in threads) thread.Join();
        }
    }

    [Fact]
    public void A_signal_leaves_everything_on_the_disk_with_the_lines_of_Redis()
    {
        int port = Ports.Free();
        using (HostProcess host = Start(port))
        {
            Assert.Equal("+OK", HostProcess.Ask(port, "SET a 1"));
            host.Signal("TERM");
            Assert.Equal(0, host.WaitForExit());
            Assert.Matches(
                "(?s)\\* Creating AOF base file appendonly.aof.1.base.rdb on server start\n"
                    + ".*\\* Creating AOF incr file appendonly.aof.1.incr.aof on server start\n"
                    + ".*\\* Ready to accept connections tcp\n"
                    + ".*\\* User requested shutdown...\n.*\\* Calling fsync\\(\\) on the AOF file.\n",
                host.Output);
        }

        using (HostProcess host = Start(port))
        {
            Assert.Equal("$1", HostProcess.Ask(port, "GET a"));
            Assert.Matches(
                "(?s)\\* Reading RDB base file on AOF loading...\n"
                    + ".*\\* DB loaded from base file appendonly.aof.1.base.rdb: \\d+\\.\\d{3} seconds\n"
                    + ".*\\* DB loaded from incr file appendonly.aof.1.incr.aof: \\d+\\.\\d{3} seconds\n"
                    + ".*\\* DB loaded from append only file: \\d+\\.\\d{3} seconds\n"
                    + ".*\\* Opening AOF incr file appendonly.aof.1.incr.aof on server start\n",
                host.Output);
        }
    }

    [Fact]
    public void The_snapshot_is_not_loaded_and_stays_when_there_is_no_append_only_file()
    {
        int port = Ports.Free();
        using (HostProcess host = HostProcess.StartIn(_directory, null, null, "--port", $"{port}"))
        {
            host.WaitFor("Ready to accept connections tcp");
            HostProcess.Ask(port, "SET a 1");
            Assert.Equal("+OK", HostProcess.Ask(port, "SAVE"));
        }

        byte[] before = File.ReadAllBytes(Path.Combine(_directory, "dump.rdb"));
        using (HostProcess host = Start(port))
        {
            Assert.Equal(":0", HostProcess.Ask(port, "DBSIZE"));
            Assert.StartsWith("-ERR", HostProcess.Ask(port, "SAVE"));
            Assert.Equal(before, File.ReadAllBytes(Path.Combine(_directory, "dump.rdb")));
        }
    }

    public static TheoryData<string, string, string, string> BadFiles => new()
    {
        { "empty manifest", "", "*1", "# Found an empty AOF manifest\n" },
        { "bad manifest", "file x\n", "*1", "# Invalid AOF manifest file format\n" },
        {
            "missing file", "file other seq 1 type i\n", "*1",
            "# Unable to obtain the AOF file other length. stat: No such file or directory\n"
        },
        {
            "bad format", "file a seq 1 type i\n", "!!!",
            "# Bad file format reading the append only file a: make a backup of your AOF file"
        },
        {
            "truncated in the middle", "file a seq 1 type i\nfile b seq 2 type i\n", "*1\r\n$4\r\nPI",
            "# Fatal error: the truncated file is not the last file\n"
        },
        {
            "newer base", "file a.rdb seq 1 type b\n", "REDIS0099x",
            "# Error reading the RDB base file a.rdb, AOF loading aborted\n"
        },
        { "empty base", "file a.rdb seq 1 type b\n", "", "# Error reading the RDB base file a.rdb" },
        {
            "unknown command", "file a seq 1 type i\n", "*1\r\n$3\r\nbla\r\n",
            "# Unknown command 'bla' reading the append only file a\n"
        },
    };

    [Theory]
    [MemberData(nameof(BadFiles))]
    public void Files_that_cannot_be_loaded_end_the_process_with_1_and_stay_as_they_are(
        string name, string manifest, string content, string line)
    {
        Directory.CreateDirectory(Files);
        File.WriteAllText(Manifest, manifest);
        foreach (string file in (string[])["a", "b", "a.rdb"])
            File.WriteAllText(Path.Combine(Files, file), content);
        using HostProcess host = HostProcess.StartIn(
            _directory, null, null, "--port", $"{Ports.Free()}", "--appendonly", "yes");
        Assert.True(host.WaitForExit() == 1, name);
        Assert.Contains(line, host.Output);
        Assert.DoesNotContain("Ready to accept", host.Output);
        Assert.Equal(manifest, File.ReadAllText(Manifest));
        foreach (string file in (string[])["a", "b", "a.rdb"])
            Assert.Equal(content, File.ReadAllText(Path.Combine(Files, file)));
        Assert.Equal(4, Directory.GetFiles(Files).Length);
    }

    [Fact]
    public void A_file_that_grows_is_rewritten_by_itself()
    {
        int port = Ports.Free();
        using HostProcess host = Start(port, "--auto-aof-rewrite-min-size", "10kb");
        for (int i = 0; i < 20; i++) HostProcess.Ask(port, "SET a " + new string('x', 1000));
        host.WaitFor("Starting automatic rewriting of AOF on ").WaitFor("Background AOF rewrite finished successfully");
        Assert.Contains("* Removing the history file appendonly.aof.1.incr.aof in the background\n", host.Output);
        Assert.Contains("file appendonly.aof.2.base.rdb seq 2 type b", File.ReadAllText(Manifest));
    }

    private static void WriteUntilClosed(int port, int writer, ref long acknowledged)
    {
        try
        {
            using var client = new TcpClient { NoDelay = true };
            client.Connect(IPAddress.Loopback, port);
            using var reader = new StreamReader(client.GetStream());
            byte[] request = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(
                $"INCR own:{writer}\r\nMULTI\r\nINCR x:{writer}\r\nINCR y:{writer}\r\nEXEC\r\n", 10)));
            while (true)
            {
                client.Client.Send(request);
                for (int i = 0; i < 10; i++)
                {
                    if (reader.ReadLine() is not { } line) return;
                    acknowledged = long.Parse(line.AsSpan(1), CultureInfo.InvariantCulture);
                    for (int rest = 0; rest < 6; rest++) reader.ReadLine();
                }
            }
        }
        catch (Exception fault) when (fault is IOException or SocketException)
        {
            // The process was killed.
        }
    }

    private static long Number(int port, string command)
    {
        string text = HostProcess.AskAll(port, command);
        return text == "$-1\r\n" ? 0 : long.Parse(text.Split("\r\n")[1], CultureInfo.InvariantCulture);
    }

    private HostProcess Start(int port, params string[] arguments) =>
        HostProcess.StartIn(_directory, null, null, ["--port", $"{port}", "--appendonly", "yes", .. arguments])
            .WaitFor("Ready to accept connections tcp");

    private static void Kill(HostProcess host)
    {
        using Process process = Process.GetProcessById(host.Id);
        process.Kill();
        process.WaitForExit();
    }
}
