// Hashes: fields with values under one key.
//
// HRANDFIELD is in HashRandom, HSCAN in HashScan, the commands on deadlines of fields in HashExpiryCommands.
// Source: Redis 7.2 documentation, "Hashes"; HSCAN NOVALUES: Redis 7.4 documentation.

using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Memory;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands on hashes.</summary>
public static class HashCommands
{
    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("hdel", -3, HDel)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Hash,
            MemberAt = 2,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Delete)],
            Syntax = "key field...",
            Summary = "Removes fields from a hash. The key goes with the last one.",
            Since = "2.0.0",
            Complexity = "O(N) where N is the number of fields to be removed.",
            Group = "hash",
            History = [("2.4.0", "Accepts multiple `field` arguments.")],
        },
        new("hexists", 3, HExists)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Hash,
            MemberAt = 2,
            Keys = [KeySpec.One(KeyFlags.RO)],
            Syntax = "key field",
            Summary = "Tells whether a hash has a field.",
            Since = "2.0.0",
            Complexity = "O(1)",
            Group = "hash",
        },
        new("hget", 3, HGet)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Hash,
            MemberAt = 2,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key field",
            Summary = "Returns the value of a field of a hash.",
            Since = "2.0.0",
            Complexity = "O(1)",
            Group = "hash",
        },
        new("hgetall", 2, HGetAll)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Hash,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key",
            Summary = "Returns the fields of a hash with their values.",
            Since = "2.0.0",
            Complexity = "O(N) where N is the size of the hash.",
            Group = "hash",
            Tips = ["nondeterministic_output_order"],
        },
        new("hincrby", 4, HIncrBy)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.Hash,
            MemberAt = 2,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Update)],
            Syntax = "key field increment:integer",
            Summary = "Adds a number to the integer in a field of a hash. A missing field counts as 0.",
            Since = "2.0.0",
            Complexity = "O(1)",
            Group = "hash",
        },
        new("hincrbyfloat", 4, HIncrByFloat)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.Hash,
            MemberAt = 2,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Update)],
            Syntax = "key field increment:double",
            Summary = "Adds a number to the floating-point number in a field of a hash. A missing field counts as 0.",
            Since = "2.6.0",
            Complexity = "O(1)",
            Group = "hash",
        },
        new("hkeys", 2, HKeys)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Hash,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key",
            Summary = "Returns the names of the fields of a hash.",
            Since = "2.0.0",
            Complexity = "O(N) where N is the size of the hash.",
            Group = "hash",
            Tips = ["nondeterministic_output_order"],
        },
        new("hlen", 2, HLen)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Hash,
            Keys = [KeySpec.One(KeyFlags.RO)],
            Syntax = "key",
            Summary = "Returns the number of fields of a hash.",
            Since = "2.0.0",
            Complexity = "O(1)",
            Group = "hash",
        },
        new("hmget", -3, HMGet)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Hash,
            MemberAt = 2,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key field...",
            Summary = "Returns the values of several fields of a hash.",
            Since = "2.0.0",
            Complexity = "O(N) where N is the number of fields being requested.",
            Group = "hash",
        },
        new("hmset", -4, HMSet)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.Hash,
            MemberAt = 2,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            Syntax = "key (field value:string)...",
            Summary = "Sets several fields of a hash.",
            Since = "2.0.0",
            Complexity = "O(N) where N is the number of fields being set.",
            Group = "hash",
            DeprecatedSince = "4.0.0",
            ReplacedBy = "`HSET` with multiple field-value pairs",
        },
        new("hrandfield", -2, HashRandom.HRandField)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Hash,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key [count:integer [WITHVALUES]]",
            Summary = "Returns one or several fields of a hash, chosen at random.",
            Since = "6.2.0",
            Complexity = "O(N) where N is the number of fields returned",
            Group = "hash",
            Tips = ["nondeterministic_output"],
        },
        new("hscan", -3, HashScan.HScan)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Hash,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key cursor:integer [MATCH pattern:pattern] [COUNT count:integer] [NOVALUES]",
            Summary = "Returns some fields of a hash, and the cursor with which to go on.",
            Since = "2.8.0",
            Complexity = "O(1) for every call. O(N) for a complete iteration, where N is the size of the hash.",
            Group = "hash",
            Tips = ["nondeterministic_output"],
        },
        new("hset", -4, HSet)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.Hash,
            MemberAt = 2,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            Syntax = "key (field value:string)...",
            Summary = "Sets fields of a hash.",
            Since = "2.0.0",
            Complexity = "O(1) for each field/value pair added.",
            Group = "hash",
            History = [("4.0.0", "Accepts multiple `field` and `value` arguments.")],
        },
        new("hsetnx", 4, HSetNx)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.Hash,
            MemberAt = 2,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Insert)],
            Syntax = "key field value:string",
            Summary = "Sets a field of a hash unless the hash has it.",
            Since = "2.0.0",
            Complexity = "O(1)",
            Group = "hash",
        },
        new("hstrlen", 3, HStrLen)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Hash,
            MemberAt = 2,
            Keys = [KeySpec.One(KeyFlags.RO)],
            Syntax = "key field",
            Summary = "Returns the length of the value of a field of a hash.",
            Since = "3.2.0",
            Complexity = "O(1)",
            Group = "hash",
        },
        new("hvals", 2, HVals)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Hash,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key",
            Summary = "Returns the values of a hash.",
            Since = "2.0.0",
            Complexity = "O(N) where N is the size of the hash.",
            Group = "hash",
            Tips = ["nondeterministic_output_order"],
        },
    ];

    /// <summary>Looks a hash up; writes WRONGTYPE and returns false when the key holds something else.</summary>
    internal static bool TryRead(in Call call, out Entry entry)
    {
        entry = call.Read(1);
        return call.IsTypeOrMissing(entry, ValueType.Hash);
    }

    /// <summary>The same for a command that is going to change the hash.</summary>
    internal static bool TryWrite(in Call call, out Entry entry)
    {
        entry = call.Write(1);
        return call.IsTypeOrMissing(entry, ValueType.Hash);
    }

    /// <summary>Replies with the name or the value of a field.</summary>
    internal static void ReplyText(in Call call, scoped in ListpackElement text)
    {
        if (text.IsInteger) call.Reply.BulkInteger(text.Integer);
        else call.Reply.Bulk(text.Bytes);
    }

    /// <summary>Replies with the value of a field, or null.</summary>
    internal static void ReplyValue(in Call call, in Entry entry, ReadOnlySpan<byte> field)
    {
        if (!entry.IsMissing && HashValue.TryFind(call.Unit, entry, field, out var item)) ReplyText(call, item.Value);
        else call.Reply.Null();
    }

    /// <summary>
    /// Sets the pairs of arguments from one on up to another, and counts those that are new. Nothing happens, and the
    /// error is written, when one of them is too long.
    /// </summary>
    internal static bool TrySetPairs(
        in Call call, in Entry existing, int first, int end, long deadlineMs, out int created)
    {
        created = 0;
        var key = call.Key(1);
        if (!TryPrepare(call, key, existing, first, end, out var entry)) return false;
        for (var i = first; i < end; i += 2)
        {
            entry = HashValue.Set(
                call.Unit, key, entry, call.Args[i], call.Args[i + 1], deadlineMs, out var isNew);
            if (isNew) created++;
            call.Unit.Changed(key);
        }

        HashValue.Settle(call.Unit, key, entry);
        call.Unit.Notify(NotifyClasses.Hash, "hset"u8, key);
        return true;
    }

    /// <summary>Ends a series of changes, and tells of it by an event's name.</summary>
    internal static void SettleTold(Unit unit, in Key key, in Entry entry, ReadOnlySpan<byte> name)
    {
        var isGone = !HashValue.Settle(unit, key, entry);
        unit.Notify(NotifyClasses.Hash, name, key, isGone);
    }

    private static void HDel(ref Call call)
    {
        if (!TryWrite(call, out var entry)) return;
        var key = call.Key(1);
        var removed = 0;
        for (var i = 2; i < call.Args.Count && !entry.IsMissing; i++)
        {
            if (!HashValue.Remove(call.Unit, key, entry, call.Args[i])) continue;
            call.Unit.Changed(key);
            removed++;
        }

        if (removed > 0) SettleTold(call.Unit, key, entry, "hdel"u8);
        call.Reply.Integer(removed);
    }

    private static void HExists(ref Call call)
    {
        if (TryRead(call, out var entry))
            call.Reply.Integer(!entry.IsMissing && HashValue.TryFind(call.Unit, entry, call.Args[2], out _) ? 1 : 0);
    }

    private static void HGet(ref Call call)
    {
        if (TryRead(call, out var entry)) ReplyValue(call, entry, call.Args[2]);
    }

    private static void HGetAll(ref Call call)
    {
        if (!TryRead(call, out var entry)) return;
        call.Reply.Map(entry.IsMissing ? 0 : (int)HashValue.Count(entry, call.Unit.NowMs));
        if (entry.IsMissing) return;
        var writer = new Writer(call, names: true, values: true);
        HashValue.Walk(entry, call.Unit.NowMs, ref writer);
    }

    private static void HIncrBy(ref Call call)
    {
        if (!call.TryInteger(3, out var increment) || !TryWrite(call, out var entry)) return;
        var value = 0L;
        if (!entry.IsMissing && HashValue.TryFind(call.Unit, entry, call.Args[2], out var item)
            && !TryReadInteger(item.Value, out value))
        {
            call.Reply.Error("ERR hash value is not an integer"u8);
            return;
        }

        if (!call.TryAdd(value, increment, out long sum)) return;
        Span<byte> text = stackalloc byte[Numbers.MaxInt64Bytes];
        if (TryStore(call, entry, text[..Numbers.FormatInt64(sum, text)], "hincrby"u8)) call.Reply.Integer(sum);
    }

    private static void HIncrByFloat(ref Call call)
    {
        if (!LongDouble.TryParse(call.Args[3], out var increment))
        {
            call.Reply.Error(ErrorTexts.NotAFloat);
            return;
        }

        if (increment.IsInfinity)
        {
            call.Reply.Error("ERR value is NaN or Infinity"u8);
            return;
        }

        if (!TryWrite(call, out var entry)) return;
        var key = call.Key(1);
        var value = LongDouble.FromInt64(0);
        var deadline = -1L;
        if (!entry.IsMissing && HashValue.TryFind(call.Unit, entry, call.Args[2], out var item))
        {
            deadline = item.DeadlineMs;
            if (item.Value.IsInteger)
            {
                value = LongDouble.FromInt64(item.Value.Integer);
            }
            else if (!LongDouble.TryParse(item.Value.Bytes, out value))
            {
                call.Reply.Error("ERR hash value is not a float"u8);
                return;
            }
        }

        if (!call.TryAdd(value, increment, out LongDouble sum)) return;
        Span<byte> text = stackalloc byte[LongDouble.MaxHumanBytes];
        text = text[..sum.FormatHuman(text)];
        if (!TryStore(call, entry, text, "hincrbyfloat"u8)) return;
        RecordSum(call, key, text, deadline);
        call.Reply.Bulk(text);
    }

    private static void HKeys(ref Call call) => ReplyColumn(call, names: true);

    private static void HLen(ref Call call)
    {
        if (TryRead(call, out var entry))
            call.Reply.Integer(entry.IsMissing ? 0 : HashValue.Count(entry, call.Unit.NowMs));
    }

    private static void HMGet(ref Call call)
    {
        if (!TryRead(call, out var entry)) return;
        call.Reply.Array(call.Args.Count - 2);
        for (var i = 2; i < call.Args.Count; i++) ReplyValue(call, entry, call.Args[i]);
    }

    private static void HMSet(ref Call call)
    {
        if (TrySet(call, out _)) call.Reply.Ok();
    }

    private static void HSet(ref Call call)
    {
        if (TrySet(call, out var created)) call.Reply.Integer(created);
    }

    private static void HSetNx(ref Call call)
    {
        if (!TryWrite(call, out var entry)) return;
        if (!entry.IsMissing && HashValue.TryFind(call.Unit, entry, call.Args[2], out _)) call.Reply.Integer(0);
        else if (TrySetPairs(call, entry, 2, call.Args.Count, -1, out _)) call.Reply.Integer(1);
    }

    private static void HStrLen(ref Call call)
    {
        if (!TryRead(call, out var entry)) return;
        var length = 0;
        if (!entry.IsMissing && HashValue.TryFind(call.Unit, entry, call.Args[2], out var item))
            length = item.Value.TextLength;
        call.Reply.Integer(length);
    }

    private static void HVals(ref Call call) => ReplyColumn(call, names: false);

    private static bool TrySet(in Call call, out int created)
    {
        created = 0;
        if (call.Args.Count % 2 == 0)
            return TryWrite(call, out var entry) && TrySetPairs(call, entry, 2, call.Args.Count, -1, out created);
        ErrorTexts.WriteArity(call.Reply, call.Spec);
        return false;
    }

    // One pair needs no look ahead: HashValue.Set looks at it.
    private static bool TryPrepare(in Call call, in Key key, in Entry existing, int first, int end, out Entry entry)
    {
        entry = existing;
        var longest = 0;
        var bytes = 0L;
        for (var i = first; i < end; i += 2)
        {
            var name = call.Args[i];
            var value = call.Args[i + 1];
            if (!HashValue.Fits(name, value))
            {
                call.Reply.Error(ErrorTexts.StringTooLong);
                return false;
            }

            longest = Math.Max(longest, Math.Max(name.Length, value.Length));
            bytes += (long)Listpack.SizeOf(name) + Listpack.SizeOf(value);
        }

        var fields = (end - first) / 2;
        if (fields > 1) entry = HashValue.Prepare(call.Unit, key, existing, fields, longest, bytes);
        return true;
    }

    private static bool TryReadInteger(scoped in ListpackElement text, out long value)
    {
        value = text.Integer;
        return text.IsInteger || Numbers.TryParseInt64(text.Bytes, out value);
    }

    // Arithmetic changes a value without replacing it: the field's deadline stays.
    private static bool TryStore(in Call call, in Entry entry, ReadOnlySpan<byte> text, ReadOnlySpan<byte> eventName)
    {
        var key = call.Key(1);
        var name = call.Args[2];
        if (!HashValue.Fits(name, text))
        {
            call.Reply.Error(ErrorTexts.StringTooLong);
            return false;
        }

        var made = HashValue.Set(call.Unit, key, entry, name, text, HashValue.KeepsDeadline, out _);
        HashValue.Settle(call.Unit, key, made);
        call.Unit.Changed(key);
        call.Unit.Notify(NotifyClasses.Hash, eventName, key);
        return true;
    }

    // HSET takes a field's deadline away: it is set again.
    private static void RecordSum(in Call call, in Key key, ReadOnlySpan<byte> text, long deadlineMs)
    {
        if (!call.Effects.Begin(4)) return;
        call.Effects.Argument("HSET"u8);
        call.Effects.Argument(key.Bytes);
        call.Effects.Argument(call.Args[2]);
        call.Effects.Argument(text);
        if (deadlineMs < 0 || !call.Effects.Begin(6)) return;
        call.Effects.Argument("HPEXPIREAT"u8);
        call.Effects.Argument(key.Bytes);
        call.Effects.Argument(deadlineMs);
        call.Effects.Argument("FIELDS"u8);
        call.Effects.Argument(1);
        call.Effects.Argument(call.Args[2]);
    }

    private static void ReplyColumn(in Call call, bool names)
    {
        if (!TryRead(call, out var entry)) return;
        call.Reply.Array(entry.IsMissing ? 0 : (int)HashValue.Count(entry, call.Unit.NowMs));
        if (entry.IsMissing) return;
        var writer = new Writer(call, names, values: !names);
        HashValue.Walk(entry, call.Unit.NowMs, ref writer);
    }

    private readonly ref struct Writer(Call call, bool names, bool values) : IHashVisitor
    {
        private readonly Call _call = call;

        public void Visit(scoped in HashItem item)
        {
            if (names) ReplyText(_call, item.Name);
            if (values) ReplyText(_call, item.Value);
        }
    }
}
