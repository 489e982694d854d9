using System.Text;
using System.Text.RegularExpressions;

namespace Millrace.Tidy.Tests;

/// <summary>Rules on links in Markdown: the file is there, and so is the heading that an anchor names.</summary>
public static partial class LinkRules
{
    /// <summary>Every relative link of the document resolves. <paramref name="read"/> gives a file's text or
    /// null.</summary>
    public static IEnumerable<Finding> Broken(SourceText document, Func<string, string?> read)
    {
        string[] lines = document.Lines;
        bool code = false;
        for (int i = 0; i < lines.Length; i++)
        {
            code ^= lines[i].StartsWith("```", StringComparison.Ordinal);
            if (code)
                continue;
            foreach (Match link in Link().Matches(InlineCode().Replace(lines[i], "")))
            {
                if (Problem(document, link.Groups["target"].Value, read) is { } problem)
                    yield return new Finding(document.Path, i + 1, problem);
            }
        }
    }

    /// <summary>The anchors that a rendered document has: its headings in lower case, words joined by dashes.</summary>
    public static IReadOnlyCollection<string> Anchors(string markdown)
    {
        var anchors = new List<string>();
        foreach (string line in markdown.Split('\n'))
        {
            if (Heading().Match(line) is not { Success: true } heading)
                continue;
            var anchor = new StringBuilder();
            foreach (char letter in heading.Groups["text"].Value.Trim().ToLowerInvariant())
            {
                if (char.IsLetterOrDigit(letter) || letter is '-' or '_')
                    anchor.Append(letter);
                else if (letter == ' ')
                    anchor.Append('-');
            }
            int seen = anchors.Count(earlier => earlier == anchor.ToString());
            anchors.Add(seen == 0 ? anchor.ToString() : $"{anchor}-{seen}");
        }
        return anchors;
    }

    private static string? Problem(SourceText document, string target, Func<string, string?> read)
    {
        if (target.Contains("://", StringComparison.Ordinal) || target.StartsWith("mailto:", StringComparison.Ordinal))
            return null;
        string[] parts = target.Split('#', 2);
        string path = parts[0].Length == 0 ? document.Path : Resolve(document.Path, parts[0]);
        string? text = parts[0].Length == 0 ? document.Text : read(path);
        if (text is null)
            return $"{target} does not exist";
        return parts.Length == 2 && path.EndsWith(".md", StringComparison.Ordinal) && !Anchors(text).Contains(parts[1])
            ? $"{target}: no such heading"
            : null;
    }

    private static string Resolve(string from, string target)
    {
        var steps = new List<string>(from.Split('/')[..^1]);
        foreach (string step in target.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (step == ".." && steps.Count > 0)
                steps.RemoveAt(steps.Count - 1);
            else if (step != ".")
                steps.Add(step);
        }
        return string.Join('/', steps);
    }

    [GeneratedRegex(@"\[[^\]]*\]\((?<target>[^)\s]+)(?:\s+""[^""]*"")?\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"`[^`]*`")]
    private static partial Regex InlineCode();

    [GeneratedRegex(@"^#{1,6}\s+(?<text>.*)$")]
    private static partial Regex Heading();
}
