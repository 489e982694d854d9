// One history of hearing: four clients, each on a loop of its own, that keep copies of what they read, change it,
// subscribe, publish and unsubscribe, under one seeded schedule. They use the server's own loops, pipelines and
// mailboxes; only the sockets are left out, and the threads, which the schedule replaces.
//
// Keys come in groups that are only written whole, with a value that nobody writes twice. So a client that reads one
// key of a group knows what it must not remember of the others any more. Checked in what each client has received, in
// the order in which it came (HearCheck): no copy is older than what the client has just read; messages of one channel
// come in one order at all clients; a subscriber gets what was published while it was subscribed, and nothing behind
// the acknowledgement of its UNSUBSCRIBE.

using System.Globalization;
using System.Net;
using System.Text;
using Millrace.Engine;
using Millrace.Net;
using Millrace.Server;
using Millrace.Server.Config;
using Millrace.Server.Logging;

namespace Millrace.Histories.Hearing;

/// <summary>Makes, runs and checks the history of a seed.</summary>
internal sealed class HearHistory : IDisposable
{
    /// <summary>The clients, and the loops.</summary>
    public const int Clients = 4;

    /// <summary>The requests of all clients together.</summary>
    public const int Operations = 120;

    private const int Groups = 2;
    private const int KeysPerGroup = 3;
    private const int Channels = 2;

    private readonly int _seed;
    private readonly MillraceServer _server;
    private readonly Listener _listener;
    private readonly SeededSchedule _schedule;
    private readonly HearCheck _check = new(Clients);
    private int _values;

    public HearHistory(int seed)
    {
        _seed = seed;
        _server = new MillraceServer(Settings(), Log.None());
        _listener = _server.Parts.Loops.Listen(ListenEndpoint.Tcp(IPAddress.Loopback, 0));
        _schedule = new SeededSchedule(seed, Clients);
    }

    /// <summary>The name of a key.</summary>
    public static string Key(int group, int index) => string.Create(CultureInfo.InvariantCulture, $"g{group}k{index}");

    /// <summary>Runs and checks; throws <see cref="HistoryException"/> when the history is impossible.</summary>
    public void Check()
    {
        var drivers = Enumerable.Range(0, Clients).Select(index => new Driver(this, index)).ToList();
        foreach (var driver in drivers) driver.Begin(isBroadcast: (_seed + driver.Index) % 4 == 0);
        _schedule.Run([.. drivers.Select(driver => (Action)(() => RunClient(driver)))]);
        foreach (var driver in drivers) driver.TakeMail();
        _check.Verify();
    }

    public void Dispose()
    {
        _schedule.Dispose();
        _server.Dispose();
    }

    private static Configuration Settings()
    {
        var file = new ConfigFile(new DirectiveTable(1, Environment.CurrentDirectory), new DiskConfigFiles());
        string[] directives =
        [
            "--io-threads", Clients.ToString(CultureInfo.InvariantCulture), "--io", "sockets", "--port", "0",
            "--protected-mode", "no",
        ];
        if (file.Load(CommandLine.From(directives), []) is { } error)
            throw new InvalidOperationException(error.ToString());
        return new Configuration(file.Values);
    }

    private void RunClient(Driver driver)
    {
        var random = new Random((_seed * 31) + driver.Index);
        for (var i = 0; i < Operations / Clients; i++)
        {
            var count = 1 + (random.Next(3) == 0 ? random.Next(3) : 0); // a pipeline now and then
            driver.Ask([.. Enumerable.Range(0, count).Select(_ => Generate(random))]);
            if (random.Next(3) == 0) driver.TakeMail();
        }
    }

    private string[] Generate(Random random)
    {
        var group = random.Next(Groups);
        var channel = "c" + random.Next(Channels).ToString(CultureInfo.InvariantCulture);
        return random.Next(16) switch
        {
            < 6 => ["GET", Key(group, random.Next(KeysPerGroup))],
            < 8 => ["MGET", Key(group, random.Next(KeysPerGroup)), Key(group, random.Next(KeysPerGroup))],
            < 11 => ["MSET", .. Enumerable.Range(0, KeysPerGroup).SelectMany(Pair(group, NextValue()))],
            11 => ["DEL", .. Enumerable.Range(0, KeysPerGroup).Select(index => Key(group, index))],
            12 => ["SUBSCRIBE", channel],
            13 => ["UNSUBSCRIBE", channel],
            _ => ["PUBLISH", channel, NextValue()],
        };
    }

    private static Func<int, string[]> Pair(int group, string value) => index => [Key(group, index), value];

    private string NextValue() => "v" + (++_values).ToString(CultureInfo.InvariantCulture);

    // One loop with its client, whose connection has no socket.
    private sealed class Driver
    {
        private readonly HearHistory _history;
        private readonly EventLoop _loop;
        private readonly Connection _connection;
        private readonly Client _client;
        private readonly byte[] _shared = new byte[64 * 1024];
        private readonly List<byte> _received = [];

        public Driver(HearHistory history, int index)
        {
            _history = history;
            Index = index;
            _loop = history._server.Parts.Loops.Loops[index];
            _connection = new Connection(_loop, history._listener, new AcceptedPeer(index + 1, null, default));
            _connection.Handler = _loop.Handler.Accepted(_connection);
            _client = (Client)_connection.Tag!;
        }

        public int Index { get; }

        /// <summary>What HELLO 3 and CLIENT TRACKING ON would do; the latter needs loops that run.</summary>
        public void Begin(bool isBroadcast)
        {
            _client.Protocol = 3;
            _client.OwnTracking.Begin(
                isBroadcast ? Server.Tracking.TrackingModes.Broadcast : Server.Tracking.TrackingModes.None, 0, 0);
            _history._server.Parts.Keyspace.Tracking.AddClient(1);
            if (isBroadcast)
            {
                _history._server.Parts.Channels.Subscribe(_client, Server.PubSub.TopicKind.Prefix, default);
                _history._server.Parts.Keyspace.RecountListeners();
            }

            _client.SettleListening();
        }

        /// <summary>Sends requests at once and waits for all their replies.</summary>
        public void Ask(string[][] requests)
        {
            var began = _history._schedule.Step;
            SchedulePoint.Yield();
            Feed(Encoding.ASCII.GetBytes(string.Concat(requests.Select(Encode))));
            _connection.HandOver();
            TakeMail();
            while (_connection.HasUnread || _client.IsParked)
            {
                SchedulePoint.Yield();
                _loop.DeliverMail();
                if (_connection.IsReady && !_client.IsParked) _connection.HandOver();
                TakeMail();
            }

            SchedulePoint.Yield();
            foreach (var request in requests)
                _history._check.Sent(Index, request, began, _history._schedule.Step);
        }

        /// <summary>The end of a turn: mail is delivered and all output is read.</summary>
        public void TakeMail()
        {
            _loop.DeliverMail();
            _loop.Handler.TurnEnding();
            var output = _connection.Output;
            for (var i = 0; i < output.PieceCount; i++)
            {
                var piece = output.PieceAt(i);
                _received.AddRange(piece.Array.AsSpan(piece.Start, piece.Length));
            }

            output.Advance(output.PendingBytes);
            output.ReleaseUnused();
            if (_received.Count == 0) return;
            _history._check.Received(Index, [.. _received]);
            _received.Clear();
        }

        private void Feed(byte[] bytes)
        {
            _connection.PrepareRead(_shared, out var array, out var offset, out _);
            bytes.CopyTo(array, offset);
            _connection.TryTakeIn(_shared, array, offset, bytes.Length);
        }

        private static string Encode(string[] words) =>
            $"*{words.Length}\r\n" + string.Concat(words.Select(static word => $"${word.Length}\r\n{word}\r\n"));
    }
}
