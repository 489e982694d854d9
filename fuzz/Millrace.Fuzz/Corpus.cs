using System.Security.Cryptography;

namespace Millrace.Fuzz;

/// <summary>
/// The inputs worth changing further: those that took an edge, or took one a different number of times (in powers of
/// two), for the first time. Starts from the files of a folder; crash inputs are written beside them.
/// </summary>
public sealed class Corpus
{
    private const int MostInputs = 20_000;
    private const int CrashNameLetters = 16;

    private readonly List<byte[]> _inputs = [];
    private readonly byte[] _seen = new byte[Probe.Edges.Length];
    private readonly List<(int Edge, byte Bucket)> _newWays = [];
    private readonly RareEdges _rare = new();
    private readonly string _folder;

    /// <summary>A corpus that keeps its crash inputs in <paramref name="folder"/>/crashes.</summary>
    public Corpus(string folder) => _folder = folder;

    /// <summary>The inputs in the order they were found.</summary>
    public IReadOnlyList<byte[]> Inputs => _inputs;

    /// <summary>Valid inputs to start from, and the crash inputs of earlier days.</summary>
    public static IEnumerable<(string Name, byte[] Input)> Files(string folder) =>
        new[] { "valid", "crashes" }
            .Select(kind => Path.Combine(folder, kind))
            .Where(Directory.Exists)
            .SelectMany(kind => Directory.EnumerateFiles(kind).Order(StringComparer.Ordinal))
            .Select(file => (Path.GetFileName(file), File.ReadAllBytes(file)));

    /// <summary>Counts the edges of the execution that has just ended; whether it went a new way.</summary>
    public bool GoesNewWay()
    {
        _newWays.Clear();
        Span<byte> edges = Probe.Edges;
        int at = 0;
        int next;
        while (at < edges.Length && (next = edges[at..].IndexOfAnyExcept((byte)0)) >= 0)
        {
            at += next;
            _rare.Count(at);
            byte bucket = Bucket(edges[at]);
            if ((_seen[at] & bucket) == 0)
            {
                _seen[at] |= bucket;
                _newWays.Add((at, bucket));
            }
            at++;
        }
        return _newWays.Count > 0;
    }

    /// <summary>Whether the execution that has just ended goes the ways as well that were new before.</summary>
    public bool GoesSameNewWay() => _newWays.TrueForAll(way => Bucket(Probe.Edges[way.Edge]) == way.Bucket);

    /// <summary>Keeps the input of the execution that has just ended.</summary>
    public void Keep(byte[] input, ReadOnlySpan<byte> edges)
    {
        if (_inputs.Count == MostInputs)
            return;
        _inputs.Add(input);
        _rare.Add(input, edges);
    }

    /// <summary>An input that takes an edge that few executions took.</summary>
    public byte[] ChooseRare(Random random, out int earlierChoices) => _rare.Choose(random, out earlierChoices);

    /// <summary>Writes a crash input; it is replayed by the tests from then on.</summary>
    public string SaveCrash(ReadOnlySpan<byte> input)
    {
        string crashes = Path.Combine(_folder, "crashes");
        Directory.CreateDirectory(crashes);
        string name = Convert.ToHexStringLower(SHA256.HashData(input))[..CrashNameLetters];
        string file = Path.Combine(crashes, name);
        File.WriteAllBytes(file, input);
        return file;
    }

    private static byte Bucket(byte count) => count switch
    {
        0 => 0,
        1 => 1,
        2 => 2,
        3 => 4,
        < 8 => 8,
        < 16 => 16,
        < 32 => 32,
        < 128 => 64,
        _ => 128,
    };
}
