using static Millrace.Compat.Tests.Generation.Parts;

namespace Millrace.Compat.Tests.Generation;

/// <summary>The grammar of the Hash family.</summary>
public static class HashGrammar
{
    /// <summary>The pool of keys that mostly hold hashes.</summary>
    public const int Pool = 2;

    /// <summary>One form per command.</summary>
    public static IReadOnlyList<Form> Forms { get; } =
    [
        new("DEL", Key) { Weight = 0.5, Pool = Pool },
        new("HDEL", Key, Many(1, 4, Field)) { Weight = 2, Pool = Pool },
        new("HEXISTS", Key, Field) { Pool = Pool },
        new("HGET", Key, Field) { Weight = 2, Pool = Pool },
        new("HGETALL", Key) { Weight = 1.5, Pool = Pool },
        new("HINCRBY", Key, Field, Integer) { Weight = 2, Pool = Pool },
        new("HINCRBYFLOAT", Key, Field, Float) { Weight = 2, Pool = Pool },
        new("HKEYS", Key) { Pool = Pool },
        new("HLEN", Key) { Pool = Pool },
        new("HMGET", Key, Many(1, 6, Field)) { Pool = Pool },
        new("HMSET", Key, Many(1, 4, Pair)) { Pool = Pool },
        new("HRANDFIELD", Key, Maybe(All(
            Literal("0", "1", "3", "7", "50", "-1", "-4", "-9", "abc", "-9223372036854775808"),
            Maybe(Option("WITHVALUES"), 0.4)), 0.8)) { Weight = 1.5, Pool = Pool },
        new("HSCAN", Key, Literal("0"), Any(0.4, Option("MATCH", FieldPattern), Option("COUNT", Number(1, 30))))
            { Weight = 1.5, Pool = Pool, IsFrozen = true },
        new("HSET", Key, Many(1, 6, Pair)) { Weight = 6, Pool = Pool },
        new("HSETNX", Key, Field, FieldValue) { Pool = Pool },
        new("HSTRLEN", Key, Field) { Pool = Pool },
        new("HVALS", Key) { Pool = Pool },
    ];

    private static void Field(Draft draft)
    {
        switch (draft.Random.Next(20))
        {
            case 0: draft.Add(draft.Words.Junk()); break;
            case 1: draft.Add(draft.Random.Next(-5, 5)); break;
            case 2: draft.Add(new string('n', draft.Random.Next(62, 67))); break;
            default: draft.Add($"f{draft.Random.Next(30)}"); break;
        }
    }

    // Mostly short enough for the packed form.
    private static void FieldValue(Draft draft)
    {
        switch (draft.Random.Next(12))
        {
            case 0: draft.Add(draft.Words.Value(0)); break;
            case 1: draft.Add(new string('v', draft.Random.Next(62, 67))); break;
            case 2 or 3: draft.Add(draft.Words.Float()); break;
            case 4: draft.Add(draft.Words.Junk()); break;
            default: draft.Add(draft.Words.Integer()); break;
        }
    }

    private static void Pair(Draft draft)
    {
        Field(draft);
        FieldValue(draft);
    }

    private static void FieldPattern(Draft draft) =>
        draft.Add(draft.Pick(["*", "f*", "f1*", "f?", "[^f]*", "n*", "", "nothing", "f[0-4]"]));
}
