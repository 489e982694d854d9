// Our command line client beside the real redis-cli, on the same server: the same output, complaints and exit codes.

using System.Globalization;
using Millrace.TestServers;

namespace Millrace.Cli.Tests;

public sealed class RealCliTests : IClassFixture<RealCliTests.Server>
{
    private readonly Server _server;

    public RealCliTests(Server server) => _server = server;

    /// <summary>One server with a value of each type, for all tests: they only read, or write what they read.</summary>
    public sealed class Server : IDisposable
    {
        public Server()
        {
            Redis = new RedisServer();
            Port = Redis.Port.ToString(CultureInfo.InvariantCulture);
            CliRun.Real(["-p", Port], """
                set s "a\"b\\c\n\r\t\a\b\x00\x7f\xff z"
                set text hello
                set empty ""
                rpush list a b c d e f g h i j k
                rpush one x
                sadd set m
                hset hash f1 v1 f2 v2
                zadd zset 1.5 a 2 b
                xadd stream 1-1 f v g w
                xadd stream 1-2 f v

                """);
        }

        public RedisServer Redis { get; }

        public string Port { get; }

        public void Dispose() => Redis.Dispose();
    }

    public static TheoryData<string> Commands { get; } =
    [
        "PING", "get s", "get text", "get empty", "get nosuch", "strlen s", "lrange list 0 -1", "lrange one 0 -1",
        "lrange nosuch 0 -1", "smembers set", "smembers nosuch", "hgetall hash", "hgetall nosuch",
        "zrange zset 0 -1 withscores", "zscore zset a", "xrange stream - +", "nosuchcommand a b",
        "lpush text x", "blpop nosuch 0.01", "exec",
        "debug protocol string", "debug protocol integer", "debug protocol double", "debug protocol null",
        "debug protocol array", "debug protocol set", "debug protocol map", "debug protocol verbatim",
        "debug protocol true",
        "debug protocol false", "eval {return{1,{2,{3,'x'},{}},'a'}} 0", "eval {return{}} 0",
        "eval {return{err='A\tb'}} 0",
        "eval {return{{{{1,2}}}}} 0", "command info get", "client getname", "acl whoami", "config get maxmemory*",
        "xinfo stream stream", "xread streams stream 0", "mget s text nosuch", "object help", "type list",
        "select 0", "echo (x)",
    ];

    [Theory]
    [MemberData(nameof(Commands))]
    public void Every_reply_is_shown_alike(string command)
    {
        string[] words = command.StartsWith("eval", StringComparison.Ordinal)
            ? ["eval", command[(command.IndexOf('{', StringComparison.Ordinal) + 1)..command.LastIndexOf('}')], "0"]
            : command.Split(' ');
        foreach (string protocol in new[] { "-2", "-3" })
        {
            AssertAlike([protocol, .. words]);
            AssertAlike([protocol, .. words], isTerminal: true);
        }

        AssertAlike(["--no-raw", .. words]);
        AssertAlike(["--raw", .. words], isTerminal: true);

        AssertAlike(["-3", "-d", "--", "-D", "==", .. words]);
        AssertAlike(["-e", .. words]);
    }

    [Theory]
    [InlineData("-n", "3", "dbsize")]
    [InlineData("-n", "99", "dbsize")]
    [InlineData("-r", "3", "ping")]
    [InlineData("-r", "2", "-i", "0.01", "ping")]
    [InlineData("-r", "0", "ping")]
    [InlineData("-a", "secret", "ping")]
    [InlineData("-a", "secret", "--no-auth-warning", "ping")]
    [InlineData("--user", "nobody", "--pass", "x", "ping")]
    [InlineData("--foo")]
    [InlineData("-n")]
    [InlineData("--quoted-input", "echo", "\"a\\x41b\"")]
    [InlineData("--quoted-input", "echo", "\"a")]
    [InlineData("--quoted-input", "echo", "plain")]
    [InlineData("-X", "tag", "echo", "tag")]
    [InlineData("-X", "tag", "echo", "other")]
    [InlineData("-x", "echo")]
    [InlineData("-x", "set", "xk")]
    [InlineData("client", "setname", "a b")]
    public void Options_work_alike(params string[] args)
    {
        AssertAlike(args, "from\nstdin\n");
        AssertAlike(args, "from stdin", isTerminal: true);
    }

    [Fact]
    public void Pages_of_text_are_shown_as_they_are()
    {
        AssertAlike(["info", "keyspace"]);
        AssertAlike(["info", "keyspace"], isTerminal: true);
        AssertAlike(["cluster", "info"], isTerminal: true);
        AssertAlike(["lolwut", "version", "5", "1", "1", "1"], isTerminal: true);
        AssertAlike(["memory", "doctor"], isTerminal: true);
    }

    [Fact]
    public void A_password_comes_from_the_environment()
    {
        using RedisServer guarded = new("--requirepass", "secret");
        string port = guarded.Port.ToString(CultureInfo.InvariantCulture);
        foreach (string? auth in new[] { "secret", "wrong", null })
        {
            foreach (string[] more in new string[][] { [], ["-3"], ["-n", "3"], ["-u", $"redis://127.0.0.1:{port}/2"] })
            {
                string[] args = ["-p", port, .. more, "client", "getname"];
                Assert.Equal(CliRun.Real(args, auth: auth), CliRun.Ours(args, auth: auth));
            }
        }

        string[] uri = ["-u", $"redis://default:secret@127.0.0.1:{port}/3", "ping"];
        Assert.Equal(CliRun.Real(uri), CliRun.Ours(uri));
    }

    [Fact]
    public void A_refused_connection_is_told_alike()
    {
        string[] args = ["-p", "1", "ping"];
        Assert.Equal(CliRun.Real(args), CliRun.Ours(args));
        args = ["-s", "/nonexistent/s", "ping"];
        Assert.Equal(CliRun.Real(args), CliRun.Ours(args));
    }

    [Fact]
    public void A_Unix_socket_serves_as_well()
    {
        string[] args = ["-s", _server.Redis.SocketPath, "get", "text"];
        Assert.Equal(CliRun.Real(args), CliRun.Ours(args));
        Assert.Equal("hello\n", CliRun.Ours(["-u", "unix://" + _server.Redis.SocketPath, "get", "text"]).Output);
    }

    [Fact]
    public void Lines_from_a_pipe_run_alike()
    {
        const string lines =
            """
            set piped "a b"

            get piped
              get   'piped'
            get "piped
            3 ping
            0 ping
            multi
            incr c
            incr c
            discard
            select 2
            select 99
            dbsize
            echo "\x41\n"
            nosuch
            quit
            echo never
            """;
        AssertAlike([], lines);
        AssertAlike(["--no-raw"], lines);
        AssertAlike(["-3", "--no-raw"], "hgetall hash\nclient no-evict on\nreset\nhgetall hash\n");
    }

    private void AssertAlike(string[] args, string input = "", bool isTerminal = false)
    {
        string[] all = ["-p", _server.Port, .. args];
        Assert.Equal(CliRun.Real(all, input, isTerminal), CliRun.Ours(all, input, isTerminal));
    }
}
