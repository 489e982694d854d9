// Reads configuration: a file in redis.conf's form, standard input, and the directives of the command line, in this
// order, so that later ones override earlier ones.
//
//   text      lines separated by \n; blanks, \t and \r around a line do not count; # starts a comment line
//   line      words by sdssplitargs' quoting rules (Millrace.Resp.InlineWords): name, then values
//   include   another file, or every file that a pattern matches, is read at this place
//
// A directive of one value takes exactly one word. A directive of many values takes the rest of the line; a single word
// that holds blanks is split again, so that --save "900 1" works. The text may come from anywhere and is never
// trusted: its total size, the depth and the number of includes are limited, a NUL byte is an error, and nothing is
// executed. Relative includes and a relative dir start at the directory in force at that line, as they do in Redis,
// where dir changes it at once. O(bytes) plus the files that includes name.

using Millrace.Resp;

namespace Millrace.Server.Config;

/// <summary>Reads configuration texts into values. One instance reads once.</summary>
public sealed class ConfigFile
{
    /// <summary>The most bytes of all texts together.</summary>
    public const int MaxTotalBytes = 16 * 1024 * 1024;

    /// <summary>The most bytes of one line.</summary>
    public const int MaxLineBytes = 1024 * 1024;

    /// <summary>The most words of one line.</summary>
    public const int MaxWords = 4096;

    /// <summary>How deep includes may nest.</summary>
    public const int MaxIncludeDepth = 16;

    /// <summary>How many files includes may read in all.</summary>
    public const int MaxIncludedFiles = 1024;

    private const int ShownBytes = 256;

    private readonly DirectiveTable _table;
    private readonly IConfigFiles _files;
    private readonly DirectiveValue[] _values;
    private readonly SliceList _slices = new();
    private readonly int _dirPlace;
    private byte[] _line = [];
    private int _bytesLeft = MaxTotalBytes;
    private int _filesLeft = MaxIncludedFiles;

    /// <summary>A reader that starts from the defaults of <paramref name="table"/>.</summary>
    /// <param name="table">The declared directives.</param>
    /// <param name="files">Where included files come from.</param>
    public ConfigFile(DirectiveTable table, IConfigFiles files)
    {
        ArgumentNullException.ThrowIfNull(table);
        _table = table;
        _files = files;
        _values = table.Defaults().Copy();
        _dirPlace = table.PlaceOf("dir");
    }

    /// <summary>The values after what has been read.</summary>
    public ConfigValues Values => new(_table, (DirectiveValue[])_values.Clone());

    /// <summary>Reads what a command line names: its file, then <paramref name="standardInput"/>, then its own
    /// directives.
    /// </summary>
    /// <param name="commandLine">The parsed command line.</param>
    /// <param name="standardInput">What standard input held; ignored unless the command line asks for it.</param>
    /// <returns>What is wrong, or null.</returns>
    public ConfigError? Load(CommandLine commandLine, ReadOnlySpan<byte> standardInput)
    {
        ArgumentNullException.ThrowIfNull(commandLine);
        if (commandLine.File is { } path)
        {
            if (ReadFile(path, out byte[] content) is { } reason) return ConfigError.OfFile(path, reason);
            if (Parse(content, ConfigSource.File, path: null, depth: 0) is { } error) return error;
        }

        if (commandLine.ReadsStandardInput
            && Parse(standardInput, ConfigSource.StandardInput, path: null, depth: 0) is { } inputError)
            return inputError;
        return Parse(
            ConfigText.ToBytes(commandLine.Directives), ConfigSource.CommandLine, path: null, depth: 0);
    }

    /// <summary>Reads one text.</summary>
    /// <param name="text">The text; not kept.</param>
    /// <returns>What is wrong, or null.</returns>
    public ConfigError? Parse(ReadOnlySpan<byte> text) => Parse(text, ConfigSource.File, path: null, depth: 0);

    private ConfigError? Parse(ReadOnlySpan<byte> text, ConfigSource source, string? path, int depth)
    {
        _bytesLeft -= text.Length;
        if (_bytesLeft < 0) return ConfigError.OfFile(path ?? "", $"more than {MaxTotalBytes} bytes of configuration");
        int number = 0;
        while (text.Length > 0)
        {
            number++;
            int end = text.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = (end < 0 ? text : text[..end]).Trim(" \t\r\n"u8);
            text = end < 0 ? default : text[(end + 1)..];
            if (line.Length == 0 || line[0] == (byte)'#') continue;
            if (ParseLine(line, depth, out string[] words) is not { } reason) continue;
            return reason.Inner ?? new ConfigError(source, path, number, Shown(line, words), reason.Text);
        }

        return null;
    }

    /// <summary>The line as an error report may show it: without the value of a secret directive.</summary>
    private string Shown(ReadOnlySpan<byte> line, string[] words)
    {
        string name = words.Length > 0 ? words[0] : "";
        if (name.Length == 0)
        {
            int end = line.IndexOfAny(" \t\"'"u8);
            name = ConfigText.FromBytes(end < 0 ? line : line[..end]);
        }

        bool isSecret = name.Equals("user", StringComparison.OrdinalIgnoreCase)
            || _table.Find(name) is { IsSensitive: true };
        if (isSecret) return name + " (redacted)";
        return line.Length <= ShownBytes
            ? ConfigText.FromBytes(line)
            : ConfigText.FromBytes(line[..ShownBytes]) + "...";
    }

    private Fault? ParseLine(ReadOnlySpan<byte> line, int depth, out string[] words)
    {
        words = [];
        if (line.Length > MaxLineBytes) return new Fault($"more than {MaxLineBytes} bytes in one line");
        if (line.Contains((byte)0)) return new Fault("NUL byte in configuration line");
        if (Split(line, out words) is { } unsplittable) return new Fault(unsplittable);
        if (words.Length == 0) return null;
        string name = words[0];
        int place = _table.PlaceOf(name);
        if (place >= 0) return SetDirective(place, words) is { } reason ? new Fault(reason) : null;
        if (DirectiveTable.IsIgnored(name) && words.Length == 2) return null;
        if (name.Equals("include", StringComparison.OrdinalIgnoreCase) && words.Length == 2)
            return Include(words[1], depth + 1);
        if (DirectiveTable.RefusalOf(name) is { } refusal) return new Fault(refusal);
        string hint = _table.Suggest(name) is { } suggestion
            ? $"there is no directive '{name}', did you mean '{suggestion}'?"
            : $"there is no directive '{name}'";
        return new Fault("Bad directive or wrong number of arguments: " + hint);
    }

    private string? SetDirective(int place, string[] words)
    {
        Directive directive = _table.Rows[place];
        ReadOnlySpan<string> values = words.AsSpan(1);
        if (!directive.TakesManyWords && values.Length != 1) return "wrong number of arguments";
        if (directive.TakesManyWords && values.Length == 1 && values[0].Length > 0)
        {
            if (Split(ConfigText.ToBytes(values[0]), out string[] again) is { } unsplittable) return unsplittable;
            values = again;
        }

        if (!directive.TryParse(values, _values[place], out DirectiveValue? value, out string? error)) return error;
        if (place == _dirPlace && !_files.DirectoryExists(ConfigText.ToDisplay(value.Text)))
            return $"No such directory: '{value.Text}'";
        _values[place] = value;
        return null;
    }

    private Fault? Include(string pattern, int depth)
    {
        if (depth > MaxIncludeDepth) return new Fault($"includes are nested deeper than {MaxIncludeDepth} files");
        string directory = ConfigText.ToDisplay(_values[_dirPlace].Text);
        if (pattern.Length == 0 || pattern.Contains('\0')) return new Fault("include needs the name of a file");
        string path = Path.Combine(directory, ConfigText.ToDisplay(pattern));
        IEnumerable<string> matches = pattern.AsSpan().IndexOfAny("*?[") < 0 ? [path] : _files.Match(path);
        foreach (string match in matches)
        {
            if (--_filesLeft < 0) return new Fault($"more than {MaxIncludedFiles} included files");
            if (ReadFile(match, out byte[] content) is { } reason)
                return new Fault(ConfigError.OfFile(match, reason).Reason);
            if (Parse(content, ConfigSource.IncludedFile, match, depth) is { } error) return new Fault("", error);
        }

        return null;
    }

    private string? ReadFile(string path, out byte[] content) =>
        _files.TryRead(path, _bytesLeft, out content, out string reason) ? null : reason;

    /// <summary>Cuts a line into words; says why it cannot, or null.</summary>
    private string? Split(ReadOnlySpan<byte> line, out string[] words)
    {
        if (_line.Length < line.Length) _line = new byte[Math.Max(line.Length, _line.Length * 2)];
        Span<byte> scratch = _line.AsSpan(0, line.Length);
        line.CopyTo(scratch);
        _slices.Clear();
        words = [];
        if (!InlineWords.Split(scratch, _slices)) return "Unbalanced quotes in configuration line";
        if (_slices.Count > MaxWords) return $"more than {MaxWords} words in one line";
        words = new string[_slices.Count];
        for (int i = 0; i < words.Length; i++)
        {
            Slice slice = _slices.AsSpan()[i];
            words[i] = ConfigText.FromBytes(scratch.Slice(slice.Offset, slice.Length));
        }

        return null;
    }

    /// <summary>What is wrong with a line: a sentence, or the error of an included file, which says it all.</summary>
    private sealed record Fault(string Text, ConfigError? Inner = null);
}
