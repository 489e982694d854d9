// Strings as numbers: INCR, DECR and their kin.
//
// INCREX does what INCRBY or INCRBYFLOAT does, between bounds, and sets a deadline; its answer says what was added:
//
//     result outside of the bounds, or of the type:   SATURATE: the bound      otherwise: nothing happens, 0 was added
//
// The integers are 64 bits wide; what would leave that range is refused. INCRBYFLOAT computes in the 80-bit format of
// C's long double, as Redis does on x86-64, so that sums and their texts are the same.
// Source: Redis 7.2 documentation, "INCR", "INCRBYFLOAT"; Redis 8.8 documentation, "INCREX".

using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands on strings that hold numbers.</summary>
public static class NumberCommands
{
    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("decr", 2, Decr)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Update)],
            Syntax = "key",
            Summary = "Subtracts one from the integer that a key holds. A missing key counts as 0.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "string",
        },
        new("decrby", 3, DecrBy)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Update)],
            Syntax = "key decrement:integer",
            Summary = "Subtracts a number from the integer that a key holds. A missing key counts as 0.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "string",
        },
        new("incr", 2, Incr)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Update)],
            Syntax = "key",
            Summary = "Adds one to the integer that a key holds. A missing key counts as 0.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "string",
        },
        new("incrby", 3, IncrBy)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Update)],
            Syntax = "key increment:integer",
            Summary = "Adds a number to the integer that a key holds. A missing key counts as 0.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "string",
        },
        new("incrbyfloat", 3, IncrByFloat)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Update)],
            Syntax = "key increment:double",
            Summary = "Adds a number to the floating-point number that a key holds. A missing key counts as 0.",
            Since = "2.6.0",
            Complexity = "O(1)",
            Group = "string",
        },
        new("increx", -2, IncrEx)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Update)],
            Syntax = "key [BYFLOAT float:double | BYINT integer:integer] [SATURATE] [LBOUND lowerbound]"
                + " [UBOUND upperbound] [EX seconds:integer | PX milliseconds:integer"
                + " | EXAT unix-time-seconds:unix-time | PXAT unix-time-milliseconds:unix-time | PERSIST] [ENX]",
            Summary = "Adds to the number that a key holds, between bounds, and sets when it expires.",
            Since = "8.8.0",
            Complexity = "O(1)",
            Group = "string",
        },
    ];

    private static void Decr(ref Call call) => Add(call, -1);

    private static void DecrBy(ref Call call)
    {
        if (!call.TryInteger(2, out var decrement)) return;
        if (decrement == long.MinValue) call.Reply.Error("ERR decrement would overflow"u8);
        else Add(call, -decrement);
    }

    private static void Incr(ref Call call) => Add(call, 1);

    private static void IncrBy(ref Call call)
    {
        if (call.TryInteger(2, out var increment)) Add(call, increment);
    }

    private static void IncrByFloat(ref Call call)
    {
        var key = call.Key(1);
        if (!TryReadNumber(call, out var entry, out var value)) return;
        if (!LongDouble.TryParse(call.Args[2], out var increment))
        {
            call.Reply.Error(ErrorTexts.NotAFloat);
            return;
        }

        if (!call.TryAdd(value, increment, out LongDouble sum)) return;
        Span<byte> text = stackalloc byte[LongDouble.MaxHumanBytes];
        text = text[..sum.FormatHuman(text)];
        StringValue.SetBytes(call.Unit, key, entry, text, entry.IsMissing ? -1 : entry.DeadlineMs);
        call.Unit.Changed(key);
        call.Unit.Notify(NotifyClasses.String, "incrbyfloat"u8, key);
        Record(call, key, text);
        call.Reply.Bulk(text);
    }

    private static void IncrEx(ref Call call)
    {
        if (!IncrementOptions.TryRead(call, out var options)) return;
        if (options.IsFloat) AddBoundedNumber(call, options);
        else AddBoundedInteger(call, options);
    }

    private static void AddBoundedInteger(in Call call, IncrementOptions options)
    {
        if (!options.TryIntegers(call, out var increment, out var lower, out var upper)) return;
        if (!TryDeadline(call, options, out var deadline)) return;
        if (!TryReadInteger(call, out var entry, out var value)) return;
        var wide = (Int128)value + increment;
        var result = (long)Int128.Clamp(wide, lower, upper);
        if (result != wide && !options.Saturates)
        {
            ReplyPair(call, value, 0);
            return;
        }

        var added = (Int128)result - value;
        if (added < long.MinValue || added > long.MaxValue)
        {
            call.Reply.Error(ErrorTexts.IncrementOverflow);
            return;
        }

        Span<byte> text = stackalloc byte[Numbers.MaxInt64Bytes];
        StoreBounded(call, options, entry, text[..Numbers.FormatInt64(result, text)], deadline);
        ReplyPair(call, result, (long)added);
    }

    private static void AddBoundedNumber(in Call call, IncrementOptions options)
    {
        if (!options.TryNumbers(call, out var increment, out var lower, out var upper)) return;
        if (!TryDeadline(call, options, out var deadline)) return;
        if (!TryReadNumber(call, out var entry, out var value)) return;
        if (value.IsInfinity || increment.IsInfinity)
        {
            call.Reply.Error(ErrorTexts.IncrementNotFinite);
            return;
        }

        // A sum that the type cannot hold is beyond either bound, on the side of the increment.
        var isSum = value.TryAdd(increment, out var result);
        var isBelow = isSum ? result.CompareTo(lower) < 0 : increment.IsNegative;
        var isOutside = !isSum || isBelow || result.CompareTo(upper) > 0;
        if (isOutside && !options.Saturates)
        {
            ReplyPair(call, value, default);
            return;
        }

        if (isOutside) result = isBelow ? lower : upper;
        if (isOutside && !call.TryAdd(result, value.Negated(), out increment)) return;
        Span<byte> text = stackalloc byte[LongDouble.MaxHumanBytes];
        StoreBounded(call, options, entry, text[..result.FormatHuman(text)], deadline);
        ReplyPair(call, result, increment);
    }

    // -1: none is set. Writes the error when the number is none.
    private static bool TryDeadline(in Call call, IncrementOptions options, out long deadlineMs)
    {
        deadlineMs = -1;
        return !options.Expiry.HasDeadline || options.Expiry.TryDeadline(call, out deadlineMs);
    }

    // The effect says all: what the value is and when it expires.
    private static void StoreBounded(
        in Call call, IncrementOptions options, in Entry entry, scoped ReadOnlySpan<byte> text, long deadlineMs)
    {
        var key = call.Key(1);
        var hadDeadline = entry.HasDeadline;
        var keeps = options.Expiry.Kind == ExpiryKind.None || (options.OnlyWithoutDeadline && hadDeadline);
        if (keeps) deadlineMs = entry.IsMissing ? -1 : entry.DeadlineMs;
        if (!keeps && deadlineMs >= 0 && deadlineMs <= call.Unit.DueMs)
        {
            // The value would never be seen.
            if (!entry.IsMissing) ExpiryCommands.RemoveAsExpired(call, key, entry);
            return;
        }

        if (options.IsFloat) StringValue.SetBytes(call.Unit, key, entry, text, deadlineMs);
        else StringCommands.SetText(call.Unit, key, entry, text, deadlineMs);
        call.Unit.Changed(key);
        call.Unit.Notify(NotifyClasses.String, options.IsFloat ? "incrbyfloat"u8 : "incrby"u8, key);
        if (!keeps && deadlineMs >= 0) call.Unit.Notify(NotifyClasses.Generic, "expire"u8, key);
        else if (!keeps && hadDeadline) call.Unit.Notify(NotifyClasses.Generic, "persist"u8, key);
        StringCommands.RecordSet(call, key, text, deadlineMs);
    }

    private static void ReplyPair(in Call call, long value, long added)
    {
        call.Reply.Array(2);
        call.Reply.Integer(value);
        call.Reply.Integer(added);
    }

    private static void ReplyPair(in Call call, LongDouble value, LongDouble added)
    {
        Span<byte> text = stackalloc byte[LongDouble.MaxHumanBytes];
        call.Reply.Array(2);
        call.Reply.DoubleText(text[..value.FormatHuman(text)]);
        call.Reply.DoubleText(text[..added.FormatHuman(text)]);
    }

    private static void Add(in Call call, long increment)
    {
        var key = call.Key(1);
        if (!TryReadInteger(call, out var entry, out var value)) return;
        if (!call.TryAdd(value, increment, out long sum)) return;
        StringValue.SetInteger(call.Unit, key, entry, sum, entry.IsMissing ? -1 : entry.DeadlineMs);
        call.Unit.Changed(key);
        call.Unit.Notify(NotifyClasses.String, "incrby"u8, key);
        call.Reply.Integer(sum);
    }

    // The integer that the key holds; writes the error when it holds something else.
    private static bool TryReadInteger(in Call call, out Entry entry, out long value)
    {
        value = 0;
        entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return false;
        if (entry.IsMissing || StringValue.TryGetInteger(entry, out value)
            || Numbers.TryParseInt64(StringValue.Read(entry, default), out value))
        {
            return true;
        }

        call.Reply.Error(ErrorTexts.NotAnInteger);
        return false;
    }

    // The number that the key holds; writes the error when it holds something else.
    private static bool TryReadNumber(in Call call, out Entry entry, out LongDouble value)
    {
        value = default;
        entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return false;
        Span<byte> scratch = stackalloc byte[StringValue.ScratchBytes];
        if (entry.IsMissing || LongDouble.TryParse(StringValue.Read(entry, scratch), out value)) return true;
        call.Reply.Error(ErrorTexts.NotAFloat);
        return false;
    }

    private static void Record(in Call call, in Key key, ReadOnlySpan<byte> text)
    {
        if (!call.Effects.Begin(4)) return;
        call.Effects.Argument("SET"u8);
        call.Effects.Argument(key.Bytes);
        call.Effects.Argument(text);
        call.Effects.Argument("KEEPTTL"u8);
    }
}
