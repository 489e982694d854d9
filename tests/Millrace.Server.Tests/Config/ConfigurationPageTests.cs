using Millrace.Server.Config;

namespace Millrace.Server.Tests.Config;

public sealed class ConfigurationPageTests
{
    /// <summary>Set by <c>./dev docs</c>: the page is written instead of compared.</summary>
    private const string Writes = "MILLRACE_WRITE_DOCS";

    [Fact]
    public void The_page_of_directives_says_what_is_declared()
    {
        string path = Path.Combine(Root(), "docs", "configuration.md");
        string page = File.ReadAllText(path);
        string renewed = ConfigurationPage.Renewed(page, TestTable.New(DirectiveTable.BindLoopback));
        if (Environment.GetEnvironmentVariable(Writes) is not null) File.WriteAllText(path, renewed);
        else Assert.True(page == renewed, "docs/configuration.md is not what is declared: run ./dev docs");
    }

    [Fact]
    public void The_page_tells_neither_the_machine_nor_a_secret()
    {
        string page = File.ReadAllText(Path.Combine(Root(), "docs", "configuration.md"));
        Assert.Contains("| `io-threads` | one per processor |", page, StringComparison.Ordinal);
        Assert.Contains("| `dir` | where the server was started |", page, StringComparison.Ordinal);
        Assert.DoesNotContain("/start", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_page_row_has_its_five_cells()
    {
        string page = ConfigurationPage.Renewed(ConfigurationPage.Begin + ConfigurationPage.End, TestTable.New());
        string[] rows = [.. page.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal))];
        Assert.Equal(TestTable.New().Rows.Count, rows.Length);
        foreach (string row in rows)
            Assert.Equal(7, row.Replace("\\|", "", StringComparison.Ordinal).Split('|').Length);
    }

    private static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Millrace.slnx")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("No Millrace.slnx above the tests");
    }
}
