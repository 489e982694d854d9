// From the start of a process to its first PONG: the time to make the process, load the program and open the listener,
// as a client sees it that tries every 0.2 ms.

using Millrace.Bench.Compare;
using Millrace.Bench.Servers;

namespace Millrace.Bench;

/// <summary>How long servers take to answer for the first time.</summary>
internal static class StartBench
{
    /// <summary>The options, as `bench` prints them.</summary>
    public const string Help = """
        --rounds N                starts of each server (15); --native PATH (artifacts/publish/millrace, if it is there)
        """;

    private const string Published = "artifacts/publish/millrace";

    public static int Run(Arguments arguments, ChildProcesses children)
    {
        var rounds = arguments.Number("--rounds", 15, max: 1000);
        var native = arguments.Text("--native") ?? (File.Exists(Published) ? Published : null);
        arguments.End();
        var recipes = new List<ServerRecipe>();
        if (ServerRecipe.Redis(children.Folder, loops: 1) is { } redis) recipes.Add(redis);
        recipes.Add(ServerRecipe.Millrace(native: null) with { Name = "millrace.dll" });
        if (native is not null) recipes.Add(ServerRecipe.Millrace(native) with { Name = "millrace native" });
        var times = recipes.ToDictionary(recipe => recipe, _ => new List<double>());
        for (var round = -1; round < rounds; round++)
        {
            foreach (var recipe in recipes)
            {
                using var server = new ServerUnderTest(children, recipe, cores: null, loops: 1);
                // The first round brings the files into memory.
                if (round >= 0) times[recipe].Add(server.StartTime.TotalMilliseconds);
            }
        }

        Console.WriteLine($"ms from the start of the process to the first PONG, {rounds} rounds");
        Console.WriteLine("server             median      min      max");
        foreach (var (recipe, all) in times)
            Console.WriteLine($"{recipe.Name,-16} {Comparison.Median(all),8:F1} {all.Min(),8:F1} {all.Max(),8:F1}");
        return 0;
    }
}
