// XINFO: what there is to know of a stream, its groups and their consumers.
//
// Redis keeps streams in a radix tree and tells how many keys and nodes it has; here these are the nodes of entries and
// the nodes of the tree that finds them.
// Source: Redis 7.2 documentation, "XINFO STREAM", "XINFO GROUPS", "XINFO CONSUMERS".

using Millrace.Engine.Values;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands that tell about streams.</summary>
public static class StreamInfoCommands
{
    private const long DefaultCount = 10;

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("xinfo", -2, handler: null)
        {
            Summary = "Tells about streams and their groups; a container of commands.",
            Since = "5.0.0",
            Complexity = "Depends on subcommand.",
            Group = "stream",
            Subcommands =
            [
                new("consumers", 4, Consumers)
                {
                    Flags = ReadOnly,
                    Categories = AclCategories.Stream,
                    Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access, 2)],
                    Syntax = "key groupname",
                    Summary = "Returns the consumers of a group.",
                    Since = "5.0.0",
                    Complexity = "O(1)",
                    Group = "stream",
                    History = [("7.2.0", "Added the `inactive` field.")],
                    Tips = ["nondeterministic_output"],
                },
                new("groups", 3, Groups)
                {
                    Flags = ReadOnly,
                    Categories = AclCategories.Stream,
                    Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access, 2)],
                    Syntax = "key",
                    Summary = "Returns the consumer groups of a stream.",
                    Since = "5.0.0",
                    Complexity = "O(1)",
                    Group = "stream",
                    History = [("7.0.0", "Added the `entries-read` and `lag` fields")],
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
                new("stream", -3, Stream)
                {
                    Flags = ReadOnly,
                    Categories = AclCategories.Stream,
                    Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access, 2)],
                    Syntax = "key [FULL ([COUNT count:integer])]",
                    Summary = "Returns what there is to know of a stream; with FULL, of its groups as well.",
                    Since = "5.0.0",
                    Complexity = "O(1)",
                    Group = "stream",
                    History =
                    [
                        ("6.0.0", "Added the `FULL` modifier."),
                        ("7.0.0", "Added the `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, "
                            + "`entries-read` and `lag` fields"),
                        ("7.2.0", "Added the `active-time` field, and changed the meaning of `seen-time`."),
                        ("8.6.0", "Added the `idmp-duration`, `idmp-maxsize`, `pids-tracked`, `iids-tracked`, "
                            + "`iids-added` and `iids-duplicates` fields for IDMP tracking."),
                        ("8.8.0", "Added the `nacked-count` field to consumer groups in the `FULL` output."),
                    ],
                },
            ],
        },
    ];

    private static void Consumers(ref Call call)
    {
        if (!TryFind(call, out var log)) return;
        var group = log.Groups.Find(call.Args[3]);
        if (group.IsMissing)
        {
            StreamGroupCommands.NoGroup(call);
            return;
        }

        var reply = call.Reply;
        var nowMs = call.Unit.NowMs;
        reply.Array(group.ConsumerCount);
        for (var i = 0L; i < group.ConsumerCount; i++)
        {
            var consumer = group.Consumer(i);
            reply.Map(4);
            reply.Bulk("name"u8);
            reply.Bulk(consumer.Name);
            Field(reply, "pending"u8, consumer.Pending.Count);
            Field(reply, "idle"u8, Math.Max(nowMs - consumer.SeenMs, 0));
            reply.Bulk("inactive"u8);
            var isNew = consumer.ActiveMs == StreamConsumer.NeverActive;
            reply.Integer(isNew ? StreamConsumer.NeverActive : nowMs - consumer.ActiveMs);
        }
    }

    private static void Groups(ref Call call)
    {
        if (!TryFind(call, out var log)) return;
        var reply = call.Reply;
        reply.Array(log.Groups.Count);
        for (var i = 0L; i < log.Groups.Count; i++)
        {
            var group = log.Groups[i];
            reply.Map(6);
            reply.Bulk("name"u8);
            reply.Bulk(group.Name);
            Field(reply, "consumers"u8, group.ConsumerCount);
            Field(reply, "pending"u8, group.Pending.Count);
            WriteProgress(reply, log, group);
        }
    }

    private static void Help(ref Call call) => HelpText.Write(
        call.Reply,
        "XINFO",
        [
            "CONSUMERS <key> <groupname>",
            "Show consumers of <groupname>.",
            "GROUPS <key>",
            "Show the stream consumer groups.",
            "STREAM <key> [FULL [COUNT <count>]",
            "Show information about the stream.",
        ]);

    private static void Stream(ref Call call)
    {
        var isFull = call.Args.Count > 3;
        var count = DefaultCount;
        var isRight = call.Args.Count is 3 or 4 or 6 && (!isFull || call.Is(3, "FULL"u8))
            && (call.Args.Count < 6 || call.Is(4, "COUNT"u8));
        if (!TryFind(call, out var log)) return;
        if (!isRight)
        {
            ErrorTexts.WriteSubcommandSyntax(call.Reply, call.Args[1], "XINFO"u8);
            return;
        }

        if (call.Args.Count == 6 && !call.TryInteger(5, out count)) return;
        if (count < 0) count = DefaultCount;
        WriteStream(call.Reply, log, isFull, count);
    }

    private static bool TryFind(in Call call, out StreamLog log)
    {
        log = default;
        var entry = call.Read(2);
        if (!call.IsTypeOrMissing(entry, ValueType.Stream)) return false;
        if (entry.IsMissing) call.Reply.Error(ErrorTexts.NoSuchKey);
        else log = StreamValue.Log(entry);
        return !entry.IsMissing;
    }

    private static void WriteStream(ReplyWriter reply, StreamLog log, bool isFull, long count)
    {
        var producers = log.Producers;
        reply.Map((isFull ? 9 : 10) + (producers.IsMissing ? 0 : 6));
        Field(reply, "length"u8, log.Length);
        Field(reply, "radix-tree-keys"u8, log.NodeCount);
        Field(reply, "radix-tree-nodes"u8, log.IndexNodeCount + 1);
        reply.Bulk("last-generated-id"u8);
        StreamText.WriteId(reply, log.LastId);
        reply.Bulk("max-deleted-entry-id"u8);
        StreamText.WriteId(reply, log.MaxDeletedId);
        Field(reply, "entries-added"u8, log.EntriesAdded);
        reply.Bulk("recorded-first-entry-id"u8);
        StreamText.WriteId(reply, log.FirstId);
        if (!producers.IsMissing) WriteProducers(reply, producers);
        if (isFull)
        {
            reply.Bulk("entries"u8);
            StreamReplies.Range(reply, log, StreamRange.All, count);
            reply.Bulk("groups"u8);
            reply.Array(log.Groups.Count);
            for (var i = 0L; i < log.Groups.Count; i++) WriteGroup(reply, log, log.Groups[i], count);
            return;
        }

        Field(reply, "groups"u8, log.Groups.Count);
        reply.Bulk("first-entry"u8);
        WriteEdge(reply, log, isLast: false);
        reply.Bulk("last-entry"u8);
        WriteEdge(reply, log, isLast: true);
    }

    // Six pairs; left out of what is told of streams that have to do with no producer.
    private static void WriteProducers(ReplyWriter reply, StreamProducers producers)
    {
        Field(reply, "idmp-duration"u8, producers.Limits.DurationSeconds);
        Field(reply, "idmp-maxsize"u8, producers.Limits.MaxSize);
        Field(reply, "pids-tracked"u8, producers.Count);
        Field(reply, "iids-tracked"u8, producers.MessageCount);
        Field(reply, "iids-added"u8, producers.AddedCount);
        Field(reply, "iids-duplicates"u8, producers.RepeatedCount);
    }

    private static void Field(ReplyWriter reply, ReadOnlySpan<byte> name, long number)
    {
        reply.Bulk(name);
        reply.Integer(number);
    }

    private static void WriteEdge(ReplyWriter reply, StreamLog log, bool isLast)
    {
        var cursor = log.Walk(StreamRange.All, isLast);
        if (cursor.TryNext()) StreamReplies.Entry(reply, ref cursor);
        else reply.Null();
    }

    private static void WriteGroup(ReplyWriter reply, StreamLog log, StreamGroup group, long count)
    {
        reply.Map(8);
        reply.Bulk("name"u8);
        reply.Bulk(group.Name);
        WriteProgress(reply, log, group);
        Field(reply, "pel-count"u8, group.Pending.Count);
        reply.Bulk("pending"u8);
        WritePending(reply, group, default, count);
        reply.Bulk("consumers"u8);
        reply.Array(group.ConsumerCount);
        for (var i = 0L; i < group.ConsumerCount; i++)
        {
            var consumer = group.Consumer(i);
            reply.Map(5);
            reply.Bulk("name"u8);
            reply.Bulk(consumer.Name);
            Field(reply, "seen-time"u8, consumer.SeenMs);
            Field(reply, "active-time"u8, consumer.ActiveMs);
            Field(reply, "pel-count"u8, consumer.Pending.Count);
            reply.Bulk("pending"u8);
            WritePending(reply, group, consumer, count);
        }

        Field(reply, "nacked-count"u8, group.UnownedCount);
    }

    // How far a group has come: three pairs.
    private static void WriteProgress(ReplyWriter reply, StreamLog log, StreamGroup group)
    {
        reply.Bulk("last-delivered-id"u8);
        StreamText.WriteId(reply, group.LastId);
        reply.Bulk("entries-read"u8);
        if (group.EntriesRead == StreamGroup.UnknownEntriesRead) reply.Null();
        else reply.Integer(group.EntriesRead);
        reply.Bulk("lag"u8);
        if (TryFindLag(log, group, out var lag)) reply.Integer(lag);
        else reply.Null();
    }

    // How many entries the group has yet to hand out, when that can be told.
    private static bool TryFindLag(StreamLog log, StreamGroup group, out long lag)
    {
        lag = 0;
        if (log.EntriesAdded == 0) return true;
        var read = group.EntriesRead;
        if ((read == StreamGroup.UnknownEntriesRead || log.MayHaveGaps(group.LastId))
            && !log.TryCountUpTo(group.LastId, out read)) return false;
        lag = log.EntriesAdded - read;
        return true;
    }

    // The pending entries of a group, or of one of its consumers, whose name is not repeated then.
    private static void WritePending(ReplyWriter reply, StreamGroup group, StreamConsumer consumer, long max)
    {
        var mark = reply.BeginDeferred();
        var count = 0L;
        var walk = group.Walk(StreamRange.All, consumer);
        while ((max == 0 || count < max) && walk.TryNext(out var delivery))
        {
            reply.Array(consumer.IsMissing ? 4 : 3);
            StreamText.WriteId(reply, new StreamId(delivery.High, delivery.Low));
            if (consumer.IsMissing) reply.Bulk(group.OwnerName(delivery));
            reply.Integer(delivery.DeliveredMs);
            reply.Integer(delivery.Deliveries);
            count++;
        }

        reply.EndDeferredArray(mark, count);
    }
}
