// One history of transactions and waiting: four clients that watch, queue, wait and write, and somebody who at any
// moment ends a wait, as time-outs and CLIENT UNBLOCK do, or closes the connection of one who waits, as CLIENT KILL and
// disconnections do: another client comes in its place. All under one seeded schedule.
//
// Every element that is pushed is another one, so an element that is lost or served twice explains no order. Checked
// afterwards: there is an order of all operations that explains every reply and the state that is there, in which
// whoever came first was served first (WaitSearch); the log, replayed, gives that state; nobody is left in a queue.

using System.Globalization;
using System.Text;
using Millrace.Commands;
using Millrace.Commands.Families;
using Millrace.Engine;
using Millrace.Memory;
using Millrace.Resp;
using Millrace.Server;
using Millrace.Server.Blocking;
using Millrace.Server.Effects;
using Millrace.Server.Execution;
using Millrace.Server.Transactions;

namespace Millrace.Histories.Waiting;

/// <summary>Makes, runs and checks the history of a seed.</summary>
internal sealed class WaitHistory : IDisposable
{
    /// <summary>The clients.</summary>
    public const int Clients = 4;

    /// <summary>The operations of all clients together; a transaction counts as one.</summary>
    public const int Operations = 60;

    private const int Ender = Clients;
    private const int Lists = 3;
    private const int Strings = 2;

    private readonly int _seed;
    private readonly MemorySource _memory = new();
    private readonly Keyspace _keyspace;
    private readonly CommandTable _table = new([.. DataCommands.All, .. TransactionCommands.Table]);
    private readonly EffectLog _log = new();
    private readonly LogCopy _copy = new();
    private readonly SeededSchedule _schedule;
    private readonly List<WaitOperation> _operations = [];
    private readonly BlockedRequest?[] _waiting = new BlockedRequest?[Clients];
    private readonly bool[] _isKilled = new bool[Clients];
    private int _elements;
    private int _finished;

    public WaitHistory(int seed)
    {
        _seed = seed;
        _keyspace = new Keyspace(new KeyspaceShape(4, 1, Clients), _memory, new KeyHasher((ulong)seed));
        _schedule = new SeededSchedule(seed, Clients + 1);
        _log.Attach(_copy);
    }

    /// <summary>Runs and checks; throws <see cref="HistoryException"/> when the history is impossible.</summary>
    public void Check()
    {
        var bodies = new List<Action>();
        for (var i = 0; i < Clients; i++)
        {
            var client = i;
            bodies.Add(() => RunClient(client));
        }

        bodies.Add(RunEnder);
        _schedule.Run(bodies);
        var looks = LookAtAll();
        var search = new WaitSearch(_operations, Clients + 1);
        if (!search.Holds())
            throw Failed($"no order explains more than {search.Longest} of {_operations.Count} operations", Report());
        CheckLog(looks);
        if (_keyspace.SumOver(static one => one.Awaited.Count + one.Watched.Count) > 0)
            throw Failed("somebody is left behind", Report());
    }

    public void Dispose()
    {
        _schedule.Dispose();
        _keyspace.Dispose();
        _memory.Dispose();
    }

    private static HistoryException Failed(string reason, IEnumerable<string> lines) =>
        new(reason + "\n" + string.Join('\n', lines));

    private IEnumerable<string> Report() =>
        _operations.OrderBy(static one => one.Began).Select(static one => one.ToString());

    private void RunClient(int index)
    {
        var random = new Random((_seed * 31) + index);
        var driver = new Driver(this, index);
        for (var i = 0; i < Operations / Clients; i++)
        {
            if (random.Next(3) == 0) RunTransaction(driver, random);
            else Run(driver, Generate(random, mayWait: true));
        }

        driver.Leave();
        _finished++;
    }

    // WATCH, a look, and EXEC, or something else after all.
    private void RunTransaction(Driver driver, Random random)
    {
        if (random.Next(2) == 0)
        {
            RunSkewed(driver, random);
            return;
        }

        if (random.Next(4) > 0)
        {
            var watched = AnyKey(random);
            Run(driver, random.Next(2) == 0 ? ["WATCH", watched] : ["WATCH", watched, AnyKey(random)]);
            if (random.Next(2) == 0) Run(driver, ["GET", watched]);
        }

        if (random.Next(10) == 0)
        {
            Run(driver, ["UNWATCH"]);
            return;
        }

        driver.Ask(["MULTI"]);
        var recorded = new List<string> { "EXEC" };
        for (var i = random.Next(4); i >= 0; i--)
        {
            var args = Generate(random, mayWait: true);
            driver.Ask(args);
            recorded.AddRange([.. args, WaitModel.Next]);
        }

        Run(driver, ["EXEC"], [.. recorded]);
    }

    // Watches one string and changes another one: of two that do so crosswise at the same time, one must fail.
    private void RunSkewed(Driver driver, Random random)
    {
        var watched = random.Next(Strings);
        Run(driver, ["WATCH", $"s{watched}"]);
        Run(driver, ["GET", $"s{watched}"]);
        string[] change = ["INCR", $"s{(watched + 1) % Strings}"];
        driver.Ask(["MULTI"]);
        driver.Ask(change);
        Run(driver, ["EXEC"], ["EXEC", .. change, WaitModel.Next]);
    }

    private void Run(Driver driver, string[] args, string[]? recorded = null)
    {
        var began = _schedule.Step;
        SchedulePoint.Yield();
        var reply = driver.Ask(args);
        SchedulePoint.Yield();
        _operations.Add(new WaitOperation(driver.Index, recorded ?? args, began, _schedule.Step, reply));
    }

    // Ends the wait of anybody now and then, or kills who waits, and does so to everybody when nobody else is left to
    // serve.
    private void RunEnder()
    {
        var random = new Random(_seed + 17);
        while (_finished < Clients)
        {
            SchedulePoint.Yield();
            var areAllWaiting = _waiting.Count(static one => one is { IsWaiting: true }) == Clients - _finished;
            if (!areAllWaiting && random.Next(60) > 0) continue;
            var target = random.Next(Clients);
            if (_waiting[target] is not { } request) continue;
            if (random.Next(3) == 0)
            {
                _isKilled[target] = true; // its own loop does the rest
                continue;
            }

            var began = _schedule.Step;
            SchedulePoint.Yield();
            var hasEnded = request.TryEnd(out _);
            SchedulePoint.Yield();
            if (!hasEnded) continue;
            string[] args = ["END", target.ToString(CultureInfo.InvariantCulture)];
            _operations.Add(new WaitOperation(Ender, args, began, _schedule.Step, ""));
        }
    }

    private string[] Generate(Random random, bool mayWait) => random.Next(mayWait ? 20 : 16) switch
    {
        < 5 => random.Next(3) == 0 ? ["RPUSH", List(random), Element(), Element()] : ["RPUSH", List(random), Element()],
        5 => ["LPOP", List(random)],
        6 => ["LRANGE", List(random), "0", "-1"],
        7 => ["LMOVE", List(random), List(random), "LEFT", "RIGHT"],
        8 => ["RENAME", List(random), List(random)],
        9 => ["GET", AnyKey(random)],
        10 or 11 or 12 => ["INCR", String(random)],
        13 => random.Next(3) == 0 ? ["SET", List(random), "x"] : ["SET", String(random), "1"],
        14 => ["DEL", List(random)],
        15 => random.Next(6) == 0 ? ["FLUSHALL"] : ["LRANGE", List(random), "0", "-1"],
        16 => ["BLPOP", List(random), List(random), "0"],
        17 or 18 => ["BLPOP", List(random), "0"],
        _ => ["BLMOVE", List(random), List(random), "LEFT", "RIGHT", "0"],
    };

    private string Element() => "e" + (_elements++).ToString(CultureInfo.InvariantCulture);

    private static string List(Random random) => "l" + random.Next(Lists).ToString(CultureInfo.InvariantCulture);

    private static string String(Random random) => "s" + random.Next(Strings).ToString(CultureInfo.InvariantCulture);

    private static string AnyKey(Random random) => random.Next(3) == 0 ? List(random) : String(random);

    // When all is over the state is looked at, as the last operations of the history.
    private List<WaitOperation> LookAtAll()
    {
        var driver = new Driver(this, Ender);
        var before = _operations.Count;
        for (var i = 0; i < Lists; i++) Run(driver, ["LRANGE", $"l{i}", "0", "-1"]);
        for (var i = 0; i < Lists; i++) Run(driver, ["GET", $"l{i}"]);
        for (var i = 0; i < Strings; i++) Run(driver, ["GET", $"s{i}"]);
        // The schedule is at an end, and so is its clock: these come behind everything.
        var looks = _operations[before..];
        _operations.RemoveRange(before, looks.Count);
        for (var i = 0; i < looks.Count; i++)
            looks[i] = looks[i] with { Began = _schedule.Step + (2 * i) + 1, Ended = _schedule.Step + (2 * i) + 2 };
        _operations.AddRange(looks);
        return looks;
    }

    private void CheckLog(List<WaitOperation> looks)
    {
        var replayed = new WaitModel();
        _copy.Replay((_, args) => replayed.Replay(args));
        foreach (var look in looks)
        {
            if (replayed.Run(Ender, look.Args).Reply != look.Reply)
                throw Failed("the log does not lead to the state", [$"replayed {replayed.Data()}", .. Report()]);
        }
    }

    // One loop's worth of server: batch stage, executor and a client without a connection.
    private sealed class Driver : ExecutionHost
    {
        private readonly WaitHistory _history;
        private Client _client;
        private readonly RequestBatch _batch;
        private readonly Executor _executor;
        private readonly ReplyWriter _reply = new();
        private readonly Output _output = new();
        private bool _isParked;

        public Driver(WaitHistory history, int index)
        {
            _history = history;
            Index = index;
            _client = NewClient();
            _batch = new RequestBatch(history._table, history._keyspace);
            _executor = new Executor(history._keyspace, new Gates(), history._log, this, history._table, seed: 1);
        }

        public int Index { get; }

        public override long UnixMs => 1_000_000;

        /// <summary>Runs a request and gives its reply, however long that takes.</summary>
        public string Ask(string[] args)
        {
            var request = new EffectBuffer();
            request.Reset(isRecording: true);
            request.Begin(args.Length);
            foreach (var arg in args) request.Argument(Encoding.ASCII.GetBytes(arg));
            var input = request.Bytes.ToArray();
            while (true)
            {
                _batch.Cut(_client, input, 0, input.Length, RequestLimits.Default, 1);
                _reply.Attach(_output, _output.Segment, 0, protocol: 2);
                var outcome = _executor.Run(_client, _batch[0], input, _reply);
                var length = _reply.Detach();
                while (_isParked) SchedulePoint.Yield();
                _client.IsParked = false;
                if (outcome == Outcome.Parked) continue;
                if (_client.Blocked is { } blocked) return Await(blocked);
                return Encoding.ASCII.GetString(_output.Segment, 0, length);
            }
        }

        /// <summary>The client goes, and nothing stays of it in the partitions.</summary>
        public void Leave()
        {
            _executor.Abandon(_client);
            Tidy();
        }

        public override void RefreshClock()
        {
        }

        public override void BeginQuiescence() => throw new NotSupportedException();

        public override void EndQuiescence() => throw new NotSupportedException();

        public override void RunNextTurn(Client client) => throw new NotSupportedException();

        public override void Wait(BlockedRequest request, long timeoutMs) => _history._waiting[Index] = request;

        public override void Deliver(BlockedRequest request) => SchedulePoint.Yield();

        public override IParked Park(Client client)
        {
            _isParked = true;
            return new Parked(this);
        }

        private Client NewClient() => new(Index + 1, connection: null!, mustAuthenticate: false);

        // A served request has its reply before its state says so; an ended one is taken out of the partitions. Nobody
        // learns what became of the request of a client that is gone.
        private string Await(BlockedRequest request)
        {
            ref var isKilled = ref _history._isKilled[Index];
            while (request.IsWaiting && !isKilled) SchedulePoint.Yield();
            _history._waiting[Index] = null;
            if (isKilled)
            {
                isKilled = false;
                Leave();
                _client = NewClient();
                return WaitSearch.Gone;
            }

            _client.TakeBlocked();
            if (!request.HasEnded) return Encoding.ASCII.GetString(request.Reply);
            _executor.EndWait(request, isError: false);
            Tidy();
            return WaitSearch.Ended;
        }

        private void Tidy()
        {
            while (!_executor.IsTidy)
            {
                _executor.Withdraw();
                SchedulePoint.Yield();
            }
        }

        private sealed class Parked(Driver driver) : IParked
        {
            public void Released() => driver._isParked = false;
        }

        private sealed class Output : SegmentSource
        {
            public byte[] Segment { get; } = new byte[64 * 1024];

            public override byte[] Next(int filledInCurrent, int minimumFree, out int start) =>
                throw new HistoryException("a reply was longer than expected");
        }
    }
}
