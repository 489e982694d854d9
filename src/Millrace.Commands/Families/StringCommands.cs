// Strings: GET and SET with their kin, several keys at once, parts of a string.
//
// INCR and its kin are in NumberCommands, LCS in LcsCommand.
// Source: Redis 7.2 documentation, "Strings"; the conditions of SET and MSETEX: Redis 8.4 documentation.

using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands on strings.</summary>
public static class StringCommands
{
    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("append", 3, Append)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Insert)],
            Syntax = "key value:string",
            Summary = "Adds bytes to the end of a string. A missing key starts as the empty string.",
            Since = "2.0.0",
            Complexity = "O(1) amortised for small additions: a string grows with room to spare.",
            Group = "string",
        },
        new("get", 2, Get)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key",
            Summary = "Returns the string that a key holds.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "string",
        },
        new("getdel", 2, GetDel)
        {
            Flags = Write | Fast,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Delete)],
            Syntax = "key",
            Summary = "Returns the string that a key holds and deletes the key.",
            Since = "6.2.0",
            Complexity = "O(1)",
            Group = "string",
        },
        new("getex", -2, GetEx)
        {
            Flags = Write | Fast,
            Categories = AclCategories.String,
            Keys =
            [
                KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Update) with
                {
                    Notes = "RW and UPDATE because it changes the TTL",
                },
            ],
            TakesReserve = true,
            Syntax = "key [EX seconds:integer | PX milliseconds:integer | EXAT unix-time-seconds:unix-time"
                + " | PXAT unix-time-milliseconds:unix-time | PERSIST]",
            Summary = "Returns the string that a key holds and sets or clears when the key expires.",
            Since = "6.2.0",
            Complexity = "O(1)",
            Group = "string",
        },
        new("getrange", 4, GetRange)
        {
            Flags = ReadOnly,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key start:integer end:integer",
            Summary = "Returns a part of a string, given by the positions of its first and last byte.",
            Since = "2.4.0",
            Complexity = "O(N) where N is the length of the returned part.",
            Group = "string",
        },
        new("getset", 3, GetSet)
        {
            Flags = Write | DenyOom | Fast,
            StoresWhole = true,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Update)],
            Syntax = "key value:string",
            Summary = "Sets a key to a string and returns the string that it held before.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "string",
            DeprecatedSince = "6.2.0",
            ReplacedBy = "`SET` with the `!GET` argument",
        },
        new("mget", -2, MGet)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.String,
            Keys = [KeySpec.Rest(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key...",
            Summary = "Returns the strings of several keys at once.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the number of keys.",
            Group = "string",
            Tips = ["request_policy:multi_shard"],
        },
        new("mset", -3, MSet)
        {
            Flags = Write | DenyOom,
            StoresWhole = true,
            Categories = AclCategories.String,
            Keys = [KeySpec.Rest(KeyFlags.OW | KeyFlags.Update, 1, 2)],
            Syntax = "(key value:string)...",
            Summary = "Sets several keys to strings in one step.",
            Since = "1.0.1",
            Complexity = "O(N) where N is the number of keys.",
            Group = "string",
            Tips = ["request_policy:multi_shard", "response_policy:all_succeeded"],
        },
        new("msetex", -4, MSetEx)
        {
            Flags = Write | DenyOom | MovableKeys,
            StoresWhole = true,
            Categories = AclCategories.String,
            Keys = [KeySpec.Counted(KeyFlags.OW | KeyFlags.Update, 1, 2)],
            Syntax = "numkeys:integer (key value:string)... [NX | XX] [EX seconds:integer | PX milliseconds:integer"
                + " | EXAT unix-time-seconds:unix-time | PXAT unix-time-milliseconds:unix-time | KEEPTTL]",
            Summary = "Sets several keys to strings in one step, with one expiry and on a condition.",
            Since = "8.4.0",
            Complexity = "O(N) where N is the number of keys.",
            Group = "string",
        },
        new("msetnx", -3, MSetNx)
        {
            Flags = Write | DenyOom,
            StoresWhole = true,
            Categories = AclCategories.String,
            Keys = [KeySpec.Rest(KeyFlags.OW | KeyFlags.Insert, 1, 2)],
            Syntax = "(key value:string)...",
            Summary = "Sets several keys to strings in one step, unless one of the keys exists.",
            Since = "1.0.1",
            Complexity = "O(N) where N is the number of keys.",
            Group = "string",
            Tips = ["request_policy:multi_shard", "response_policy:agg_min"],
        },
        new("psetex", 4, PSetEx)
        {
            Flags = Write | DenyOom,
            StoresWhole = true,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.OW | KeyFlags.Update)],
            Syntax = "key milliseconds:integer value:string",
            Summary = "Sets a key to a string that expires after some milliseconds.",
            Since = "2.6.0",
            Complexity = "O(1)",
            Group = "string",
            DeprecatedSince = "2.6.12",
            ReplacedBy = "`SET` with the `PX` argument",
        },
        new("set", -3, Set)
        {
            Flags = Write | DenyOom,
            StoresWhole = true,
            Categories = AclCategories.String,
            Keys =
            [
                KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Update | KeyFlags.VariableFlags) with
                {
                    Notes = "RW and ACCESS due to the optional `GET` argument",
                    Vary = FlagsOfSet,
                },
            ],
            Syntax = "key value:string"
                + " [NX | XX | IFEQ ifeq-value:string | IFNE ifne-value:string | IFDEQ ifdeq-digest:string"
                + " | IFDNE ifdne-digest:string] [GET]"
                + " [EX seconds:integer | PX milliseconds:integer | EXAT unix-time-seconds:unix-time"
                + " | PXAT unix-time-milliseconds:unix-time | KEEPTTL]",
            Summary = "Sets a key to a string, whatever it held before.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "string",
            History =
            [
                ("2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options."),
                ("6.0.0", "Added the `KEEPTTL` option."),
                ("6.2.0", "Added the `GET`, `EXAT` and `PXAT` option."),
                ("7.0.0", "Allowed the `NX` and `GET` options to be used together."),
                ("8.4.0", "Added the `IFEQ`, `IFNE`, `IFDEQ` and `IFDNE` options."),
            ],
        },
        new("setex", 4, SetEx)
        {
            Flags = Write | DenyOom,
            StoresWhole = true,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.OW | KeyFlags.Update)],
            Syntax = "key seconds:integer value:string",
            Summary = "Sets a key to a string that expires after some seconds.",
            Since = "2.0.0",
            Complexity = "O(1)",
            Group = "string",
            DeprecatedSince = "2.6.12",
            ReplacedBy = "`SET` with the `EX` argument",
        },
        new("setnx", 3, SetNx)
        {
            Flags = Write | DenyOom | Fast,
            StoresWhole = true,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.OW | KeyFlags.Insert)],
            Syntax = "key value:string",
            Summary = "Sets a key to a string unless the key exists.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "string",
            DeprecatedSince = "2.6.12",
            ReplacedBy = "`SET` with the `NX` argument",
        },
        new("setrange", 4, SetRange)
        {
            Flags = Write | DenyOom,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            Syntax = "key offset:integer value:string",
            Summary = "Overwrites a part of a string, which grows with zero bytes where it is too short.",
            Since = "2.2.0",
            Complexity = "O(M) where M is the length of the part, and what growing the string takes.",
            Group = "string",
        },
        new("strlen", 2, StrLen)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.RO)],
            Syntax = "key",
            Summary = "Returns the length of a string in bytes.",
            Since = "2.2.0",
            Complexity = "O(1)",
            Group = "string",
        },
        new("substr", 4, GetRange)
        {
            Flags = ReadOnly,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key start:integer end:integer",
            Summary = "Returns a part of a string, given by the positions of its first and last byte.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the length of the returned part.",
            Group = "string",
            DeprecatedSince = "2.0.0",
            ReplacedBy = "`GETRANGE`",
        },
    ];

    private static void Append(ref Call call)
    {
        var key = call.Key(1);
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return;
        var added = call.Args[2];
        if (entry.IsMissing)
        {
            SetText(call.Unit, key, entry, added, -1);
            call.Unit.Changed(key);
            call.Unit.Notify(NotifyClasses.String, "append"u8, key);
            call.Reply.Integer(added.Length);
            return;
        }

        var oldLength = StringValue.Length(entry);
        if (!FitsLimit(call, entry, oldLength, added.Length)) return;
        call.Reply.Integer(StringValue.WriteAt(call.Unit, key, entry, oldLength, added));
        call.Unit.Changed(key);
        call.Unit.Notify(NotifyClasses.String, "append"u8, key);
    }

    private static void Get(ref Call call)
    {
        var entry = call.Read(1);
        if (call.IsTypeOrMissing(entry, ValueType.String)) ReplyText(call, entry);
    }

    private static void GetDel(ref Call call)
    {
        var key = call.Key(1);
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return;
        ReplyText(call, entry);
        if (entry.IsMissing) return;
        call.Unit.Remove(key, entry);
        call.Unit.Changed(key);
        call.Unit.Notify(NotifyClasses.Generic, "del"u8, key);
        call.Effects.Add("DEL"u8, key.Bytes);
    }

    private static void GetEx(ref Call call)
    {
        var expiry = default(ExpiryOption);
        for (var at = 2; at < call.Args.Count; at++)
        {
            var kind = ExpiryOption.KindOf(call.Args[at]);
            if (kind is not (ExpiryKind.None or ExpiryKind.Keep) && expiry.TryTake(call, kind, ref at)) continue;
            call.Reply.Error(ErrorTexts.Syntax);
            return;
        }

        var key = call.Key(1);
        var entry = call.Read(1);
        if (entry.IsMissing)
        {
            call.Reply.Null();
            return;
        }

        if (!call.IsTypeOrMissing(entry, ValueType.String)) return;
        var deadline = -1L;
        if (expiry.HasDeadline && !expiry.TryDeadline(call, out deadline)) return;
        ReplyText(call, entry);
        if (expiry.Kind == ExpiryKind.None) return;
        ExpiryCommands.Apply(call, key, entry, deadline);
    }

    private static void GetRange(ref Call call)
    {
        if (!call.TryInteger(2, out var start) || !call.TryInteger(3, out var end)) return;
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return;
        Span<byte> scratch = stackalloc byte[StringValue.ScratchBytes];
        var text = entry.IsMissing ? default : StringValue.Read(entry, scratch);
        if (start < 0 && end < 0 && start > end)
        {
            call.Reply.Bulk(default);
            return;
        }

        // Redis 7 keeps an end before the beginning at 0: the first byte is returned.
        if (start < 0) start = Math.Max(0, text.Length + start);
        if (end < 0) end = Math.Max(0, text.Length + end);
        end = Math.Min(end, text.Length - 1);
        call.Reply.Bulk(start > end ? default : text[(int)start..(int)(end + 1)]);
    }

    private static void GetSet(ref Call call)
    {
        var key = call.Key(1);
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return;
        ReplyText(call, entry);
        SetText(call.Unit, key, entry, call.Args[2], -1);
        call.Unit.Changed(key);
        call.Unit.Notify(NotifyClasses.String, "set"u8, key);
        call.Effects.Add("SET"u8, key.Bytes, call.Args[2]);
    }

    private static void MGet(ref Call call)
    {
        call.Reply.Array(call.Args.Count - 1);
        for (var i = 1; i < call.Args.Count; i++)
        {
            var entry = call.Read(i);
            if (entry.IsMissing || entry.Type != ValueType.String) call.Reply.Null();
            else ReplyText(call, entry);
        }
    }

    private static void MSet(ref Call call)
    {
        if (!IsPaired(call)) return;
        SetPairs(call, 1, call.Args.Count, -1, keepsDeadline: false);
        call.Reply.Ok();
    }

    private static void MSetEx(ref Call call)
    {
        if (!Numbers.TryParseInt64(call.Args[1], out var count) || count is < 1 or > int.MaxValue)
        {
            call.Reply.Error("ERR invalid numkeys value or out of range"u8);
            return;
        }

        if (count > (call.Args.Count - 2) / 2)
        {
            call.Reply.Error("ERR wrong number of key-value pairs"u8);
            return;
        }

        var end = 2 + ((int)count * 2);
        if (!TryReadOptions(call, end, out var options) || options.Gets || options.ComparesAt > 0)
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return;
        }

        var deadline = -1L;
        if (options.Expiry.HasDeadline && !options.Expiry.TryDeadline(call, out deadline)) return;
        if (!AllMeet(call, 2, end, options.Condition))
        {
            call.Reply.Integer(0);
            return;
        }

        if (deadline >= 0 && deadline <= call.Unit.DueMs) RemovePairs(call, end);
        else SetPairs(call, 2, end, deadline, options.Expiry.Kind == ExpiryKind.Keep);
        if (deadline > call.Unit.NowMs && options.Expiry.Kind != ExpiryKind.UnixMilliseconds)
            RecordPairs(call, end, deadline);
        call.Reply.Integer(1);
    }

    private static void MSetNx(ref Call call)
    {
        if (!IsPaired(call)) return;
        if (!AllMeet(call, 1, call.Args.Count, SetCondition.Missing))
        {
            call.Reply.Integer(0);
            return;
        }

        SetPairs(call, 1, call.Args.Count, -1, keepsDeadline: false);
        call.Reply.Integer(1);
    }

    private static void PSetEx(ref Call call) => SetExpiring(ref call, ExpiryKind.Milliseconds);

    private static void Set(ref Call call)
    {
        if (call.Args.Count == 3)
        {
            var plain = call.Key(1);
            SetText(call.Unit, plain, call.Write(1), call.Args[2], -1);
            call.Unit.Changed(plain);
            call.Unit.Notify(NotifyClasses.String, "set"u8, plain);
            call.Reply.Ok();
            return;
        }

        if (!TryReadOptions(call, 3, out var options))
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return;
        }

        var deadline = -1L;
        if (options.Expiry.HasDeadline && !options.Expiry.TryDeadline(call, out deadline)) return;
        var key = call.Key(1);
        var entry = options.Gets ? call.Read(1) : call.Write(1);
        if ((options.Gets || options.ComparesAt > 0) && !call.IsTypeOrMissing(entry, ValueType.String)) return;
        if (options.Gets) ReplyText(call, entry);
        if (!Meets(call, entry, options))
        {
            if (!options.Gets) call.Reply.Null();
            return;
        }

        Store(call, key, entry, options, deadline);
        if (!options.Gets) call.Reply.Ok();
    }

    private static void SetEx(ref Call call) => SetExpiring(ref call, ExpiryKind.Seconds);

    private static void SetNx(ref Call call)
    {
        var key = call.Key(1);
        var entry = call.Write(1);
        if (!entry.IsMissing)
        {
            call.Reply.Integer(0);
            return;
        }

        SetText(call.Unit, key, entry, call.Args[2], -1);
        call.Unit.Changed(key);
        call.Unit.Notify(NotifyClasses.String, "set"u8, key);
        call.Reply.Integer(1);
    }

    private static void SetRange(ref Call call)
    {
        if (!call.TryInteger(2, out var offset)) return;
        if (offset < 0)
        {
            call.Reply.Error("ERR offset is out of range"u8);
            return;
        }

        var key = call.Key(1);
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return;
        var part = call.Args[3];
        if (part.IsEmpty)
        {
            call.Reply.Integer(entry.IsMissing ? 0 : StringValue.Length(entry));
            return;
        }

        if (!FitsLimit(call, entry, offset, part.Length)) return;
        call.Reply.Integer(StringValue.WriteAt(call.Unit, key, entry, (int)offset, part));
        call.Unit.Changed(key);
        call.Unit.Notify(NotifyClasses.String, "setrange"u8, key);
    }

    private static void StrLen(ref Call call)
    {
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return;
        call.Reply.Integer(entry.IsMissing ? 0 : StringValue.Length(entry));
    }

    /// <summary>Makes a key hold a text, as an integer when it is the canonical form of one.</summary>
    internal static void SetText(Unit unit, in Key key, in Entry existing, ReadOnlySpan<byte> text, long deadlineMs)
    {
        if (Numbers.TryParseInt64(text, out var number))
            StringValue.SetInteger(unit, key, existing, number, deadlineMs);
        else
            StringValue.SetBytes(unit, key, existing, text, deadlineMs);
    }

    /// <summary>Replies with the string of an entry, or with null for a missing one.</summary>
    private static void ReplyText(in Call call, in Entry entry)
    {
        if (entry.IsMissing) call.Reply.Null();
        else if (StringValue.TryGetInteger(entry, out var number)) call.Reply.BulkInteger(number);
        else LargeValues.Bulk(call, entry);
    }

    // Without GET it overwrites what it does not read; its reply to a comparison tells of the value as well.
    private static KeyFlags FlagsOfSet(Args request)
    {
        for (var i = 3; i < request.Count; i++)
        {
            if (Words.Equal(request[i], "GET"u8) || ValueComparisons.Of(request[i]) != ValueComparison.None)
                return KeyFlags.RW | KeyFlags.Access | KeyFlags.Update;
        }

        return KeyFlags.OW | KeyFlags.Update;
    }

    private static bool FitsLimit(in Call call, in Entry entry, long offset, int length)
    {
        if (offset <= Math.Min(call.Caller.MaxBulkLength, StringValue.MaxBytes) - length)
            return LargeValues.HasRoomFor(call, entry, offset + length);
        call.Reply.Error(ErrorTexts.StringTooLong);
        return false;
    }

    private static bool IsPaired(in Call call)
    {
        if (call.Args.Count % 2 == 1) return true;
        ErrorTexts.WriteArity(call.Reply, call.Spec);
        return false;
    }

    private static bool AllMeet(in Call call, int first, int end, SetCondition condition)
    {
        if (condition == SetCondition.None) return true;
        for (var i = first; i < end; i += 2)
        {
            if (call.Write(i).IsMissing != (condition == SetCondition.Missing)) return false;
        }

        return true;
    }

    private static void SetPairs(in Call call, int first, int end, long deadlineMs, bool keepsDeadline)
    {
        for (var i = first; i < end; i += 2)
        {
            var key = call.Key(i);
            var entry = call.Write(i);
            var deadline = keepsDeadline && !entry.IsMissing ? entry.DeadlineMs : deadlineMs;
            SetText(call.Unit, key, entry, call.Args[i + 1], deadline);
            call.Unit.Changed(key);
            NotifySet(call.Unit, key, expires: deadlineMs >= 0);
        }
    }

    private static void RemovePairs(in Call call, int end)
    {
        call.Effects.Replace();
        for (var i = 2; i < end; i += 2)
        {
            var entry = call.Write(i);
            if (!entry.IsMissing) ExpiryCommands.RemoveAsExpired(call, call.Key(i), entry);
        }
    }

    private static void RecordPairs(in Call call, int end, long deadlineMs)
    {
        if (!call.Effects.Begin(end + 2)) return;
        for (var i = 0; i < end; i++) call.Effects.Argument(call.Args[i]);
        call.Effects.Argument("PXAT"u8);
        call.Effects.Argument(deadlineMs);
    }

    private static void SetExpiring(ref Call call, ExpiryKind kind)
    {
        if (!call.TryInteger(2, out var number)) return;
        if (!ExpiryOption.TryResolve(kind, number, call.Unit.NowMs, out var deadline))
        {
            ErrorTexts.WriteInvalidExpiry(call.Reply, call.Spec);
            return;
        }

        var key = call.Key(1);
        SetText(call.Unit, key, call.Write(1), call.Args[3], deadline);
        call.Unit.Changed(key);
        NotifySet(call.Unit, key, expires: true);
        RecordSet(call, key, call.Args[3], deadline);
        call.Reply.Ok();
    }

    private static bool Meets(in Call call, in Entry entry, SetOptions options)
    {
        switch (options.Condition)
        {
            case SetCondition.None: return true;
            case SetCondition.Missing: return entry.IsMissing;
            case SetCondition.Present: return !entry.IsMissing;
            default: return ValueComparisons.IsMet(options.Comparison, entry, call.Args[options.ComparesAt]);
        }
    }

    private static void Store(in Call call, in Key key, in Entry entry, SetOptions options, long deadlineMs)
    {
        if (options.Expiry.HasDeadline && deadlineMs <= call.Unit.DueMs)
        {
            // The value would never be seen: the old one goes at once, and a missing key stays missing.
            if (entry.IsMissing) return;
            ExpiryCommands.RemoveAsExpired(call, key, entry);
            return;
        }

        if (options.Expiry.Kind == ExpiryKind.Keep && !entry.IsMissing) deadlineMs = entry.DeadlineMs;
        SetText(call.Unit, key, entry, call.Args[2], deadlineMs);
        call.Unit.Changed(key);
        NotifySet(call.Unit, key, options.Expiry.HasDeadline);
        var isRelative = options.Expiry.HasDeadline && options.Expiry.Kind != ExpiryKind.UnixMilliseconds;
        if (isRelative || options.Condition == SetCondition.Compared) RecordSet(call, key, call.Args[2], deadlineMs);
    }

    private static void NotifySet(Unit unit, in Key key, bool expires)
    {
        unit.Notify(NotifyClasses.String, "set"u8, key);
        if (expires) unit.Notify(NotifyClasses.Generic, "expire"u8, key);
    }

    /// <summary>Records SET with this value and deadline (-1: none) as the effect.</summary>
    internal static void RecordSet(in Call call, in Key key, ReadOnlySpan<byte> value, long deadlineMs)
    {
        if (!call.Effects.Begin(deadlineMs < 0 ? 3 : 5)) return;
        call.Effects.Argument("SET"u8);
        call.Effects.Argument(key.Bytes);
        call.Effects.Argument(value);
        if (deadlineMs < 0) return;
        call.Effects.Argument("PXAT"u8);
        call.Effects.Argument(deadlineMs);
    }

    private static bool TryReadOptions(in Call call, int from, out SetOptions options)
    {
        options = default;
        for (var at = from; at < call.Args.Count; at++)
        {
            var word = call.Args[at];
            var kind = ExpiryOption.KindOf(word);
            if (kind == ExpiryKind.Persist) return false;
            if (kind != ExpiryKind.None)
            {
                if (!options.Expiry.TryTake(call, kind, ref at)) return false;
                continue;
            }

            if (Words.Equal(word, "GET"u8))
            {
                options.Gets = true;
                continue;
            }

            var condition = ConditionOf(word);
            if (condition == SetCondition.None) return false;
            if (options.Condition != SetCondition.None && options.Condition != condition) return false;
            options.Condition = condition;
            if (condition != SetCondition.Compared) continue;
            var comparison = ValueComparisons.Of(word);
            if (options.Comparison != ValueComparison.None) return false;
            options.Comparison = comparison;
            if (++at >= call.Args.Count) return false;
            options.ComparesAt = at;
        }

        return true;
    }

    private static SetCondition ConditionOf(ReadOnlySpan<byte> word) =>
        Words.Equal(word, "NX"u8) ? SetCondition.Missing
        : Words.Equal(word, "XX"u8) ? SetCondition.Present
        : ValueComparisons.Of(word) != ValueComparison.None ? SetCondition.Compared
        : SetCondition.None;

    private enum SetCondition
    {
        None,
        Missing,
        Present,
        Compared,
    }

    private struct SetOptions
    {
        public SetCondition Condition;
        public ValueComparison Comparison;
        public int ComparesAt;
        public bool Gets;
        public ExpiryOption Expiry;
    }
}
