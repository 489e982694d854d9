// The options that say when a value expires, which SET, GETEX and MSETEX have in common:
//
//     EX seconds | PX milliseconds | EXAT unix-seconds | PXAT unix-milliseconds | KEEPTTL | PERSIST
//
// At most one kind may be given; the same kind again overrides the one before, as in Redis. What the number means is
// looked at only when the command asks for the deadline: SET does so before it looks at its key, GETEX after.

namespace Millrace.Commands;

/// <summary>What an expiry option says.</summary>
internal enum ExpiryKind
{
    /// <summary>No option: a fresh value has no deadline.</summary>
    None,

    /// <summary>EX: seconds from now.</summary>
    Seconds,

    /// <summary>PX: milliseconds from now.</summary>
    Milliseconds,

    /// <summary>EXAT: seconds of Unix time.</summary>
    UnixSeconds,

    /// <summary>PXAT: milliseconds of Unix time.</summary>
    UnixMilliseconds,

    /// <summary>KEEPTTL: the deadline stays.</summary>
    Keep,

    /// <summary>PERSIST: the deadline goes.</summary>
    Persist,
}

/// <summary>The expiry option of one call.</summary>
internal struct ExpiryOption
{
    private int _numberAt;

    /// <summary>What was asked for.</summary>
    public ExpiryKind Kind { get; private set; }

    /// <summary>Whether a point in time was given.</summary>
    public readonly bool HasDeadline => IsTime(Kind);

    /// <summary>Whether a kind stands for a point in time.</summary>
    public static bool IsTime(ExpiryKind kind) =>
        kind is not (ExpiryKind.None or ExpiryKind.Keep or ExpiryKind.Persist);

    /// <summary>The kind that a word stands for; <see cref="ExpiryKind.None"/> for any other word.</summary>
    public static ExpiryKind KindOf(ReadOnlySpan<byte> word) => word.Length switch
    {
        2 => Words.Equal(word, "EX"u8) ? ExpiryKind.Seconds
            : Words.Equal(word, "PX"u8) ? ExpiryKind.Milliseconds : ExpiryKind.None,
        4 => Words.Equal(word, "EXAT"u8) ? ExpiryKind.UnixSeconds
            : Words.Equal(word, "PXAT"u8) ? ExpiryKind.UnixMilliseconds : ExpiryKind.None,
        7 => Words.Equal(word, "KEEPTTL"u8) ? ExpiryKind.Keep
            : Words.Equal(word, "PERSIST"u8) ? ExpiryKind.Persist : ExpiryKind.None,
        _ => ExpiryKind.None,
    };

    /// <summary>
    /// Takes the option at <paramref name="at"/> and leaves <paramref name="at"/> at its last argument. False when
    /// another kind was given before, or the number is missing.
    /// </summary>
    public bool TryTake(in Call call, ExpiryKind kind, ref int at)
    {
        if (Kind != ExpiryKind.None && Kind != kind) return false;
        Kind = kind;
        if (!HasDeadline) return true;
        if (at + 1 >= call.Args.Count) return false;
        _numberAt = ++at;
        return true;
    }

    /// <summary>The deadline in Unix milliseconds; writes the error and returns false when the number is
    /// none.</summary>
    public readonly bool TryDeadline(in Call call, out long deadlineMs)
    {
        if (!call.TryInteger(_numberAt, out deadlineMs)) return false;
        if (TryResolve(Kind, deadlineMs, call.Unit.NowMs, out deadlineMs)) return true;
        ErrorTexts.WriteInvalidExpiry(call.Reply, call.Spec);
        return false;
    }

    /// <summary>Turns a positive number of this kind into Unix milliseconds.</summary>
    public static bool TryResolve(ExpiryKind kind, long number, long nowMs, out long deadlineMs)
    {
        deadlineMs = number;
        if (number <= 0) return false;
        if (kind is ExpiryKind.Seconds or ExpiryKind.UnixSeconds)
        {
            if (number > long.MaxValue / 1000) return false;
            deadlineMs = number * 1000;
        }

        if (kind is ExpiryKind.UnixSeconds or ExpiryKind.UnixMilliseconds) return true;
        if (deadlineMs > long.MaxValue - nowMs) return false;
        deadlineMs += nowMs;
        return true;
    }
}
