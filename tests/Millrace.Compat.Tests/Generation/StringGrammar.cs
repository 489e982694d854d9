using static Millrace.Compat.Tests.Generation.Parts;

namespace Millrace.Compat.Tests.Generation;

/// <summary>The grammar of the String family.</summary>
public static class StringGrammar
{
    private static readonly Part s_deadline = One(
        Option("EX", Seconds), Option("PX", Milliseconds), Option("EXAT", UnixSeconds),
            Option("PXAT", UnixMilliseconds));

    // SET with a time that is past stores nothing (valkey unit/type/string, "SET EXAT / PXAT Expiration time is
    // expired"), while 7.0 stores the value and removes it later: whoever watches a missing key notices.
    private static readonly Part s_futureDeadline = One(
        Option("EX", Seconds), Option("PX", Milliseconds), Option("EXAT", FutureUnixSeconds),
            Option("PXAT", FutureUnixMilliseconds));

    /// <summary>One form per command.</summary>
    public static IReadOnlyList<Form> Forms { get; } =
    [
        new("SET", Key, Value, Any(0.3,
            One(Option("NX"), Option("XX")),
            Option("GET"),
            One(s_futureDeadline, s_futureDeadline, Option("KEEPTTL"))),
                Any(0.004, Option("NX"), s_futureDeadline, Option("KEEPTTL"))) { Weight = 14 },
        new("GET", Key) { Weight = 5 },
        new("APPEND", Key, Value) { Weight = 1.5 },
        new("DECR", Key),
        new("DECRBY", Key, Integer),
        new("GETDEL", Key),
        new("GETEX", Key, Maybe(One(s_deadline, s_deadline, Option("PERSIST")), 0.8),
            Any(0.02, Option("PERSIST"), s_deadline)) { Weight = 2 },
        new("GETRANGE", Key, Position, Position),
        new("GETSET", Key, Value),
        new("INCR", Key) { Weight = 2 },
        new("INCRBY", Key, Integer) { Weight = 2 },
        new("INCRBYFLOAT", Key, Float) { Weight = 2 },
        new("LCS", Key, Key, Any(0.3,
            Option("LEN"), Option("IDX"), Option("MINMATCHLEN", Number(-1, 6)),
                Option("WITHMATCHLEN"))) { Weight = 1.5, Pool = 1 },
        new("MGET", Many(1, 12, Key)) { Weight = 2 },
        new("MSET", Many(1, 6, All(Key, Value))) { Weight = 3 },
        new("MSETNX", Many(1, 3, All(Key, Value))),
        new("PSETEX", Key, Milliseconds, Value),
        new("SETEX", Key, Seconds, Value),
        new("SETNX", Key, Value),
        new("SETRANGE", Key, Offset, Value),
        new("STRLEN", Key),
        new("SUBSTR", Key, Position, Position),
    ];
}
