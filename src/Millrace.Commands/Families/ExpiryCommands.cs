// When keys expire: setting a deadline, asking for it, taking it away.
//
// A deadline is a point in Unix milliseconds. Setting one that has passed deletes the key at once. Effects carry points
// in time (PEXPIREAT), never spans, so that replaying them later means the same.
// Source: Redis 7.2 documentation, "EXPIRE" and its relatives.

using Millrace.Engine;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Commands.Families;

/// <summary>The commands on deadlines of keys.</summary>
public static class ExpiryCommands
{
    private const string ConditionSyntax = " [NX | XX | GT | LT]";

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("expire", -3, Expire)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Keyspace,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            TakesReserve = true,
            Syntax = "key seconds:integer" + ConditionSyntax,
            Summary = "Makes a key expire after some seconds.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "generic",
            History = [("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")],
        },
        new("expireat", -3, ExpireAt)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Keyspace,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            TakesReserve = true,
            Syntax = "key unix-time-seconds:unix-time" + ConditionSyntax,
            Summary = "Makes a key expire at a Unix time in seconds.",
            Since = "1.2.0",
            Complexity = "O(1)",
            Group = "generic",
            History = [("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")],
        },
        new("expiretime", 2, ExpireTime)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Keyspace,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key",
            Summary = "Returns the Unix time in seconds at which a key expires.",
            Since = "7.0.0",
            Complexity = "O(1)",
            Group = "generic",
        },
        new("persist", 2, Persist)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Keyspace,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            Syntax = "key",
            Summary = "Makes a key stay until it is deleted.",
            Since = "2.2.0",
            Complexity = "O(1)",
            Group = "generic",
        },
        new("pexpire", -3, PExpire)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Keyspace,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            TakesReserve = true,
            Syntax = "key milliseconds:integer" + ConditionSyntax,
            Summary = "Makes a key expire after some milliseconds.",
            Since = "2.6.0",
            Complexity = "O(1)",
            Group = "generic",
            History = [("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")],
        },
        new("pexpireat", -3, PExpireAt)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Keyspace,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            TakesReserve = true,
            Syntax = "key unix-time-milliseconds:unix-time" + ConditionSyntax,
            Summary = "Makes a key expire at a Unix time in milliseconds.",
            Since = "2.6.0",
            Complexity = "O(1)",
            Group = "generic",
            History = [("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")],
        },
        new("pexpiretime", 2, PExpireTime)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Keyspace,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key",
            Summary = "Returns the Unix time in milliseconds at which a key expires.",
            Since = "7.0.0",
            Complexity = "O(1)",
            Group = "generic",
        },
        new("pttl", 2, PTtl)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Keyspace,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key",
            Summary = "Returns the milliseconds that a key still has.",
            Since = "2.6.0",
            Complexity = "O(1)",
            Group = "generic",
            History = [("2.8.0", "Added the -2 reply.")],
            Tips = ["nondeterministic_output"],
        },
        new("ttl", 2, Ttl)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Keyspace,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key",
            Summary = "Returns the seconds that a key still has.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "generic",
            History = [("2.8.0", "Added the -2 reply.")],
            Tips = ["nondeterministic_output"],
        },
    ];

    private static void Expire(ref Call call) => SetDeadline(call, 1000, isRelative: true);

    private static void ExpireAt(ref Call call) => SetDeadline(call, 1000, isRelative: false);

    private static void ExpireTime(ref Call call)
    {
        if (TryReadDeadline(call, out var deadline)) call.Reply.Integer((long)(((ulong)deadline + 500) / 1000));
    }

    private static void Persist(ref Call call)
    {
        var key = call.Key(1);
        var entry = call.Write(1);
        if (entry.IsMissing || !entry.HasDeadline)
        {
            call.Reply.Integer(0);
            return;
        }

        call.Unit.SetDeadline(key, entry, -1);
        call.Unit.Changed(key);
        call.Unit.Notify(NotifyClasses.Generic, "persist"u8, key);
        call.Reply.Integer(1);
    }

    private static void PExpire(ref Call call) => SetDeadline(call, 1, isRelative: true);

    private static void PExpireAt(ref Call call) => SetDeadline(call, 1, isRelative: false);

    private static void PExpireTime(ref Call call)
    {
        if (TryReadDeadline(call, out var deadline)) call.Reply.Integer(deadline);
    }

    private static void PTtl(ref Call call)
    {
        if (TryReadDeadline(call, out var deadline)) call.Reply.Integer(Math.Max(0, deadline - call.Unit.NowMs));
    }

    private static void Ttl(ref Call call)
    {
        if (TryReadDeadline(call, out var deadline))
            call.Reply.Integer((Math.Max(0, deadline - call.Unit.NowMs) + 500) / 1000);
    }

    /// <summary>
    /// Gives an existing key a deadline, or none for -1, counts the change and records it. A deadline that has passed
    /// deletes the key.
    /// </summary>
    internal static void Apply(in Call call, in Key key, in Entry entry, long deadlineMs)
    {
        if (deadlineMs == -1)
        {
            if (!entry.HasDeadline) return;
            call.Unit.SetDeadline(key, entry, -1);
            call.Unit.Changed(key);
            call.Unit.Notify(NotifyClasses.Generic, "persist"u8, key);
            call.Effects.Add("PERSIST"u8, key.Bytes);
            return;
        }

        if (deadlineMs <= call.Unit.DueMs)
        {
            RemoveAsExpired(call, key, entry);
            return;
        }

        call.Unit.SetDeadline(key, entry, deadlineMs);
        call.Unit.Changed(key);
        call.Unit.Notify(NotifyClasses.Generic, "expire"u8, key);
        call.Effects.Add("PEXPIREAT"u8, key.Bytes, deadlineMs);
    }

    /// <summary>Removes a key because it was given a deadline that has passed.</summary>
    internal static void RemoveAsExpired(in Call call, in Key key, in Entry entry)
    {
        call.Unit.Remove(key, entry);
        call.Unit.Changed(key);
        call.Unit.Notify(NotifyClasses.Generic, "del"u8, key);
        call.Effects.Add("UNLINK"u8, key.Bytes);
    }

    private static void SetDeadline(in Call call, long unitMs, bool isRelative)
    {
        if (!TryReadConditions(call, out var conditions) || !call.TryInteger(2, out var number)) return;
        var now = isRelative ? call.Unit.NowMs : 0;
        if (number > long.MaxValue / unitMs || number < long.MinValue / unitMs || number * unitMs > long.MaxValue - now)
        {
            ErrorTexts.WriteInvalidExpiry(call.Reply, call.Spec);
            return;
        }

        var deadline = Math.Max(0, (number * unitMs) + now);
        var key = call.Key(1);
        var entry = call.Write(1);
        if (entry.IsMissing || !Meets(conditions, entry.DeadlineMs, deadline))
        {
            call.Reply.Integer(0);
            return;
        }

        Apply(call, key, entry, deadline);
        call.Reply.Integer(1);
    }

    /// <summary>The condition that a word stands for, in any case.</summary>
    internal static DeadlineConditions ConditionOf(ReadOnlySpan<byte> word) =>
        Words.Equal(word, "NX"u8) ? DeadlineConditions.Without
        : Words.Equal(word, "XX"u8) ? DeadlineConditions.With
        : Words.Equal(word, "GT"u8) ? DeadlineConditions.Later
        : Words.Equal(word, "LT"u8) ? DeadlineConditions.Earlier
        : DeadlineConditions.None;

    /// <summary>Whether a deadline may be set where there is one now, or -1 for none, which counts as the latest.
    /// </summary>
    internal static bool Meets(DeadlineConditions conditions, long current, long deadline)
    {
        if ((conditions & DeadlineConditions.Without) != 0 && current != -1) return false;
        if ((conditions & DeadlineConditions.With) != 0 && current == -1) return false;
        if ((conditions & DeadlineConditions.Later) != 0 && (current == -1 || deadline <= current)) return false;
        return (conditions & DeadlineConditions.Earlier) == 0 || current == -1 || deadline < current;
    }

    private static bool TryReadConditions(in Call call, out DeadlineConditions conditions)
    {
        conditions = DeadlineConditions.None;
        for (var i = 3; i < call.Args.Count; i++)
        {
            var word = call.Args[i];
            var one = ConditionOf(word);
            conditions |= one;
            if (one != DeadlineConditions.None) continue;
            ErrorTexts.WriteQuoting(call.Reply, "ERR Unsupported option "u8, word, default);
            return false;
        }

        if ((conditions & DeadlineConditions.Without) != 0 && conditions != DeadlineConditions.Without)
        {
            call.Reply.Error("ERR NX and XX, GT or LT options at the same time are not compatible"u8);
            return false;
        }

        const DeadlineConditions Contrary = DeadlineConditions.Later | DeadlineConditions.Earlier;
        if ((conditions & Contrary) != Contrary) return true;
        call.Reply.Error("ERR GT and LT options at the same time are not compatible"u8);
        return false;
    }

    private static bool TryReadDeadline(in Call call, out long deadlineMs)
    {
        const int NoKey = -2;
        const int NoDeadline = -1;
        deadlineMs = 0;
        var entry = call.Unit.Find(call.Key(1), Access.ReadWithoutTouch);
        if (!entry.IsMissing && entry.HasDeadline)
        {
            deadlineMs = entry.DeadlineMs;
            return true;
        }

        call.Reply.Integer(entry.IsMissing ? NoKey : NoDeadline);
        return false;
    }
}

/// <summary>On what conditions a deadline is set.</summary>
[Flags]
internal enum DeadlineConditions
{
    /// <summary>On none.</summary>
    None = 0,

    /// <summary>NX: there is no deadline.</summary>
    Without = 1,

    /// <summary>XX: there is one.</summary>
    With = 2,

    /// <summary>GT: the new one is later.</summary>
    Later = 4,

    /// <summary>LT: the new one is earlier.</summary>
    Earlier = 8,
}
