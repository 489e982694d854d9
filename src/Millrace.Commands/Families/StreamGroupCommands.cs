// Consumer groups of streams: making and removing groups and consumers, acknowledging, and what is pending.
//
// What a group has handed out to a consumer stays pending until it is acknowledged. Whoever takes over from a consumer
// that is gone claims its entries.
// None of this is told to those who WATCH the stream: its entries stay as they are.
// Source: Redis 7.2 documentation, "Streams", "XGROUP" and the pages of the other commands.

using Millrace.Engine;
using Millrace.Engine.Values;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands on consumer groups.</summary>
public static class StreamGroupCommands
{
    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("xack", -4, XAck)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Stream,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            Syntax = "key group id...",
            Summary = "Acknowledges entries of a group: they are pending no more. Returns how many were.",
            Since = "5.0.0",
            Complexity = "O(1) for each ID.",
            Group = "stream",
        },
        new("xgroup", -2, handler: null)
        {
            Summary = "Makes, changes and removes consumer groups; a container of commands.",
            Since = "5.0.0",
            Complexity = "Depends on subcommand.",
            Group = "stream",
            Subcommands = [.. GroupSubcommands],
        },
        new("xpending", -3, XPending)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Stream,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key group [[IDLE min-idle-time:integer] start end count:integer [consumer]]",
            Summary = "Returns a summary of a group's pending entries, or those in a range.",
            Since = "5.0.0",
            Complexity = "O(N) where N is the number of entries returned, or looked at with IDLE; the summary O(M) "
                + "where M is the number of consumers.",
            Group = "stream",
            History = [("6.2.0", "Added the `IDLE` option and exclusive range intervals.")],
            Tips = ["nondeterministic_output"],
        },
    ];

    private static CommandSpec[] GroupSubcommands =>
    [
        new("create", -5, Create)
        {
            Flags = Write | DenyOom,
            Categories = AclCategories.Stream,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Insert, 2)],
            Syntax = "key groupname (id | $) [MKSTREAM] [ENTRIESREAD entries_read:integer]",
            Summary = "Makes a consumer group.",
            Since = "5.0.0",
            Complexity = "O(1)",
            Group = "stream",
            History = [("7.0.0", "Added the `entries_read` named argument.")],
        },
        new("createconsumer", 5, CreateConsumer)
        {
            Flags = Write | DenyOom,
            Categories = AclCategories.Stream,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Insert, 2)],
            Syntax = "key groupname consumername",
            Summary = "Makes a consumer of a group.",
            Since = "6.2.0",
            Complexity = "O(1)",
            Group = "stream",
        },
        new("delconsumer", 5, DeleteConsumer)
        {
            Flags = Write,
            Categories = AclCategories.Stream,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Delete, 2)],
            Syntax = "key groupname consumername",
            Summary = "Removes a consumer with its pending entries from a group.",
            Since = "5.0.0",
            Complexity = "O(1)",
            Group = "stream",
        },
        new("destroy", 4, Destroy)
        {
            Flags = Write,
            Categories = AclCategories.Stream,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Delete, 2)],
            Syntax = "key groupname",
            Summary = "Removes a consumer group.",
            Since = "5.0.0",
            Complexity = "O(N) where N is the number of the group's pending entries.",
            Group = "stream",
        },
        new("help", 2, Help)
        {
            Flags = Loading | Stale,
            Categories = AclCategories.Stream,
            Summary = "Explains the subcommands.",
            Since = "5.0.0",
            Complexity = "O(1)",
            Group = "stream",
        },
        new("setid", -5, SetId)
        {
            Flags = Write,
            Categories = AclCategories.Stream,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update, 2)],
            Syntax = "key groupname (id | $) [ENTRIESREAD entries_read:integer]",
            Summary = "Sets the last ID that a group has handed out.",
            Since = "5.0.0",
            Complexity = "O(1)",
            Group = "stream",
            History = [("7.0.0", "Added the optional `entries_read` argument.")],
        },
    ];

    private static void XAck(ref Call call)
    {
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Stream)) return;
        var group = entry.IsMissing ? default : StreamValue.Log(entry).Groups.Find(call.Args[2]);
        if (group.IsMissing)
        {
            call.Reply.Integer(0);
            return;
        }

        if (!StreamCommands.AreIds(call, 3)) return;
        var acknowledged = 0;
        for (var i = 3; i < call.Args.Count; i++)
        {
            if (StreamText.TryParse(call.Args[i], 0, out var id) && group.Acknowledge(id)) acknowledged++;
        }

        call.Unit.ChangedQuietly(call.Key(1), acknowledged);
        call.Reply.Integer(acknowledged);
    }

    private static void Create(ref Call call)
    {
        if (!TryReadGroupOptions(call, mayMakeStream: true, out var entriesRead, out var makesStream)) return;
        var entry = call.Write(2);
        if (!call.IsTypeOrMissing(entry, ValueType.Stream)) return;
        if (entry.IsMissing && !makesStream)
        {
            StreamMustExist(call);
            return;
        }

        if (!HasAtMost(call, 8)) return;
        var id = entry.IsMissing ? StreamId.Min : StreamValue.Log(entry).LastId;
        if (!call.Args[4].SequenceEqual("$"u8) && !StreamText.TryReadId(call, 4, out id)) return;
        var log = entry.IsMissing ? StreamValue.Create(call.Unit, call.Key(2)) : StreamValue.Log(entry);
        if (!log.Groups.Find(call.Args[3]).IsMissing)
        {
            call.Reply.Error("BUSYGROUP Consumer Group name already exists"u8);
            return;
        }

        log.Groups.Add(call.Args[3], id, entriesRead);
        if (entry.IsMissing) call.Unit.Changed(call.Key(2));
        else call.Unit.ChangedQuietly(call.Key(2), 1);
        call.Unit.Notify(NotifyClasses.Stream, "xgroup-create"u8, call.Key(2));
        call.Reply.Ok();
    }

    private static void CreateConsumer(ref Call call)
    {
        if (!TryFindGroup(call, out var group)) return;
        var isNew = group.FindConsumer(call.Args[4]).IsMissing;
        if (isNew) group.AddConsumer(call.Args[4], call.Unit.NowMs);
        call.Unit.ChangedQuietly(call.Key(2), isNew ? 1 : 0);
        if (isNew) call.Unit.Notify(NotifyClasses.Stream, "xgroup-createconsumer"u8, call.Key(2));
        call.Reply.Integer(isNew ? 1 : 0);
    }

    private static void DeleteConsumer(ref Call call)
    {
        if (!TryFindGroup(call, out var group)) return;
        var consumer = group.FindConsumer(call.Args[4]);
        var pending = 0L;
        if (!consumer.IsMissing)
        {
            pending = consumer.Pending.Count;
            group.RemoveConsumer(consumer);
            call.Unit.ChangedQuietly(call.Key(2), 1);
            call.Unit.Notify(NotifyClasses.Stream, "xgroup-delconsumer"u8, call.Key(2));
        }

        call.Reply.Integer(pending);
    }

    private static void Destroy(ref Call call)
    {
        if (!TryFindStream(call, out var log)) return;
        var group = log.Groups.Find(call.Args[3]);
        if (!group.IsMissing)
        {
            StreamValue.RemoveGroup(call.Unit, call.Key(2), log, group);
            call.Unit.ChangedQuietly(call.Key(2), 1);
            call.Unit.Notify(NotifyClasses.Stream, "xgroup-destroy"u8, call.Key(2));
            call.Unit.Wake(call.Key(2)); // those who wait for the group shall hear that it is gone
        }

        call.Reply.Integer(group.IsMissing ? 0 : 1);
    }

    private static void Help(ref Call call) => HelpText.Write(
        call.Reply,
        "XGROUP",
        [
            "CREATE <key> <groupname> <id|$> [option]",
            "Create a new consumer group. Options are:\n* MKSTREAM\n  Create the empty stream if it does not exist.\n"
                + "* ENTRIESREAD entries_read\n  Set the group's entries_read counter (internal use).",
            "CREATECONSUMER <key> <groupname> <consumer>",
            "Create a new consumer in the specified group.",
            "DELCONSUMER <key> <groupname> <consumer>",
            "Remove the specified consumer.",
            "DESTROY <key> <groupname>",
            "Remove the specified group.",
            "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
            "Set the current group ID and entries_read counter.",
        ]);

    private static void SetId(ref Call call)
    {
        if (!TryReadGroupOptions(call, mayMakeStream: false, out var entriesRead, out _)) return;
        if (!TryFindGroup(call, out var group) || !HasAtMost(call, 7)) return;
        var id = StreamValue.Log(call.Write(2)).LastId;
        if (!call.Args[4].SequenceEqual("$"u8) && !StreamText.TryReadAnyId(call, 4, out id)) return;
        group.LastId = id;
        group.EntriesRead = entriesRead;
        call.Unit.ChangedQuietly(call.Key(2), 1);
        call.Unit.Notify(NotifyClasses.Stream, "xgroup-setid"u8, call.Key(2));
        call.Reply.Ok();
    }

    private static void XPending(ref Call call)
    {
        var options = default(PendingOptions);
        if (!PendingOptions.TryRead(call, ref options)) return;
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Stream)) return;
        var group = entry.IsMissing ? default : StreamValue.Log(entry).Groups.Find(call.Args[2]);
        if (group.IsMissing) NoKeyOrGroup(call);
        else if (options.IsSummary) Summary(call, group);
        else PendingRange(call, group, options);
    }

    /// <summary>Replies that there is no such stream or group: the names are the first two arguments.</summary>
    internal static void NoKeyOrGroup(in Call call) => StreamReplies.NoGroup(
        call, "NOGROUP No such key '"u8, 1, "' or consumer group '"u8, 2, "'"u8);

    /// <summary>Replies that there is no such group of a stream that exists: the names are the arguments behind the
    /// subcommand.</summary>
    internal static void NoGroup(in Call call) => StreamReplies.NoGroup(
        call, "NOGROUP No such consumer group '"u8, 3, "' for key name '"u8, 2, "'"u8);

    private static bool TryFindStream(in Call call, out StreamLog log)
    {
        log = default;
        var entry = call.Write(2);
        if (!call.IsTypeOrMissing(entry, ValueType.Stream)) return false;
        if (entry.IsMissing) StreamMustExist(call);
        else log = StreamValue.Log(entry);
        return !entry.IsMissing;
    }

    private static bool TryFindGroup(in Call call, out StreamGroup group)
    {
        group = default;
        if (!TryFindStream(call, out var log)) return false;
        group = log.Groups.Find(call.Args[3]);
        if (group.IsMissing) NoGroup(call);
        return !group.IsMissing;
    }

    // Options that come twice are refused after all that concerns the key.
    private static bool HasAtMost(in Call call, int arguments)
    {
        if (call.Args.Count <= arguments) return true;
        ErrorTexts.WriteSubcommandSyntax(call.Reply, call.Args[1], "XGROUP"u8);
        return false;
    }

    private static void StreamMustExist(in Call call) => call.Reply.Error(
        "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM "u8
        + "option to create an empty stream automatically."u8);

    private static bool TryReadGroupOptions(
        in Call call, bool mayMakeStream, out long entriesRead, out bool makesStream)
    {
        entriesRead = StreamGroup.UnknownEntriesRead;
        makesStream = false;
        for (var i = 5; i < call.Args.Count; i++)
        {
            if (mayMakeStream && call.Is(i, "MKSTREAM"u8))
            {
                makesStream = true;
            }
            else if (i + 1 < call.Args.Count && call.Is(i, "ENTRIESREAD"u8))
            {
                if (!call.TryInteger(++i, out entriesRead)) return false;
                if (entriesRead >= StreamGroup.UnknownEntriesRead) continue;
                call.Reply.Error("ERR value for ENTRIESREAD must be positive or -1"u8);
                return false;
            }
            else
            {
                ErrorTexts.WriteSubcommandSyntax(call.Reply, call.Args[1], "XGROUP"u8);
                return false;
            }
        }

        return true;
    }

    private static void Summary(in Call call, StreamGroup group)
    {
        call.Reply.Array(4);
        call.Reply.Integer(group.Pending.Count);
        if (!group.Pending.TryFirst(out var first) || !group.Pending.TryLast(out var last))
        {
            call.Reply.Null();
            call.Reply.Null();
            call.Reply.NullArray();
            return;
        }

        StreamText.WriteId(call.Reply, new StreamId(first.High, first.Low));
        StreamText.WriteId(call.Reply, new StreamId(last.High, last.Low));
        var mark = call.Reply.BeginDeferred();
        var busy = 0;
        for (var i = 0L; i < group.ConsumerCount; i++)
        {
            var consumer = group.Consumer(i);
            if (consumer.Pending.Count == 0) continue;
            call.Reply.Array(2);
            call.Reply.Bulk(consumer.Name);
            call.Reply.BulkInteger(consumer.Pending.Count);
            busy++;
        }

        call.Reply.EndDeferredArray(mark, busy);
    }

    private static void PendingRange(in Call call, StreamGroup group, PendingOptions options)
    {
        var consumer = options.ConsumerAt > 0 ? group.FindConsumer(call.Args[options.ConsumerAt]) : default;
        if (options.ConsumerAt > 0 && consumer.IsMissing)
        {
            call.Reply.Array(0);
            return;
        }

        var mark = call.Reply.BeginDeferred();
        var count = 0L;
        var walk = group.Walk(options.Range, consumer);
        while (count < options.Count && walk.TryNext(out var delivery))
        {
            var idleMs = StreamClaims.IdleMs(call.Unit.NowMs, delivery.DeliveredMs);
            if (options.MinIdleMs != 0 && idleMs < options.MinIdleMs) continue;
            call.Reply.Array(4);
            StreamText.WriteId(call.Reply, new StreamId(delivery.High, delivery.Low));
            call.Reply.Bulk(group.OwnerName(delivery));
            call.Reply.Integer(delivery.Owner.IsNull ? StreamClaims.NeverIdle : idleMs);
            call.Reply.Integer(delivery.Deliveries);
            count++;
        }

        call.Reply.EndDeferredArray(mark, count);
    }
}
