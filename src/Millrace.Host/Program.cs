// The millrace executable.
//
//     millrace [file.conf | -] [--directive value ...]     run the server
//     millrace cli [options] [command]                     talk to a server
//     millrace --version | --help

using System.Text;
using Millrace.Cli;
using Millrace.Server;

namespace Millrace.Host;

/// <summary>Chooses what the executable does.</summary>
internal static class Program
{
    private const int Success = 0;

    /// <summary>The version of the executable, three numbers.</summary>
    internal static string Version { get; } = typeof(Program).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    private static int Main(string[] arguments)
    {
        switch (arguments.FirstOrDefault())
        {
            case "-v" or "--version":
                return Print($"Millrace server v={Version} redis_version={MillraceServer.RedisVersion} bits=64\n");
            case "-h" or "--help":
                return Print(Usage);
            case "cli":
                return CliProgram.Run(arguments.AsSpan(1).ToArray());
            default:
                return new ServerProcess(arguments).Run();
        }
    }

    private static int Print(string text)
    {
        using Stream output = Console.OpenStandardOutput();
        output.Write(Encoding.UTF8.GetBytes(text));
        return Success;
    }

    private const string Usage =
        """
        Usage: millrace [/path/to/redis.conf] [--directive value ...] [-]
               millrace - (read the configuration from standard input)
               millrace cli [options] [command [argument ...]]
               millrace -v or --version
               millrace -h or --help

        Directives are those of redis.conf; later ones override earlier ones.
        Two more choose how the server uses the machine:
               --io-threads N                     event loops (default: one per core)
               --io auto|io_uring|epoll|sockets   how they wait for clients (default: auto)

        Examples:
               millrace (run the server with default settings)
               echo 'maxclients 100' | millrace -
               millrace /etc/millrace/6379.conf
               millrace --port 7777 --requirepass secret
               millrace /etc/millrace/6379.conf --loglevel verbose
               millrace cli -p 7777 ping

        """;
}
