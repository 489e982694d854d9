using System.Diagnostics;

namespace Millrace.Fuzz;

/// <summary>What a run was asked for.</summary>
public sealed record FuzzOptions(long Executions, int Seed, string Folder, bool Blind);

/// <summary>
/// The loop: take an input that went a new way, change it, execute, keep it if it went a new way again. Stops at the
/// wanted number of executions or at the first crash, which is made small and saved.
/// </summary>
public sealed class FuzzLoop
{
    private const int RecentInputs = 32;
    private const int Continuations = 256;
    private const int FewestPieces = 16;
    private const int MinimizingRounds = 4;

    private readonly FuzzTarget _target;
    private readonly FuzzOptions _options;
    private readonly Corpus _corpus;
    private readonly Random _random;
    private readonly Mutator _mutator;
    private readonly byte[] _keptEdges = new byte[Probe.Edges.Length];
    private byte[] _current = [];
    private long _executions;
    private long _mostAllocated;

    /// <summary>A loop over one target.</summary>
    public FuzzLoop(FuzzTarget target, FuzzOptions options)
    {
        _target = target;
        _options = options;
        _corpus = new Corpus(options.Folder);
        _random = new Random(options.Seed);
        _mutator = new Mutator(_random, target.Tokens, target.MaxInputBytes);
    }

    /// <summary>Executions so far.</summary>
    public long Executions => Volatile.Read(ref _executions);

    /// <summary>Inputs kept.</summary>
    public int CorpusSize => _corpus.Inputs.Count;

    /// <summary>The most managed bytes that one execution allocated.</summary>
    public long MostAllocated => _mostAllocated;

    /// <summary>Runs; the crash that was found, or null.</summary>
    public string? Run()
    {
        using var watchdog = new Watchdog(
            () => Executions, () => Console.WriteLine($"HANG: {_corpus.SaveCrash(_current)}"));
        foreach ((string name, byte[] input) in Corpus.Files(_options.Folder))
        {
            if (Failure(input) is { } failure)
                return $"{name}: {failure}";
            if (_corpus.GoesNewWay())
                _corpus.Keep(input, Probe.Edges);
        }
        if (CorpusSize == 0)
            _corpus.Keep([], [1]);
        while (_executions < _options.Executions)
        {
            _current = Next();
            if (Failure(_current) is { } failure)
                return Report(failure);
            if (!_options.Blind && _corpus.GoesNewWay() && KeepShortened() is { } laterFailure)
                return Report(laterFailure);
        }
        return null;
    }

    /// <summary>
    /// Half of the inputs come from one that takes a rare edge. Before such a one has been chosen often, it is by turns
    /// changed and continued with each of all bytes: inputs are kept short, so what is read next stands at their end
    /// (after Mathis et al. 2019, "Parser-Directed Fuzzing").
    /// </summary>
    private byte[] Next()
    {
        if (_random.Next(2) == 0)
            return _mutator.Mutate(Choose(), Choose()).ToArray();
        byte[] rare = _corpus.ChooseRare(_random, out int earlierChoices);
        bool isContinued = earlierChoices % 2 == 0 && earlierChoices < 2 * Continuations;
        return isContinued
            ? [.. rare, (byte)(earlierChoices / 2)]
            : _mutator.Mutate(rare, Choose()).ToArray();
    }

    /// <summary>The shorter of two inputs, half of the time out of those that were found last.</summary>
    private byte[] Choose()
    {
        int count = CorpusSize;
        int first = _random.Next(2) == 0 ? Math.Max(0, count - RecentInputs) : 0;
        byte[] one = _corpus.Inputs[_random.Next(first, count)];
        byte[] other = _corpus.Inputs[_random.Next(first, count)];
        return one.Length <= other.Length ? one : other;
    }

    /// <summary>Keeps the current input without the pieces that its new way does not need: the shorter an input, the
    /// more of its changes strike what matters. A failure on the way, or null.</summary>
    private string? KeepShortened()
    {
        byte[] kept = _current;
        Probe.Edges.CopyTo(_keptEdges);
        for (int size = kept.Length / 2; size >= Math.Max(1, kept.Length / FewestPieces); size /= 2)
        {
            for (int at = 0; at + size <= kept.Length;)
            {
                _current = [.. kept[..at], .. kept[(at + size)..]];
                if (Failure(_current) is { } failure)
                    return failure;
                if (_corpus.GoesSameNewWay())
                {
                    kept = _current;
                    Probe.Edges.CopyTo(_keptEdges);
                }
                else
                {
                    at += size;
                }
            }
        }
        _corpus.Keep(kept, _keptEdges);
        return null;
    }

    /// <summary>What goes wrong, or null. Memory counts when it is taken again the second time: now and then the
    /// runtime takes some for itself. How much may be taken is known after a run only, as a target may have read more
    /// than its input.</summary>
    private string? Failure(ReadOnlySpan<byte> input)
    {
        if (input.Length > _target.MaxInputBytes)
            input = input[.._target.MaxInputBytes];
        if (Execute(input, out long allocated) is { } fault)
            return fault;
        if (allocated > _target.AllocationLimit(input.Length) && Execute(input, out allocated) is { } laterFault)
            return laterFault;
        long limit = _target.AllocationLimit(input.Length);
        _mostAllocated = Math.Max(_mostAllocated, allocated);
        return allocated <= limit
            ? null
            : $"allocated {allocated} bytes, {limit} are allowed for {input.Length} of input";
    }

    private string? Execute(ReadOnlySpan<byte> input, out long allocated)
    {
        Volatile.Write(ref _executions, _executions + 1);
        Probe.Edges.Clear();
        Probe.Begin();
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            _target.Run(input);
        }
        catch (Exception fault)
        {
            return fault.ToString();
        }
        finally
        {
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }
        return null;
    }

    private string Report(string failure)
    {
        byte[] small = Minimize(_current, failure.Split('\n')[0]);
        string file = _corpus.SaveCrash(small);
        return $"{Path.GetFileName(file)} ({small.Length} bytes): {failure}";
    }

    /// <summary>Takes pieces away as long as the failure stays the same.</summary>
    private byte[] Minimize(byte[] input, string failure)
    {
        for (int round = 0; round < MinimizingRounds; round++)
        {
            for (int size = Math.Max(1, input.Length / 2); size > 0; size /= 2)
            {
                for (int at = 0; at + size <= input.Length;)
                {
                    byte[] shorter = [.. input[..at], .. input[(at + size)..]];
                    bool same = string.Equals(Failure(shorter)?.Split('\n')[0], failure, StringComparison.Ordinal);
                    if (same)
                        input = shorter;
                    else
                        at += size;
                }
            }
        }
        Debug.Assert(Failure(input) is not null, "what is saved must fail");
        return input;
    }
}
