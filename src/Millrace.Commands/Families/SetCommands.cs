// Sets: adding, removing, testing, listing and choosing members at random.
//
// Commands on several sets at once are in SetAlgebraCommands, the choice of several members in SetChoice, the walk of
// SSCAN in MemberScan.
// Source: Redis 7.2 documentation, "Sets".

using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Memory;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands on one set.</summary>
public static class SetCommands
{
    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("sadd", -3, SAdd)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.Set,
            MemberAt = 2,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Insert)],
            Syntax = "key member...",
            Summary = "Adds members to a set. A missing key starts as the empty set.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the number of members to add.",
            Group = "set",
            History = [("2.4.0", "Accepts multiple `member` arguments.")],
        },
        new("scard", 2, SCard)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Set,
            Keys = [KeySpec.One(KeyFlags.RO)],
            Syntax = "key",
            Summary = "Returns the number of members of a set.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "set",
        },
        new("sismember", 3, SIsMember)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Set,
            MemberAt = 2,
            Keys = [KeySpec.One(KeyFlags.RO)],
            Syntax = "key member",
            Summary = "Tells whether a set has a member.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "set",
        },
        new("smembers", 2, SMembers)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Set,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key",
            Summary = "Returns all members of a set.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the number of members.",
            Group = "set",
            Tips = ["nondeterministic_output_order"],
        },
        new("smismember", -3, SMIsMember)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Set,
            MemberAt = 2,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key member...",
            Summary = "Tells of each given member whether a set has it.",
            Since = "6.2.0",
            Complexity = "O(N) where N is the number of given members.",
            Group = "set",
        },
        new("smove", 4, SMove)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Set,
            Keys =
            [
                KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Delete),
                KeySpec.One(KeyFlags.RW | KeyFlags.Insert, 2),
            ],
            TakesReserve = true,
            Syntax = "source:key destination:key member",
            Summary = "Moves a member from one set to another.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "set",
        },
        new("spop", -2, SPop)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Set,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Delete)],
            Syntax = "key [count:integer]",
            Summary = "Removes members chosen at random from a set and returns them.",
            Since = "1.0.0",
            Complexity = "O(1) without the count, otherwise O(N) where N is the count.",
            Group = "set",
            History = [("3.2.0", "Added the `count` argument.")],
            Tips = ["nondeterministic_output"],
        },
        new("srandmember", -2, SRandMember)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Set,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key [count:integer]",
            Summary = "Returns members of a set, chosen at random.",
            Since = "1.0.0",
            Complexity = "O(1) without the count, otherwise O(N) where N is the absolute value of the count.",
            Group = "set",
            History = [("2.6.0", "Added the optional `count` argument.")],
            Tips = ["nondeterministic_output"],
        },
        new("srem", -3, SRem)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Set,
            MemberAt = 2,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Delete)],
            Syntax = "key member...",
            Summary = "Removes members from a set, and the key with the last one.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the number of members to remove.",
            Group = "set",
            History = [("2.4.0", "Accepts multiple `member` arguments.")],
        },
        new("sscan", -3, SScan)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Set,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key cursor:integer [MATCH pattern:pattern] [COUNT count:integer]",
            Summary = "Walks over the members of a set, a few with each call.",
            Since = "2.8.0",
            Complexity = "O(1) for each call, O(N) for a whole walk, where N is the number of members.",
            Group = "set",
            Tips = ["nondeterministic_output"],
        },
    ];

    /// <summary>Writes a member as a bulk string.</summary>
    internal static void Reply(ReplyWriter reply, scoped ListpackElement member)
    {
        if (member.IsInteger) reply.BulkInteger(member.Integer);
        else reply.Bulk(member.Bytes);
    }

    /// <summary>Writes all members, without a header.</summary>
    internal static void ReplyAll(ReplyWriter reply, in Entry entry)
    {
        var all = new MemberReply(reply);
        SetValue.Walk(entry, ref all);
    }

    private static void SAdd(ref Call call)
    {
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Set)) return;
        var key = call.Key(1);
        var writer = new SetWriter(call.Unit, key, entry);
        writer.Expect(ListpackElement.Of(call.Args[2]), call.Args.Count - 2);
        var added = 0;
        for (var i = 2; i < call.Args.Count; i++)
        {
            if (writer.Add(ListpackElement.Of(call.Args[i]))) added++;
        }

        call.Unit.Changed(key, added);
        if (added > 0) call.Unit.Notify(NotifyClasses.Set, "sadd"u8, key);
        call.Reply.Integer(added);
    }

    private static void SCard(ref Call call)
    {
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Set)) return;
        call.Reply.Integer(entry.IsMissing ? 0 : SetValue.Count(entry));
    }

    private static void SIsMember(ref Call call)
    {
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Set)) return;
        call.Reply.Integer(Has(call, entry, 2) ? 1 : 0);
    }

    private static void SMembers(ref Call call)
    {
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Set)) return;
        call.Reply.Set(entry.IsMissing ? 0 : SetValue.Count(entry));
        if (!entry.IsMissing) ReplyAll(call.Reply, entry);
    }

    private static void SMIsMember(ref Call call)
    {
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Set)) return;
        call.Reply.Array(call.Args.Count - 2);
        for (var i = 2; i < call.Args.Count; i++) call.Reply.Integer(Has(call, entry, i) ? 1 : 0);
    }

    private static void SMove(ref Call call)
    {
        var source = call.Write(1);
        var target = call.Write(2);
        if (source.IsMissing)
        {
            call.Reply.Integer(0);
            return;
        }

        if (!call.IsTypeOrMissing(source, ValueType.Set) || !call.IsTypeOrMissing(target, ValueType.Set)) return;
        var from = call.Key(1);
        var to = call.Key(2);
        if (from.Bytes.SequenceEqual(to.Bytes))
        {
            call.Reply.Integer(Has(call, source, 3) ? 1 : 0);
            return;
        }

        var member = ListpackElement.Of(call.Args[3]);
        var removing = new SetWriter(call.Unit, from, source);
        if (!removing.Remove(member))
        {
            call.Reply.Integer(0);
            return;
        }

        var isGone = removing.Count == 0;
        if (isGone) call.Unit.Remove(from, removing.Entry);
        call.Unit.Changed(from);
        call.Unit.Notify(NotifyClasses.Set, "srem"u8, from, isGone);
        var adding = new SetWriter(call.Unit, to, target);
        adding.Expect(member, 1);
        if (adding.Add(member))
        {
            call.Unit.Changed(to);
            call.Unit.Notify(NotifyClasses.Set, "sadd"u8, to);
        }

        call.Reply.Integer(1);
    }

    private static void SPop(ref Call call)
    {
        if (call.Args.Count > 3)
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return;
        }

        var count = 0L;
        var isCounted = call.Args.Count == 3;
        if (isCounted && !call.TryPositive(2, out count)) return;
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Set)) return;
        if (isCounted) SetChoice.Pop(call, entry, count);
        else if (entry.IsMissing) call.Reply.Null();
        else SetChoice.PopOne(call, entry);
    }

    private static void SRandMember(ref Call call)
    {
        if (call.Args.Count > 3)
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return;
        }

        var count = 0L;
        var isCounted = call.Args.Count == 3;
        if (isCounted && !SetChoice.TryReadCount(call, 2, out count)) return;
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Set)) return;
        if (isCounted) SetChoice.Write(call, entry, count);
        else if (entry.IsMissing) call.Reply.Null();
        else Reply(call.Reply, SetValue.Random(entry, call.Unit.NextRandom64()));
    }

    private static void SRem(ref Call call)
    {
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Set)) return;
        var removed = 0;
        if (!entry.IsMissing)
        {
            var key = call.Key(1);
            var writer = new SetWriter(call.Unit, key, entry);
            var isGone = false;
            for (var i = 2; i < call.Args.Count; i++)
            {
                if (!writer.Remove(ListpackElement.Of(call.Args[i]))) continue;
                removed++;
                isGone = writer.Count == 0;
                if (!isGone) continue;
                call.Unit.Remove(key, writer.Entry);
                break;
            }

            call.Unit.Changed(key, removed);
            if (removed > 0) call.Unit.Notify(NotifyClasses.Set, "srem"u8, key, isGone);
        }

        call.Reply.Integer(removed);
    }

    private static void SScan(ref Call call)
    {
        if (!KeyScan.TryReadCursor(call.Args[2], out var cursor))
        {
            call.Reply.Error("ERR invalid cursor"u8);
            return;
        }

        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Set)) return;
        if (entry.IsMissing)
        {
            call.Reply.Array(2);
            call.Reply.BulkInteger(0);
            call.Reply.Array(0);
            return;
        }

        if (!KeyScanOptions.TryRead(call, 3, out var options, takesType: false)) return;
        if (SetValue.EncodingOf(entry) == SetEncoding.Table) MemberScan.Write(call.Reply, entry, cursor, options);
        else MemberScan.WritePacked(call.Reply, entry, options);
    }

    private static bool Has(in Call call, in Entry entry, int argIndex) =>
        !entry.IsMissing && SetValue.Contains(call.Unit, entry, ListpackElement.Of(call.Args[argIndex]));
}

/// <summary>Writes the members that it is shown.</summary>
internal readonly struct MemberReply(ReplyWriter reply) : IMemberVisitor
{
    /// <inheritdoc/>
    public bool Visit(scoped ListpackElement member)
    {
        SetCommands.Reply(reply, member);
        return true;
    }
}
