namespace Millrace.Tidy.Tests;

/// <summary>
/// The repository's files as the tidy tests see them: paths relative to the root with forward slashes, build output
/// left out.
/// </summary>
public static class SourceTree
{
    private static readonly string[] IgnoredFolders = [".git", "artifacts", "bin", "obj", "TestResults", ".vs"];

    /// <summary>The root: the folder above this assembly's that holds Millrace.slnx.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>All files below <paramref name="folder"/> whose names end in one of the endings.</summary>
    public static IEnumerable<SourceText> Files(string folder, params string[] endings)
    {
        string start = Path.Combine(Root, folder);
        if (!Directory.Exists(start))
            return [];
        return Walk(new DirectoryInfo(start))
            .Where(file => Array.Exists(endings, ending => file.Name.EndsWith(ending, StringComparison.Ordinal)))
            .Select(file => Read(Path.GetRelativePath(Root, file.FullName).Replace('\\', '/')))
            .OrderBy(file => file.Path, StringComparer.Ordinal);
    }

    /// <summary>One file by its path from the root.</summary>
    public static SourceText Read(string path) => new(path, File.ReadAllText(Path.Combine(Root, path)));

    /// <summary>True when a file or folder of that path exists.</summary>
    public static bool Exists(string path) => Path.Exists(Path.Combine(Root, path));

    private static IEnumerable<FileInfo> Walk(DirectoryInfo folder)
    {
        foreach (FileInfo file in folder.EnumerateFiles())
            yield return file;
        foreach (DirectoryInfo inner in folder.EnumerateDirectories())
        {
            if (IgnoredFolders.Contains(inner.Name, StringComparer.Ordinal))
                continue;
            foreach (FileInfo file in Walk(inner))
                yield return file;
        }
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Millrace.slnx")))
                return folder.FullName;
        }
        throw new DirectoryNotFoundException("No Millrace.slnx above " + AppContext.BaseDirectory);
    }
}

/// <summary>A file's path from the root, and what stands in it.</summary>
public sealed record SourceText(string Path, string Text)
{
    /// <summary>The lines without their ends.</summary>
    public string[] Lines => Text.Split('\n');
}
