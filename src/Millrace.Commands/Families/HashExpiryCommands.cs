// Deadlines of single fields of a hash: setting one, asking for it, taking it away.
//
// A field whose deadline has passed is gone at once, and the key with its last field. Setting a deadline that has
// passed removes the field. Effects carry points in time (HPEXPIREAT) or removals (HDEL), for the fields that were
// changed.
// What is at the key is looked at before the arguments, but in HSETEX after them.
// Source: Redis documentation, "HEXPIRE" and its relatives (7.4), "HGETDEL", "HGETEX", "HSETEX" (8.0).

using System.Buffers;
using Millrace.Engine;
using Millrace.Engine.Values;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Commands.Families;

/// <summary>The commands on deadlines of fields.</summary>
public static class HashExpiryCommands
{
    private const string Fields = " FIELDS numfields:integer field...";
    private const string ConditionAndFields = " [NX | XX | GT | LT]" + Fields;
    private const string Times = "EX seconds:integer | PX milliseconds:integer | EXAT unix-time-seconds:unix-time"
        + " | PXAT unix-time-milliseconds:unix-time";

    // What a command says of one field.
    private const int NoField = -2;
    private const int NoDeadline = -1;
    private const int NotMet = 0;
    private const int Done = 1;
    private const int Removed = 2;

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("hexpire", -6, HExpire)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.Hash,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            Syntax = "key seconds:integer" + ConditionAndFields,
            Summary = "Makes fields of a hash expire after some seconds.",
            Since = "7.4.0",
            Complexity = "O(N) where N is the number of fields.",
            Group = "hash",
        },
        new("hexpireat", -6, HExpireAt)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.Hash,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            Syntax = "key unix-time-seconds:unix-time" + ConditionAndFields,
            Summary = "Makes fields of a hash expire at a Unix time in seconds.",
            Since = "7.4.0",
            Complexity = "O(N) where N is the number of fields.",
            Group = "hash",
        },
        new("hexpiretime", -5, HExpireTime)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Hash,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key" + Fields,
            Summary = "Returns the Unix times in seconds at which fields of a hash expire.",
            Since = "7.4.0",
            Complexity = "O(N) where N is the number of fields.",
            Group = "hash",
        },
        new("hgetdel", -5, HGetDel)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Hash,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Delete)],
            Syntax = "key" + Fields,
            Summary = "Returns the values of fields of a hash and removes the fields.",
            Since = "8.0.0",
            Complexity = "O(N) where N is the number of fields.",
            Group = "hash",
        },
        new("hgetex", -5, HGetEx)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Hash,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Update)],
            TakesReserve = true,
            Syntax = "key [" + Times + " | PERSIST]" + Fields,
            Summary = "Returns the values of fields of a hash and sets or clears when the fields expire.",
            Since = "8.0.0",
            Complexity = "O(N) where N is the number of fields.",
            Group = "hash",
        },
        new("hpersist", -5, HPersist)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Hash,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            Syntax = "key" + Fields,
            Summary = "Makes fields of a hash stay until they are removed.",
            Since = "7.4.0",
            Complexity = "O(N) where N is the number of fields.",
            Group = "hash",
        },
        new("hpexpire", -6, HPExpire)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.Hash,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            Syntax = "key milliseconds:integer" + ConditionAndFields,
            Summary = "Makes fields of a hash expire after some milliseconds.",
            Since = "7.4.0",
            Complexity = "O(N) where N is the number of fields.",
            Group = "hash",
        },
        new("hpexpireat", -6, HPExpireAt)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.Hash,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            Syntax = "key unix-time-milliseconds:unix-time" + ConditionAndFields,
            Summary = "Makes fields of a hash expire at a Unix time in milliseconds.",
            Since = "7.4.0",
            Complexity = "O(N) where N is the number of fields.",
            Group = "hash",
        },
        new("hpexpiretime", -5, HPExpireTime)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Hash,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key" + Fields,
            Summary = "Returns the Unix times in milliseconds at which fields of a hash expire.",
            Since = "7.4.0",
            Complexity = "O(N) where N is the number of fields.",
            Group = "hash",
        },
        new("hpttl", -5, HPTtl)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Hash,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key" + Fields,
            Summary = "Returns the milliseconds that fields of a hash still have.",
            Since = "7.4.0",
            Complexity = "O(N) where N is the number of fields.",
            Group = "hash",
            Tips = ["nondeterministic_output"],
        },
        new("hsetex", -6, HSetEx)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.Hash,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            Syntax = "key [FNX | FXX] [" + Times + " | KEEPTTL] FIELDS numfields:integer (field value:string)...",
            Summary = "Sets fields of a hash, on a condition and with an expiry where wanted.",
            Since = "8.0.0",
            Complexity = "O(N) where N is the number of fields.",
            Group = "hash",
        },
        new("httl", -5, HTtl)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Hash,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key" + Fields,
            Summary = "Returns the seconds that fields of a hash still have.",
            Since = "7.4.0",
            Complexity = "O(N) where N is the number of fields.",
            Group = "hash",
            Tips = ["nondeterministic_output"],
        },
    ];

    private static void HExpire(ref Call call) => SetDeadlines(call, ExpiryKind.Seconds);

    private static void HExpireAt(ref Call call) => SetDeadlines(call, ExpiryKind.UnixSeconds);

    private static void HExpireTime(ref Call call) => ReplyDeadlines(call, 1000, isRelative: false);

    private static void HGetDel(ref Call call)
    {
        if (!HashCommands.TryWrite(call, out var entry)) return;
        if (!HashFieldList.TryRead(call, 2, out var fields, HashFieldList.NoCount)) return;
        var key = call.Key(1);
        call.Reply.Array(fields.Count);
        var outcomes = new FieldOutcomes(fields);
        for (var i = 0; i < fields.Count; i++)
        {
            HashCommands.ReplyValue(call, entry, call.Args[fields.First + i]);
            if (entry.IsMissing || !HashValue.Remove(call.Unit, key, entry, call.Args[fields.First + i])) continue;
            outcomes.Note(i);
            call.Unit.Changed(key);
        }

        if (outcomes.Count > 0) HashCommands.SettleTold(call.Unit, key, entry, "hdel"u8);
        outcomes.Record(call, "HDEL"u8, -1);
    }

    private static void HGetEx(ref Call call)
    {
        if (!HashCommands.TryWrite(call, out var entry)) return;
        if (!HashFieldOptions.TryReadGet(call, out var options)) return;
        var deadline = options.DeadlineMs;
        var key = call.Key(1);
        var isPast = deadline >= 0 && deadline <= call.Unit.DueMs;
        var fields = options.Fields;
        call.Reply.Array(fields.Count);
        var outcomes = new FieldOutcomes(fields);
        for (var i = 0; i < fields.Count; i++)
        {
            var name = call.Args[fields.First + i];
            HashCommands.ReplyValue(call, entry, name);
            if (options.Expiry.Kind == ExpiryKind.None || entry.IsMissing) continue;
            if (Change(call, key, ref entry, name, deadline, isPast)) outcomes.Note(i);
        }

        if (outcomes.Count > 0) SettleChanged(call.Unit, key, entry, deadline, isPast);
        outcomes.Record(call, isPast ? "HDEL"u8 : deadline < 0 ? "HPERSIST"u8 : "HPEXPIREAT"u8, deadline);
    }

    private static void HPersist(ref Call call)
    {
        if (!HashCommands.TryWrite(call, out var entry)) return;
        if (!HashFieldList.TryRead(call, 2, out var fields, HashFieldList.NoCount)) return;
        var key = call.Key(1);
        call.Reply.Array(fields.Count);
        var hasChanged = false;
        for (var i = fields.First; i < fields.First + fields.Count; i++)
        {
            var isThere = !entry.IsMissing && HashValue.TryFind(call.Unit, entry, call.Args[i], out _);
            var isDone = isThere && Change(call, key, ref entry, call.Args[i], -1, isPast: false);
            hasChanged |= isDone;
            call.Reply.Integer(isDone ? Done : isThere ? NoDeadline : NoField);
        }

        if (hasChanged) SettleChanged(call.Unit, key, entry, -1, isPast: false);
    }

    private static void HPExpire(ref Call call) => SetDeadlines(call, ExpiryKind.Milliseconds);

    private static void HPExpireAt(ref Call call) => SetDeadlines(call, ExpiryKind.UnixMilliseconds);

    private static void HPExpireTime(ref Call call) => ReplyDeadlines(call, 1, isRelative: false);

    private static void HPTtl(ref Call call) => ReplyDeadlines(call, 1, isRelative: true);

    private static void HSetEx(ref Call call)
    {
        if (!HashFieldOptions.TryReadSet(call, out var options)) return;
        var deadline = options.Expiry.Kind == ExpiryKind.Keep ? HashValue.KeepsDeadline : options.DeadlineMs;
        if (!HashCommands.TryWrite(call, out var entry)) return;
        if (!MeetsCondition(call, entry, options))
        {
            call.Reply.Integer(0);
            return;
        }

        var fields = options.Fields;
        if (deadline >= 0 && deadline <= call.Unit.DueMs) RemoveFields(call, entry, fields);
        else if (!HashCommands.TrySetPairs(call, entry, fields.First, fields.End, deadline, out _)) return;
        else if (deadline >= 0) RecordExpiring(call, options, deadline);
        call.Reply.Integer(1);
    }

    private static void HTtl(ref Call call) => ReplyDeadlines(call, 1000, isRelative: true);

    private static void SetDeadlines(in Call call, ExpiryKind kind)
    {
        if (!HashCommands.TryWrite(call, out var entry)) return;
        if (!new FieldExpiry(kind, 2).TryDeadline(call, out var deadline)) return;
        var condition = ExpiryCommands.ConditionOf(call.Args[3]);
        var at = condition == DeadlineConditions.None ? 3 : 4;
        var noCount = "ERR Parameter `numFields` should be greater than 0"u8;
        if (!HashFieldList.TryRead(call, at, out var fields, noCount)) return;
        var key = call.Key(1);
        var isPast = deadline <= call.Unit.DueMs;
        call.Reply.Array(fields.Count);
        var outcomes = new FieldOutcomes(fields);
        for (var i = 0; i < fields.Count; i++)
        {
            var name = call.Args[fields.First + i];
            if (entry.IsMissing || !HashValue.TryFind(call.Unit, entry, name, out var item))
            {
                call.Reply.Integer(NoField);
                continue;
            }

            if (!ExpiryCommands.Meets(condition, item.DeadlineMs, deadline))
            {
                call.Reply.Integer(NotMet);
                continue;
            }

            Change(call, key, ref entry, name, deadline, isPast);
            outcomes.Note(i);
            call.Reply.Integer(isPast ? Removed : Done);
        }

        if (outcomes.Count > 0) SettleChanged(call.Unit, key, entry, deadline, isPast);
        outcomes.Record(call, isPast ? "HDEL"u8 : "HPEXPIREAT"u8, deadline);
    }

    // Gives a field a deadline (-1: none) or removes it; false when there is nothing to change.
    private static bool Change(
        in Call call, in Key key, ref Entry entry, ReadOnlySpan<byte> name, long deadlineMs, bool isPast)
    {
        if (isPast)
        {
            if (!HashValue.Remove(call.Unit, key, entry, name)) return false;
        }
        else
        {
            if (!HashValue.TryFind(call.Unit, entry, name, out var item)) return false;
            if (deadlineMs < 0 && item.DeadlineMs < 0) return false;
            entry = HashValue.SetDeadline(call.Unit, key, entry, name, deadlineMs);
        }

        call.Unit.Changed(key);
        return true;
    }

    // Ends a series of changes of one kind, and tells of it.
    private static void SettleChanged(Unit unit, in Key key, in Entry entry, long deadlineMs, bool isPast) =>
        HashCommands.SettleTold(
            unit, key, entry, isPast ? "hexpired"u8 : deadlineMs < 0 ? "hpersist"u8 : "hexpire"u8);

    private static void ReplyDeadlines(in Call call, long unitMs, bool isRelative)
    {
        if (!HashCommands.TryRead(call, out var entry)) return;
        if (!HashFieldList.TryRead(call, 2, out var fields, HashFieldList.NoCount)) return;
        call.Reply.Array(fields.Count);
        for (var i = fields.First; i < fields.First + fields.Count; i++)
        {
            if (entry.IsMissing || !HashValue.TryFind(call.Unit, entry, call.Args[i], out var item))
                call.Reply.Integer(NoField);
            else if (item.DeadlineMs < 0)
                call.Reply.Integer(NoDeadline);
            else
                call.Reply.Integer(RoundedUp(item.DeadlineMs - (isRelative ? call.Unit.NowMs : 0), unitMs));
        }
    }

    private static long RoundedUp(long ms, long unitMs) => (ms / unitMs) + (ms % unitMs > 0 ? 1 : 0);

    private static bool MeetsCondition(in Call call, in Entry entry, HashFieldOptions options)
    {
        if (!options.OnlyNew && !options.OnlyExisting) return true;
        for (var i = options.Fields.First; i < options.Fields.End; i += 2)
        {
            var isThere = !entry.IsMissing && HashValue.TryFind(call.Unit, entry, call.Args[i], out _);
            if (isThere != options.OnlyExisting) return false;
        }

        return true;
    }

    private static void RemoveFields(in Call call, in Entry entry, HashFieldList fields)
    {
        if (entry.IsMissing) return;
        var key = call.Key(1);
        var outcomes = new FieldOutcomes(fields);
        for (var i = 0; i < fields.Count; i++)
        {
            if (!HashValue.Remove(call.Unit, key, entry, call.Args[fields.ArgOf(i)])) continue;
            outcomes.Note(i);
            call.Unit.Changed(key);
        }

        if (outcomes.Count > 0) HashCommands.SettleTold(call.Unit, key, entry, "hexpired"u8);
        outcomes.Record(call, "HDEL"u8, -1);
    }

    // Without a deadline the request is its own effect.
    private static void RecordExpiring(in Call call, HashFieldOptions options, long deadlineMs)
    {
        var fields = options.Fields;
        call.Unit.Notify(NotifyClasses.Hash, "hexpire"u8, call.Key(1));
        if (!call.Effects.Begin(6 + fields.End - fields.First)) return;
        call.Effects.Argument("HSETEX"u8);
        call.Effects.Argument(call.Key(1).Bytes);
        call.Effects.Argument("PXAT"u8);
        call.Effects.Argument(deadlineMs);
        call.Effects.Argument("FIELDS"u8);
        call.Effects.Argument(fields.Count);
        for (var i = fields.First; i < fields.End; i++) call.Effects.Argument(call.Args[i]);
    }

    /// <summary>Which of the fields a command has changed, for its effect.</summary>
    private ref struct FieldOutcomes(HashFieldList fields)
    {
        private const int InlineFields = 64;

        private readonly HashFieldList _fields = fields;
        private ulong _first;
        private bool[]? _more;

        public int Count { get; private set; }

        public void Note(int index)
        {
            Count++;
            if (index < InlineFields)
            {
                _first |= 1UL << index;
                return;
            }

            if (_more is null)
            {
                _more = ArrayPool<bool>.Shared.Rent(_fields.Count);
                _more.AsSpan(0, _fields.Count).Clear();
            }

            _more[index] = true;
        }

        // As NAME key fields, or as NAME key [deadline] FIELDS number fields where the command wants that.
        public readonly void Record(in Call call, ReadOnlySpan<byte> name, long deadlineMs)
        {
            var isPlain = name.SequenceEqual("HDEL"u8);
            var head = isPlain ? 2 : deadlineMs < 0 ? 4 : 5;
            if (Count > 0 && call.Effects.Begin(head + Count))
            {
                call.Effects.Argument(name);
                call.Effects.Argument(call.Key(1).Bytes);
                if (!isPlain && deadlineMs >= 0) call.Effects.Argument(deadlineMs);
                if (!isPlain) call.Effects.Argument("FIELDS"u8);
                if (!isPlain) call.Effects.Argument(Count);
                for (var i = 0; i < _fields.Count; i++)
                {
                    if (IsNoted(i)) call.Effects.Argument(call.Args[_fields.ArgOf(i)]);
                }
            }

            if (_more is not null) ArrayPool<bool>.Shared.Return(_more);
        }

        private readonly bool IsNoted(int index) =>
            index < InlineFields ? (_first >> index & 1) != 0 : _more is not null && _more[index];
    }
}
