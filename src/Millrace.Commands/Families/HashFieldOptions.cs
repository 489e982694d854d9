// The arguments that the commands on deadlines of fields have in common:
//
//     FIELDS numfields field ...                               at a fixed place, up to the last argument
//     [expiry] FIELDS numfields field ...                      HGETEX
//     [FNX | FXX] [expiry] FIELDS numfields field value ...    HSETEX, the options in any order
//
// The commands came one after the other and say the same thing in different words; the texts are those of 8.0.
// Source: Redis documentation, "HEXPIRE" (7.4), "HGETDEL", "HGETEX", "HSETEX" (8.0).

using System.Diagnostics;
using Millrace.Resp;

namespace Millrace.Commands.Families;

/// <summary>Where the fields of a call are.</summary>
/// <param name="First">The argument of the first.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Width">Arguments for one field: 2 with its value.</param>
internal readonly record struct HashFieldList(int First, int Count, int Width = 1)
{
    /// <summary>The argument behind the last.</summary>
    public int End => First + (Count * Width);

    /// <summary>The argument that names the field at an index.</summary>
    public int ArgOf(int index) => First + (index * Width);

    /// <summary>The error for what is no number of fields.</summary>
    public static ReadOnlySpan<byte> NoCount => "ERR Number of fields must be a positive integer"u8;

    /// <summary>Reads FIELDS and what follows from an argument to the end; writes the error and returns false when that
    /// is wrong.</summary>
    /// <param name="call">The call.</param>
    /// <param name="at">Where FIELDS must be.</param>
    /// <param name="fields">The fields.</param>
    /// <param name="noCount">The error for what is no number of fields: HEXPIRE and its like have one of their
    /// own.</param>
    public static bool TryRead(in Call call, int at, out HashFieldList fields, ReadOnlySpan<byte> noCount)
    {
        fields = default;
        if (at + 1 >= call.Args.Count || !call.Is(at, "FIELDS"u8))
        {
            call.Reply.Error("ERR Mandatory argument FIELDS is missing or not at the right position"u8);
            return false;
        }

        if (!TryCount(call, at + 1, long.MaxValue, out var count))
        {
            call.Reply.Error(noCount);
            return false;
        }

        fields = new HashFieldList(at + 2, count);
        if (fields.End == call.Args.Count) return true;
        call.Reply.Error("ERR The `numfields` parameter must match the number of arguments"u8);
        return false;
    }

    /// <summary>Reads FIELDS of HSETEX and the pairs that follow, up to the last argument.</summary>
    internal static bool TryReadPairs(in Call call, int at, out HashFieldList fields)
    {
        const int least = 3;    // their number, a field, a value
        fields = default;
        if (at + least >= call.Args.Count)
        {
            ErrorTexts.WriteArity(call.Reply, call.Spec);
            return false;
        }

        if (!TryCount(call, at + 1, int.MaxValue, out var count))
        {
            call.Reply.Error("ERR invalid number of fields"u8);
            return false;
        }

        if (call.Args.Count - at - 2 != 2L * count)
        {
            ErrorTexts.WriteArity(call.Reply, call.Spec);
            return false;
        }

        fields = new HashFieldList(at + 2, count, Width: 2);
        return true;
    }

    // A number of fields that no request can have is cut to one that its arguments do not match either.
    private static bool TryCount(in Call call, int at, long most, out int count)
    {
        count = 0;
        if (!Numbers.TryParseInt64(call.Args[at], out var number) || number < 1 || number > most) return false;
        count = (int)Math.Min(number, call.Args.Count);
        return true;
    }
}

/// <summary>When fields are to expire: what an expiry option or an argument of HEXPIRE's family says.</summary>
/// <param name="Kind">The unit, and from where it counts; or none.</param>
/// <param name="NumberAt">The argument with the number, if there is to be one; the arities see to it that the argument
/// is there.</param>
internal readonly record struct FieldExpiry(ExpiryKind Kind, int NumberAt)
{
    /// <summary>The latest deadline of a field, in Unix milliseconds: 46 bits, as in Redis.</summary>
    public const long MaxDeadlineMs = (1L << 46) - 1;

    /// <summary>Whether a point in time was given.</summary>
    public bool HasDeadline => ExpiryOption.IsTime(Kind);

    /// <summary>The deadline in Unix milliseconds, which may have passed; -1 when none was given. Writes the error and
    /// returns false when the number is none.</summary>
    public bool TryDeadline(in Call call, out long deadlineMs)
    {
        deadlineMs = -1;
        if (!HasDeadline) return true;
        Debug.Assert(NumberAt < call.Args.Count, "the arity is larger than the options that may stand in front");
        if (!call.TryInteger(NumberAt, out var number)) return false;
        if (number < 0)
        {
            call.Reply.Error("ERR invalid expire time, must be >= 0"u8);
            return false;
        }

        var unitMs = Kind is ExpiryKind.Seconds or ExpiryKind.UnixSeconds ? 1000 : 1;
        var from = Kind is ExpiryKind.Seconds or ExpiryKind.Milliseconds ? call.Unit.NowMs : 0;
        if (number > (MaxDeadlineMs - from) / unitMs)
        {
            ErrorTexts.WriteInvalidExpiry(call.Reply, call.Spec);
            return false;
        }

        deadlineMs = (number * unitMs) + from;
        return true;
    }
}

/// <summary>The options of HGETEX and HSETEX.</summary>
internal struct HashFieldOptions
{
    private long _deadlineMs;

    /// <summary>The fields.</summary>
    public HashFieldList Fields { get; private set; }

    /// <summary>How it was said when they are to expire.</summary>
    public FieldExpiry Expiry { get; private set; }

    /// <summary>When they are to expire, in Unix milliseconds; -1 when no point in time was given.</summary>
    public readonly long DeadlineMs => Expiry.HasDeadline ? _deadlineMs : -1;

    /// <summary>FNX: none of the fields may be there.</summary>
    public bool OnlyNew { get; private set; }

    /// <summary>FXX: all of the fields must be there.</summary>
    public bool OnlyExisting { get; private set; }

    /// <summary>Reads those of HGETEX; writes the error and returns false when they are wrong.</summary>
    public static bool TryReadGet(in Call call, out HashFieldOptions options)
    {
        options = default;
        var kind = ExpiryOption.KindOf(call.Args[2]);
        if (kind == ExpiryKind.Keep) kind = ExpiryKind.None;
        if (!options.TryTime(call, kind, 3)) return false;
        var at = options.Expiry.HasDeadline ? 4 : kind == ExpiryKind.Persist ? 3 : 2;
        if (!HashFieldList.TryRead(call, at, out var fields, HashFieldList.NoCount)) return false;
        options.Fields = fields;
        return true;
    }

    /// <summary>Reads those of HSETEX; writes the error and returns false when they are wrong.</summary>
    public static bool TryReadSet(in Call call, out HashFieldOptions options)
    {
        options = default;
        for (var at = 2; at < call.Args.Count; at++)
        {
            if (call.Is(at, "FIELDS"u8))
            {
                if (!HashFieldList.TryReadPairs(call, at, out var fields)) return false;
                options.Fields = fields;
                return true;
            }

            if (!options.TryTake(call, ref at)) return false;
        }

        // Does not happen: there are more arguments than those options that go together.
        ErrorTexts.WriteArity(call.Reply, call.Spec);
        return false;
    }

    private bool TryTake(in Call call, ref int at)
    {
        var isNew = call.Is(at, "FNX"u8);
        if (!isNew && !call.Is(at, "FXX"u8)) return TryTakeExpiry(call, ref at);
        if (OnlyNew || OnlyExisting)
        {
            call.Reply.Error("ERR Only one of FXX or FNX arguments can be specified"u8);
            return false;
        }

        OnlyNew = isNew;
        OnlyExisting = !isNew;
        return true;
    }

    private bool TryTakeExpiry(in Call call, ref int at)
    {
        var kind = ExpiryOption.KindOf(call.Args[at]);
        if (kind is ExpiryKind.None or ExpiryKind.Persist)
        {
            ErrorTexts.WriteQuoting(call.Reply, "ERR unknown argument: "u8, call.Args[at], default);
            return false;
        }

        if (Expiry.Kind != ExpiryKind.None)
        {
            call.Reply.Error("ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"u8);
            return false;
        }

        if (!TryTime(call, kind, at + 1)) return false;
        if (Expiry.HasDeadline) at++;
        return true;
    }

    private bool TryTime(in Call call, ExpiryKind kind, int numberAt)
    {
        Expiry = new FieldExpiry(kind, numberAt);
        return Expiry.TryDeadline(call, out _deadlineMs);
    }
}
