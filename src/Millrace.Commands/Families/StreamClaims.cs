using Millrace.Engine.Values;

namespace Millrace.Commands.Families;

/// <summary>What a group has handed out, as effects: an XCLAIM that gives the entry the same owner, time and count
/// wherever it is replayed, and an XGROUP SETID.</summary>
/// <remarks>Source: Redis 7.2 documentation, "XCLAIM", "XGROUP SETID".</remarks>
internal static class StreamClaims
{
    /// <summary>What is told in the place of an idle time of an entry that nobody has.</summary>
    internal const long NeverIdle = -1;

    /// <summary>For how long an entry has been pending. Times of delivery are what somebody said: one that is still to
    /// come is now, and one so long ago that no number tells it gives the greatest number.</summary>
    internal static long IdleMs(long nowMs, long deliveredMs)
    {
        if (deliveredMs >= nowMs) return 0;
        var idleMs = unchecked(nowMs - deliveredMs);
        return idleMs < 0 ? long.MaxValue : idleMs;
    }

    /// <summary>When an entry has been pending for so long, which is not negative.</summary>
    internal static long DueMs(long deliveredMs, long minIdleMs) =>
        deliveredMs > long.MaxValue - minIdleMs ? long.MaxValue : deliveredMs + minIdleMs;

    /// <summary>Records who has an entry of the group.</summary>
    /// <param name="call">The call.</param>
    /// <param name="keyAt">The stream's argument.</param>
    /// <param name="groupAt">The group's argument.</param>
    /// <param name="group">The group.</param>
    /// <param name="id">The entry, which is pending, and which somebody has.</param>
    internal static void Record(in Call call, int keyAt, int groupAt, StreamGroup group, StreamId id)
    {
        if (!call.Effects.Begin(14)) return;
        group.Pending.TryFind(id.Ms, id.Seq, out var delivery);
        call.Effects.Argument("XCLAIM"u8);
        call.Effects.Argument(call.Args[keyAt]);
        call.Effects.Argument(call.Args[groupAt]);
        call.Effects.Argument(group.OwnerName(delivery));
        call.Effects.Argument(0);
        StreamText.Record(call.Effects, id);
        call.Effects.Argument("TIME"u8);
        call.Effects.Argument(delivery.DeliveredMs);
        call.Effects.Argument("RETRYCOUNT"u8);
        call.Effects.Argument(delivery.Deliveries);
        call.Effects.Argument("FORCE"u8);
        call.Effects.Argument("JUSTID"u8);
        call.Effects.Argument("LASTID"u8);
        StreamText.Record(call.Effects, group.LastId);
    }

    /// <summary>Forgets a pending entry that is no longer in the stream, and records that.</summary>
    /// <remarks>Where the effect is replayed the entry is gone as well, and so it cannot be claimed there either.
    /// </remarks>
    internal static void Forget(in Call call, int keyAt, int groupAt, StreamGroup group, StreamId id)
    {
        group.Pending.TryFind(id.Ms, id.Seq, out var delivery);
        if (delivery.Owner.IsNull) RecordAcknowledgement(call, keyAt, groupAt, id);
        else Record(call, keyAt, groupAt, group, id);
        group.Acknowledge(id);
        call.Unit.ChangedQuietly(call.Key(keyAt), 1);
    }

    /// <summary>Records how far a group has come.</summary>
    internal static void RecordLastId(in Call call, int keyAt, int groupAt, StreamGroup group)
    {
        if (!call.Effects.Begin(7)) return;
        call.Effects.Argument("XGROUP"u8);
        call.Effects.Argument("SETID"u8);
        call.Effects.Argument(call.Args[keyAt]);
        call.Effects.Argument(call.Args[groupAt]);
        StreamText.Record(call.Effects, group.LastId);
        call.Effects.Argument("ENTRIESREAD"u8);
        call.Effects.Argument(group.EntriesRead);
    }

    // There is no owner whom XCLAIM could name.
    private static void RecordAcknowledgement(in Call call, int keyAt, int groupAt, StreamId id)
    {
        if (!call.Effects.Begin(4)) return;
        call.Effects.Argument("XACK"u8);
        call.Effects.Argument(call.Args[keyAt]);
        call.Effects.Argument(call.Args[groupAt]);
        StreamText.Record(call.Effects, id);
    }
}
