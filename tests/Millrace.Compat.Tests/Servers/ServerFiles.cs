namespace Millrace.Compat.Tests.Servers;

/// <summary>
/// Finds the executables that the tests start. Debian's redis-tools holds the whole server: its redis-check-rdb, called
/// through a link named redis-server, is redis-server.
/// </summary>
public static class ServerFiles
{
    /// <summary>The real redis-server, which may be a link made in <paramref name="directory"/>.</summary>
    public static string RedisServer(string directory)
    {
        if (OnPath("redis-server") is { } installed)
            return installed;
        string tools = OnPath("redis-check-rdb")
            ?? throw new FileNotFoundException("redis-server is not here: install redis-tools (./dev test does it).");
        string link = Path.Combine(directory, "redis-server");
        if (!File.Exists(link))
            File.CreateSymbolicLink(link, tools);
        return link;
    }

    /// <summary>The server under test: MILLRACE_TEST_SERVER, or the millrace.dll built beside these tests.</summary>
    public static string ServerUnderTest()
    {
        if (TestSettings.Server is { } given)
            return given;
        // artifacts/bin/Millrace.Compat.Tests/<configuration>/ is where this assembly runs.
        var here = new DirectoryInfo(AppContext.BaseDirectory);
        string bin = here.Parent!.Parent!.FullName;
        string[] candidates =
        [
            Path.Combine(bin, "Millrace.Host", here.Name, "millrace.dll"),
            Path.Combine(bin, "Millrace.Host", "release", "millrace.dll"),
            Path.Combine(bin, "Millrace.Host", "debug", "millrace.dll"),
        ];
        return Array.Find(candidates, File.Exists)
            ?? throw new FileNotFoundException($"No millrace.dll: build src/Millrace.Host first ({candidates[0]}).");
    }

    /// <summary>A tool of redis-tools by name.</summary>
    public static string Tool(string name) =>
        OnPath(name) ?? throw new FileNotFoundException($"{name} is not on PATH: install redis-tools.");

    private static string? OnPath(string name)
    {
        string[] directories = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        return directories.Select(directory => Path.Combine(directory, name)).FirstOrDefault(File.Exists);
    }
}
