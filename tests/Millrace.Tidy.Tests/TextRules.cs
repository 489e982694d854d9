using System.Text.RegularExpressions;

namespace Millrace.Tidy.Tests;

/// <summary>Rules that need no syntax: lines, endings, open ends, paths of a developer's machine.</summary>
public static partial class TextRules
{
    /// <summary>The longest line of code or prose.</summary>
    public const int MaxColumns = 120;

    /// <summary>The longest file of code.</summary>
    public const int MaxLines = 1_000;

    // Tests without assertions are written as concatenations so that this file does not find itself.
    private static readonly string[] OpenEnds =
        ["TO" + "DO", "FIX" + "ME", "HA" + "CK:", "NotImplemented" + "Exception"];
    private static readonly string[] EmptyTests = ["Sk" + "ip = \"", "[Ign" + "ore", "Assert.True(tr" + "ue"];

    /// <summary>Lines end in LF, the last one too, and nothing trails.</summary>
    public static IEnumerable<Finding> LineEnds(SourceText file)
    {
        string[] lines = file.Lines;
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].EndsWith('\r'))
                yield return new Finding(file.Path, i + 1, "ends in CR LF");
            else if (lines[i].Length > 0 && char.IsWhiteSpace(lines[i][^1]))
                yield return new Finding(file.Path, i + 1, "trailing white space");
        }
        if (file.Text.Length > 0 && !file.Text.EndsWith('\n'))
            yield return new Finding(file.Path, lines.Length, "the last line has no end");
    }

    /// <summary>No line is longer than 120 columns; a line that is one link may be.</summary>
    public static IEnumerable<Finding> Columns(SourceText file)
    {
        string[] lines = file.Lines;
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].Length > MaxColumns && !lines[i].Contains("https://", StringComparison.Ordinal)
                && !lines[i].TrimStart().StartsWith('|'))
                yield return new Finding(file.Path, i + 1, $"{lines[i].Length} columns, {MaxColumns} are allowed");
        }
    }

    /// <summary>No file is longer than 1,000 lines.</summary>
    public static IEnumerable<Finding> FileLength(SourceText file)
    {
        int lines = file.Text.Count(letter => letter == '\n');
        if (lines > MaxLines)
            yield return new Finding(file.Path, lines, $"{lines} lines, {MaxLines} are allowed");
    }

    /// <summary>Nothing is left open in a comment or by an exception.</summary>
    public static IEnumerable<Finding> LeftOpen(SourceText file) => Containing(file, OpenEnds, "is left open");

    /// <summary>No test is switched off and none asserts nothing.</summary>
    public static IEnumerable<Finding> SwitchedOffTests(SourceText file) =>
        Containing(file, EmptyTests, "does not test");

    /// <summary>No path that exists on one machine only.</summary>
    public static IEnumerable<Finding> MachinePaths(SourceText file)
    {
        string[] lines = file.Lines;
        for (int i = 0; i < lines.Length; i++)
        {
            if (MachinePath().Match(lines[i]) is { Success: true } match)
                yield return new Finding(file.Path, i + 1, $"a path of one machine: {match.Value}");
        }
    }

    /// <summary>Every rule that an .editorconfig switches off has its reason on a comment line above it.</summary>
    public static IEnumerable<Finding> RulesOffWithoutReason(SourceText file)
    {
        string[] lines = file.Lines;
        bool reason = false;
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].StartsWith('#'))
                reason = true;
            else if (!RuleOff().IsMatch(lines[i]))
                reason = false;
            else if (!reason)
                yield return new Finding(file.Path, i + 1, "a rule is switched off without a reason above it");
        }
    }

    private static IEnumerable<Finding> Containing(SourceText file, string[] texts, string what)
    {
        string[] lines = file.Lines;
        for (int i = 0; i < lines.Length; i++)
        {
            foreach (string text in texts)
            {
                if (lines[i].Contains(text, StringComparison.Ordinal))
                    yield return new Finding(file.Path, i + 1, $"{text} {what}");
            }
        }
    }

    [GeneratedRegex(@"(?<![\w.])/(?:work|farm|home|Users)/\w+|/tmp/\w*bash\w*|[A-Z]:\\Users\\")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"severity\s*=\s*(none|silent|suggestion)")]
    private static partial Regex RuleOff();
}
