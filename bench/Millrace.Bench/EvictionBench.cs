// Far more data than `maxmemory` allows, under each policy: how far data goes beyond the limit, whether the right keys
// go, and how long a step of a loop takes meanwhile.
//
//     warm up -> old keys to 80 % of the limit -> half of them are read -> new keys, as many as the unread half:
//     who has gone? -> new keys up to the total: who is left?
//
// One key in ten has no deadline; those of the others are in no order. Beside the writers a connection polls INFO.

using System.Globalization;
using Millrace.Bench.Servers;
using Millrace.Client;
using Millrace.Resp;

namespace Millrace.Bench;

/// <summary>Writes beyond maxmemory under each policy.</summary>
internal sealed class EvictionBench
{
    public const string Help = """
        --limit MB --total MB     maxmemory, and what is written (256, 1024); values are of 1 kB
        --policy NAME[,NAME]      (all)
        --loops N[,N]             (1,4); --rounds N of everything (1)
        --native PATH --io NAME   as for compare; --with-redis: redis-server as well
        """;

    private const int ValueBytes = 1000;
    private const int KeyBytes = 1150; // what a key takes with its value, about
    private const int Writers = 4;
    private const int Batch = 32;
    private const int Reads = 8;
    private const int PersistentEvery = 10;
    private const int PollMs = 10;
    private const int PauseMs = 2500; // recency is known to the second

    private static readonly string[] Policies =
    [
        "noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random",
        "volatile-ttl",
    ];

    private readonly ChildProcesses _children;
    private readonly IReadOnlyList<int> _loops;
    private readonly IReadOnlyList<string> _policies;
    private readonly int _rounds;
    private readonly bool _withRedis;
    private readonly string? _native;
    private readonly string[] _more;
    private readonly long _limitBytes;
    private readonly int _oldKeys;
    private readonly int _totalKeys;
    private readonly string _value = new('v', ValueBytes);
    private long _refused;

    public EvictionBench(Arguments arguments, ChildProcesses children)
    {
        _children = children;
        _limitBytes = arguments.Number("--limit", 256, max: 1 << 20) * 1024L * 1024;
        _oldKeys = (int)(_limitBytes * 8 / 10 / KeyBytes);
        _totalKeys = (int)(arguments.Number("--total", 1024, max: 1 << 20) * 1024L * 1024 / ValueBytes);
        _policies = arguments.Text("--policy")?.Split(',') ?? Policies;
        _loops = arguments.Numbers("--loops", [1, 4], max: 1024);
        _rounds = arguments.Number("--rounds", 1, max: 1000);
        _withRedis = arguments.Flag("--with-redis");
        _native = arguments.Text("--native");
        _more = arguments.Text("--io") is { } io ? ["--io", io] : [];
        arguments.End();
    }

    public async Task<int> RunAsync()
    {
        Console.WriteLine(
            $"{_totalKeys} keys of {ValueBytes} bytes under maxmemory {_limitBytes}; beyond: how far data went over; "
            + "read/unread: keys gone of those that were read and that were not, when as many new ones as unread ones "
            + "had come; misplaced: keys that are left though others with a later deadline have gone");
        Console.WriteLine(
            "policy           server    loops  beyond %   evicted   refused  read/unread gone  persistent gone  "
            + "misplaced  longest step us");
        foreach (var policy in Enumerable.Repeat(_policies, _rounds).SelectMany(static all => all))
        {
            foreach (var loops in _loops)
                await MeasureAsync(ServerRecipe.Millrace(_native, _more), policy, loops).ConfigureAwait(false);
            if (_withRedis && ServerRecipe.Redis(_children.Folder, 1) is { } redis)
                await MeasureAsync(redis, policy, 1).ConfigureAwait(false);
        }

        return 0;
    }

    private async Task MeasureAsync(ServerRecipe recipe, string policy, int loops)
    {
        using var server = new ServerUnderTest(_children, recipe, null, loops);
        var target = new ClientOptions { Port = server.Port };
        await using var control = await RedisClient.ConnectAsync(target).ConfigureAwait(false);
        await control.ExecuteAsync("CONFIG", "SET", "maxmemory-policy", policy).ConfigureAwait(false);
        await WarmUpAsync(control, target).ConfigureAwait(false);
        await control.ExecuteAsync("CONFIG", "SET", "maxmemory", Text(_limitBytes)).ConfigureAwait(false);
        _refused = 0;
        using var stop = new CancellationTokenSource();
        var worst = Task.Run(() => PollAsync(target, stop.Token));
        await WriteAsync(target, 0, _oldKeys).ConfigureAwait(false);
        await Task.Delay(PauseMs).ConfigureAwait(false);
        for (var i = 0; i < Reads; i++) await EachAsync(target, 0, _oldKeys / 2, Get).ConfigureAwait(false);
        await Task.Delay(PauseMs).ConfigureAwait(false);
        await WriteAsync(target, _oldKeys, _oldKeys + (_oldKeys / 2)).ConfigureAwait(false);
        var early = await LeftAsync(target, _oldKeys).ConfigureAwait(false);
        await WriteAsync(target, _oldKeys + (_oldKeys / 2), _totalKeys).ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
        var left = await LeftAsync(target, _totalKeys).ConfigureAwait(false);
        var info = (await control.ExecuteAsync("INFO", "stats").ConfigureAwait(false)).ToString();
        var readGone = early[..(_oldKeys / 2)].Count(static one => !one);
        var unreadGone = early[(_oldKeys / 2)..].Count(static one => !one);
        var persistentGone = Enumerable.Range(0, _totalKeys).Count(i => i % PersistentEvery == 0 && !left[i]);
        var beyond = 100.0 * (await worst.ConfigureAwait(false) - _limitBytes) / _limitBytes;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{policy,-16} {recipe.Name,-9} {loops,5} {beyond,9:F2} {Field(info, "evicted_keys"),9} {_refused,9} "
            + $"{readGone,8}/{unreadGone,-8} {persistentGone,15} {Misplaced(left),10} "
            + $"{Field(info, "loop_longest_step_us"),16}"));
    }

    // Code that has not run yet is compiled: eviction has happened, and all that is asked later has been asked, before
    // anything is measured.
    private async Task WarmUpAsync(RedisClient control, ClientOptions target)
    {
        var warmKeys = Math.Min(_totalKeys, 40_000);
        await control.ExecuteAsync("CONFIG", "SET", "maxmemory", Text(warmKeys / 4L * KeyBytes)).ConfigureAwait(false);
        await WriteAsync(target, 0, warmKeys).ConfigureAwait(false);
        await control.ExecuteAsync("CONFIG", "SET", "maxmemory", "0").ConfigureAwait(false);
        await WriteAsync(target, 0, warmKeys).ConfigureAwait(false);
        await EachAsync(target, 0, warmKeys, Get).ConfigureAwait(false);
        await EachAsync(target, 0, warmKeys, Exists).ConfigureAwait(false);
        await control.ExecuteAsync("INFO", "memory").ConfigureAwait(false);
        await control.ExecuteAsync("INFO", "stats").ConfigureAwait(false);
        await control.ExecuteAsync("FLUSHALL").ConfigureAwait(false);
        await Task.Delay(PauseMs).ConfigureAwait(false);
        await control.ExecuteAsync("CONFIG", "RESETSTAT").ConfigureAwait(false);
    }

    private Task WriteAsync(ClientOptions target, int from, int to) => EachAsync(target, from, to, Set);

    private async Task<bool[]> LeftAsync(ClientOptions target, int keys)
    {
        var left = new bool[keys];
        await EachAsync(target, 0, keys, Exists, (i, reply) => left[i] = reply.Value.Integer == 1)
            .ConfigureAwait(false);
        return left;
    }

    private static void Get(RequestBuffer requests, int i) => requests.Request("GET", Key(i));

    private static void Exists(RequestBuffer requests, int i) => requests.Request("EXISTS", Key(i));

    private void Set(RequestBuffer requests, int i)
    {
        if (i % PersistentEvery == 0) requests.Request("SET", Key(i), _value);
        else requests.Request("SET", Key(i), _value, "EX", Text(SecondsOf(i)));
    }

    private async Task EachAsync(
        ClientOptions target, int from, int to, Action<RequestBuffer, int> ask, Action<int, RawReply>? hear = null)
    {
        var writers = Enumerable.Range(0, Writers).Select(w => Task.Run(async () =>
        {
            await using var client = await RedisClient.ConnectAsync(target).ConfigureAwait(false);
            var requests = new RequestBuffer();
            for (var first = from + (w * Batch); first < to; first += Writers * Batch)
            {
                var end = Math.Min(first + Batch, to);
                requests.Clear();
                for (var i = first; i < end; i++) ask(requests, i);
                var replies = await client.SendBatchAsync(requests, end - first).ConfigureAwait(false);
                for (var i = first; i < end; i++)
                {
                    if (replies[i - first].Value.Kind == RespKind.Error) Interlocked.Increment(ref _refused);
                    hear?.Invoke(i, replies[i - first]);
                }
            }
        }));
        await Task.WhenAll(writers).ConfigureAwait(false);
    }

    private static async Task<long> PollAsync(ClientOptions target, CancellationToken stop)
    {
        await using var client = await RedisClient.ConnectAsync(target, CancellationToken.None).ConfigureAwait(false);
        var worst = 0L;
        while (!stop.IsCancellationRequested)
        {
            var info = (await client.ExecuteAsync("INFO", "memory").ConfigureAwait(false)).ToString();
            worst = Math.Max(worst, long.Parse(Field(info, "used_memory"), CultureInfo.InvariantCulture));
            await Task.Delay(PollMs, CancellationToken.None).ConfigureAwait(false);
        }

        return worst;
    }

    // Those that are left should be the ones with the latest deadlines.
    private static int Misplaced(bool[] left)
    {
        var volatiles = Enumerable.Range(0, left.Length).Where(static i => i % PersistentEvery != 0)
            .OrderByDescending(SecondsOf).ToList();
        return volatiles.Skip(volatiles.Count(i => left[i])).Count(i => left[i]);
    }

    // Between a quarter and one and a quarter million seconds, each once among a million keys that follow each other.
    private static long SecondsOf(int i) => 250_000 + (i * 618_033L % 1_000_003);

    private static string Key(int i) => "key:" + Text(i);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Field(string info, string name)
    {
        var line = info.Split('\n').FirstOrDefault(one => one.StartsWith(name + ":", StringComparison.Ordinal));
        return line is null ? "-" : line[(name.Length + 1)..].Trim();
    }
}
