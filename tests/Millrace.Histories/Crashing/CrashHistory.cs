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
/// Clients write while the process is killed or the power fails: what they were told is there afterwards, transactions
/// are whole, and nobody has read what is gone.
/// </summary>
/// <remarks>
/// <code>
///   writers   INCR own:i | MULTI INCR x:i INCR y:i EXEC ...        in a row of several, replies read one by one
///   readers   GET own:i ...                                        what they have seen
///   one       BGREWRITEAOF now and then
///   the end   at some moment: counters known before it are compared with what the next server loads, and what that one
///             shows with what is there when the power fails again right behind its start
/// </code>
/// The server is a whole one with its own loops, on files of which only what was synced is left (PowerFiles). Under
/// everysec what was told in the last second before a failure of the power may be gone. A machine that stands still for
/// a while proves nothing about a second: such a history is void.
/// </remarks>
internal sealed class CrashHistory
{
    private const int Readers = 2;
    private const int FewestWriters = 4;
    private const int MostWriters = 16;
    private const int MostInARow = 16;
    private const long ForgivenMs = 1000;
    private const long StallMs = 200;

    private readonly Random _random;
    private readonly bool _isAlways;
    private readonly int _runMs;
    private readonly int _writers;
    private readonly int _inARow;
    private readonly bool _isKilled;
    private readonly long[] _acknowledged;
    private readonly long[] _transactions;
    private readonly long[] _seen;
    private readonly List<(long AtMs, Counters Known)> _track = [];
    private volatile bool _isOver;

    /// <summary>A history of a seed.</summary>
    /// <param name="seed">Decides sizes, the moment, and what happens.</param>
    /// <param name="isAlways"><c>appendfsync</c> always; otherwise everysec.</param>
    public CrashHistory(int seed, bool isAlways)
    {
        _random = new Random(seed);
        _isAlways = isAlways;
        _runMs = isAlways ? _random.Next(60, 250) : _random.Next(1100, 1900);
        _writers = _random.Next(FewestWriters, MostWriters + 1);
        _inARow = _random.Next(1, MostInARow + 1);
        _isKilled = _random.Next(4) == 0;
        (_acknowledged, _transactions, _seen) = (new long[_writers], new long[_writers], new long[_writers]);
    }

    /// <summary>Runs it, and throws when something is missing.</summary>
    /// <returns>How many writes were acknowledged, and so had to be there; -1: it is void.</returns>
    public long Check()
    {
        var files = new PowerFiles { SyncMs = _random.Next(1, 4) };
        if (Run(files, out var known) is not { } left) return -1;
        var shown = Compare(left, known, "was acknowledged, or read by somebody");
        _ = Compare(left.AfterPowerLoss(_random), shown, "was there before the power failed again");
        return known.Own.Sum() + known.Pairs.Sum();
    }

    private Counters Compare(PowerFiles left, Counters known, string what)
    {
        using var server = Start(left, out var port);
        using var client = new CrashClient(port);
        var found = new Counters(new long[_writers], new long[_writers]);
        for (var i = 0; i < _writers; i++)
        {
            found.Own[i] = client.Number("GET", $"own:{i}");
            if (found.Own[i] < known.Own[i])
                throw new HistoryException($"own:{i} is {found.Own[i]}, though {known.Own[i]} {what}");
            found.Pairs[i] = client.Number("GET", $"x:{i}");
            var y = client.Number("GET", $"y:{i}");
            if (found.Pairs[i] != y)
                throw new HistoryException($"half a transaction: x:{i} is {found.Pairs[i]}, y:{i} is {y}");
            if (found.Pairs[i] < known.Pairs[i])
                throw new HistoryException($"x:{i} is {found.Pairs[i]}, though {known.Pairs[i]} {what}");
        }

        return found;
    }

    // What is left of the files, or null when the machine stood still.
    private PowerFiles? Run(PowerFiles files, out Counters known)
    {
        using var server = Start(files, out var port);
        var threads = new List<Thread>();
        for (var i = 0; i < _writers; i++)
        {
            var writer = i;
            threads.Add(new Thread(() => Guarded(() => Write(port, writer))));
        }

        for (var i = 0; i < Readers; i++) threads.Add(new Thread(() => Guarded(() => Look(port))));
        var pauseMs = _random.Next(10, 200);
        threads.Add(new Thread(() => Guarded(() => Rewrite(port, pauseMs))));
        threads.ForEach(static one => one.Start());
        var until = Environment.TickCount64 + _runMs;
        while (Environment.TickCount64 < until)
        {
            _track.Add((Environment.TickCount64, Told()));
            Thread.Sleep(5);
        }

        known = Known();
        var left = _isKilled ? files.AfterKill() : files.AfterPowerLoss(_random.Next(4) == 0 ? null : _random);
        var isVoid = !_isAlways && HasStalled();
        _isOver = true;
        server.Stop();
        threads.ForEach(static one => one.Join());
        return isVoid ? null : left;
    }

    // What must be there when it ends now.
    private Counters Known()
    {
        var now = Environment.TickCount64;
        if (!_isAlways && !_isKilled)
        {
            return _track.LastOrDefault(one => one.AtMs <= now - ForgivenMs).Known
                ?? new Counters(new long[_writers], new long[_writers]);
        }

        var told = Told();
        for (var i = 0; i < _writers; i++) told.Own[i] = Math.Max(told.Own[i], Volatile.Read(ref _seen[i]));
        return told;
    }

    private bool HasStalled()
    {
        var last = Environment.TickCount64;
        for (var i = _track.Count - 1; i >= 0; i--)
        {
            if (last - _track[i].AtMs > StallMs) return true;
            last = _track[i].AtMs;
        }

        return false;
    }

    private void Rewrite(int port, int pauseMs)
    {
        using var client = new CrashClient(port);
        while (!_isOver)
        {
            Thread.Sleep(pauseMs);
            client.Send("BGREWRITEAOF");
            client.Flush();
            client.ReadLine();
        }
    }

    private void Write(int port, int writer)
    {
        using var client = new CrashClient(port);
        while (!_isOver)
        {
            for (var i = 0; i < _inARow; i++)
            {
                client.Send("INCR", $"own:{writer}");
                foreach (var word in new[] { "MULTI", "INCR x", "INCR y", "EXEC" })
                    client.Send([.. word.Split(' ').Select(one => one.Length == 1 ? $"{one}:{writer}" : one)]);
            }

            client.Flush();
            for (var i = 0; i < _inARow; i++)
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
            for (var i = 0; i < _writers; i++)
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

    private Counters Told() => new(Copy(_acknowledged), Copy(_transactions));

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
            "--appendonly", "yes", "--appendfsync", _isAlways ? "always" : "everysec", "--save", "",
            "--auto-aof-rewrite-percentage", "0",
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

    /// <summary>Of each writer: its own counter, and those that it raises together.</summary>
    private sealed record Counters(long[] Own, long[] Pairs);

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
