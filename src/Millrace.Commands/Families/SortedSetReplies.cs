using Millrace.Engine;
using Millrace.Engine.Values;

namespace Millrace.Commands.Families;

/// <summary>
/// How members of sorted sets are sent: alone; each followed by its score; or, where RESP3 asks for it, each in an
/// array of two with its score.
/// </summary>
internal static class SortedSetReplies
{
    private const int ScratchBytes = 20;

    /// <summary>Replies with members and, if wanted, their scores.</summary>
    /// <param name="call">The call.</param>
    /// <param name="entry">The set; missing sends an empty array.</param>
    /// <param name="range">The members, by rank.</param>
    /// <param name="isReversed">Whether they are sent from the highest score to the lowest.</param>
    /// <param name="withScores">Whether the scores are sent too.</param>
    internal static void Members(in Call call, in Entry entry, RankRange range, bool isReversed, bool withScores)
    {
        var count = entry.IsMissing || range.IsEmpty ? 0 : range.Count;
        Header(call, count, withScores);
        if (count == 0) return;
        var from = isReversed ? SortedSetValue.Count(entry) - range.First - count : range.First;
        var cursor = SortedSetCursor.At(entry, from, isReversed);
        for (; count > 0; count--, cursor.Next()) Member(call, ref cursor, withScores);
    }

    /// <summary>Makes a key hold what was built and finished, or removes it when that is nothing, and replies with the
    /// number of members.</summary>
    /// <param name="call">The call.</param>
    /// <param name="key">The key.</param>
    /// <param name="result">What was built.</param>
    /// <param name="name">The event's name, when there is something.</param>
    /// <param name="countsMembers">Whether each member counts as a change.</param>
    internal static void Store(
        in Call call, in Key key, SortedSetBuilder result, ReadOnlySpan<byte> name, bool countsMembers = false)
    {
        var count = result.Count;
        var existing = call.Unit.Find(key, call.Caller.WriteAccess);
        if (count > 0) result.StoreAt(key, existing);
        else if (!existing.IsMissing) call.Unit.Remove(key, existing);
        if (count > 0 || !existing.IsMissing) call.Unit.Changed(key, countsMembers ? Math.Max(count, 1) : 1);
        if (count > 0) call.Unit.Notify(NotifyClasses.SortedSet, name, key);
        else if (!existing.IsMissing) call.Unit.Notify(NotifyClasses.Generic, "del"u8, key);
        call.Reply.Integer(count);
    }

    /// <summary>The header of so many members.</summary>
    internal static void Header(in Call call, long count, bool withScores) =>
        call.Reply.Array(withScores && call.Reply.Protocol == 2 ? count * 2 : count);

    /// <summary>One member and, if wanted, its score, within an array that <see cref="Header"/> began.</summary>
    internal static void Member(in Call call, ref SortedSetCursor cursor, bool withScore)
    {
        Span<byte> scratch = stackalloc byte[ScratchBytes];
        if (withScore && call.Reply.Protocol == 3) call.Reply.Array(2);
        call.Reply.Bulk(cursor.Text(scratch));
        if (withScore) call.Reply.Double(cursor.Score);
    }
}
