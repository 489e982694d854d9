// The tables of docs/configuration.md, made from the declared directives. What stands between the marks is generated;
// the rest of the page is written by hand.

using System.Text;
using Millrace.Server.Config;

namespace Millrace.Server.Tests.Config;

internal static class ConfigurationPage
{
    internal const string Begin = "<!-- Generated from the declared directives by `./dev docs`. -->\n";
    internal const string End = "<!-- The end of what is generated. -->\n";

    /// <summary>The page with its tables made anew.</summary>
    internal static string Renewed(string page, DirectiveTable table)
    {
        int begin = page.IndexOf(Begin, StringComparison.Ordinal);
        int end = page.IndexOf(End, StringComparison.Ordinal);
        Assert.True(begin >= 0 && end > begin, "docs/configuration.md has lost the marks of its generated part");
        return page[..(begin + Begin.Length)] + Tables(table) + page[end..];
    }

    private static string Tables(DirectiveTable table)
    {
        var text = new StringBuilder();
        Section(text, table, DirectiveStatus.Implemented, "In effect", "Meaning", row => row.Summary!);
        Section(
            text, table, DirectiveStatus.Refused, "Refused, but for the default", "Why", row => Sentence(row.NotYet!));
        Section(
            text, table, DirectiveStatus.AcceptedWithoutMeaning, "Accepted without a meaning", "Why",
            row => Sentence(row.WithoutMeaning!));
        return text.Append('\n').ToString();
    }

    private static void Section(
        StringBuilder text,
        DirectiveTable table,
        DirectiveStatus status,
        string title,
        string lastColumn,
        Func<Directive, string> meaning)
    {
        Directive[] rows = [.. table.Rows.Where(row => row.Status == status)];
        text.Append($"\n## {title}\n\n{rows.Length} directives.\n\n");
        text.Append($"| Directive | Default | Values | Changed | {lastColumn} |\n|---|---|---|---|---|\n");
        foreach (Directive row in rows)
        {
            string name = row.Alias is null ? $"`{row.Name}`" : $"`{row.Name}` (`{row.Alias}`)";
            string form = row.Type.Form.Replace("|", "\\|", StringComparison.Ordinal);
            text.Append($"| {name} | {Default(row)} | {form} | {Changed(row)} | {meaning(row)} |\n");
        }
    }

    private static string Default(Directive row) =>
        row.DefaultIs ?? (row.Default.Text.Length == 0 ? "empty" : $"`{row.Default.Text}`");

    private static string Changed(Directive row) =>
        (row.IsImmutable ? "at start only"
            : row.IsProtected ? "at run time where `enable-protected-configs` allows it"
            : "at run time")
        + (row.IsFixedWhileLoading ? ", but not while data is loaded" : "");

    private static string Sentence(string reason) => char.ToUpperInvariant(reason[0]) + reason[1..] + ".";
}
