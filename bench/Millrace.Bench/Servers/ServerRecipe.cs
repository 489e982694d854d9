// How a server is started: Millrace as it was built or published, redis-server where it is installed, others by path.

namespace Millrace.Bench.Servers;

/// <summary>A server's name, program and arguments, with {port}, {loops} and {dir} to be filled in.</summary>
internal sealed record ServerRecipe(string Name, string File, IReadOnlyList<string> Arguments)
{
    private static readonly string[] RedisArguments =
        ["--port", "{port}", "--bind", "127.0.0.1", "--save", "", "--dir", "{dir}"];

    /// <summary>Program and arguments in one line, for the report.</summary>
    public string CommandLine =>
        string.Join(' ', Arguments.Select(one => one.Length == 0 ? "''" : one).Prepend(File));

    /// <summary>The same with an append-only file that is never rewritten.</summary>
    /// <param name="policy">When it is on the disk: everysec, always or no.</param>
    public ServerRecipe Appending(string policy) => this with
    {
        Arguments =
        [
            .. Arguments, "--dir", "{dir}", "--appendonly", "yes", "--appendfsync", policy,
            "--auto-aof-rewrite-percentage", "0",
        ],
    };

    /// <summary>Millrace with its shipped defaults, but that nothing is saved, as by the others.</summary>
    /// <param name="native">A published executable, or null: the framework-dependent build beside this one.</param>
    /// <param name="more">Further arguments.</param>
    public static ServerRecipe Millrace(string? native, params string[] more)
    {
        string[] arguments = ["--port", "{port}", "--io-threads", "{loops}", "--save", "", .. more];
        if (native is not null) return new ServerRecipe("millrace", Path.GetFullPath(native), arguments);
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var library = Path.Combine(output.Parent!.Parent!.FullName, "Millrace.Host", output.Name, "millrace.dll");
        return new ServerRecipe("millrace", "dotnet", [library, .. arguments]);
    }

    /// <summary>The redis-server of the system, or null. Debian's redis-tools has it under another name.</summary>
    /// <param name="folder">Where a link with the right name may be made.</param>
    /// <param name="loops">The threads that it may use.</param>
    public static ServerRecipe? Redis(string folder, int loops)
    {
        var arguments = loops > 1 ? [.. RedisArguments, "--io-threads", "{loops}"] : RedisArguments;
        if (FindOnPath("redis-server") is { } server) return new ServerRecipe("redis", server, arguments);
        if (FindOnPath("redis-check-rdb") is not { } other) return null;
        var link = Path.Combine(folder, "redis-server");
        if (!System.IO.File.Exists(link)) System.IO.File.CreateSymbolicLink(link, other);
        return new ServerRecipe("redis", link, arguments);
    }

    /// <summary>redis-server, where it is installed and wanted, and Millrace, as the options say.</summary>
    /// <param name="arguments">Where the options are taken from.</param>
    /// <param name="folder">As for <see cref="Redis"/>.</param>
    /// <param name="loops">The threads that they may use.</param>
    public static List<ServerRecipe> Pair(Arguments arguments, string folder, int loops)
    {
        var native = arguments.Text("--native");
        string[] more = arguments.Text("--io") is { } io ? ["--io", io] : [];
        var redis = arguments.Flag("--without-redis") ? null : Redis(folder, loops);
        ServerRecipe?[] all = [redis, Millrace(native, more)];
        return [.. all.OfType<ServerRecipe>()];
    }

    /// <summary>
    /// A peer as the option gives it: NAME=PATH[ arguments], divided at blanks. With {port} among the arguments they
    /// are all there is; otherwise they follow those that redis-server gets.
    /// </summary>
    public static ServerRecipe Peer(string text)
    {
        var (name, rest) = text.Split('=', 2) is [{ Length: > 0 } first, { Length: > 0 } second]
            ? (first, second)
            : throw new UsageException($"--peer: NAME=PATH[ arguments], not '{text}'");
        var words = rest.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0) throw new UsageException("--peer: no path");
        var isWhole = words.Any(word => word.Contains("{port}", StringComparison.Ordinal));
        return new ServerRecipe(name, words[0], isWhole ? words[1..] : [.. RedisArguments, .. words[1..]]);
    }

    /// <summary>The program of a name in the folders of PATH, or null.</summary>
    public static string? FindOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Where(folder => folder.Length > 0)
            .Select(folder => Path.Combine(folder, program)).FirstOrDefault(System.IO.File.Exists);
}
