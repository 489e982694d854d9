using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Millrace.Memory;
using Millrace.Server;
using Millrace.Server.Config;
using Millrace.Server.Logging;

namespace Millrace.Histories.Crashing;

/// <summary>
/// Clients write while the power fails: what they were told is there afterwards, transactions are whole, and nobody has
/// read what is gone.
/// </summary>
/// <remarks>
/// <code>
///   writers   INCR own:i | MULTI INCR x:i INCR y:i EXEC ...        in a row of several, replies read one by one
///   readers   GET own:i ...                                        what they have seen
///   power     fails at some moment: counters known before it are compared with what the next server loads
/// </code>
/// The server is a whole one with its own loops, on files of which only what was synced is left (PowerFiles). Under
/// everysec what was told in the last second before the failure may be gone.
/// </remarks>
internal sealed class CrashHistory
{
    private const int Writers = 4;
    private const int Readers = 2;
    private const int InARow = 6;
    private const long ForgivenMs = 1000;

    private readonly Random _random;
    private readonly bool _isAlways;
    private readonly int _runMs;
    private readonly long[] _acknowledged = new long[Writers];
    private readonly long[] _transactions = new long[Writers];
    private readonly long[] _seen = new long[Writers];
    private readonly List<(long AtMs, long[] Acknowledged)> _track = [];
    private volatile bool _isOver;

    /// <summary>A history of a seed.</summary>
    /// <param name="seed">Decides sizes and the moment.</param>
    /// <param name="isAlways"><c>appendfsync</c> always; otherwise everysec.</param>
    public CrashHistory(int seed, bool isAlways)
    {
        _random = new Random(seed);
        _isAlways = isAlways;
        _runMs = isAlways ? _random.Next(60, 250) : _random.Next(1200, 2500);
    }

    /// <summary>Runs it, and throws when something is missing.</summary>
    /// <returns>How many writes were acknowledged, and so had to be there.</returns>
    public long Check()
    {
        var files = new PowerFiles { SyncMs = _random.Next(1, 4) };
        var (acknowledged, transactions, seen, left) = Run(files);
        using var server = Start(left, out var port);
        using var client = new CrashClient(port);
        for (var i = 0; i < Writers; i++)
        {
            var found = client.Number("GET", $"own:{i}");
            if (found < acknowledged[i])
                throw new HistoryException($"own:{i} is {found}, though {acknowledged[i]} was acknowledged");
            if (_isAlways && found < seen[i])
                throw new HistoryException($"own:{i} is {found}, though somebody has read {seen[i]}");
            var (x, y) = (client.Number("GET", $"x:{i}"), client.Number("GET", $"y:{i}"));
            if (x != y) throw new HistoryException($"half a transaction: x:{i} is {x}, y:{i} is {y}");
            if (x < transactions[i])
                throw new HistoryException($"x:{i} is {x}, though {transactions[i]} was acknowledged");
        }

        return acknowledged.Sum() + transactions.Sum();
    }

    private (long[] Acknowledged, long[] Transactions, long[] Seen, PowerFiles Left) Run(PowerFiles files)
    {
        using var server = Start(files, out var port);
        var threads = new List<Thread>();
        for (var i = 0; i < Writers; i++)
        {
            var writer = i;
            threads.Add(new Thread(() => Guarded(() => Write(port, writer))));
        }

        for (var i = 0; i < Readers; i++) threads.Add(new Thread(() => Guarded(() => Look(port))));
        threads.ForEach(static one => one.Start());
        var until = Environment.TickCount64 + _runMs;
        while (Environment.TickCount64 < until)
        {
            _track.Add((Environment.TickCount64, [.. Copy(_acknowledged), .. Copy(_transactions)]));
            Thread.Sleep(5);
        }

        var known = _isAlways
            ? [.. Copy(_acknowledged), .. Copy(_transactions)]
            : _track.LastOrDefault(one => one.AtMs <= Environment.TickCount64 - ForgivenMs).Acknowledged
                ?? new long[2 * Writers];
        var seen = Copy(_seen);
        var left = files.AfterPowerLoss(_random);
        _isOver = true;
        server.Stop();
        threads.ForEach(static one => one.Join());
        return (known[..Writers], known[Writers..], seen, left);
    }

    private void Write(int port, int writer)
    {
        using var client = new CrashClient(port);
        while (!_isOver)
        {
            for (var i = 0; i < InARow; i++)
            {
                client.Send("INCR", $"own:{writer}");
                foreach (var word in new[] { "MULTI", "INCR x", "INCR y", "EXEC" })
                    client.Send([.. word.Split(' ').Select(one => one.Length == 1 ? $"{one}:{writer}" : one)]);
            }

            client.Flush();
            for (var i = 0; i < InARow; i++)
            {
                Volatile.Write(ref _acknowledged[writer], client.ReadNumber());
                for (var line = 0; line < 5; line++) client.ReadLine(); // OK, QUEUED, QUEUED, *2, :n
                Volatile.Write(ref _transactions[writer], client.ReadNumber());
            }
        }
    }

    private void Look(int port)
    {
        using var client = new CrashClient(port);
        while (!_isOver)
        {
            for (var i = 0; i < Writers; i++)
            {
                var found = client.Number("GET", $"own:{i}");
                long before;
                while ((before = Volatile.Read(ref _seen[i])) < found
                    && Interlocked.CompareExchange(ref _seen[i], found, before) != before)
                {
                    // Another reader was faster.
                }
            }
        }
    }

    private static void Guarded(Action action)
    {
        try
        {
            action();
        }
        catch (Exception fault) when (fault is IOException or SocketException)
        {
            // The server has ended.
        }
    }

    private static long[] Copy(long[] from) =>
        [.. Enumerable.Range(0, from.Length).Select(i => Volatile.Read(ref from[i]))];

    private MillraceServer Start(PowerFiles files, out int port)
    {
        port = FreePort();
        var table = new DirectiveTable(Environment.ProcessorCount, Environment.CurrentDirectory);
        var file = new ConfigFile(table, new DiskConfigFiles());
        string[] words =
        [
            "--port", port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--io-threads", "2",
            "--appendonly", "yes", "--appendfsync", _isAlways ? "always" : "everysec", "--dbfilename", "none.rdb",
        ];
        if (file.Load(CommandLine.From(words), []) is { } error) throw new HistoryException(error.ToString());
        var server = new MillraceServer(
            new Configuration(file.Values), Log.None(), new MemorySource(1L << 36), files, static () => { });
        return server.Start() is { } fault ? throw new HistoryException("it does not start: " + fault) : server;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed class CrashClient : IDisposable
    {
        private readonly TcpClient _client = new() { NoDelay = true };
        private readonly StringBuilder _pending = new();
        private readonly StreamReader _reader;

        public CrashClient(int port)
        {
            _client.Connect(IPAddress.Loopback, port);
            _client.ReceiveTimeout = 20_000;
            _reader = new StreamReader(_client.GetStream(), Encoding.Latin1);
        }

        public void Send(params string[] words)
        {
            _pending.Append(CultureInfo.InvariantCulture, $"*{words.Length}\r\n");
            foreach (var word in words) _pending.Append(CultureInfo.InvariantCulture, $"${word.Length}\r\n{word}\r\n");
        }

        public void Flush()
        {
            _client.Client.Send(Encoding.Latin1.GetBytes(_pending.ToString()));
            _pending.Clear();
        }

        public string ReadLine() => _reader.ReadLine() ?? throw new IOException("the server has closed");

        public long ReadNumber() => long.Parse(ReadLine().AsSpan(1), CultureInfo.InvariantCulture);

        public long Number(params string[] words)
        {
            Send(words);
            Flush();
            return ReadLine() == "$-1" ? 0 : long.Parse(ReadLine(), CultureInfo.InvariantCulture);
        }

        public void Dispose() => _client.Dispose();
    }
}
