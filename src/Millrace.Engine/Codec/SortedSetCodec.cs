using System.Globalization;
using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine.Codec;

/// <summary>
/// Sorted sets in RDB files and payloads.
/// </summary>
/// <remarks>
/// <code>
///    3  count, count x [ text, score ]      score: 1 byte length and its text; 253 NaN, 254 inf, 255 -inf
///    5  count, count x [ text, double ]     from the highest score to the lowest
///   12  text                                a ziplist: member, score, ...
///   17  text                                a listpack: member, score, ...
/// </code>
/// What is packed has to be in its order, members that come twice and scores that are no numbers are refused.
/// Source: redis-rdb-tools, "Redis RDB Dump File Format".
/// </remarks>
internal static class SortedSetCodec
{
    /// <summary>In the place of the length of a score's text: it is no number. What is above is infinite.</summary>
    internal const byte NaN = 253;

    private const byte PositiveInfinity = 254;
    private const byte NegativeInfinity = 255;

    internal static RdbType TypeOf(in Entry entry) =>
        SortedSetValue.IsLarge(entry) ? RdbType.SortedSet : RdbType.SortedSetListpack;

    internal static void Write(ref ValueWriter writer, in Entry entry)
    {
        if (!SortedSetValue.IsLarge(entry))
        {
            writer.Text(entry.Value);
            return;
        }

        writer.Length(SortedSetValue.Count(entry));
        for (var cursor = SortedSetCursor.At(entry, 0, isReversed: true); cursor.IsValid; cursor.Next())
        {
            writer.Text(cursor.Text(default));
            writer.Double(cursor.Score);
        }
    }

    internal static bool TryRead(scoped ref ValueReader reader, RdbType type, in ValuePlace place, out Entry made)
    {
        switch (type)
        {
            case RdbType.SortedSetListpack:
                return place.TryMake(
                        ref reader, ValueType.SortedSet, (int)SortedSetEncoding.Packed, Listpack.EmptyBytes, out made)
                    && TryAccept(place, ref made);
            case RdbType.SortedSetZiplist:
                return place.TryMakeOfZiplist(
                        ref reader, ValueType.SortedSet, (int)SortedSetEncoding.Packed, out made)
                    && TryAccept(place, ref made);
            default:
                return TryReadMembers(ref reader, type, place, out made);
        }
    }

    private static bool TryReadMembers(
        scoped ref ValueReader reader, RdbType type, in ValuePlace place, out Entry made)
    {
        made = default;
        if (!reader.TryCount(2, out var count)) return false;
        var builder = SortedSetBuilder.Begin(place.Unit, place.Key);
        var room = default(TextRoom);
        var isRight = true;
        for (; count > 0 && isRight; count--) isRight = TryReadMember(ref reader, type, ref builder, ref room);
        room.Dispose();
        if (!isRight)
        {
            builder.Discard();
            return false;
        }

        builder.Finish();
        made = builder.Make(place);
        return true;
    }

    private static bool TryReadMember(
        scoped ref ValueReader reader, RdbType type, ref SortedSetBuilder builder, ref TextRoom room)
    {
        if (!reader.TryReadText(ref room, out var text)) return false;
        if (!TryReadScore(ref reader, type, out var score) || double.IsNaN(score)) return false;
        var there = builder.Find(text);
        if (there.IsFound) return false;
        builder.Put(there, text, score);
        return true;
    }

    private static bool TryReadScore(scoped ref ValueReader reader, RdbType type, out double score)
    {
        if (type == RdbType.SortedSet) return reader.TryDouble(out score);
        score = double.NaN;
        if (!reader.TryByte(out var length)) return false;
        if (length >= NaN)
        {
            if (length > NaN)
                score = length == PositiveInfinity ? double.PositiveInfinity : double.NegativeInfinity;
            return true;
        }

        Span<byte> text = stackalloc byte[byte.MaxValue];
        text = text[..length];
        return reader.TryBytes(text)
            && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out score);
    }

    // Checks what is packed; one with more members than may be becomes large, as in Redis.
    private static bool TryAccept(in ValuePlace place, ref Entry made)
    {
        if (!IsSound(place, made.Value)) return place.Refuse(ref made);
        if (SortedSetPack.Count(made.Value) <= place.Limits.SortedSetEntries) return true;
        var builder = SortedSetBuilder.Begin(place.Unit, place.Key);
        Span<byte> scratch = stackalloc byte[SortedSetPack.ScratchBytes];
        for (var cursor = SortedSetCursor.At(made, 0); cursor.IsValid; cursor.Next())
        {
            var text = cursor.Text(scratch);
            builder.Put(builder.Find(text), text, cursor.Score);
        }

        builder.Finish();
        place.Drop(made);
        made = builder.Make(place);
        return true;
    }

    private static bool IsSound(in ValuePlace place, ReadOnlySpan<byte> pack)
    {
        if (!Listpack.IsValid(pack, deep: true) || Listpack.IsEmpty(pack)) return false;
        Span<ulong> filter = stackalloc ulong[SeenMembers.FilterWords];
        using var seen = new SeenMembers(place, pack, skip: 1, filter);
        Span<byte> scratch = stackalloc byte[SortedSetPack.ScratchBytes];
        var before = default(ListpackElement);
        var scoreBefore = double.NegativeInfinity;
        var isFirst = true;
        for (var at = Listpack.First(pack); at >= 0; isFirst = false)
        {
            var memberAt = at;
            var member = Listpack.Take(pack, ref at);
            if (at < 0 || !SortedSetPack.TryDecode(Listpack.Take(pack, ref at), out var score)) return false;
            if (score < scoreBefore || !seen.TryAdd(memberAt, member)) return false;
            var isAmongEqual = !isFirst && score == scoreBefore;
            if (isAmongEqual && SortedSetPack.Compare(before, member.Text(scratch)) >= 0) return false;
            before = member;
            scoreBefore = score;
        }

        return true;
    }
}
