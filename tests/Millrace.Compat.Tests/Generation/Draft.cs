using System.Globalization;
using System.Text;

namespace Millrace.Compat.Tests.Generation;

/// <summary>A request being written by the parts of a form.</summary>
public sealed class Draft(Random random, Vocabulary words)
{
    /// <summary>Where all choices come from.</summary>
    public Random Random { get; } = random;

    /// <summary>Keys and values.</summary>
    public Vocabulary Words { get; } = words;

    /// <summary>The arguments so far.</summary>
    public List<byte[]> Arguments { get; } = [];

    /// <summary>The options so far.</summary>
    public List<string> Options { get; } = [];

    /// <summary>The pool that keys are taken from: 0 holds anything, 1 only short values.</summary>
    public int Pool { get; set; }

    /// <summary>How many keys were written behind their number.</summary>
    public int SourceCount { get; set; }

    /// <summary>The pause that the request needs after its reply.</summary>
    public int PauseMs { get; set; }

    /// <summary>True with the given probability.</summary>
    public bool Chance(double probability) => Random.NextDouble() < probability;

    /// <summary>One of the items.</summary>
    public T Pick<T>(IReadOnlyList<T> items) => items[Random.Next(items.Count)];

    /// <summary>Appends an argument.</summary>
    public void Add(byte[] argument) => Arguments.Add(argument);

    /// <summary>Appends an argument given as Latin-1 text.</summary>
    public void Add(string argument) => Arguments.Add(Encoding.Latin1.GetBytes(argument));

    /// <summary>Appends a number.</summary>
    public void Add(long number) => Add(number.ToString(CultureInfo.InvariantCulture));

    /// <summary>Appends a keyword, sometimes in another case.</summary>
    public void AddWord(string word)
    {
        Add(Random.Next(5) switch
        {
            0 => word.ToLowerInvariant(),
            1 => string.Concat(word.Select(letter => Chance(0.5) ? char.ToLowerInvariant(letter) : letter)),
            _ => word,
        });
    }
}
