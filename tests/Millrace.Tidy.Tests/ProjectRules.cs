using System.Xml.Linq;

namespace Millrace.Tidy.Tests;

/// <summary>Rules on project files: who may reference whom, who may be unsafe, what ships.</summary>
public static class ProjectRules
{
    /// <summary>An arrow is a project reference and nothing else compiles: the layers, lowest first.</summary>
    private static readonly (string Project, string[] References)[] Layers =
    [
        ("Millrace.Memory", []),
        ("Millrace.Resp", []),
        ("Millrace.Net", []),
        ("Millrace.Lua", []),
        ("Millrace.Engine", ["Millrace.Memory"]),
        ("Millrace.Client", ["Millrace.Resp"]),
        ("Millrace.Commands", ["Millrace.Engine", "Millrace.Resp"]),
        ("Millrace.Persistence", ["Millrace.Engine", "Millrace.Resp"]),
        ("Millrace.Server", ["Millrace.Commands", "Millrace.Persistence", "Millrace.Net"]),
        ("Millrace.Cli", ["Millrace.Client"]),
        ("Millrace.Host", ["Millrace.Server", "Millrace.Cli"]),
        ("Millrace.Embedded", ["Millrace.Server"]),
    ];

    // docs/decisions/0006
    private static readonly (string Project, string Package)[] DecidedPackages =
        [("Millrace.Commands", "System.IO.Hashing")];

    private static readonly string[] DecidedForAll =
        ["NoWarn", "TreatWarningsAsErrors", "GenerateDocumentationFile", "RunAnalyzers"];

    private static readonly string[] UnsafeProjects = ["Millrace.Memory", "Millrace.Net"];

    /// <summary>The references of one shipped project are those of the matrix, as far as the projects exist.</summary>
    public static IEnumerable<Finding> References(SourceText file, IReadOnlyCollection<string> existing)
    {
        string name = Path.GetFileNameWithoutExtension(file.Path);
        int row = Array.FindIndex(Layers, layer => layer.Project == name);
        if (row < 0)
        {
            yield return new Finding(file.Path, 1, $"{name} has no place in the layers");
            yield break;
        }
        string[] wanted = [.. Layers[row].References.Where(existing.Contains).Order(StringComparer.Ordinal)];
        string[] found = [.. Included(file, "ProjectReference")
            .Select(path => Path.GetFileNameWithoutExtension(path.Replace('\\', '/'))).Order(StringComparer.Ordinal)];
        if (!wanted.SequenceEqual(found, StringComparer.Ordinal))
            yield return new Finding(
                file.Path, 1, $"references [{string.Join(' ', found)}], not [{string.Join(' ', wanted)}]");
    }

    /// <summary>A shipped project depends on nothing but the base class library, its own layers and what a decision
    /// record allows it.</summary>
    public static IEnumerable<Finding> Packages(SourceText file) => Included(file, "PackageReference")
        .Where(package => !DecidedPackages.Contains(
            (Path.GetFileNameWithoutExtension(file.Path), package)))
        .Select(package => new Finding(file.Path, 1, $"ships the package {package}"));

    /// <summary>AllowUnsafeBlocks stands in Memory and Net only.</summary>
    public static IEnumerable<Finding> Unsafe(SourceText file)
    {
        string name = Path.GetFileNameWithoutExtension(file.Path);
        if (file.Text.Contains("AllowUnsafeBlocks", StringComparison.Ordinal)
            && !UnsafeProjects.Contains(name, StringComparer.Ordinal))
            yield return new Finding(file.Path, 1, "allows unsafe blocks");
    }

    /// <summary>A project's own file switches no warning off and keeps the documentation file.</summary>
    public static IEnumerable<Finding> Warnings(SourceText file)
    {
        foreach (string text in DecidedForAll)
        {
            if (file.Text.Contains(text, StringComparison.Ordinal))
                yield return new Finding(file.Path, 1, $"sets {text}; Directory.Build.props decides that");
        }
    }

    /// <summary>The solution lists every project, and no other.</summary>
    public static IEnumerable<Finding> Solution(SourceText solution, IEnumerable<string> projects)
    {
        var listed = XDocument.Parse(solution.Text).Descendants("Project")
            .Select(item => (string)item.Attribute("Path")!).ToHashSet(StringComparer.Ordinal);
        foreach (string project in projects)
        {
            if (!listed.Remove(project))
                yield return new Finding(solution.Path, 1, $"{project} is not listed");
        }
        foreach (string left in listed)
            yield return new Finding(solution.Path, 1, $"{left} does not exist");
    }

    private static IEnumerable<string> Included(SourceText file, string element) => XDocument.Parse(file.Text)
        .Descendants(element).Select(item => (string?)item.Attribute("Include") ?? "");
}
