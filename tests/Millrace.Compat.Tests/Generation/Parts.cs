namespace Millrace.Compat.Tests.Generation;

/// <summary>
/// The parts that forms are made of. Deadlines are of three kinds: past (the key goes at once), short (1 to 3 ms, after
/// which both servers are left alone until it has passed) and far (over 1,000 s, drawn from so many that two are hardly
/// ever equal); nothing falls due while commands run, so both servers see the same keyspace.
/// </summary>
public static class Parts
{
    private const int PauseMs = 8;

    /// <summary>A key.</summary>
    public static void Key(Draft draft) => draft.Add(draft.Words.Key(draft.Pool));

    /// <summary>A key that holds anything: a string mostly, or a collection. Of the pool of short values, a
    /// string.</summary>
    public static void AnyKey(Draft draft)
    {
        if (draft.Pool == 1 || draft.Chance(0.6))
            Key(draft);
        else if (draft.Chance(0.2))
            StreamGrammar.StreamKey(draft);
        else
            SetGrammar.SetKey(draft);
    }

    /// <summary>A value.</summary>
    public static void Value(Draft draft) => draft.Add(draft.Words.Value(draft.Pool));

    /// <summary>An integer.</summary>
    public static void Integer(Draft draft) => draft.Add(draft.Words.Integer());

    /// <summary>A floating-point number.</summary>
    public static void Float(Draft draft) => draft.Add(draft.Words.Float());

    /// <summary>A position within a string, from either end.</summary>
    public static void Position(Draft draft) =>
        draft.Add(draft.Chance(0.9) ? draft.Random.Next(-120, 120) : draft.Random.Next(-70000, 70000));

    /// <summary>An offset for SETRANGE: small, or one that would pass the limit of a string.</summary>
    public static void Offset(Draft draft)
    {
        if (draft.Chance(0.9))
            draft.Add(draft.Random.Next(0, draft.Pool == 1 ? 60 : 2000));
        else
            draft.Add(draft.Pick(["-1", "536870912", "536870911999", "9223372036854775807", "abc"]));
    }

    /// <summary>A database number, mostly one of the first six.</summary>
    public static void Database(Draft draft)
    {
        if (draft.Chance(0.93))
            draft.Add(draft.Random.Next(draft.Chance(0.9) ? 6 : 16));
        else
            draft.Add(draft.Pick(["16", "-1", "abc", "", "99999999999", "1.0"]));
    }

    /// <summary>A time to live in seconds: far or past or impossible.</summary>
    public static void Seconds(Draft draft)
    {
        if (draft.Chance(0.85))
            draft.Add(draft.Random.Next(1000, 100_000_000));
        else
            draft.Add(draft.Pick(s_impossibleSeconds));
    }

    /// <summary>A time to live in milliseconds: far or short or past or impossible.</summary>
    public static void Milliseconds(Draft draft)
    {
        int drawn = draft.Random.Next(100);
        if (drawn < 22)
        {
            draft.Add(draft.Random.Next(1, 4));
            draft.PauseMs = PauseMs;
            draft.Options.Add(Differential.Coverage.ShortDeadline);
        }
        else if (drawn < 87)
        {
            draft.Add(draft.Random.NextInt64(1_000_000, 1_000_000_000_000));
        }
        else
        {
            draft.Add(draft.Pick(s_impossibleMilliseconds));
        }
    }

    /// <summary>A Unix time in seconds: far in the future, or past.</summary>
    public static void UnixSeconds(Draft draft)
    {
        if (draft.Chance(0.7))
            draft.Add(draft.Random.NextInt64(4_000_000_000, 9_000_000_000));
        else if (draft.Chance(0.6))
            draft.Add(draft.Random.Next(1, 1_500_000_000));
        else
            draft.Add(draft.Pick(s_impossibleSeconds));
    }

    /// <summary>A Unix time in seconds, far in the future or impossible.</summary>
    public static void FutureUnixSeconds(Draft draft)
    {
        if (draft.Chance(0.88))
            draft.Add(draft.Random.NextInt64(4_000_000_000, 9_000_000_000));
        else
            draft.Add(draft.Pick(s_impossibleSeconds));
    }

    /// <summary>A Unix time in milliseconds, far in the future or impossible.</summary>
    public static void FutureUnixMilliseconds(Draft draft)
    {
        if (draft.Chance(0.88))
            draft.Add(draft.Random.NextInt64(4_000_000_000_000, 9_000_000_000_000));
        else
            draft.Add(draft.Pick(s_impossibleMilliseconds));
    }

    /// <summary>A Unix time in milliseconds: far in the future, or past.</summary>
    public static void UnixMilliseconds(Draft draft)
    {
        if (draft.Chance(0.7))
            draft.Add(draft.Random.NextInt64(4_000_000_000_000, 9_000_000_000_000));
        else if (draft.Chance(0.6))
            draft.Add(draft.Random.NextInt64(1, 1_500_000_000_000));
        else
            draft.Add(draft.Pick(s_impossibleMilliseconds));
    }

    /// <summary>A glob pattern over the keys.</summary>
    public static void Pattern(Draft draft)
    {
        draft.Add(draft.Random.Next(16) switch
        {
            0 => "*",
            1 => "k:*",
            2 => "k:?",
            3 => $"k:{draft.Random.Next(10)}*",
            4 => "k:[0-3]*",
            5 => "k:[^0-3]*",
            6 => "[^k]*",
            7 => "*:1*",
            8 => "t:[13579]",
            9 => "k:[5-",
            10 => "k[[]1]",
            11 => "k\\*",
            12 => "k\\?",
            13 => "**1**",
            14 => "k:[3-0]\\1",
            _ => draft.Pick(["", "nothing", "\\", "[", "[]", "[^]", "a b", "\xff*", "?", "K:*"]),
        });
    }

    /// <summary>A keyword that is counted as an option, with its arguments.</summary>
    public static Part Option(string word, params Part[] arguments) => draft =>
    {
        draft.Options.Add(word);
        draft.AddWord(word);
        foreach (Part argument in arguments)
            argument(draft);
    };

    /// <summary>A keyword that always stands there.</summary>
    public static Part Word(string word) => draft => draft.AddWord(word);

    /// <summary>A fixed argument.</summary>
    public static Part Literal(params string[] choices) => draft => draft.Add(draft.Pick(choices));

    /// <summary>One of several, counted as an option under its own name.</summary>
    public static Part Keyword(params string[] choices) => draft => Option(draft.Pick(choices))(draft);

    /// <summary>A number of a range.</summary>
    public static Part Number(int from, int to) => draft => draft.Add(draft.Random.Next(from, to + 1));

    /// <summary>A part that may be missing.</summary>
    public static Part Maybe(Part part, double chance = 0.5) => draft =>
    {
        if (draft.Chance(chance))
            part(draft);
    };

    /// <summary>Exactly one of the parts.</summary>
    public static Part One(params Part[] parts) => draft => draft.Pick(parts)(draft);

    /// <summary>Each of the parts with a chance, in random order.</summary>
    public static Part Any(double chance, params Part[] parts) => draft =>
    {
        Part[] shuffled = [.. parts];
        draft.Random.Shuffle(shuffled);
        foreach (Part part in shuffled)
        {
            if (draft.Chance(chance))
                part(draft);
        }
    };

    /// <summary>Several parts in a row.</summary>
    public static Part All(params Part[] parts) => draft =>
    {
        foreach (Part part in parts)
            part(draft);
    };

    /// <summary>The part repeated.</summary>
    public static Part Many(int from, int to, Part part) => draft =>
    {
        int count = draft.Random.Next(from, to + 1);
        for (int i = 0; i < count; i++)
            part(draft);
    };

    private static readonly string[] s_impossibleSeconds =
    [
        "0", "-1", "-100", "9223372036854775807", "9223372036854776", "-9223372036854775808", "-9223372036854776",
        "9223372036854775808", "abc", "1.5", "",
    ];

    private static readonly string[] s_impossibleMilliseconds =
    [
        "0", "-1", "-100", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "abc", "1.5", "",
    ];
}
