namespace Millrace.Fuzz.Tests;

/// <summary>Every input of the corpus, crash inputs of earlier days among them, once through its target.</summary>
public class CorpusTests
{
    public static TheoryData<string> Targets => [.. FuzzTarget.Names];

    [Theory]
    [MemberData(nameof(Targets))]
    public void No_input_of_the_corpus_breaks_a_promise(string name)
    {
        FuzzTarget target = FuzzTarget.Find(name)!;
        (string Name, byte[] Input)[] files = [.. Corpus.Files(Folder(name))];
        Assert.NotEmpty(files);
        foreach ((string file, byte[] input) in files)
        {
            Exception? fault = Record.Exception(
                () => target.Run(input.AsSpan(0, Math.Min(input.Length, target.MaxInputBytes))));
            Assert.True(fault is null, $"{name}/{file}: {fault}");
        }
    }

    private static string Folder(string target)
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "Millrace.slnx")))
            root = root.Parent;
        return Path.Combine(root!.FullName, "tests", "corpus", target);
    }
}
