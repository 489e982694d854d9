using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Millrace.Host.Tests;

/// <summary>Data over a restart of the process, and files that it must not start with.</summary>
public sealed class SnapshotTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("millrace-kept-").FullName;

    private string File => Path.Combine(_directory, "dump.rdb");

    public void Dispose()
    {
        if (Directory.Exists(_directory)) Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("2")]
    public void SAVE_and_a_start_bring_data_back_with_the_lines_of_Redis(string loops)
    {
        int port = Ports.Free();
        using (HostProcess host = Start(port, "--io-threads", loops))
        {
            for (int i = 0; i < 3; i++) Assert.Equal("+OK", HostProcess.Ask(port, $"SET key{i} value{i}"));
            Assert.Equal("+OK", HostProcess.Ask(port, "SAVE"));
            host.WaitFor("* DB saved on disk\n");
            Assert.Equal("+OK", HostProcess.Ask(port, "SET late x"));
            Kill(host);
        }

        Assert.Equal(["dump.rdb"], Directory.GetFiles(_directory).Select(Path.GetFileName));
        using (HostProcess host = Start(port, "--io-threads", loops))
        {
            Assert.Equal(":3", HostProcess.Ask(port, "DBSIZE"));
            Assert.Equal("$6", HostProcess.Ask(port, "GET key2"));
            Assert.Matches(
                "(?s)\\* Server initialized\n.*\\* Loading RDB produced by version 7.2.4\n.*\\* RDB age \\d+ seconds\n"
                    + ".*\\* RDB memory usage when created \\d+\\.\\d\\d Mb\n"
                    + ".*\\* Done loading RDB, keys loaded: 3, keys expired: 0, empty keys skipped: 0\\.\n"
                    + ".*\\* DB loaded from disk: \\d+\\.\\d{3} seconds\n.*\\* Ready to accept connections tcp\n",
                host.Output);
        }
    }

    [Theory]
    [InlineData("TERM", "sigterm")]
    [InlineData("INT", "sigint")]
    public void A_signal_saves_when_that_is_configured(string signal, string name)
    {
        int port = Ports.Free();
        using (HostProcess host = Start(port, $"--shutdown-on-{name}", "save"))
        {
            HostProcess.Ask(port, "SET a 1");
            host.Signal(signal);
            Assert.Equal(0, host.WaitForExit());
            Assert.Matches(
                $"(?s)# Received SIG{signal} scheduling shutdown...\n.*\\* User requested shutdown...\n"
                    + ".*\\* Saving the final RDB snapshot before exiting.\n.*\\* DB saved on disk\n"
                    + ".*# Millrace is now ready to exit, bye bye...\n$",
                host.Output);
        }

        using (HostProcess host = Start(port)) Assert.Equal(":1", HostProcess.Ask(port, "DBSIZE"));
    }

    [Fact]
    public void A_signal_whose_save_fails_leaves_the_server_running()
    {
        int port = Ports.Free();
        using HostProcess host = Start(port, "--shutdown-on-sigint", "save");
        HostProcess.Ask(port, "SET a 1");
        Directory.CreateDirectory(Path.Combine(File, "full"));
        for (int i = 1; i <= 2; i++)
        {
            host.Signal("INT");
            int times = i;
            HostProcess.WaitUntil(
                () => Count(host.Output, "# Errors trying to shut down the server. Check the logs") == times, "it");
            Assert.Equal("$1", HostProcess.Ask(port, "GET a"));
        }

        Assert.Contains("# Error moving temp DB file temp-", host.Output);
        Assert.Contains("# Error trying to save the DB, can't exit.\n", host.Output);
        Directory.Delete(File, recursive: true);
        host.Signal("INT");
        Assert.Equal(0, host.WaitForExit());
        Assert.True(System.IO.File.Exists(File));
    }

    [Fact]
    public void A_signal_while_data_is_loaded_ends_the_process_soon_with_0()
    {
        int port = Ports.Free();
        using (HostProcess host = Start(port, "--enable-debug-command", "yes"))
        {
            Assert.Equal("+OK", HostProcess.Ask(port, "DEBUG POPULATE 1000000"));
            Assert.Equal("", HostProcess.Ask(port, "SHUTDOWN SAVE"));
            Assert.Equal(0, host.WaitForExit());
        }

        byte[] before = System.IO.File.ReadAllBytes(File);
        using HostProcess next = HostProcess.StartIn(
            _directory, null, null, "--port", $"{port}", "--shutdown-on-sigterm", "save", "--key-load-delay", "1000",
            "--pidfile", Path.Combine(_directory, "pid"));
        next.WaitFor("RDB memory usage when created");
        next.Signal("TERM");
        Assert.Equal(0, next.WaitForExit());
        Assert.Contains("* Removing the pid file.\n", next.Output);
        Assert.EndsWith("# Millrace is now ready to exit, bye bye...\n", next.Output);
        Assert.Contains("# Received shutdown signal during loading, scheduling shutdown.\n", next.Output);
        Assert.DoesNotContain("Ready to accept", next.Output);
        Assert.DoesNotContain("DB loaded", next.Output);
        Assert.Equal(before, System.IO.File.ReadAllBytes(File));
    }

    [Fact]
    public void Clients_are_told_that_data_is_loaded_and_the_log_says_how_far_it_is()
    {
        int port = Ports.Free();
        using (HostProcess host = Start(port, "--enable-debug-command", "yes"))
        {
            Assert.Equal("+OK", HostProcess.Ask(port, "DEBUG POPULATE 30000"));
            Assert.Equal("", HostProcess.Ask(port, "SHUTDOWN SAVE"));
            Assert.Equal(0, host.WaitForExit());
        }

        using HostProcess next = HostProcess.StartIn(
            _directory, null, null, "--port", $"{port}", "--key-load-delay", "1000");
        next.WaitFor("RDB memory usage when created");
        Assert.Equal("-LOADING Redis is loading the dataset in memory", HostProcess.Ask(port, "GET key:1"));
        Assert.Contains("\r\nloading:1\r\n", HostProcess.AskAll(port, "INFO persistence"));
        next.WaitFor(" seconds left\n");
        Assert.Matches("\\* Loading: \\d+\\.\\d % of \\d+ bytes, about \\d+ seconds left\n", next.Output);
        Assert.Equal("", HostProcess.Ask(port, "SHUTDOWN"));
        Assert.Equal(0, next.WaitForExit());
        Assert.EndsWith("# Millrace is now ready to exit, bye bye...\n", next.Output);
        Assert.Contains("* User requested shutdown...\n", next.Output);
    }

    [Fact]
    public void A_file_that_turns_out_to_be_wrong_ends_the_process_and_the_connections()
    {
        byte[] bytes = [.. Head];
        for (int i = 0; i < 3_000; i++) bytes = [.. bytes, 0, 2, (byte)(i / 256 + 1), (byte)i, 1, (byte)'v'];
        System.IO.File.WriteAllBytes(File, [.. bytes, 30, 1, (byte)'k', 1, (byte)'v', 0xFF]);
        int port = Ports.Free();
        using HostProcess host = HostProcess.StartIn(
            _directory, null, null, "--port", $"{port}", "--key-load-delay", "500");
        host.WaitFor("RDB memory usage when created");
        using var client = new TcpClient();
        client.Connect(IPAddress.Loopback, port);
        using var reader = new StreamReader(client.GetStream());
        client.Client.Send("GET a\r\n"u8);
        Assert.Equal("-LOADING Redis is loading the dataset in memory", reader.ReadLine());
        Assert.Null(reader.ReadLine());
        Assert.Equal(1, host.WaitForExit());
        Assert.Contains("# Unknown RDB encoding type 30", host.Output);
        Assert.Equal(["dump.rdb"], Directory.GetFiles(_directory).Select(Path.GetFileName));
    }

    [Fact]
    public void What_a_process_of_the_same_number_has_left_behind_does_no_harm()
    {
        string other = Path.Combine(_directory, "temp-1.rdb");
        System.IO.File.WriteAllText(other, "of somebody else");
        int port = Ports.Free();
        using HostProcess host = Start(port);
        System.IO.File.WriteAllText(Path.Combine(_directory, $"temp-{host.Id}.rdb"), "of one that died");
        Assert.Equal("+OK", HostProcess.Ask(port, "SAVE"));
        Assert.Equal(["dump.rdb", "temp-1.rdb"], Directory.GetFiles(_directory).Select(Path.GetFileName).Order());
    }

    public static TheoryData<string, byte[], string> BadFiles => new()
    {
        { "empty", [], "# Short read or OOM loading DB. Unrecoverable error, aborting now." },
        { "truncated", Sample[..^12], "# Unexpected EOF reading RDB file (at offset " },
        { "truncated by one byte", Sample[..^1], "# Unexpected EOF reading RDB file (at offset " },
        { "no RDB file", [.. "hello world"u8], "# Wrong signature trying to load DB from file" },
        { "newer", [.. "REDIS0042"u8, .. Sample[9..]], "# Can't handle RDB format version 42" },
        { "damaged", [.. Sample[..^1], (byte)(Sample[^1] ^ 1)], "# RDB CRC error\n" },
        { "unknown type", WithRecord([30, 1, (byte)'k', 1, (byte)'v']), "# Unknown RDB encoding type 30" },
        { "bad value", WithRecord([16, 1, (byte)'k', 1, (byte)'v']), "# Bad RDB file: invalid value of type 16" },
        { "twice", WithRecord([0, 1, (byte)'a', 1, (byte)'v']), "# RDB has duplicated key 'a' in DB 0" },
        { "more databases", WithRecord([0xFE, 99]), "# Data file was created with a server configured to handle" },
        {
            "a library", WithRecord([0xF5, 21, .. "#!lua name=mylib\nx()\n"u8]),
            "# Failed loading library, 'mylib': functions are not available yet"
        },
        {
            "a module", WithRecord([7, 1, (byte)'k', 0x81, 0xA2, 0xC4, 0xCC, 0x24, 0x08, 0x33, 0x84, 0x01]),
            "# The RDB file contains module data I can't load: no matching module type '"
        },
    };

    [Theory]
    [MemberData(nameof(BadFiles))]
    public void A_file_that_cannot_be_loaded_ends_the_process_with_1_and_stays_as_it_is(
        string name, byte[] bytes, string reason)
    {
        System.IO.File.WriteAllBytes(File, bytes);
        using HostProcess host = HostProcess.StartIn(
            _directory, null, null, "--port", $"{Ports.Free()}", "--pidfile", "pid");
        Assert.True(host.WaitForExit() == 1, name);
        Assert.Contains(reason, host.Output);
        Assert.Contains("# Fatal error loading the DB, check server logs. Exiting.\n", host.Output);
        Assert.DoesNotContain("Ready to accept", host.Output);
        Assert.Equal(bytes, System.IO.File.ReadAllBytes(File));
        Assert.Equal(["dump.rdb"], Directory.GetFiles(_directory).Select(Path.GetFileName));
    }

    [Fact]
    public void What_is_no_file_ends_the_process_with_1()
    {
        Directory.CreateDirectory(File);
        using HostProcess host = HostProcess.StartIn(_directory, null, null, "--port", $"{Ports.Free()}");
        Assert.Equal(1, host.WaitForExit());
        Assert.Contains(
            "# Fatal error: can't open the RDB file dump.rdb for reading: Is a directory\n", host.Output);
    }

    [Fact]
    public void A_sample_is_loaded()
    {
        System.IO.File.WriteAllBytes(File, Sample);
        int port = Ports.Free();
        using HostProcess host = Start(port);
        Assert.Equal("$1", HostProcess.Ask(port, "GET a"));
        Assert.Contains("* RDB memory usage when created 1.00 Mb\n", host.Output);
    }

    [Fact]
    public void Keys_that_hold_nothing_are_passed_over_and_named()
    {
        byte[] records = [4, 1, (byte)'e', 0, 2, 1, (byte)'f', 0, 0, 1, (byte)'b', 1, (byte)'2'];
        System.IO.File.WriteAllBytes(File, WithRecord(records));
        int port = Ports.Free();
        using HostProcess host = Start(port);
        Assert.Equal(":2", HostProcess.Ask(port, "DBSIZE"));
        Assert.Contains(", skipping empty key: e\n", host.Output);
        Assert.Contains(", skipping empty key: f\n", host.Output);
        Assert.Contains(
            "* Done loading RDB, keys loaded: 2, keys expired: 0, empty keys skipped: 2.\n", host.Output);
    }

    [Fact]
    public void A_wrong_value_is_told_in_the_words_of_Redis()
    {
        System.IO.File.WriteAllBytes(File, WithRecord([13, 1, (byte)'k', 1, (byte)'v']));
        using HostProcess host = HostProcess.StartIn(_directory, null, null, "--port", $"{Ports.Free()}");
        Assert.Equal(1, host.WaitForExit());
        Assert.Matches(
            "# Internal error in RDB reading offset (\\d+) -> Hash ziplist integrity check failed.\n"
                + ".*# Bad RDB file: invalid value of type 13 of the key 'k' \\(at offset \\1\\): Hash ziplist "
                + "integrity check failed.\n.*# Terminating server after rdb file reading failure.\n",
            host.Output);
    }

    [Fact]
    public void Why_RESTORE_refuses_a_payload_is_said_to_whoever_reads_verbose_lines()
    {
        int port = Ports.Free();
        using HostProcess host = Start(port, "--loglevel", "verbose", "--enable-debug-command", "yes");
        HostProcess.Ask(port, "DEBUG SET-SKIP-CHECKSUM-VALIDATION 1");
        const string footer = "\\x0b\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00";
        Assert.Equal("-ERR Bad data format", HostProcess.Ask(port, $"RESTORE k 0 \"\\x0d\\x01v{footer}\""));
        host.WaitFor("- The payload of RESTORE is refused: Hash ziplist integrity check failed.\n");
        Assert.Equal("-ERR Bad data format", HostProcess.Ask(port, $"RESTORE k 0 \"\\x15\\x01v{footer}\""));
        host.WaitFor("- The payload of RESTORE is refused: Stream listpack integrity check failed.\n");
        HostProcess.Ask(port, $"RESTORE k -1 \"\\x0d\\x01v{footer}\"");
        Assert.Equal(2, Count(host.Output, "The payload of RESTORE"));
    }

    [Fact]
    public void A_second_SIGINT_leaves_nothing_of_a_save_behind()
    {
        int port = Ports.Free();
        using HostProcess host = Start(
            port, "--save", "900 1", "--rdb-key-save-delay", "1000000", "--enable-debug-command", "yes");
        HostProcess.Ask(port, "DEBUG POPULATE 100");
        host.Signal("INT");
        string unfinished = Path.Combine(_directory, $"temp-{host.Id}.rdb");
        HostProcess.WaitUntil(() => System.IO.File.Exists(unfinished), unfinished);
        host.Signal("INT");
        Assert.Equal(1, host.WaitForExit());
        Assert.Empty(Directory.GetFiles(_directory));
    }

    [Fact]
    public void A_signal_waits_while_the_periodic_work_rests_and_can_be_called_off()
    {
        int port = Ports.Free();
        using HostProcess host = Start(port, "--enable-debug-command", "yes");
        Assert.Equal("-ERR No shutdown in progress.", HostProcess.Ask(port, "SHUTDOWN ABORT"));
        Assert.Equal("+OK", HostProcess.Ask(port, "DEBUG PAUSE-CRON 1"));
        host.Signal("TERM");
        host.WaitFor("Received SIGTERM scheduling shutdown...");
        HostProcess.WaitUntil(() => HostProcess.Ask(port, "SHUTDOWN ABORT") == "+OK", "the signal");
        host.WaitFor("* Shutdown manually aborted.\n");
        Assert.Equal("-ERR No shutdown in progress.", HostProcess.Ask(port, "SHUTDOWN ABORT"));
        Assert.Equal("+OK", HostProcess.Ask(port, "DEBUG PAUSE-CRON 0"));
        Assert.Equal("+PONG", HostProcess.Ask(port, "PING"));
        Assert.Equal("+OK", HostProcess.Ask(port, "DEBUG PAUSE-CRON 1"));
        host.Signal("TERM");
        HostProcess.WaitUntil(
            () => host.Output.Split("Received SIGTERM scheduling shutdown...").Length == 3, "the second signal");
        Assert.Equal("+OK", HostProcess.Ask(port, "DEBUG PAUSE-CRON 0"));
        Assert.Equal(0, host.WaitForExit());
    }

    [Fact]
    public void A_file_without_checksum_is_loaded_with_a_warning()
    {
        System.IO.File.WriteAllBytes(File, [.. Sample[..^8], .. new byte[8]]);
        int port = Ports.Free();
        using HostProcess host = Start(port);
        Assert.Equal("$1", HostProcess.Ask(port, "GET a"));
        Assert.Contains("# RDB file was saved with checksum disabled: no check performed.\n", host.Output);
    }

    // Version 11: what 7.2.4 writes about itself, database 0 with one key, the end, the checksum.
    private static byte[] Sample => Sealed([.. Head, 0xFF]);

    private static byte[] Head =>
    [
        .. "REDIS0011"u8, 0xFA, 9, .. "redis-ver"u8, 5, .. "7.2.4"u8, 0xFA, 8, .. "used-mem"u8, 0xC2, 0, 0, 16, 0,
        0xFE, 0, 0xFB, 1, 0, 0, 1, (byte)'a', 1, (byte)'1',
    ];

    private static byte[] WithRecord(byte[] record) => Sealed([.. Head, .. record, 0xFF]);

    private static byte[] Sealed(byte[] bytes)
    {
        const ulong reflected = 0x95AC9329AC4BC9B5; // the CRC-64 of Jones, as RDB files have it
        ulong crc = 0;
        foreach (byte one in bytes)
        {
            crc ^= one;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ reflected : crc >> 1;
        }

        byte[] sealedBytes = [.. bytes, .. new byte[8]];
        BinaryPrimitives.WriteUInt64LittleEndian(sealedBytes.AsSpan(bytes.Length), crc);
        return sealedBytes;
    }

    private HostProcess Start(int port, params string[] arguments) =>
        HostProcess.StartIn(_directory, null, null, ["--port", $"{port}", .. arguments])
            .WaitFor("Ready to accept connections tcp");

    private static void Kill(HostProcess host)
    {
        using Process process = Process.GetProcessById(host.Id);
        process.Kill();
        process.WaitForExit();
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;
}
