// Reading what is new in streams, for oneself (XREAD) or as a consumer of a group (XREADGROUP), and waiting for it.
//
// For each stream the caller says an ID and gets what is above it. $ stands for the last ID at this moment, + for the
// last entry; > for what the group has not handed out yet, while any other ID asks for the consumer's own pending
// entries. What a group hands out is its effects: XCLAIM for each entry, XGROUP SETID for how far it has come.
// With CLAIM the entries come first that have been pending for long, the longest first; each entry then tells how long
// that was and how often it had been delivered, which is 0 and 0 for one that is new.
// A client that waits runs the command again whenever one of the streams has changed, with what $ meant in the
// beginning; XREADGROUP also when the stream or the group is gone, which is an error then, and with CLAIM as soon as
// the entry that is pending the longest has been so for long enough.
// Source: Redis 7.2 documentation, "XREAD", "XREADGROUP"; of 8.4, CLAIM. That entries which are new tell two zeros is
// how clients read it (Jedis, "xreadgroupClaimReturnsMetadataOrdered").

using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Memory;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands that read what is new in streams.</summary>
public static class StreamReadCommands
{
    private const string StreamsSyntax = "(STREAMS key... id...)";
    private const string ReadSyntax = "[COUNT count:integer] [BLOCK milliseconds:integer] ";

    // With nothing pending that is due sooner, a client with CLAIM looks again after the time that it asks for, since
    // what is handed out meanwhile cannot be due before; but not more often than this.
    private const long LeastRetryMs = 100;
    private const long MostRetryMs = 3_600_000;

    // So many entries that are gone are forgotten for each one that may be claimed, as XAUTOCLAIM does.
    private const int ForgottenPerEntry = 10;
    private const long MostCount = long.MaxValue / ForgottenPerEntry;

    // A little entry takes that many times its memory when it becomes pending.
    private const int MostPendingPerEntryByte = 10;

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("xread", -4, XRead)
        {
            Flags = ReadOnly | Blocking | MovableKeys,
            Categories = AclCategories.Stream,
            Keys = [Streams(from: 1)],
            Syntax = ReadSyntax + StreamsSyntax,
            Summary = "Returns the entries of several streams above given IDs; waits for one when there is none.",
            Since = "5.0.0",
            Complexity = "O(N) for each stream, where N is the number of entries returned.",
            Group = "stream",
        },
        new("xreadgroup", -7, XReadGroup)
        {
            Flags = Write | Blocking | MovableKeys,
            Categories = AclCategories.Stream,
            Keys = [Streams(from: 4)],
            TakesReserve = true,
            Syntax = "(GROUP group consumer) " + ReadSyntax + "[CLAIM min-idle-time:integer] [NOACK] " + StreamsSyntax,
            Summary = "Returns entries that a group has not handed out yet, or a consumer's pending ones; waits for "
                + "new ones when there are none.",
            Since = "5.0.0",
            Complexity = "O(N log M) for each stream, where N is the number of entries returned and M that of the "
                + "pending ones.",
            Group = "stream",
            History = [("8.4.0", "Added the `CLAIM` option.")],
        },
    ];

    private static ReadOnlySpan<byte> LastId => "$"u8;

    private static ReadOnlySpan<byte> LastEntry => "+"u8;

    private static ReadOnlySpan<byte> NewEntries => ">"u8;

    private static KeySpec Streams(int from) => new()
    {
        Flags = KeyFlags.RO | KeyFlags.Access,
        Keyword = "STREAMS",
        KeywordFrom = from,
        Locate = StreamReadOptions.FindKeys,
        LastKey = -1,
        Limit = 2,
    };

    private static void XRead(ref Call call)
    {
        if (!StreamReadOptions.TryRead(call, isForGroup: false, out var options)) return;
        for (var i = 0; i < options.Keys; i++)
        {
            if (!call.IsTypeOrMissing(call.Read(options.KeysAt + i), ValueType.Stream)) return;
            if (!IsReadable(call, options.IdsAt + i)) return;
        }

        var mark = call.Reply.BeginDeferred();
        var served = 0;
        for (var i = 0; i < options.Keys; i++)
        {
            var entry = call.Read(options.KeysAt + i);
            if (entry.IsMissing) continue;
            var log = StreamValue.Log(entry);
            var above = Above(call.Args[options.IdsAt + i], log);
            if (!log.HasAbove(above)) continue;
            BeginStream(call, options.KeysAt + i);
            StreamReplies.Range(call.Reply, log, RangeAbove(above), options.Count);
            served++;
        }

        if (served > 0) EndStreams(call.Reply, mark, served);
        else NothingNew(call, options, mark, mindsLoss: false);
    }

    private static void XReadGroup(ref Call call)
    {
        if (!StreamReadOptions.TryRead(call, isForGroup: true, out var options)) return;
        for (var i = 0; i < options.Keys; i++)
        {
            var entry = call.Read(options.KeysAt + i);
            if (!call.IsTypeOrMissing(entry, ValueType.Stream)) return;
            if (entry.IsMissing || FindGroup(call, options, entry).IsMissing)
            {
                StreamReplies.NoGroup(
                    call, "NOGROUP No such key '"u8, options.KeysAt + i, "' or consumer group '"u8, options.GroupAt,
                    "' in XREADGROUP with GROUP option"u8);
                return;
            }

            if (!IsReadableByGroup(call, options.IdsAt + i)) return;
        }

        if (!HasRoom(call, options)) return;
        call.Effects.Suppress();
        var mark = call.Reply.BeginDeferred();
        var served = 0;
        for (var i = 0; i < options.Keys; i++)
        {
            if (TryServe(call, options, options.KeysAt + i)) served++;
        }

        if (served > 0) EndStreams(call.Reply, mark, served);
        else NothingNew(call, options, mark, mindsLoss: true);
    }

    // What is handed out may be much in a stream of little entries.
    private static bool HasRoom(in Call call, StreamReadOptions options)
    {
        if (call.Unit.Keyspace.Budget.HasPlentyFor(MostPendingPerEntryByte)) return true;
        var bytes = 0L;
        var max = options.Count == 0 ? long.MaxValue : options.Count;
        for (var i = 0; i < options.Keys; i++)
        {
            if (!IsNew(call.Args[options.IdsAt + i], out _)) continue;
            var entry = call.Unit.Find(call.Key(options.KeysAt + i), Access.Peek);
            var log = StreamValue.Log(entry);
            var group = FindGroup(call, options, entry);
            var count = options.NeedsNoAck ? 0 : EntriesAbove(log, group.LastId, max);
            if (options.Claims) count += Math.Min(group.Pending.Count, max);
            bytes += count * StreamGroup.MostEntryBytes;
            if (options.Claims) bytes += group.MissingMomentBytes;
        }

        return call.HasRoomFor(bytes);
    }

    // No more than so many are counted.
    private static long EntriesAbove(StreamLog log, StreamId id, long max)
    {
        var count = 0L;
        var cursor = log.Walk(RangeAbove(id));
        while (count < max && cursor.TryNext()) count++;
        return count;
    }

    // One stream for a consumer; false when there is nothing to say about it.
    private static bool TryServe(in Call call, StreamReadOptions options, int keyAt)
    {
        var entry = call.Read(keyAt);
        var log = StreamValue.Log(entry);
        var group = FindGroup(call, options, entry);
        var idText = call.Args[keyAt + options.Keys];
        var isNew = IsNew(idText, out var above);
        var hasNew = isNew && log.HasAbove(group.LastId);
        var idle = new IdleEntries(call, options, keyAt, log, group);
        var hasIdle = isNew && options.Claims && idle.TryNext(call, out _);
        var consumer = FindOrAddConsumer(
            call, keyAt, options.GroupAt, group, !hasIdle && (options.NeedsNoAck || !hasNew));
        if (!hasNew && !hasIdle && isNew) return false;
        BeginStream(call, keyAt);
        if (isNew)
        {
            var mark = call.Reply.BeginDeferred();
            var count = hasIdle ? Claim(call, options, ref idle, consumer) : 0;
            if (hasNew) count += HandOut(call, options, idle, consumer, count);
            call.Reply.EndDeferredArray(mark, count);
        }
        else
        {
            History(call, log, group, consumer, RangeAbove(above), options.Count);
        }

        call.Unit.ChangedQuietly(call.Key(keyAt), 1);
        return true;
    }

    /// <summary>The consumer of the name behind a group's, which is made when there is none.</summary>
    /// <param name="call">The call.</param>
    /// <param name="keyAt">The stream's argument.</param>
    /// <param name="groupAt">The group's argument.</param>
    /// <param name="group">The group.</param>
    /// <param name="records">Whether making it has to be recorded: nothing else that is recorded will make it.</param>
    internal static StreamConsumer FindOrAddConsumer(
        in Call call, int keyAt, int groupAt, StreamGroup group, bool records)
    {
        var name = call.Args[groupAt + 1];
        var consumer = group.FindConsumer(name);
        if (!consumer.IsMissing)
        {
            consumer.SeenMs = call.Unit.NowMs;
            return consumer;
        }

        call.Unit.ChangedQuietly(call.Key(keyAt), 1);
        call.Unit.Notify(NotifyClasses.Stream, "xgroup-createconsumer"u8, call.Key(keyAt));
        consumer = group.AddConsumer(name, call.Unit.NowMs);
        if (!records || !call.Effects.Begin(5)) return consumer;
        call.Effects.Argument("XGROUP"u8);
        call.Effects.Argument("CREATECONSUMER"u8);
        call.Effects.Argument(call.Args[keyAt]);
        call.Effects.Argument(call.Args[groupAt]);
        call.Effects.Argument(name);
        return consumer;
    }

    // Entries that have been pending for long enough, which are handed out anew.
    private static long Claim(
        in Call call, StreamReadOptions options, scoped ref IdleEntries idle, StreamConsumer consumer)
    {
        var count = 0L;
        var nowMs = call.Unit.NowMs;
        while ((options.Count == 0 || count < options.Count) && idle.TryNext(call, out var delivery))
        {
            var id = new StreamId(delivery.High, delivery.Low);
            var cursor = idle.Log.Walk(new StreamRange(id, id));
            cursor.TryNext();
            StreamReplies.Entry(call.Reply, ref cursor, more: 2);
            call.Reply.Integer(
                delivery.Owner.IsNull ? StreamClaims.NeverIdle : StreamClaims.IdleMs(nowMs, delivery.DeliveredMs));
            call.Reply.Integer(delivery.Deliveries);
            count++;
            idle.Group.Deliver(id, consumer, nowMs, StreamGroup.OneMore(delivery.Deliveries));
            consumer.ActiveMs = nowMs;
            StreamClaims.Record(call, idle.KeyAt, options.GroupAt, idle.Group, id);
        }

        return count;
    }

    // Entries that the group has not come to, each of which becomes pending. It may be so already (XNACK with FORCE),
    // and this call may have claimed it just now.
    private static long HandOut(
        in Call call, StreamReadOptions options, IdleEntries idle, StreamConsumer consumer, long before)
    {
        var count = 0L;
        var group = idle.Group;
        var lastId = group.LastId;
        var mayBePending = before > 0 || group.UnownedCount > 0;
        var cursor = idle.Log.Walk(RangeAbove(lastId));
        while ((options.Count == 0 || before + count < options.Count) && cursor.TryNext())
        {
            var id = cursor.Id;
            Advance(idle.Log, group, id);
            var deliveries = 1L;
            if (mayBePending && group.Pending.TryFind(id.Ms, id.Seq, out var delivery))
            {
                if (idle.WasClaimed(delivery)) continue;
                if (delivery.Owner.IsNull) deliveries = StreamGroup.OneMore(delivery.Deliveries);
            }

            StreamReplies.Entry(call.Reply, ref cursor, options.Claims ? 2 : 0);
            if (options.Claims)
            {
                call.Reply.Integer(0);
                call.Reply.Integer(0);
            }

            count++;
            if (options.NeedsNoAck) continue;
            group.Deliver(id, consumer, call.Unit.NowMs, deliveries);
            consumer.ActiveMs = call.Unit.NowMs;
            StreamClaims.Record(call, idle.KeyAt, options.GroupAt, group, id);
        }

        if (group.LastId != lastId) StreamClaims.RecordLastId(call, idle.KeyAt, options.GroupAt, group);
        return count;
    }

    // How many entries the group has read, as far as that can be told, goes with its last ID.
    private static void Advance(StreamLog log, StreamGroup group, StreamId id)
    {
        if (group.EntriesRead != StreamGroup.UnknownEntriesRead && !log.MayHaveGaps(id))
            group.EntriesRead = StreamGroup.OneMore(group.EntriesRead);
        else if (log.EntriesAdded > 0)
            group.EntriesRead = log.TryCountUpTo(id, out var read) ? read : StreamGroup.UnknownEntriesRead;
        group.LastId = id;
    }

    // The consumer's own pending entries; those that are no longer in the stream by their ID alone.
    private static void History(
        in Call call, StreamLog log, StreamGroup group, StreamConsumer consumer, StreamRange range, long max)
    {
        var mark = call.Reply.BeginDeferred();
        var count = 0L;
        var walk = group.Walk(range, consumer);
        while ((max == 0 || count < max) && walk.TryNext(out var delivery))
        {
            var id = new StreamId(delivery.High, delivery.Low);
            count++;
            if (StreamReplies.TryEntry(call.Reply, log, id))
            {
                group.Deliver(id, consumer, call.Unit.NowMs, StreamGroup.OneMore(delivery.Deliveries));
            }
            else
            {
                call.Reply.Array(2);
                StreamText.WriteId(call.Reply, id);
                call.Reply.NullArray();
            }
        }

        call.Reply.EndDeferredArray(mark, count);
    }

    private static StreamGroup FindGroup(in Call call, StreamReadOptions options, in Entry entry) =>
        StreamValue.Log(entry).Groups.Find(call.Args[options.GroupAt]);

    // The greatest ID means the same as >: there is nothing above it.
    private static bool IsNew(ReadOnlySpan<byte> text, out StreamId above)
    {
        above = StreamId.Max;
        return text.SequenceEqual(NewEntries) || (StreamText.TryParse(text, 0, out above) && above == StreamId.Max);
    }

    private static bool IsReadable(in Call call, int idAt)
    {
        var text = call.Args[idAt];
        if (text.SequenceEqual(LastId) || text.SequenceEqual(LastEntry)) return true;
        if (!text.SequenceEqual(NewEntries)) return StreamText.TryReadId(call, idAt, out _);
        call.Reply.Error(
            "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."u8);
        return false;
    }

    private static bool IsReadableByGroup(in Call call, int idAt)
    {
        var text = call.Args[idAt];
        if (text.SequenceEqual(NewEntries)) return true;
        if (!text.SequenceEqual(LastId) && !text.SequenceEqual(LastEntry))
            return StreamText.TryReadId(call, idAt, out _);
        call.Reply.Error(text.SequenceEqual(LastId)
            ? "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this "u8
            + "consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return "u8
            + "an empty result set."u8
            : "ERR The + ID is meaningless in the context of XREADGROUP: you want to read the history of this "u8
            + "consumer by specifying a proper ID, or use the > ID to get new messages. The + ID would just return "u8
            + "an empty result set."u8);
        return false;
    }

    // The ID that the caller of XREAD has read up to.
    private static StreamId Above(ReadOnlySpan<byte> text, StreamLog log)
    {
        if (text.SequenceEqual(LastId)) return log.LastId;
        if (text.SequenceEqual(LastEntry))
            return log.LastEntryId().TryPrevious(out var previous) ? previous : log.LastId;
        _ = StreamText.TryParse(text, 0, out var id);
        return id;
    }

    private static StreamRange RangeAbove(StreamId id)
    {
        // Above the greatest ID there is nothing, and a range that ends before it begins has no entries.
        return id.TryNext(out var next) ? new StreamRange(next, StreamId.Max) : new StreamRange(id, StreamId.Min);
    }

    private static void BeginStream(in Call call, int keyAt)
    {
        if (call.Reply.Protocol == 2) call.Reply.Array(2);
        call.Reply.Bulk(call.Args[keyAt]);
    }

    private static void EndStreams(ReplyWriter reply, int mark, int count)
    {
        if (reply.Protocol == 2) reply.EndDeferredArray(mark, count);
        else reply.EndDeferredMap(mark, count);
    }

    private static void NothingNew(in Call call, StreamReadOptions options, int mark, bool mindsLoss)
    {
        call.Reply.CancelDeferred(mark);
        if (options.TimeoutMs != StreamReadOptions.DoesNotWait && call.Caller.MayWait)
        {
            var wait = new KeyWait(ValueType.Stream, options.KeysAt, options.Keys, options.TimeoutMs);
            call.TryWait(wait with
            {
                MindsLoss = mindsLoss,
                Fixed = mindsLoss ? null : LastIds(call, options),
                RetryMs = options.Claims ? RetryMs(call, options) : 0,
            });
        }
        else
        {
            call.Reply.NullArray();
        }
    }

    // When the first of the pending entries has been so for long enough.
    private static long RetryMs(in Call call, StreamReadOptions options)
    {
        var retryMs = Math.Clamp(options.MinIdleMs, LeastRetryMs, MostRetryMs);
        for (var i = 0; i < options.Keys; i++)
        {
            var entry = call.Unit.Find(call.Key(options.KeysAt + i), Access.Peek);
            if (entry.IsMissing || !FindGroup(call, options, entry).TryOldest(out var delivery)) continue;
            var dueMs = StreamClaims.DueMs(delivery.DeliveredMs, options.MinIdleMs);
            retryMs = dueMs <= call.Unit.NowMs ? 1 : Math.Min(retryMs, dueMs - call.Unit.NowMs);
        }

        return retryMs;
    }

    // What $ means at this moment, by argument.
    private static Dictionary<int, byte[]>? LastIds(in Call call, StreamReadOptions options)
    {
        Dictionary<int, byte[]>? meanings = null;
        Span<byte> text = stackalloc byte[StreamText.MaxIdBytes];
        for (var i = 0; i < options.Keys; i++)
        {
            if (!call.Args[options.IdsAt + i].SequenceEqual(LastId)) continue;
            var entry = call.Unit.Find(call.Key(options.KeysAt + i), Access.Peek);
            var id = entry.IsMissing ? StreamId.Min : StreamValue.Log(entry).LastId;
            meanings ??= [];
            meanings.Add(options.IdsAt + i, text[..StreamText.Format(id, text)].ToArray());
        }

        return meanings;
    }

    // The pending entries of a group that have been so for long enough when the command begins, the longest first.
    // Those that are no longer in the stream are forgotten on the way, but only so many in one call: the others wait
    // for the next one.
    private struct IdleEntries
    {
        private readonly int _groupAt;
        private readonly long _latestMs;
        private readonly long _turn;
        private long _forgetsLeft;

        internal IdleEntries(in Call call, StreamReadOptions options, int keyAt, StreamLog log, StreamGroup group)
        {
            KeyAt = keyAt;
            Log = log;
            Group = group;
            _groupAt = options.GroupAt;
            _latestMs = call.Unit.NowMs - options.MinIdleMs;
            _turn = group.NextTurn;
            _forgetsLeft = options.Count == 0 ? long.MaxValue : Math.Min(options.Count, MostCount) * ForgottenPerEntry;
        }

        internal readonly int KeyAt { get; }

        internal readonly StreamLog Log { get; }

        internal readonly StreamGroup Group { get; }

        // Whether it has been handed out since the command began.
        internal readonly bool WasClaimed(in DeliveryRecord delivery) => delivery.Turn >= _turn;

        // The same one again until it is handed out.
        internal bool TryNext(in Call call, out DeliveryRecord delivery)
        {
            while (Group.TryOldest(out delivery) && delivery.DeliveredMs <= _latestMs && !WasClaimed(delivery))
            {
                var id = new StreamId(delivery.High, delivery.Low);
                if (Log.Has(id)) return true;
                if (_forgetsLeft-- <= 0) return false;
                StreamClaims.Forget(call, KeyAt, _groupAt, Group, id);
            }

            return false;
        }
    }
}
