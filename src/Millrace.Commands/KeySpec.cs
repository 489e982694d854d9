using Millrace.Resp;

namespace Millrace.Commands;

/// <summary>What a command does with a key (Redis documentation, "Command key specifications").</summary>
[Flags]
public enum KeyFlags
{
    /// <summary>Nothing said.</summary>
    None = 0,

    /// <summary>Reads the value.</summary>
    RO = 1 << 0,

    /// <summary>Reads and changes the value.</summary>
    RW = 1 << 1,

    /// <summary>Overwrites the value without reading it.</summary>
    OW = 1 << 2,

    /// <summary>Deletes the key.</summary>
    RM = 1 << 3,

    /// <summary>Returns or uses the user's data in the value.</summary>
    Access = 1 << 4,

    /// <summary>Changes the user's data in a way that depends on it or may leave a part.</summary>
    Update = 1 << 5,

    /// <summary>Adds data and neither changes nor deletes any.</summary>
    Insert = 1 << 6,

    /// <summary>Deletes data that the value holds.</summary>
    Delete = 1 << 7,

    /// <summary>Is not a key, but routed like one.</summary>
    NotKey = 1 << 8,

    /// <summary>The specification may miss keys.</summary>
    Incomplete = 1 << 9,

    /// <summary>What happens to the key depends on the arguments.</summary>
    VariableFlags = 1 << 10,
}

/// <summary>
/// Where the keys of a command are among its arguments: where to begin, and how to find them from there.
/// </summary>
/// <remarks>
/// Begin: at a fixed index, or behind a keyword. Find: a range with a step, or a number of keys that an argument gives.
/// Source: Redis documentation, "Command key specifications".
/// </remarks>
public sealed record KeySpec
{
    /// <summary>What the command does with these keys.</summary>
    public required KeyFlags Flags { get; init; }

    /// <summary>What a request does with these keys, where that depends on its arguments
    /// (<see cref="KeyFlags.VariableFlags"/>); null otherwise.</summary>
    public Func<Args, KeyFlags>? Vary { get; init; }

    /// <summary>The argument to begin at, when there is no <see cref="Keyword"/>.</summary>
    public int BeginIndex { get; init; }

    /// <summary>Whether clients are told no more than that there may be such keys.</summary>
    public bool IsUnknown { get; init; }

    /// <summary>Finds the argument to begin at as the command reads its options, where what clients are told is not
    /// exact; 0: there is none. Null: it is where they are told, or, if that is unknown, nobody can tell.</summary>
    public Func<Args, int>? Locate { get; init; }

    /// <summary>The upper-case word to search for, or null.</summary>
    public string? Keyword { get; init; }

    /// <summary>Where the search for the keyword starts; negative: counted from the end, searching backwards.</summary>
    public int KeywordFrom { get; init; }

    /// <summary>Whether the number of keys is an argument.</summary>
    public bool IsCounted { get; init; }

    /// <summary>Range: the last key relative to the first; negative: counted from the last argument (-1: the
    /// last).</summary>
    public int LastKey { get; init; }

    /// <summary>From one key to the next.</summary>
    public int Step { get; init; } = 1;

    /// <summary>Range with <see cref="LastKey"/> -1: stop after 1/limit of the remaining arguments; 0 and 1: no
    /// limit.</summary>
    public int Limit { get; init; }

    /// <summary>Counted: where the number is, relative to the beginning.</summary>
    public int CountIndex { get; init; }

    /// <summary>Counted: where the first key is, relative to the beginning.</summary>
    public int FirstKey { get; init; }

    /// <summary>Whether it begins at a fixed argument and finds a range from there.</summary>
    internal bool IsFixed => Keyword is null && !IsCounted && !IsUnknown;

    /// <summary>A remark for COMMAND DOCS and COMMAND INFO, or null.</summary>
    public string? Notes { get; init; }

    /// <summary>What a request does with these keys.</summary>
    public KeyFlags FlagsIn(Args request) => Vary?.Invoke(request) ?? Flags;

    /// <summary>One key at an index.</summary>
    public static KeySpec One(KeyFlags flags, int index = 1) => new() { Flags = flags, BeginIndex = index };

    /// <summary>All arguments from an index on, every <paramref name="step"/>-th.</summary>
    public static KeySpec Rest(KeyFlags flags, int index = 1, int step = 1) =>
        new() { Flags = flags, BeginIndex = index, LastKey = -1, Step = step };

    /// <summary>A number of keys given by the argument at <paramref name="index"/>, the keys behind it.</summary>
    public static KeySpec Counted(KeyFlags flags, int index, int step = 1) =>
        new() { Flags = flags, BeginIndex = index, IsCounted = true, FirstKey = 1, Step = step };

    /// <summary>
    /// Finds the keys among the arguments.
    /// </summary>
    /// <param name="args">The request, command name first.</param>
    /// <param name="first">Index of the first key.</param>
    /// <param name="last">Index of the last key, inclusive.</param>
    /// <returns>False when the arguments hold none, or none that make sense.</returns>
    public bool TryFind(Args args, out int first, out int last)
    {
        last = 0;
        if (!TryBegin(args, out first)) return false;
        if (!IsCounted)
        {
            last = LastKey >= 0 ? first + LastKey : args.Count + LastKey;
            if (LastKey == -1 && Limit > 1) last = first + (((args.Count - first) / Limit) - 1);
            return first < args.Count && last < args.Count && first <= last;
        }

        var countAt = first + CountIndex;
        if (countAt >= args.Count || !Numbers.TryParseInt64(args[countAt], out var count)) return false;
        first += FirstKey;
        if (count <= 0 || count > args.Count) return false;
        last = first + (((int)count - 1) * Step);
        return last < args.Count;
    }

    private bool TryBegin(Args args, out int first)
    {
        first = BeginIndex;
        if (Locate is not null || IsUnknown)
        {
            first = Locate?.Invoke(args) ?? 0;
            return first > 0;
        }

        if (Keyword is null) return first < args.Count;
        var step = KeywordFrom < 0 ? -1 : 1;
        var at = KeywordFrom < 0 ? args.Count + KeywordFrom : KeywordFrom;
        for (; at > 0 && at < args.Count; at += step)
        {
            if (!Words.Equal(args[at], Keyword)) continue;
            first = at + 1;
            return first < args.Count;
        }

        return false;
    }
}
