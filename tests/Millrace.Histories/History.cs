// One history: four clients with overlapping commands, a loop's upkeep and a pause, under one seeded schedule.
//
// The participants use the server's own batch stage and executor, each with a unit of its own, as four loops would.
// Checked afterwards: the replies are linearizable; nothing was written while writes were paused; the log, replayed,
// gives the state that is there.

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

namespace Millrace.Histories;

/// <summary>Makes, runs and checks the history of a seed.</summary>
internal sealed class History : IDisposable
{
    /// <summary>The clients.</summary>
    public const int Clients = 4;

    /// <summary>The commands of all clients together.</summary>
    public const int Operations = 100;

    private const int Databases = 2;
    private const int Keys = 6;
    private const int Pauses = 2;
    private const long StartMs = 1_000_000;

    private readonly int _seed;
    private readonly MemorySource _memory = new();
    private readonly Keyspace _keyspace;
    private readonly CommandTable _table;
    private readonly Gates _gates = new();
    private readonly EffectLog _log = new();
    private readonly LogCopy _copy = new();
    private readonly List<Operation> _operations = [];
    private readonly SeededSchedule _schedule;
    private readonly List<string> _pauseFaults = [];
    private long _clockMs = StartMs;

    public History(int seed)
    {
        _seed = seed;
        _keyspace = new Keyspace(new KeyspaceShape(4, Databases, Clients), _memory, new KeyHasher((ulong)seed));
        _table = new CommandTable(DataCommands.All);
        _schedule = new SeededSchedule(seed, Clients + 2);
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

        bodies.Add(RunUpkeep);
        bodies.Add(RunPauses);
        _schedule.Run(bodies);
        if (_pauseFaults.Count > 0) throw Failed("written while writes were paused", _pauseFaults);
        var search = new Linearizability(_operations, PartitionOf);
        if (!search.Holds(new Model(Databases)))
            throw Failed($"no order explains more than {search.Longest} of {_operations.Count} operations", Report());
        CheckLog();
    }

    public void Dispose()
    {
        _schedule.Dispose();
        _keyspace.Dispose();
        _memory.Dispose();
    }

    private static HistoryException Failed(string reason, IEnumerable<string> lines) =>
        new(reason + "\n" + string.Join('\n', lines));

    private IEnumerable<string> Report() => _operations.OrderBy(one => one.Began).Select(one => one.ToString());

    private int PartitionOf(string key) => _keyspace.PartitionOf(_keyspace.HashOf(Encoding.ASCII.GetBytes(key)));

    private void RunClient(int index)
    {
        var random = new Random((_seed * 31) + index);
        var driver = new Driver(this, index);
        for (var i = 0; i < Operations / Clients; i++)
        {
            _clockMs += random.Next(3);
            var database = random.Next(Databases);
            var args = Generate(random);
            var began = _schedule.Step;
            SchedulePoint.Yield();
            var reply = driver.Run(database, args);
            SchedulePoint.Yield();
            Record(index, database, args, began, driver, reply);
        }
    }

    private void Record(int client, int database, string[] args, long began, Driver driver, string reply)
    {
        var unit = driver.Executor.Unit;
        var ended = _schedule.Step;
        lock (_operations)
            _operations.Add(
                new Operation(client, database, args, began, ended, unit.NowMs, unit.RemovesExpired, reply));
    }

    // Active expiry, as an operation without a reply.
    private void RunUpkeep()
    {
        var driver = new Driver(this, Clients);
        var random = new Random(_seed + 17);
        for (var i = 0; i < 10; i++)
        {
            var partition = random.Next(_keyspace.Shape.Partitions);
            var began = _schedule.Step;
            SchedulePoint.Yield();
            var hasRun = driver.Executor.RemoveDue(partition, 1000, long.MaxValue, driver.Lateness);
            SchedulePoint.Yield();
            if (!hasRun) continue;
            string[] args = ["EXPIRE-CYCLE", partition.ToString(CultureInfo.InvariantCulture)];
            Record(Clients, 0, args, began, driver, "");
        }
    }

    // Closes the gate for writes, waits for the units that were under way, and watches that nothing changes.
    private void RunPauses()
    {
        var unit = new Unit(_keyspace, 1);
        for (var i = 0; i < Pauses; i++)
        {
            for (var wait = 0; wait < 40; wait++) SchedulePoint.Yield();
            _gates.Close(Gate.WritesPaused);
            TakeAllAndRelease(unit);
            var before = _copy.Writes;
            for (var wait = 0; wait < 60; wait++) SchedulePoint.Yield();
            if (_copy.Writes != before) _pauseFaults.Add($"{_copy.Writes - before} blocks during pause {i}");
            _gates.Open(Gate.WritesPaused);
        }
    }

    private void TakeAllAndRelease(Unit unit)
    {
        unit.TryBegin(_keyspace.AllPartitions, _clockMs, patient: true, out _);
        unit.End();
    }

    private static string[] Generate(Random random)
    {
        string Key() => "k" + random.Next(Keys).ToString(CultureInfo.InvariantCulture);
        string Value() => random.Next(1000).ToString(CultureInfo.InvariantCulture);
        return random.Next(16) switch
        {
            0 or 1 => ["MSET", Key(), Value(), Key(), Value(), Key(), Value()],
            2 or 3 => ["MGET", Key(), Key(), Key(), Key()],
            4 or 5 => ["RENAME", Key(), Key()],
            6 => ["COPY", Key(), Key(), "REPLACE"],
            7 => ["COPY", Key(), Key()],
            8 => ["DEL", Key(), Key(), Key()],
            9 => ["DBSIZE"],
            10 => random.Next(4) == 0 ? ["FLUSHDB"] : ["GET", Key()],
            11 => random.Next(3) == 0 ? ["SWAPDB", "0", "1"] : ["INCR", Key()],
            12 => ["SET", Key(), Value(), "PX", (1 + random.Next(20)).ToString(CultureInfo.InvariantCulture)],
            13 => ["PEXPIREAT", Key(), (StartMs + random.Next(120)).ToString(CultureInfo.InvariantCulture)],
            14 => ["INCR", Key()],
            _ => ["SET", Key(), Value()],
        };
    }

    private void CheckLog()
    {
        var replayed = new Model(Databases);
        _copy.Replay(replayed);
        var actual = Physical();
        if (replayed.Text() == actual.Text()) return;
        throw Failed(
            "the log does not lead to the state",
            [$"replayed {replayed.Text()}", $"actual   {actual.Text()}", .. Report()]);
    }

    private Model Physical()
    {
        var model = new Model(Databases);
        Span<byte> scratch = stackalloc byte[32];
        for (var database = 0; database < Databases; database++)
        {
            for (var i = 0; i < Keys; i++)
            {
                var name = "k" + i.ToString(CultureInfo.InvariantCulture);
                var bytes = Encoding.ASCII.GetBytes(name);
                var hash = _keyspace.HashOf(bytes);
                var partition = _keyspace[_keyspace.PartitionOf(hash)];
                if (partition.Table(database)?.Find(hash, bytes) is not { IsMissing: false } entry) continue;
                var value = Encoding.ASCII.GetString(Engine.Values.StringValue.Read(partition.Heap, entry, scratch));
                model.Put(database, name, new Item(value, entry.DeadlineMs));
            }
        }

        return model;
    }

    // One loop's worth of server: batch stage, executor and a client without a connection.
    private sealed class Driver : ExecutionHost
    {
        private readonly History _history;
        private readonly Client _client;
        private readonly RequestBatch _batch;
        private readonly ReplyWriter _reply = new();
        private readonly Output _output = new();
        private readonly Parked _parked = new();

        public Driver(History history, int index)
        {
            _history = history;
            _client = new Client(index + 1, connection: null!, mustAuthenticate: false);
            _batch = new RequestBatch(history._table, history._keyspace);
            Executor = new Executor(history._keyspace, history._gates, history._log, this, history._table, seed: 1);
        }

        public Executor Executor { get; }

        public LatenessHistogram Lateness { get; } = new();

        public override long UnixMs => _history._clockMs;

        public string Run(int database, string[] args)
        {
            _client.Database = database;
            var request = new EffectBuffer();
            request.Reset(isRecording: true);
            request.Begin(args.Length);
            foreach (var arg in args) request.Argument(Encoding.ASCII.GetBytes(arg));
            var input = request.Bytes.ToArray();
            while (true)
            {
                _batch.Cut(_client, input, 0, input.Length, RequestLimits.Default, 1);
                _reply.Attach(_output, _output.Start(), 0, protocol: 2);
                var outcome = Executor.Run(_client, _batch[0], input, _reply);
                var length = _reply.Detach();
                if (outcome == Outcome.Replied)
                    return Encoding.ASCII.GetString(_output.Segment, 0, length);
                while (!_parked.IsReleased) SchedulePoint.Yield();
                _client.IsParked = false;
            }
        }

        public override void RefreshClock()
        {
        }

        public override void BeginQuiescence() => throw new NotSupportedException();

        public override void EndQuiescence() => throw new NotSupportedException();

        public override void RunNextTurn(Client client) => throw new NotSupportedException();

        public override void Wait(BlockedRequest request, long timeoutMs) => throw new NotSupportedException();

        public override void Deliver(BlockedRequest request) => throw new NotSupportedException();

        public override IParked Park(Client client)
        {
            _parked.IsReleased = false;
            return _parked;
        }

        private sealed class Parked : IParked
        {
            public bool IsReleased { get; set; }

            public void Released() => IsReleased = true;
        }

        private sealed class Output : SegmentSource
        {
            public byte[] Segment { get; private set; } = new byte[64 * 1024];

            public byte[] Start() => Segment;

            public override byte[] Next(int filledInCurrent, int minimumFree, out int start) =>
                throw new HistoryException("a reply was longer than expected");
        }
    }
}
