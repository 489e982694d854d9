using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Resp;

namespace Millrace.Commands.Families;

/// <summary>How members that are taken out of a sorted set are sent.</summary>
public enum PopForm
{
    /// <summary>member score member score ... (ZPOPMIN).</summary>
    Flat,

    /// <summary>[member score] [member score] ... (ZPOPMIN with a count in RESP3).</summary>
    Nested,

    /// <summary>key member score (BZPOPMIN).</summary>
    KeyFlat,

    /// <summary>key, then [member score] [member score] ... in an array of their own (ZMPOP, BZMPOP).</summary>
    KeyNested,
}

/// <summary>
/// Takes members out of a sorted set at one of its ends and replies with them: for commands that find a set as it is,
/// and for clients that have waited for one.
/// </summary>
public static class SortedSetPops
{
    private const int ScratchBytes = 20;

    /// <summary>Takes out members, replies, and counts the changes; the key goes with the last member.</summary>
    /// <param name="unit">The unit that holds the key's partition.</param>
    /// <param name="reply">Where the reply goes, in its protocol.</param>
    /// <param name="key">The key.</param>
    /// <param name="entry">Its entry, a sorted set.</param>
    /// <param name="isMax">Whether the highest scores go, the highest first.</param>
    /// <param name="count">How many at most, at least 1.</param>
    /// <param name="form">How they are sent.</param>
    /// <returns>How many were taken out.</returns>
    public static long Pop(
        Unit unit, ReplyWriter reply, in Key key, in Entry entry, bool isMax, long count, PopForm form)
    {
        var total = SortedSetValue.Count(entry);
        count = Math.Min(count, total);
        WriteHeader(reply, key, count, form);
        Span<byte> scratch = stackalloc byte[ScratchBytes];
        var cursor = SortedSetCursor.At(entry, 0, isMax);
        for (var i = 0L; i < count; i++, cursor.Next())
        {
            if (form is PopForm.Nested or PopForm.KeyNested) reply.Array(2);
            reply.Bulk(cursor.Text(scratch));
            reply.Double(cursor.Score);
        }

        SortedSetValue.RemoveRange(unit, key, entry, new RankRange(isMax ? total - count : 0, count));
        unit.Changed(key, count);
        unit.Notify(NotifyClasses.SortedSet, isMax ? "zpopmax"u8 : "zpopmin"u8, key, isGone: count == total);
        return count;
    }

    /// <summary>Records the effect of a pop whose request is not its own effect: ZPOPMIN or ZPOPMAX.</summary>
    /// <param name="effects">Where it is recorded.</param>
    /// <param name="key">The key.</param>
    /// <param name="isMax">Whether the highest scores went.</param>
    /// <param name="count">How many went.</param>
    public static void Record(EffectBuffer effects, in Key key, bool isMax, long count) =>
        effects.Add(isMax ? "ZPOPMAX"u8 : "ZPOPMIN"u8, key.Bytes, count);

    private static void WriteHeader(ReplyWriter reply, in Key key, long count, PopForm form)
    {
        switch (form)
        {
            case PopForm.Flat:
                reply.Array(count * 2);
                break;
            case PopForm.Nested:
                reply.Array(count);
                break;
            case PopForm.KeyFlat:
                reply.Array((count * 2) + 1);
                reply.Bulk(key.Bytes);
                break;
            default:
                reply.Array(2);
                reply.Bulk(key.Bytes);
                reply.Array(count);
                break;
        }
    }
}
