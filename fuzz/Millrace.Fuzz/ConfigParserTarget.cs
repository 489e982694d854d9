using System.Text;
using Millrace.Server.Config;

namespace Millrace.Fuzz;

/// <summary>
/// The configuration parser, with includes that are answered from memory. An input that begins with a dash or with
/// "one.conf" is a command line, one argument per line; any other is the text of a file. Promises: it says what is
/// wrong instead of throwing, the same text gives the same values, what CONFIG REWRITE would write of them gives them
/// again, and includes cannot make it read without end.
/// </summary>
public sealed class ConfigParserTarget : FuzzTarget
{
    /// <summary>The target's name.</summary>
    public const string TargetName = "config-parser";

    private const int ReadTwiceEvery = 16;

    // The values of all directives are copied at the start, words become strings, and errors quote their line.
    private const long AllocatedAtLeast = 128 * 1024;
    private const long AllocatedPerByte = 128;
    private const long AllocatedPerFile = 4096;

    private readonly DirectiveTable _table = new(processors: 2, "/srv");
    private long _bytesIncluded;
    private long _filesIncluded;

    /// <summary>A target with a table of its own.</summary>
    public ConfigParserTarget() => Tokens =
    [
        .. _table.Rows.Select(row => row.Name).Concat(
        [
            "include ", "include one.conf\n", "include self.conf\n", "include *.conf\n", "include none.conf\n",
            " yes\n", " no\n", " 1gb\n", " 5%\n", " 0\n", " -1\n", "9223372036854775807", "\"", "'", "\\x00", "#", " ",
            "\n", "\t",
            "user ", "rename-command ", "loadmodule ", "save \"\"\n", "save 900 1\n", "normal 1mb 2mb 60", "replica ",
            "pubsub ", "-::1 ", "127.0.0.1 ", "lua-replicate-commands yes\n", "module.setting ",
            "--port\n1\n", "--save\n", "--requirepass\n", "-\n",
        ]).Select(text => Encoding.Latin1.GetBytes(text)),
    ];

    /// <inheritdoc/>
    public override string Name => TargetName;

    /// <inheritdoc/>
    public override string Assembly => "Millrace.Server";

    /// <inheritdoc/>
    public override string[] SourceFiles =>
        ["ConfigFile.cs", "Directive.cs", "DirectiveType.cs", "SpecialTypes.cs", "MemorySize.cs", "CommandLine.cs"];

    /// <inheritdoc/>
    public override int MaxInputBytes => 1024;

    /// <inheritdoc/>
    public override IReadOnlyList<byte[]> Tokens { get; }

    /// <inheritdoc/>
    public override long AllocationLimit(int inputBytes) =>
        AllocatedAtLeast + (AllocatedPerByte * (inputBytes + _bytesIncluded)) + (AllocatedPerFile * _filesIncluded);

    /// <inheritdoc/>
    public override void Run(ReadOnlySpan<byte> input)
    {
        _bytesIncluded = 0;
        _filesIncluded = 0;
        string? first = Outcome(input, out ConfigValues values);
        if (input.Length % ReadTwiceEvery != 0)
            return;
        string? second = Outcome(input, out ConfigValues again);
        if (!string.Equals(first, second, StringComparison.Ordinal))
            throw new BrokenPromiseException($"the same text gave first \"{first}\", then \"{second}\"");
        Compare(values, again, "the same text gave two values");
        if (first is not null)
            return;
        byte[] written = Written(values);
        _bytesIncluded += written.Length;
        if (Outcome(written, out ConfigValues reread) is { } fault)
            throw new BrokenPromiseException($"what was written of the values is refused: {fault}");
        Compare(values, reread, "what was written gave another value");
    }

    private void Compare(ConfigValues left, ConfigValues right, string fault)
    {
        for (int place = 0; place < _table.Rows.Count; place++)
        {
            if (!string.Equals(left.At(place).Text, right.At(place).Text, StringComparison.Ordinal))
                throw new BrokenPromiseException($"{fault} of {_table.Rows[place].Name}");
        }
    }

    // A file with the lines of all directives; one that has none for a value has no value there.
    private byte[] Written(ConfigValues values)
    {
        var text = new StringBuilder();
        for (int place = 0; place < _table.Rows.Count; place++)
        {
            Directive row = _table.Rows[place];
            IReadOnlyList<string> lines = row.FileLines(values.At(place));
            if (lines.Count == 0 && values.At(place) != row.Default)
                lines = [row.Type.NoneLine];
            foreach (string line in lines)
                text.Append(row.Name).Append(' ').Append(line).Append('\n');
        }

        return Encoding.Latin1.GetBytes(text.ToString());
    }

    private string? Outcome(ReadOnlySpan<byte> input, out ConfigValues values)
    {
        var file = new ConfigFile(_table, new MemoryFiles(this, input.ToArray()));
        ConfigError? error = input.StartsWith("-"u8) || input.StartsWith("one.conf"u8)
            ? file.Load(CommandLine.From(Encoding.Latin1.GetString(input).Split('\n')), standardInput: input)
            : file.Parse(input);
        values = file.Values;
        if (error is not null && string.IsNullOrEmpty(error.Reason))
            throw new BrokenPromiseException("an error without a reason");
        return error?.Report("1.0");
    }

    /// <summary>Files that do not exist on any disk: one that is valid, one that is the input itself.</summary>
    private sealed class MemoryFiles(ConfigParserTarget target, byte[] input) : IConfigFiles
    {
        private readonly ConfigParserTarget _target = target;
        private readonly byte[] _input = input;

        public bool TryRead(string path, int maxBytes, out byte[] content, out string error)
        {
            error = "No such file or directory";
            content = [];
            if (path.EndsWith("one.conf", StringComparison.Ordinal))
                content = "maxclients 100\n"u8.ToArray();
            else if (path.EndsWith("self.conf", StringComparison.Ordinal))
                content = _input;
            else
                return false;
            _target._filesIncluded++;
            _target._bytesIncluded += content.Length;
            return content.Length <= maxBytes;
        }

        public IReadOnlyList<string> Match(string pattern) => ["/srv/one.conf", "/srv/self.conf"];

        public bool DirectoryExists(string path) => !path.Contains('!');
    }
}
