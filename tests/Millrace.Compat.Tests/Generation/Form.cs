namespace Millrace.Compat.Tests.Generation;

/// <summary>Writes its share of a request.</summary>
public delegate void Part(Draft draft);

/// <summary>
/// The declared grammar of one command: its name, the parts behind the name, and how often it is drawn.
/// </summary>
public sealed class Form
{
    private readonly Part[] _parts;

    /// <summary>A form of a command made of parts.</summary>
    public Form(string name, params Part[] parts)
    {
        Name = name;
        _parts = parts;
    }

    /// <summary>The command, with its subcommand behind a space.</summary>
    public string Name { get; }

    /// <summary>How often it is drawn, relative to the others.</summary>
    public double Weight { get; init; } = 1;

    /// <summary>True when arguments must not be damaged: a damaged SHUTDOWN ABORT ends the server.</summary>
    public bool IsFrozen { get; init; }

    /// <summary>The pool of keys, or -1 for any.</summary>
    public int Pool { get; init; } = -1;

    /// <summary>
    /// True for commands that Redis lets see a key that has expired but was not removed yet: an EXISTS of the key goes
    /// before them.
    /// </summary>
    public bool LooksFirst { get; init; }

    /// <summary>A request that goes before, or null; its words are divided by blanks.</summary>
    public string? Before { get; init; }

    /// <summary>Writes a whole sentence instead of one request.</summary>
    public Func<StreamGenerator, Sentence>? Compose { get; init; }

    /// <summary>Writes one request.</summary>
    public void Write(Draft draft)
    {
        foreach (string word in Name.Split(' '))
            draft.AddWord(word);
        foreach (Part part in _parts)
            part(draft);
    }
}
