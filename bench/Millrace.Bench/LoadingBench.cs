// How long a server takes to load its data: from the start of the process to the first PONG, which it does not answer
// before, and the CPU time that it takes for it. The file, RDB or append-only, is made by Millrace, in a version that
// redis-server 7.0 reads.

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Millrace.Bench.Compare;
using Millrace.Bench.Servers;
using Millrace.Client;

namespace Millrace.Bench;

/// <summary>Loading an RDB file, or an append-only file of commands, beside redis-server.</summary>
internal sealed class LoadingBench
{
    public const string Help = """
        --keys N --value N        keys in the file, and bytes of each value (10000000 of 64)
        --file PATH               loads that file instead of one that is made
        --aof                     an append-only file that has a SET for each key instead
        --loops LIST --rounds N   event loops of Millrace (1,2); starts of each server, in turns (3)
        --native PATH --io NAME   as for compare; --without-redis
        """;

    private const int StartLimitMs = 600_000;
    private const int SetsPerRow = 1000;
    private const string Ok = "+OK\r\n";
    private const string FileName = "dump.rdb";
    private const string AofFolder = "appendonlydir";

    private readonly ChildProcesses _children;
    private readonly List<(ServerRecipe Recipe, int Loops)> _servers = [];
    private readonly ServerRecipe _maker;
    private readonly string? _file;
    private readonly bool _isAof;
    private readonly int _keys;
    private readonly int _valueBytes;
    private readonly int _rounds;

    public LoadingBench(Arguments arguments, ChildProcesses children)
    {
        _children = children;
        _keys = arguments.Number("--keys", 10_000_000, max: 1_000_000_000);
        _valueBytes = arguments.Number("--value", 64, max: 1_000_000);
        _rounds = arguments.Number("--rounds", 3, max: 1000);
        _file = arguments.Text("--file") is { } path ? Path.GetFullPath(path) : null;
        _isAof = arguments.Flag("--aof");
        var loops = arguments.Numbers("--loops", [1, 2], max: 1024);
        var recipes = ServerRecipe.Pair(arguments, children.Folder, loops: 1);
        arguments.End();
        var directory = Path.GetDirectoryName(_file) ?? children.Folder;
        string[] where = _isAof
            ? ["--dir", directory, "--appendonly", "yes", "--appendfsync", "everysec"]
            : ["--dir", directory, "--dbfilename", Path.GetFileName(_file) ?? FileName];
        _maker = recipes[^1] with
        {
            Arguments = [.. recipes[^1].Arguments, .. where, "--rdb-version", "10", "--enable-debug-command", "yes"],
        };
        foreach (var recipe in recipes)
        {
            foreach (var count in recipe.Name == _maker.Name ? loops : [1])
            {
                var named = recipe with
                {
                    Name = recipe.Name == _maker.Name ? $"{recipe.Name}, {count} loops" : recipe.Name,
                    Arguments = [.. recipe.Arguments, .. where],
                };
                _servers.Add((named, count));
            }
        }
    }

    public async Task<int> RunAsync()
    {
        if (_file is null) await MakeAsync().ConfigureAwait(false);
        var seen = _servers.ToDictionary(one => one, _ => new List<(double Seconds, double Cpu, double Megabytes)>());
        for (var round = 0; round < _rounds; round++)
        {
            foreach (var one in _servers)
            {
                using var server = new ServerUnderTest(
                    _children, one.Recipe, cores: null, one.Loops, new StartPatience(TryMs: 0.2, StartLimitMs));
                seen[one].Add((
                    server.StartTime.TotalSeconds, server.CpuMicroseconds / 1e6, server.ResidentBytes / 1e6));
            }
        }

        var length = LoadedBytes();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"from the start of the process to the first PONG, a file of {length / 1e6:F0} MB, {_rounds} rounds"));
        Console.WriteLine("server                seconds (min, max)      CPU s   resident MB   ratio");
        var first = Comparison.Median([.. seen[_servers[0]].Select(static run => run.Seconds)]);
        foreach (var (one, runs) in seen)
        {
            var seconds = runs.Select(static run => run.Seconds).ToList();
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{one.Recipe.Name,-20} {Comparison.Median(seconds),8:F2} ({seconds.Min():F2}, {seconds.Max():F2}) "
                + $"{Comparison.Median([.. runs.Select(static run => run.Cpu)]),10:F2} "
                + $"{Comparison.Median([.. runs.Select(static run => run.Megabytes)]),12:F0} "
                + $"{Comparison.Median(seconds) / first,8:F2}"));
        }

        return 0;
    }

    private async Task MakeAsync()
    {
        using var server = new ServerUnderTest(_children, _maker, cores: null, loops: 1);
        if (_isAof)
        {
            Append(server.Port);
            return;
        }

        await using var client = await RedisClient.ConnectAsync(new ClientOptions { Port = server.Port })
            .ConfigureAwait(false);
        await client.ExecuteAsync("DEBUG", "POPULATE", Text(_keys), "key", Text(_valueBytes)).ConfigureAwait(false);
        await client.ExecuteAsync("SAVE").ConfigureAwait(false);
    }

    // What clients have written is what a server replays: DEBUG POPULATE leaves no trace in the file.
    private void Append(int port)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPAddress.Loopback, port);
        var replies = new byte[SetsPerRow * Ok.Length];
        var requests = new StringBuilder();
        for (var key = 0; key < _keys;)
        {
            var until = Math.Min(key + SetsPerRow, _keys);
            var left = (until - key) * Ok.Length;
            requests.Clear();
            for (; key < until; key++)
            {
                var (name, value) = ($"key:{key}", $"value:{key}".PadRight(_valueBytes, 'x'));
                requests.Append($"*3\r\n$3\r\nSET\r\n${name.Length}\r\n{name}\r\n${value.Length}\r\n{value}\r\n");
            }

            socket.Send(Encoding.ASCII.GetBytes(requests.ToString()));
            while (left > 0) left -= socket.Receive(replies.AsSpan(0, left));
        }
    }

    private long LoadedBytes() => _isAof
        ? Directory.GetFiles(Path.Combine(_children.Folder, AofFolder)).Sum(static path => new FileInfo(path).Length)
        : new FileInfo(_file ?? Path.Combine(_children.Folder, FileName)).Length;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
