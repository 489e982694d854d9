using System.Globalization;
using Millrace.Memory;
using Millrace.Resp;

namespace Millrace.Engine.Values;

/// <summary>
/// A sorted set in its packed form: a listpack of member, score, member, score ..., ascending by score and text, byte
/// for byte as Redis lays it out.
/// </summary>
/// <remarks>
/// A score that is a whole number within 2^62 is stored as that integer (so -0 becomes 0), any other as the text that
/// Redis 7.2 writes for the double. A place is the offset of a member in the listpack. All walks are O(members), of
/// which there are few.
/// </remarks>
internal static class SortedSetPack
{
    /// <summary>Room for the text of a score or of an integer member.</summary>
    internal const int ScratchBytes = 32;

    private const double MaxInteger = 4611686018427387904;

    /// <summary>The number of members.</summary>
    internal static int Count(ReadOnlySpan<byte> pack) => Listpack.Count(pack) / 2;

    /// <summary>The place of a member, or -1.</summary>
    internal static int Find(ReadOnlySpan<byte> pack, ReadOnlySpan<byte> text) =>
        Listpack.Find(pack, Listpack.First(pack), text, skip: 1);

    /// <summary>The place of the member with a rank, or -1.</summary>
    internal static int Seek(ReadOnlySpan<byte> pack, long rank) => Listpack.Seek(pack, rank * 2);

    /// <summary>The rank of the member at a place.</summary>
    internal static int RankOf(ReadOnlySpan<byte> pack, int place)
    {
        var rank = 0;
        for (var at = Listpack.HeaderBytes; at < place; rank++) at = Behind(pack, at);
        return rank;
    }

    /// <summary>The score of the member at a place.</summary>
    internal static double ScoreAt(ReadOnlySpan<byte> pack, int place) =>
        Decode(Listpack.Get(pack, place + Listpack.SizeAt(pack, place)));

    /// <summary>The offset behind the member at a place and its score.</summary>
    internal static int Behind(ReadOnlySpan<byte> pack, int place)
    {
        var scoreAt = place + Listpack.SizeAt(pack, place);
        return scoreAt + Listpack.SizeAt(pack, scoreAt);
    }

    /// <summary>Where a member that is not there belongs.</summary>
    internal static int PlaceFor(ReadOnlySpan<byte> pack, double score, ReadOnlySpan<byte> text)
    {
        var end = Listpack.EndOf(pack);
        for (var at = Listpack.HeaderBytes; at < end; at = Behind(pack, at))
        {
            var other = ScoreAt(pack, at);
            if (other > score || (other == score && Compare(Listpack.Get(pack, at), text) > 0)) return at;
        }

        return end;
    }

    /// <summary>The order of a member's text against another.</summary>
    internal static int Compare(ListpackElement member, ReadOnlySpan<byte> text)
    {
        Span<byte> scratch = stackalloc byte[ScratchBytes];
        return member.Text(scratch).SequenceCompareTo(text);
    }

    /// <summary>The element that a score is stored as.</summary>
    /// <param name="score">The score.</param>
    /// <param name="scratch">Room for its text; the element is a view of it.</param>
    internal static ListpackElement Encode(double score, Span<byte> scratch) =>
        score is >= -MaxInteger and <= MaxInteger && (long)score == score
            ? ListpackElement.Of((long)score)
            : ListpackElement.Of(scratch[..DoubleText.Format(score, scratch)]);

    /// <summary>The bytes that a member and its score take.</summary>
    internal static int SizeOf(ReadOnlySpan<byte> text, double score)
    {
        Span<byte> scratch = stackalloc byte[ScratchBytes];
        return checked(Listpack.SizeOf(text) + Listpack.SizeOf(Encode(score, scratch)));
    }

    /// <summary>Adds a member where it belongs. Requires: room for <see cref="SizeOf"/> more, and it is not
    /// there.</summary>
    internal static void Insert(Span<byte> room, ReadOnlySpan<byte> text, double score)
    {
        Span<byte> scratch = stackalloc byte[ScratchBytes];
        var place = PlaceFor(room, score, text);
        Listpack.Insert(room, place, Encode(score, scratch));
        Listpack.Insert(room, place, text);
    }

    /// <summary>The score that an element is; false when it is none.</summary>
    internal static bool TryDecode(ListpackElement element, out double score)
    {
        score = element.Integer;
        if (element.IsInteger) return true;
        if (element.Bytes.SequenceEqual("inf"u8)) score = double.PositiveInfinity;
        else if (element.Bytes.SequenceEqual("-inf"u8)) score = double.NegativeInfinity;
        else if (!double.TryParse(element.Bytes, NumberStyles.Float, CultureInfo.InvariantCulture, out score))
            return false;
        return !double.IsNaN(score);
    }

    private static double Decode(ListpackElement score) => TryDecode(score, out var value) ? value : 0;
}
