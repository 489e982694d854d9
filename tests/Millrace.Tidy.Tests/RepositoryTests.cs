namespace Millrace.Tidy.Tests;

/// <summary>The rules of docs/STYLE.md, each applied to the repository as it stands.</summary>
public class RepositoryTests
{
    // The system-call interop, one of the two places where raw memory may be handled; the other is Millrace.Memory.
    private static readonly string[] RawMemoryFolders =
        ["src/Millrace.Memory/", "src/Millrace.Net/Interop/", "src/Millrace.Net/IoUring/"];

    private static readonly string[] CodeFolders = ["src", "tests", "bench", "fuzz"];

    [Fact]
    public void Project_references_follow_the_layers()
    {
        string[] existing = [.. Projects("src").Select(file => Path.GetFileNameWithoutExtension(file.Path))];
        Finding.AssertNone(Projects("src").SelectMany(file => ProjectRules.References(file, existing)));
    }

    [Fact]
    public void Nothing_that_ships_depends_on_a_package() =>
        Finding.AssertNone(Projects("src").SelectMany(ProjectRules.Packages));

    [Fact]
    public void Unsafe_blocks_are_allowed_in_Memory_and_Net_only() =>
        Finding.AssertNone(Projects("src").SelectMany(ProjectRules.Unsafe));

    [Fact]
    public void No_project_switches_off_warnings_for_itself() =>
        Finding.AssertNone(CodeFolders.SelectMany(Projects).SelectMany(ProjectRules.Warnings));

    [Fact]
    public void The_solution_lists_every_project() => Finding.AssertNone(ProjectRules.Solution(
        SourceTree.Read("Millrace.slnx"), CodeFolders.SelectMany(Projects).Select(file => file.Path)));

    [Fact]
    public void Undocumented_public_members_do_not_compile()
    {
        string props = SourceTree.Read("Directory.Build.props").Text;
        string shipped = props[..props.IndexOf("'$(IsShippedProject)' != 'true'", StringComparison.Ordinal)];
        Assert.Contains("<GenerateDocumentationFile>true<", shipped, StringComparison.Ordinal);
        Assert.Contains("<TreatWarningsAsErrors>true<", shipped, StringComparison.Ordinal);
        Assert.DoesNotContain("CS1591", shipped, StringComparison.Ordinal);
        Assert.DoesNotContain("CS1591", SourceTree.Read(".editorconfig").Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Raw_memory_is_handled_in_Memory_and_in_the_interop_of_Net_only() => Finding.AssertNone(Code("src")
        .Where(file => !Array.Exists(RawMemoryFolders, file.Path.StartsWith))
        .SelectMany(SyntaxRules.RawMemory));

    [Fact]
    public void Unsafe_code_says_why_it_is_safe() =>
        Finding.AssertNone(Code("src").SelectMany(SyntaxRules.UnsafeWithoutReason));

    [Fact]
    public void Functions_fit_one_screen() =>
        Finding.AssertNone(CodeFolders.SelectMany(Code).SelectMany(SyntaxRules.FunctionLength));

    [Fact]
    public void Files_stay_below_a_thousand_lines() =>
        Finding.AssertNone(CodeFolders.SelectMany(Code).SelectMany(TextRules.FileLength));

    [Fact]
    public void There_are_no_mutable_statics() =>
        Finding.AssertNone(Code("src").SelectMany(SyntaxRules.MutableStatics));

    [Fact]
    public void Nothing_but_generated_code_is_partial() =>
        Finding.AssertNone(Code("src").SelectMany(SyntaxRules.HandWrittenPartial));

    [Fact]
    public void There_are_no_regions() =>
        Finding.AssertNone(CodeFolders.SelectMany(Code).SelectMany(SyntaxRules.Regions));

    [Fact]
    public void A_warning_switched_off_in_code_has_its_reason() =>
        Finding.AssertNone(CodeFolders.SelectMany(Code).SelectMany(SyntaxRules.PragmasWithoutReason));

    [Fact]
    public void A_rule_switched_off_in_editorconfig_has_its_reason() =>
        Finding.AssertNone(TextRules.RulesOffWithoutReason(SourceTree.Read(".editorconfig")));

    [Fact]
    public void Type_names_say_what_the_type_is() =>
        Finding.AssertNone(CodeFolders.SelectMany(Code).SelectMany(SyntaxRules.TypeNames));

    [Fact]
    public void Every_file_opens_with_what_it_is() =>
        Finding.AssertNone(Code("src").SelectMany(SyntaxRules.Openings));

    [Fact]
    public void Test_names_are_sentences() =>
        Finding.AssertNone(Code("tests").SelectMany(SyntaxRules.TestNames));

    [Fact]
    public void No_test_is_switched_off() =>
        Finding.AssertNone(Code("tests").SelectMany(TextRules.SwitchedOffTests));

    [Fact]
    public void Lines_end_in_LF_and_nothing_trails() =>
        Finding.AssertNone(Everything().SelectMany(TextRules.LineEnds));

    [Fact]
    public void Lines_have_at_most_120_columns() => Finding.AssertNone(CodeFolders.SelectMany(Code)
        .Concat(Documents()).Append(SourceTree.Read("dev")).SelectMany(TextRules.Columns));

    [Fact]
    public void Nothing_is_left_open() =>
        Finding.AssertNone(CodeFolders.SelectMany(Code).SelectMany(TextRules.LeftOpen));

    [Fact]
    public void No_file_names_a_path_of_one_machine() =>
        Finding.AssertNone(Everything().SelectMany(TextRules.MachinePaths));

    [Fact]
    public void Links_in_documents_resolve() =>
        Finding.AssertNone(Documents().SelectMany(document => LinkRules.Broken(document, TextOrNull)));

    private static IEnumerable<SourceText> Code(string folder) => SourceTree.Files(folder, ".cs");

    private static IEnumerable<SourceText> Projects(string folder) => SourceTree.Files(folder, ".csproj");

    private static IEnumerable<SourceText> Documents() => SourceTree.Files("", ".md");

    private static IEnumerable<SourceText> Everything() => SourceTree.Files(
        "", ".cs", ".csproj", ".props", ".md", ".json", ".slnx", ".editorconfig", ".tsv", ".sh", "dev", "run", ".txt");

    private static string? TextOrNull(string path)
    {
        if (!SourceTree.Exists(path))
            return null;
        return path.EndsWith(".md", StringComparison.Ordinal) ? SourceTree.Read(path).Text : "";
    }
}
