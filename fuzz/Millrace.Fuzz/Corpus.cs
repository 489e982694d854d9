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

    /// <summary>Keeps the input if the execution that has just ended went a new way; clears the edge
    /// counters.</summary>
    public void Consider(ReadOnlySpan<byte> input)
    {
        if (IsNew() && _inputs.Count < MostInputs)
            _inputs.Add(input.ToArray());
        Probe.Edges.Clear();
    }

    /// <summary>Keeps the input whatever way it went.</summary>
    public void Add(byte[] input) => _inputs.Add(input);

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

    private bool IsNew()
    {
        Span<byte> edges = Probe.Edges;
        bool found = false;
        int at = 0;
        while (true)
        {
            int next = edges[at..].IndexOfAnyExcept((byte)0);
            if (next < 0)
                return found;
            at += next;
            byte bucket = Bucket(edges[at]);
            if ((_seen[at] & bucket) == 0)
            {
                _seen[at] |= bucket;
                found = true;
            }
            if (++at == edges.Length)
                return found;
        }
    }

    private static byte Bucket(byte count) => count switch
    {
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
