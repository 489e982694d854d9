using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Millrace.Memory;
using Millrace.Server;
using Millrace.Server.Config;
using Millrace.Server.Logging;

namespace Millrace.Histories.Crashing;

/// <summary>
/// Proves that tests which replace the files of a server replace all of them: the system calls of a process that does
/// everything with its files, against what went through the interface.
/// </summary>
/// <remarks>
/// <code>
///   Check   strace -ff -y  this program, Serve ---> a record of what went through IFileSystem
///                      +--------------------------> the system calls of all threads          both say the same
/// </code>
/// </remarks>
internal static class TracedServer
{
    private const int PatienceMs = 120_000;

    /// <summary>Runs a server below strace and compares.</summary>
    /// <returns>Whether both say the same; what they say is printed.</returns>
    public static bool Check()
    {
        var place = Directory.CreateTempSubdirectory("millrace-traced-").FullName;
        try
        {
            var (data, record) = (Path.Combine(place, "data"), Path.Combine(place, "record"));
            Directory.CreateDirectory(data);
            string[] arguments =
            [
                "-ff", "-y", "-s", "0", "-o", Path.Combine(place, "trace"), "-e", "trace=" + SystemCallTrace.Calls,
                Environment.ProcessPath!, typeof(TracedServer).Assembly.Location, data, record, "recorded",
            ];
            using var process = Process.Start("strace", arguments);
            if (!process.WaitForExit(PatienceMs)) process.Kill(entireProcessTree: true);
            if (process.ExitCode != 0) throw new HistoryException("the traced server has failed");
            return Compare(File.ReadAllLines(record), SystemCallTrace.Lines(Path.Combine(place, "trace"), data));
        }
        finally
        {
            Directory.Delete(place, recursive: true);
        }
    }

    /// <summary>Does everything with the files of a server, and writes what went through the interface.</summary>
    /// <param name="data">Where the server keeps its files.</param>
    /// <param name="record">Where the record goes.</param>
    public static void Serve(string data, string record)
    {
        var files = new RecordedFiles();
        Write(files, data, "a", static client =>
        {
            for (var i = 0; i < 2000; i++) client.Ask("SET", $"key:{i}", new string('x', i));
            client.Ask("BGREWRITEAOF");
            client.Await("aof_rewrite_in_progress:0");
            client.Ask("BGSAVE");
            client.Await("rdb_bgsave_in_progress:0");
            client.Ask("SAVE");
            client.Ask("CONFIG", "SET", "appendfsync", "always");
            for (var i = 0; i < 50; i++) client.Ask("INCR", "counter");
            client.Ask("CONFIG", "SET", "appendonly", "no");
            client.Ask("CONFIG", "SET", "aof-use-rdb-preamble", "no");
            client.Ask("CONFIG", "SET", "appendonly", "yes");
            client.Await("aof_rewrite_in_progress:0");
            client.Ask("FLUSHALL");
            client.Ask("SET", "last", "1");
        });
        Write(files, data, "b", static client => client.Ask("INCR", "last"));
        File.WriteAllLines(record, files.Lines());
    }

    private static bool Compare(string[] recorded, string[] traced)
    {
        foreach (var line in recorded.Except(traced)) Console.WriteLine("only recorded: " + line);
        foreach (var line in traced.Except(recorded)) Console.WriteLine("only traced:   " + line);
        var isSame = recorded.SequenceEqual(traced, StringComparer.Ordinal);
        var verdict = isSame ? "the same" : "not the same";
        Console.WriteLine($"{recorded.Length} lines recorded, {traced.Length} lines traced: {verdict}");
        foreach (var line in recorded[^2..]) Console.WriteLine(line);
        return isSame;
    }

    private static void Write(RecordedFiles files, string data, string name, Action<TracedClient> deeds)
    {
        var socket = Path.Combine(Path.GetDirectoryName(data)!, name);
        var table = new DirectiveTable(Environment.ProcessorCount, Environment.CurrentDirectory);
        var file = new ConfigFile(table, new DiskConfigFiles());
        string[] words =
        [
            "--port", "0", "--unixsocket", socket, "--io-threads", "2", "--io", "epoll", "--dir", data,
            "--appendonly", "yes", "--save", "",
        ];
        if (file.Load(CommandLine.From(words), []) is { } error) throw new HistoryException(error.ToString());
        using var server = new MillraceServer(
            new Configuration(file.Values), Log.None(), new MemorySource(1L << 36), files, static () => { });
        if (server.Start() is { } fault) throw new HistoryException("it does not start: " + fault);
        using var client = new TracedClient(socket);
        deeds(client);
    }

    private sealed class TracedClient : IDisposable
    {
        private readonly Socket _socket = new(
            AddressFamily.Unix, SocketType.Stream,
            ProtocolType.Unspecified);

        private readonly StreamReader _reader;

        public TracedClient(string path)
        {
            _socket.Connect(new UnixDomainSocketEndPoint(path));
            _reader = new StreamReader(new NetworkStream(_socket), Encoding.Latin1);
        }

        public void Ask(params string[] words)
        {
            var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"*{words.Length}\r\n");
            foreach (var word in words) text.Append(CultureInfo.InvariantCulture, $"${word.Length}\r\n{word}\r\n");
            _socket.Send(Encoding.Latin1.GetBytes(text.ToString()));
            if (_reader.ReadLine() is null or ['-', ..]) throw new HistoryException("refused: " + words[0]);
        }

        public void Await(string line)
        {
            while (true)
            {
                _socket.Send("*2\r\n$4\r\nINFO\r\n$11\r\npersistence\r\n"u8);
                var left = int.Parse(_reader.ReadLine().AsSpan(1), CultureInfo.InvariantCulture) + 2;
                var text = new char[left];
                _reader.ReadBlock(text);
                if (new string(text).Contains(line + "\r\n", StringComparison.Ordinal)) return;
                Thread.Sleep(10);
            }
        }

        public void Dispose() => _socket.Dispose();
    }
}
