namespace Millrace.Fuzz;

/// <summary>
/// Chooses inputs that take edges which few executions took. How often each edge was taken is counted, and each edge
/// has an owner: the shortest input that takes it. To choose an input counts like an execution that took its edges, so
/// that an edge that cannot be taken again does not stay the rarest; one that has just been found is chosen until it
/// has caught up with the others. After Lemieux and Sen 2018, "FairFuzz" (rare branches), and Böhme, Pham and
/// Roychoudhury 2016, "Coverage-based Greybox Fuzzing as Markov Chain" (choices count). O(1) per edge of an execution
/// and per choice.
/// </summary>
public sealed class RareEdges
{
    private const int Draws = 64;

    private readonly Owner?[] _owners = new Owner?[Probe.Edges.Length];
    private readonly List<int> _owned = [];
    private readonly int[] _executions = new int[Probe.Edges.Length];

    /// <summary>One more execution took the edge.</summary>
    public void Count(int edge) => _executions[edge]++;

    /// <summary>Another input, and the edges that it takes: those that are not zero.</summary>
    public void Add(byte[] input, ReadOnlySpan<byte> edges)
    {
        var owner = new Owner(input);
        for (int edge = 0; edge < edges.Length; edge++)
        {
            if (edges[edge] == 0)
                continue;
            if (_owners[edge] is not { } other)
                _owned.Add(edge);
            else if (other.Input.Length <= input.Length)
                continue;
            _owners[edge] = owner;
        }
    }

    /// <summary>The owner of the rarest of some edges that are drawn.</summary>
    public byte[] Choose(Random random, out int earlierChoices)
    {
        int rarest = _owned[random.Next(_owned.Count)];
        for (int i = 1; i < Draws; i++)
        {
            int edge = _owned[random.Next(_owned.Count)];
            if (Score(edge) < Score(rarest))
                rarest = edge;
        }
        Owner owner = _owners[rarest]!;
        earlierChoices = owner.Choices++;
        return owner.Input;
    }

    private int Score(int edge) => _executions[edge] + _owners[edge]!.Choices;

    private sealed class Owner(byte[] input)
    {
        public byte[] Input { get; } = input;

        public int Choices { get; set; }
    }
}
