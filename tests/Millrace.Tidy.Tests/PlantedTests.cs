namespace Millrace.Tidy.Tests;

/// <summary>Each rule is given text that breaks it and text that keeps it: a rule that finds nothing proves
/// nothing.</summary>
public class PlantedTests
{
    public static TheoryData<string, string, string> SyntaxCases => new()
    {
        { nameof(SyntaxRules.FunctionLength), Function(71), Function(70) },
        { nameof(SyntaxRules.MutableStatics), "class A { static int _count; }", "class A { const int Count = 1; }" },
        {
            nameof(SyntaxRules.MutableStatics), "class A { static readonly List<int> L = []; }",
            "class A { static readonly FrozenSet<int> S = Make(); static ReadOnlySpan<byte> B => \"x\"u8; }"
        },
        {
            nameof(SyntaxRules.MutableStatics), "class A { public static readonly int[] L = [1]; }",
            "class A { private static readonly int[] L = [1]; static int F(int i) => L[i]; }"
        },
        {
            nameof(SyntaxRules.MutableStatics), "class A { static readonly int[] L = [1]; void F() { L[0] = 2; } }",
            "class A { static readonly int[] L = new int[1]; static A() { L[0] = 2; } }"
        },
        {
            nameof(SyntaxRules.MutableStatics), "class A { static int Count { get; set; } }",
            "class A { int Count { get; set; } static int Two { get; } = 2; }"
        },
        { nameof(SyntaxRules.MutableStatics), "class A { static event Action E; }", "class A { event Action E; }" },
        { nameof(SyntaxRules.MutableStatics), "class A { static readonly Lock L = new(); }", "class A { Lock L; }" },
        {
            nameof(SyntaxRules.HandWrittenPartial), "partial class A { int F() => 1; }",
            "static partial class A { [LibraryImport(\"libc\")] private static partial int getpid(); }"
        },
        { nameof(SyntaxRules.Regions), "class A {\n#region x\n#endregion\n}", "class A { }" },
        {
            nameof(SyntaxRules.PragmasWithoutReason), "#pragma warning disable CA1822\nclass A { }",
            "#pragma warning disable CA1822 // the test calls it on an instance\nclass A { }"
        },
        {
            nameof(SyntaxRules.PragmasWithoutReason), "#pragma warning disable CS1591 // later\nclass A { }",
            "#pragma warning restore CA1822\nclass A { }"
        },
        { nameof(SyntaxRules.TypeNames), "class ClientManager { }", "class ClientList { }" },
        { nameof(SyntaxRules.TypeNames), "enum KeyData { }", "enum KeyKind { }" },
        { nameof(SyntaxRules.Openings), "namespace A;\nclass B;", "namespace A;\n/// <summary>B.</summary>\nclass B;" },
        { nameof(SyntaxRules.Openings), "using A;\nclass B { }", "// What it is.\nusing A;\nclass B { }" },
        {
            nameof(SyntaxRules.UnsafeWithoutReason), "class A { void F() { unsafe { G(); } } }",
            "class A { void F() { unsafe { // SAFETY: checked above\n G(); } } }"
        },
        {
            nameof(SyntaxRules.UnsafeWithoutReason), "class A { unsafe void F(int* p) { } }",
            "class A {\n// SAFETY: p is owned\nunsafe void F(int* p) { } }"
        },
        { nameof(SyntaxRules.RawMemory), "class A { unsafe void F() { } }", "class A { void F() { } }" },
        { nameof(SyntaxRules.RawMemory), "class A { int F() => MemoryMarshal.Read<int>(x); }", "class MemoryMarshal;" },
        {
            nameof(SyntaxRules.RawMemory), "class A { int F() => Marshal.ReadByte(x); }",
            "class A { int F() => Marshal.GetLastPInvokeError(); }"
        },
        {
            nameof(SyntaxRules.TestNames), "class A { [Fact] public void Works() { } }",
            "class A { [Fact] public void Get_of_a_list_is_WRONGTYPE() { } }"
        },
    };

    public static TheoryData<string, string, string> TextCases => new()
    {
        { nameof(TextRules.LineEnds), "a\r\n", "a\n" },
        { nameof(TextRules.LineEnds), "a \n", "a\n" },
        { nameof(TextRules.LineEnds), "a", "a\n" },
        { nameof(TextRules.Columns), new string('x', 121), new string('x', 120) },
        { nameof(TextRules.FileLength), new string('\n', 1_001), new string('\n', 1_000) },
        { nameof(TextRules.LeftOpen), "// TO" + "DO: later", "// done" },
        { nameof(TextRules.LeftOpen), "throw new NotImplemented" + "Exception();", "throw new Exception();" },
        { nameof(TextRules.SwitchedOffTests), "[Fact(Sk" + "ip = \"slow\")]", "[Fact]" },
        { nameof(TextRules.SwitchedOffTests), "Assert.True(tr" + "ue);", "Assert.True(truth);" },
        { nameof(TextRules.MachinePaths), "see /wo" + "rk/main/x", "see docs/wo" + "rk/x" },
        { nameof(TextRules.MachinePaths), "see /ho" + "me/someone", "see at home/someone" },
        { nameof(TextRules.RulesOffWithoutReason), "X.severity = none", "# why\nX.severity = none" },
    };

    [Theory]
    [MemberData(nameof(SyntaxCases))]
    public void A_syntax_rule_finds_what_breaks_it_and_only_that(string rule, string breaking, string keeping) =>
        Check(typeof(SyntaxRules), rule, breaking, keeping);

    [Theory]
    [MemberData(nameof(TextCases))]
    public void A_text_rule_finds_what_breaks_it_and_only_that(string rule, string breaking, string keeping) =>
        Check(typeof(TextRules), rule, breaking, keeping);

    [Fact]
    public void A_reference_that_is_not_in_the_layers_is_found()
    {
        string[] existing = ["Millrace.Memory", "Millrace.Engine", "Millrace.Resp"];
        Assert.Empty(ProjectRules.References(Project("Millrace.Engine", "Millrace.Memory"), existing));
        Assert.Single(
            ProjectRules.References(Project("Millrace.Engine", "Millrace.Memory", "Millrace.Resp"), existing));
        Assert.Single(ProjectRules.References(Project("Millrace.Engine"), existing));
        Assert.Single(ProjectRules.References(Project("Millrace.Other"), existing));
    }

    [Fact]
    public void A_package_an_unsafe_switch_and_a_warning_switch_are_found()
    {
        var file = new SourceText("src/Millrace.Resp/Millrace.Resp.csproj", """
            <Project><PropertyGroup><AllowUnsafeBlocks>true</AllowUnsafeBlocks><NoWarn>CA1</NoWarn></PropertyGroup>
            <ItemGroup><PackageReference Include="X" /></ItemGroup></Project>
            """);
        Assert.Single(ProjectRules.Packages(file));
        Assert.Single(ProjectRules.Unsafe(file));
        Assert.Single(ProjectRules.Warnings(file));
        Assert.Empty(ProjectRules.Unsafe(file with { Path = "src/Millrace.Memory/Millrace.Memory.csproj" }));
    }

    [Fact]
    public void A_project_missing_in_the_solution_is_found()
    {
        var solution = new SourceText("Millrace.slnx", """<Solution><Project Path="src/A/A.csproj" /></Solution>""");
        Assert.Empty(ProjectRules.Solution(solution, ["src/A/A.csproj"]));
        Assert.Single(ProjectRules.Solution(solution, ["src/A/A.csproj", "src/B/B.csproj"]));
        Assert.Single(ProjectRules.Solution(solution, []));
    }

    [Fact]
    public void Broken_links_and_anchors_are_found()
    {
        static string? Read(string path) => path == "docs/A.md" ? "# One two\n## One two\n" : null;
        static IEnumerable<Finding> Broken(string text) => LinkRules.Broken(new SourceText("docs/B.md", text), Read);
        Assert.Empty(Broken("[a](A.md) [b](A.md#one-two) [c](../docs/A.md#one-two-1)"));
        Assert.Empty(Broken("[d](https://example.org/x) `[e](no)`"));
        Assert.Empty(Broken("# Here\n[a](#here)\n```\n[x](none.md)\n```\n"));
        Assert.Single(Broken("[a](C.md)"));
        Assert.Single(Broken("[a](A.md#three)"));
        Assert.Single(Broken("[a](#nowhere)"));
    }

    private static void Check(Type rules, string rule, string breaking, string keeping)
    {
        var find = rules.GetMethod(rule)!.CreateDelegate<Func<SourceText, IEnumerable<Finding>>>();
        Assert.NotEmpty(find(new SourceText("planted.cs", breaking)));
        Assert.Empty(find(new SourceText("planted.cs", keeping)));
    }

    private static string Function(int lines) =>
        "class A {\nvoid F() {\n" + string.Concat(Enumerable.Repeat("G();\n", lines - 2)) + "}\n}";

    private static SourceText Project(string name, params string[] references) => new(
        $"src/{name}/{name}.csproj",
        $"<Project>{string.Concat(references.Select(Reference))}</Project>");

    private static string Reference(string to) => $"<ProjectReference Include=\"../{to}/{to}.csproj\" />";
}
