// Taking over pending entries of a group: by their IDs (XCLAIM), or those that have been pending for long (XAUTOCLAIM).
//
// An entry that is no longer in the stream cannot be taken over: it is pending no more.
// Source: Redis 7.2 documentation, "XCLAIM", "XAUTOCLAIM".

using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Memory;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands that take over pending entries.</summary>
public static class StreamClaimCommands
{
    // So many entries are looked at for each one that XAUTOCLAIM may claim.
    private const int AttemptsPerEntry = 10;
    private const int DefaultCount = 100;
    private const long MaxCount = long.MaxValue / 16;

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("xautoclaim", -6, XAutoClaim)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Stream,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Delete)],
            TakesReserve = true,
            Syntax = "key group consumer min-idle-time start [COUNT count:integer] [JUSTID]",
            Summary = "Takes over entries of a group that have been pending for long.",
            Since = "6.2.0",
            Complexity = "O(1) if COUNT is small.",
            Group = "stream",
            History =
            [
                ("7.0.0", "Added an element to the reply array, containing deleted entries the command cleared "
                    + "from the PEL"),
            ],
            Tips = ["nondeterministic_output"],
        },
        new("xclaim", -6, XClaim)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Stream,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            TakesReserve = true,
            Syntax = "key group consumer min-idle-time id... [IDLE ms:integer] [TIME unix-time-milliseconds:unix-time] "
                + "[RETRYCOUNT count:integer] [FORCE] [JUSTID] [LASTID id]",
            Summary = "Takes over pending entries of a group.",
            Since = "5.0.0",
            Complexity = "O(log N) where N is the number of the group's pending entries.",
            Group = "stream",
            Tips = ["nondeterministic_output"],
        },
    ];

    private static void XAutoClaim(ref Call call)
    {
        var entry = call.Read(1); // whatever the options are
        if (!TryReadMinIdle(call, "ERR Invalid min-idle-time argument for XAUTOCLAIM"u8, out var minIdleMs)) return;
        if (!StreamText.TryReadBound(call, 5, isEnd: false, out var start)) return;
        if (!TryReadAutoOptions(call, out var count, out var justIds)) return;
        if (!TryFindGroup(call, entry, out var log, out var group)) return;
        if (!call.HasRoomFor(Math.Min(count, group.Pending.Count) * StreamGroup.MostEntryBytes)) return;
        call.Effects.Suppress();
        var consumer = StreamReadCommands.FindOrAddConsumer(call, 1, 2, group, records: true);

        // What happens is found out first: the reply begins with where to go on, and with how many there are.
        var plan = new Plan(call.Unit.NowMs, minIdleMs, count, start);
        plan.LookAhead(log, group);
        call.Reply.Array(3);
        StreamText.WriteId(call.Reply, plan.End);
        call.Reply.Array(plan.Claimed);
        var walk = plan.Walk(group);
        while (walk.TryNext(out var delivery))
        {
            if (!plan.IsIdle(delivery)) continue;
            var id = IdOf(delivery);
            if (!TryReply(call.Reply, log, id, justIds)) continue;
            var deliveries = justIds ? delivery.Deliveries : StreamGroup.OneMore(delivery.Deliveries);
            Assign(call, group, consumer, id, call.Unit.NowMs, deliveries);
        }

        call.Reply.Array(plan.Deleted);
        walk = plan.Walk(group);
        while (plan.Deleted > 0 && walk.TryNext(out var delivery))
        {
            var id = IdOf(delivery);
            if (log.Has(id)) continue;
            StreamClaims.Forget(call, 1, 2, group, id);
            StreamText.WriteId(call.Reply, id);
        }
    }

    private static void XClaim(ref Call call)
    {
        if (!TryFindGroup(call, call.Read(1), out var log, out var group)) return;
        if (!TryReadMinIdle(call, "ERR Invalid min-idle-time argument for XCLAIM"u8, out var minIdleMs)) return;
        var options = ClaimOptions.Begin(call);
        if (!options.TryRead(call)) return;
        if (!call.HasRoomFor((options.OptionsAt - ClaimOptions.FirstIdAt) * StreamGroup.MostEntryBytes)) return;
        call.Effects.Suppress();
        var movesLastId = options.LastId > group.LastId;
        if (movesLastId) group.LastId = options.LastId;
        var consumer = StreamReadCommands.FindOrAddConsumer(call, 1, 2, group, records: true);
        var mark = call.Reply.BeginDeferred();
        var claimed = 0L;
        var changes = 0L;
        for (var i = ClaimOptions.FirstIdAt; i < options.OptionsAt; i++)
        {
            _ = StreamText.TryParse(call.Args[i], 0, out var id);
            var isPending = group.Pending.TryFind(id.Ms, id.Seq, out var delivery);
            if (!log.Has(id))
            {
                if (isPending) StreamClaims.Forget(call, 1, 2, group, id);
                changes += isPending ? 1 : 0;
                continue;
            }

            if (!isPending && !options.IsForced) continue;
            if (isPending && StreamClaims.IdleMs(call.Unit.NowMs, delivery.DeliveredMs) < minIdleMs) continue;
            var before = isPending ? delivery.Deliveries : 1;
            Assign(call, group, consumer, id, options.DeliveredMs, options.CountAfter(before));
            TryReply(call.Reply, log, id, options.JustIds);
            changes++;
            claimed++;
        }

        call.Reply.EndDeferredArray(mark, claimed);
        if (claimed > 0 && options.DeliveredMs < call.Unit.NowMs) call.Unit.Wake(call.Key(1)); // XREADGROUP CLAIM
        if (!movesLastId || changes > 0) return;
        StreamClaims.RecordLastId(call, 1, 2, group);
        call.Unit.ChangedQuietly(call.Key(1), 1);
    }

    private static StreamId IdOf(in DeliveryRecord delivery) => new(delivery.High, delivery.Low);

    private static bool TryReply(ReplyWriter reply, StreamLog log, StreamId id, bool justId)
    {
        if (!justId) return StreamReplies.TryEntry(reply, log, id);
        if (!log.Has(id)) return false;
        StreamText.WriteId(reply, id);
        return true;
    }

    private static void Assign(
        in Call call, StreamGroup group, StreamConsumer consumer, StreamId id, long deliveredMs, long deliveries)
    {
        group.Deliver(id, consumer, deliveredMs, deliveries);
        consumer.ActiveMs = call.Unit.NowMs;
        StreamClaims.Record(call, 1, 2, group, id);
        call.Unit.ChangedQuietly(call.Key(1), 1);
    }

    private static bool TryFindGroup(in Call call, in Entry entry, out StreamLog log, out StreamGroup group)
    {
        log = default;
        group = default;
        if (!call.IsTypeOrMissing(entry, ValueType.Stream)) return false;
        if (!entry.IsMissing)
        {
            log = StreamValue.Log(entry);
            group = log.Groups.Find(call.Args[2]);
        }

        if (group.IsMissing) StreamGroupCommands.NoKeyOrGroup(call);
        return !group.IsMissing;
    }

    private static bool TryReadMinIdle(in Call call, ReadOnlySpan<byte> error, out long minIdleMs)
    {
        if (Numbers.TryParseInt64(call.Args[4], out minIdleMs))
        {
            minIdleMs = Math.Max(minIdleMs, 0);
            return true;
        }

        call.Reply.Error(error);
        return false;
    }

    private static bool TryReadAutoOptions(in Call call, out long count, out bool justIds)
    {
        count = DefaultCount;
        justIds = false;
        for (var i = 6; i < call.Args.Count; i++)
        {
            if (call.Is(i, "JUSTID"u8))
            {
                justIds = true;
            }
            else if (i + 1 == call.Args.Count || !call.Is(i, "COUNT"u8))
            {
                call.Reply.Error(ErrorTexts.Syntax);
                return false;
            }
            else if (!Numbers.TryParseInt64(call.Args[++i], out count) || count < 1 || count > MaxCount)
            {
                call.Reply.Error("ERR COUNT must be > 0"u8);
                return false;
            }
        }

        return true;
    }

    // Which pending entries XAUTOCLAIM looks at, and what becomes of them.
    private struct Plan(long nowMs, long minIdleMs, long count, StreamId start)
    {
        private StreamId _last;
        private bool _hasAny;

        // Where the next call goes on; 0-0 when all have been looked at.
        internal StreamId End { get; private set; }

        internal long Claimed { get; private set; }

        internal long Deleted { get; private set; }

        internal readonly bool IsIdle(in DeliveryRecord delivery) =>
            StreamClaims.IdleMs(nowMs, delivery.DeliveredMs) >= minIdleMs;

        internal readonly PendingWalk Walk(StreamGroup group) =>
            group.Walk(_hasAny ? new StreamRange(start, _last) : new StreamRange(StreamId.Max, StreamId.Min));

        internal void LookAhead(StreamLog log, StreamGroup group)
        {
            var left = count;
            var walk = group.Walk(new StreamRange(start, StreamId.Max));
            for (var attempts = count * AttemptsPerEntry; walk.TryNext(out var delivery); attempts--)
            {
                var id = IdOf(delivery);
                if (attempts <= 0 || left == 0)
                {
                    End = id;
                    return;
                }

                _last = id;
                _hasAny = true;
                if (!log.Has(id)) Deleted++;
                else if (IsIdle(delivery)) Claimed++;
                else continue;
                left--;
            }
        }
    }
}
