// The directives whose words have a form of their own: save points, buffer limits, signal flags and so on. Each type
// follows one setter of Redis's config.c, with its error texts, and answers in the same canonical form.

using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Millrace.Server.Config;

/// <summary>Words that are kept as they are, joined by single spaces: addresses, for instance.</summary>
public sealed class WordListType : DirectiveType
{
    private readonly int _maxWords;
    private readonly string _tooMany;

    /// <summary>At most <paramref name="maxWords"/> words.</summary>
    /// <param name="maxWords">The limit.</param>
    /// <param name="tooMany">The error beyond it.</param>
    public WordListType(int maxWords, string tooMany)
    {
        _maxWords = maxWords;
        _tooMany = tooMany;
    }

    /// <inheritdoc/>
    public override bool TakesManyWords => true;

    /// <inheritdoc/>
    public override string Form => "words";

    /// <inheritdoc/>
    public override IReadOnlyList<string> FileLines(DirectiveValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return [value.Text.Length == 0 ? NoneLine : value.Text];
    }

    /// <inheritdoc/>
    public override bool TryParse(
        ReadOnlySpan<string> words,
        DirectiveValue? current,
        [NotNullWhen(true)] out DirectiveValue? value,
        [NotNullWhen(false)] out string? error)
    {
        if (words.Length > _maxWords) return Fail(_tooMany, out value, out error);
        var text = new StringBuilder();
        foreach (string word in words)
        {
            if (word.Contains('\0')) return Fail("argument must not contain a NUL byte", out value, out error);
            if (word.Length == 0) continue;
            if (word.Contains(' ')) return Fail("argument must not contain a space", out value, out error);
            // A configuration file has the words without quotes.
            if (word.AsSpan().IndexOfAnyInRange('\x01', '\x1f') >= 0 || word.AsSpan().IndexOfAny("\"'\\") >= 0)
                return Fail("argument must not contain quotes and control characters", out value, out error);
            if (text.Length > 0) text.Append(' ');
            text.Append(word);
        }

        return Succeed(text.ToString(), 0, out value, out error);
    }
}

/// <summary>Save points: pairs of seconds and changes; an empty word means none.</summary>
public sealed class SavePointsType : DirectiveType
{
    /// <inheritdoc/>
    public override bool TakesManyWords => true;

    /// <inheritdoc/>
    public override string Form => "\"\" or pairs of seconds and changes";

    /// <inheritdoc/>
    public override IReadOnlyList<string> FileLines(DirectiveValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return [value.Text.Length == 0 ? NoneLine : value.Text];
    }

    /// <inheritdoc/>
    public override bool TryParse(
        ReadOnlySpan<string> words,
        DirectiveValue? current,
        [NotNullWhen(true)] out DirectiveValue? value,
        [NotNullWhen(false)] out string? error)
    {
        if (words.Length == 0 || (words.Length == 1 && words[0].Length == 0))
            return Succeed("", 0, out value, out error);
        if ((words.Length & 1) != 0) return Fail("Invalid save parameters", out value, out error);
        var text = new StringBuilder();
        for (int i = 0; i < words.Length; i++)
        {
            bool isNumber = int.TryParse(words[i], NumberStyles.None, CultureInfo.InvariantCulture, out int number);
            if (!isNumber || ((i & 1) == 0 && number < 1)) return Fail("Invalid save parameters", out value, out error);
            if (i > 0) text.Append(' ');
            text.Append(CultureInfo.InvariantCulture, $"{number}");
        }

        return Succeed(text.ToString(), words.Length / 2, out value, out error);
    }
}

/// <summary>The output buffer limits of the three client classes; a class that is not named keeps its limits.</summary>
public sealed class BufferLimitsType : DirectiveType
{
    private const int WordsPerClass = 4;

    /// <inheritdoc/>
    public override bool TakesManyWords => true;

    /// <inheritdoc/>
    public override string Form => "groups of class (normal, replica, pubsub), hard limit, soft limit, soft seconds";

    /// <inheritdoc/>
    public override IReadOnlyList<string> FileLines(DirectiveValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return OutputBufferLimits.FromText(value.Text).ToFileLines();
    }

    /// <inheritdoc/>
    public override bool TryParse(
        ReadOnlySpan<string> words,
        DirectiveValue? current,
        [NotNullWhen(true)] out DirectiveValue? value,
        [NotNullWhen(false)] out string? error)
    {
        if (words.Length % WordsPerClass != 0)
            return Fail("Wrong number of arguments in buffer limit configuration.", out value, out error);
        OutputBufferLimits limits = current is null ? default : OutputBufferLimits.FromText(current.Text);
        for (int i = 0; i < words.Length; i += WordsPerClass)
        {
            if (!OutputBufferLimits.TryParseClass(words[i], out OutputClass outputClass))
                return Fail("Invalid client class specified in buffer limit configuration.", out value, out error);
            if (!MemorySize.TryParse(words[i + 1], out ulong hard) || hard > long.MaxValue
                || !MemorySize.TryParse(words[i + 2], out ulong soft) || soft > long.MaxValue
                || !int.TryParse(words[i + 3], NumberStyles.None, CultureInfo.InvariantCulture, out int seconds))
            {
                return Fail(
                    "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
                    out value,
                    out error);
            }

            limits = limits.With(outputClass, new OutputBufferLimit((long)hard, (long)soft, seconds));
        }

        return Succeed(limits.ToText(), 0, out value, out error);
    }
}

/// <summary>What a signal's shutdown does: default, or flags.</summary>
public sealed class ShutdownFlagsType : DirectiveType
{
    private static readonly string[] Names = ["default", "save", "nosave", "now", "force"];

    /// <inheritdoc/>
    public override bool TakesManyWords => true;

    /// <inheritdoc/>
    public override string Form => "default | save or nosave, now, force";

    /// <inheritdoc/>
    public override bool TryParse(
        ReadOnlySpan<string> words,
        DirectiveValue? current,
        [NotNullWhen(true)] out DirectiveValue? value,
        [NotNullWhen(false)] out string? error)
    {
        int flags = 0;
        foreach (string word in words)
        {
            int index = Array.FindIndex(Names, name => name.Equals(word, StringComparison.OrdinalIgnoreCase));
            if (index < 0) return FailWithNames(out value, out error);
            flags |= 1 << index;
        }

        if (words.Length == 0) return FailWithNames(out value, out error);
        flags &= ~1;
        const int save = 1 << 1;
        const int noSave = 1 << 2;
        if ((flags & save) != 0 && (flags & noSave) != 0)
            return Fail("shutdown options SAVE and NOSAVE can't be used simultaneously", out value, out error);
        if (flags == 0) return Succeed("default", 0, out value, out error);
        var text = new StringBuilder();
        for (int i = 1; i < Names.Length; i++)
        {
            if ((flags & (1 << i)) == 0) continue;
            if (text.Length > 0) text.Append(' ');
            text.Append(Names[i]);
        }

        return Succeed(text.ToString(), flags, out value, out error);
    }

    private static bool FailWithNames(out DirectiveValue? value, [NotNull] out string? error) =>
        Fail("argument(s) must be one of the following: " + string.Join(", ", Names), out value, out error);
}

/// <summary>Three adjustments of the kernel's out-of-memory score.</summary>
public sealed class OomScoresType : DirectiveType
{
    private const int Scores = 3;
    private const int Limit = 2000;

    /// <inheritdoc/>
    public override bool TakesManyWords => true;

    /// <inheritdoc/>
    public override string Form => "three numbers, -2000 to 2000";

    /// <inheritdoc/>
    public override bool TryParse(
        ReadOnlySpan<string> words,
        DirectiveValue? current,
        [NotNullWhen(true)] out DirectiveValue? value,
        [NotNullWhen(false)] out string? error)
    {
        if (words.Length != Scores) return Fail("wrong number of arguments", out value, out error);
        int[] scores = new int[Scores];
        for (int i = 0; i < Scores; i++)
        {
            bool isNumber = int.TryParse(
                words[i], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out scores[i]);
            if (isNumber && scores[i] >= -Limit && scores[i] <= Limit) continue;
            return Fail(
                "Invalid oom-score-adj-values, elements must be between -2000 and 2000.", out value, out error);
        }

        return Succeed(string.Join(' ', scores), 0, out value, out error);
    }

    /// <summary>The first score of a canonical text: that of a server which is no replica.</summary>
    /// <param name="text">A value's text.</param>
    public static int ScoreOf(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        ReadOnlySpan<char> first = text.AsSpan(0, text.IndexOf(' '));
        return int.Parse(first, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
    }
}

/// <summary>Percentiles from 0 to 100.</summary>
public sealed class PercentilesType : DirectiveType
{
    /// <inheritdoc/>
    public override bool TakesManyWords => true;

    /// <inheritdoc/>
    public override string Form => "numbers, 0.0 to 100.0";

    /// <inheritdoc/>
    public override IReadOnlyList<string> FileLines(DirectiveValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return [value.Text.Length == 0 ? NoneLine : value.Text];
    }

    /// <inheritdoc/>
    public override bool TryParse(
        ReadOnlySpan<string> words,
        DirectiveValue? current,
        [NotNullWhen(true)] out DirectiveValue? value,
        [NotNullWhen(false)] out string? error)
    {
        if (words.Length == 0 || (words.Length == 1 && words[0].Length == 0))
            return Succeed("", 0, out value, out error);
        string[] texts = new string[words.Length];
        for (int i = 0; i < words.Length; i++)
        {
            bool isNumber = double.TryParse(
                words[i],
                NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
                CultureInfo.InvariantCulture,
                out double percentile);
            if (!isNumber || double.IsNaN(percentile))
                return Fail("Invalid latency-tracking-info-percentiles parameters", out value, out error);
            if (percentile is < 0.0 or > 100.0)
            {
                return Fail(
                    "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]",
                    out value,
                    out error);
            }

            texts[i] = (percentile + 0.0).ToString("0.######", CultureInfo.InvariantCulture);
        }

        return Succeed(string.Join(' ', texts), texts.Length, out value, out error);
    }

    /// <summary>The numbers of a value of this type.</summary>
    internal static double[] ValuesOf(DirectiveValue value) => Array.ConvertAll(
        value.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries),
        static word => double.Parse(word, CultureInfo.InvariantCulture));
}

/// <summary>A directory: what is written is resolved against the directory in force.</summary>
public sealed class DirectoryType : DirectiveType
{
    /// <inheritdoc/>
    public override string Form => "directory";

    /// <inheritdoc/>
    public override IReadOnlyList<string> FileLines(DirectiveValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return [ConfigText.Quoted(value.Text)];
    }

    /// <inheritdoc/>
    public override bool TryParse(
        ReadOnlySpan<string> words,
        DirectiveValue? current,
        [NotNullWhen(true)] out DirectiveValue? value,
        [NotNullWhen(false)] out string? error)
    {
        string path = words[0];
        if (path.Contains('\0')) return Fail("argument must not contain a NUL byte", out value, out error);
        if (path.Length == 0) return Fail("No such file or directory", out value, out error);
        string resolved = current is null ? path : Path.GetFullPath(path, current.Text);
        string trimmed = Path.TrimEndingDirectorySeparator(resolved);
        return Succeed(trimmed, 0, out value, out error);
    }
}

/// <summary>The server that this one copies: a host and a port, or "no one".</summary>
public sealed class ReplicaOfType : DirectiveType
{
    /// <inheritdoc/>
    public override bool TakesManyWords => true;

    /// <inheritdoc/>
    public override string Form => "host and port, or no one";

    /// <inheritdoc/>
    public override string NoneLine => "no one";

    /// <inheritdoc/>
    public override IReadOnlyList<string> FileLines(DirectiveValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return value.Text.Length == 0 ? [] : [value.Text];
    }

    /// <inheritdoc/>
    public override bool TryParse(
        ReadOnlySpan<string> words,
        DirectiveValue? current,
        [NotNullWhen(true)] out DirectiveValue? value,
        [NotNullWhen(false)] out string? error)
    {
        if (current is null) return Succeed("", 0, out value, out error);
        if (words.Length != 2) return Fail("wrong number of arguments", out value, out error);
        if (words[0].Equals("no", StringComparison.OrdinalIgnoreCase)
            && words[1].Equals("one", StringComparison.OrdinalIgnoreCase))
            return Succeed("", 0, out value, out error);
        if (!ushort.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
            return Fail("Invalid master port", out value, out error);
        return Succeed($"{words[0]} {port}", port, out value, out error);
    }
}

/// <summary>The template of the process title: text with known {variables}. Some variables may be empty, so a template
/// of those alone is refused.</summary>
public sealed class TitleTemplateType : DirectiveType
{
    private static readonly string[] Variables =
        ["listen-addr", "port", "tls-port", "title", "server-mode", "unixsocket", "config-file"];

    private const int NeverEmpty = 3;

    /// <inheritdoc/>
    public override string Form => "template";

    /// <inheritdoc/>
    public override IReadOnlyList<string> FileLines(DirectiveValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return [ConfigText.Quoted(value.Text)];
    }

    /// <inheritdoc/>
    public override bool TryParse(
        ReadOnlySpan<string> words,
        DirectiveValue? current,
        [NotNullWhen(true)] out DirectiveValue? value,
        [NotNullWhen(false)] out string? error)
    {
        if (IsValid(words[0])) return Succeed(words[0], 0, out value, out error);
        return Fail("template format is invalid or contains unknown variables", out value, out error);
    }

    private static bool IsValid(string template)
    {
        bool hasText = false;
        for (int i = 0; i < template.Length; i++)
        {
            if (template[i] != '{')
            {
                hasText |= template[i] != ' ';
                continue;
            }

            if (i + 1 < template.Length && template[i + 1] == '{')
            {
                hasText = true;
                i++;
                continue;
            }

            int end = template.IndexOf('}', i);
            int variable = end < 0 ? -1 : Array.IndexOf(Variables, template[(i + 1)..end]);
            if (variable < 0) return false;
            hasText |= variable < NeverEmpty;
            i = end;
        }

        return hasText;
    }
}
