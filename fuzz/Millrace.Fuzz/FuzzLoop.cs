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
    private const int MinimizingRounds = 4;

    private readonly FuzzTarget _target;
    private readonly FuzzOptions _options;
    private readonly Corpus _corpus;
    private readonly Random _random;
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
            _corpus.Consider(input);
        }
        if (CorpusSize == 0)
            _corpus.Add([]);
        var mutator = new Mutator(_random, _target.Tokens, _target.MaxInputBytes);
        while (_executions < _options.Executions)
        {
            _current = mutator.Mutate(Choose(), Choose()).ToArray();
            if (Failure(_current) is { } failure)
                return Report(failure);
            if (_options.Blind)
                Probe.Edges.Clear();
            else
                _corpus.Consider(_current);
        }
        return null;
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

    /// <summary>One execution: what went wrong, or null.</summary>
    private string? Failure(ReadOnlySpan<byte> input)
    {
        if (input.Length > _target.MaxInputBytes)
            input = input[.._target.MaxInputBytes];
        Volatile.Write(ref _executions, _executions + 1);
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
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        _mostAllocated = Math.Max(_mostAllocated, allocated);
        long limit = _target.AllocationLimit(input.Length);
        return allocated <= limit
            ? null
            : $"allocated {allocated} bytes, {limit} are allowed for {input.Length} of input";
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
                    Probe.Edges.Clear();
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
