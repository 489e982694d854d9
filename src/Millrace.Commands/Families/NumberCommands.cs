// Strings as numbers: INCR, DECR and their kin.
//
// The integers are 64 bits wide; what would leave that range is refused. INCRBYFLOAT computes in the 80-bit format of
// C's long double, as Redis does on x86-64, so that sums and their texts are the same.
// Source: Redis 7.2 documentation, "INCR", "INCRBYFLOAT".

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
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return;
        Span<byte> scratch = stackalloc byte[StringValue.ScratchBytes];
        var old = entry.IsMissing ? "0"u8 : StringValue.Read(entry, scratch);
        if (!LongDouble.TryParse(old, out var value) || !LongDouble.TryParse(call.Args[2], out var increment))
        {
            call.Reply.Error(ErrorTexts.NotAFloat);
            return;
        }

        if (!call.TryAdd(value, increment, out LongDouble sum)) return;
        Span<byte> text = stackalloc byte[LongDouble.MaxHumanBytes];
        text = text[..sum.FormatHuman(text)];
        StringValue.SetBytes(call.Unit, key, entry, text, entry.IsMissing ? -1 : entry.DeadlineMs);
        call.Unit.Changed(key);
        Record(call, key, text);
        call.Reply.Bulk(text);
    }

    private static void Add(in Call call, long increment)
    {
        var key = call.Key(1);
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return;
        var value = 0L;
        if (!entry.IsMissing && !StringValue.TryGetInteger(entry, out value)
            && !Numbers.TryParseInt64(StringValue.Read(entry, default), out value))
        {
            call.Reply.Error(ErrorTexts.NotAnInteger);
            return;
        }

        if (!call.TryAdd(value, increment, out long sum)) return;
        StringValue.SetInteger(call.Unit, key, entry, sum, entry.IsMissing ? -1 : entry.DeadlineMs);
        call.Unit.Changed(key);
        call.Reply.Integer(sum);
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
