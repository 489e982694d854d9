// What the tests of this folder share: a table that does not depend on the machine, and files that exist in memory
// only.

using System.Text;
using Millrace.Engine;
using Millrace.Server.Config;

namespace Millrace.Server.Tests.Config;

internal static class TestTable
{
    /// <summary>The table of a server with a configuration file; or one without, when bind is given so.</summary>
    internal static DirectiveTable New(string bind = DirectiveTable.BindAll) =>
        new(processors: 4, currentDirectory: "/start", bind);

    internal static Configuration Configuration(string text = "")
    {
        var file = new ConfigFile(New(), new MemoryFiles());
        Assert.Null(file.Parse(Encoding.Latin1.GetBytes(text)));
        return new Configuration(file.Values);
    }

    /// <summary>Reads a text that must be good and answers one directive's value.</summary>
    internal static string ValueOf(string name, string text)
    {
        var file = new ConfigFile(New(), new MemoryFiles());
        ConfigError? error = file.Parse(Encoding.Latin1.GetBytes(text));
        Assert.True(error is null, error?.Report("test"));
        return file.Values[name].Text;
    }

    /// <summary>Reads a text that must be wrong and answers why.</summary>
    internal static ConfigError ErrorOf(string text, MemoryFiles? files = null)
    {
        ConfigError? error = new ConfigFile(New(), files ?? new MemoryFiles()).Parse(Encoding.Latin1.GetBytes(text));
        Assert.NotNull(error);
        return error;
    }

    internal static string? Set(this Configuration configuration, params string[] words)
    {
        var pairs = new List<KeyValuePair<string, string>>();
        for (int i = 0; i < words.Length; i += 2) pairs.Add(new(words[i], words[i + 1]));
        return configuration.Set(pairs, callerIsLocal: true);
    }

    internal static string GetText(this Configuration configuration, params string[] patterns) =>
        string.Join('|', configuration.Get(patterns).Select(pair => $"{pair.Key}={pair.Value}"));
}

/// <summary>Configuration files by path.</summary>
internal sealed class MemoryFiles : IConfigFiles
{
    internal Dictionary<string, string> Texts { get; } = [];

    internal int Reads { get; private set; }

    public bool TryRead(string path, int maxBytes, out byte[] content, out string error)
    {
        Reads++;
        content = Texts.TryGetValue(path, out string? text) ? Encoding.Latin1.GetBytes(text) : [];
        error = text is null ? "No such file or directory"
            : content.Length > maxBytes ? $"more than {maxBytes} bytes"
            : "";
        return error.Length == 0;
    }

    public IReadOnlyList<string> Match(string pattern) =>
    [
        .. Texts.Keys
            .Where(path => Glob.Matches(Encoding.UTF8.GetBytes(pattern), Encoding.UTF8.GetBytes(path)))
            .Order(),
    ];

    public bool DirectoryExists(string path) => !path.Contains("missing");
}
