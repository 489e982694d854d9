// Ends phases of load: a line of standard input ends one, the end of that input ends the load.
//
//     line in -> TryTake is true once -> Tell: the figures of the phase, one line of JSON

using System.Text.Json;

namespace Millrace.Bench.Load;

/// <summary>Reads lines on a thread of its own, and writes the figures that they ask for on the generator's.</summary>
internal sealed class PhaseLines
{
    /// <summary>So often a generator that hears nothing looks for a line, in milliseconds.</summary>
    public const int LookMs = 100;

    private readonly TextWriter _output;
    private int _lines; // that were read and not taken
    private volatile bool _isOver;

    public PhaseLines(TextReader input, TextWriter output)
    {
        _output = output;
        var thread = new Thread(() =>
        {
            while (input.ReadLine() is not null) Interlocked.Increment(ref _lines);
            _isOver = true;
        }) { IsBackground = true };
        thread.Start();
    }

    /// <summary>Whether the input has ended.</summary>
    public bool IsOver => _isOver;

    /// <summary>Takes a line, if there is one.</summary>
    public bool TryTake()
    {
        if (Volatile.Read(ref _lines) == 0) return false;
        Interlocked.Decrement(ref _lines);
        return true;
    }

    /// <summary>Tells the figures of a phase.</summary>
    public void Tell(LoadResult seen)
    {
        _output.WriteLine(JsonSerializer.Serialize(seen));
        _output.Flush();
    }
}
