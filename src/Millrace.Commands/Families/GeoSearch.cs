// The search itself: the cells around the centre one by one, in each the range of its scores, of each score whether its
// point is in the area.
//
//     options -> cells -> scores of the index -> window (bits) -> area (degrees and metres) -> hits -> reply, or key
//
// Most of what a cell holds is outside of the area: the window tells so from the bits of the score, and neither the
// member's text nor an angle is looked at.

using Millrace.Engine;
using Millrace.Engine.Values;

namespace Millrace.Commands.Families;

/// <summary>Searches an index.</summary>
internal static class GeoSearch
{
    private static ReadOnlySpan<byte> TooMany => "ERR the search finds more than 40 million members"u8;

    /// <summary>Searches, and replies with what was found or stores it. Requires: the index is there.</summary>
    internal static void Run(in Call call, in Entry source, ref GeoSearchOptions options)
    {
        var hits = new GeoHits(options.Wanted, options.Order != GeoOrder.AsFound && !options.EndsWhenFull);
        if (!TryFind(source, ref options, ref hits)) call.Reply.Error(TooMany);
        else if (options.StoreAt > 0) Store(call, source, ref options, hits.All);
        else Reply(call, source, ref options, hits.All);
        hits.Release();
    }

    /// <summary>Stores the result of a search that finds nothing.</summary>
    internal static void StoreNothing(in Call call, int storeAt)
    {
        var key = call.Key(storeAt);
        SortedSetReplies.Store(call, key, SortedSetBuilder.Begin(call.Unit, key), default);
    }

    // False when there are too many.
    private static bool TryFind(in Entry source, ref GeoSearchOptions options, ref GeoHits hits)
    {
        Span<GeoCell> cells = stackalloc GeoCell[GeoCells.Most];
        var bounds = options.Shape.Bounds();
        var window = new GeoWindow(options.Shape.Window(bounds));
        var origin = new GeoOrigin(options.Shape.Centre);
        var sign = options.Order == GeoOrder.FarthestFirst ? -1 : 1;
        foreach (var cell in cells[..GeoCells.Choose(ref options.Shape, bounds, cells)])
        {
            if (!window.MayHold(cell)) continue;
            double end = cell.End;
            for (var cursor = SortedSetCursor.From(source, cell.First); cursor.IsValid; cursor.Pass())
            {
                var score = cursor.Score;
                if (score >= end) break;
                if (!window.MayHold(GeoHash.BitsOf(score))) continue;
                if (!options.Shape.TryDistance(origin, GeoHash.PointOf(score), out var distance)) continue;
                if (!hits.TryAdd(cursor.Mark, sign * distance)) return false;
                if (options.EndsWhenFull && hits.IsFull) break;
            }

            if (options.EndsWhenFull && hits.IsFull) break;
        }

        if (options.Order != GeoOrder.AsFound) hits.Sort();
        return true;
    }

    private static void Reply(
        in Call call, in Entry source, ref GeoSearchOptions options, ReadOnlySpan<GeoHit> hits)
    {
        Span<byte> scratch = stackalloc byte[SortedSetBuilder.ScratchBytes];
        var extras = (options.WithDistance ? 1 : 0) + (options.WithHash ? 1 : 0) + (options.WithPoint ? 1 : 0);
        call.Reply.Array(hits.Length);
        foreach (ref readonly var hit in hits)
        {
            if (extras > 0) call.Reply.Array(1 + extras);
            call.Reply.Bulk(SortedSetValue.TextOf(source, hit.Mark, scratch));
            if (options.WithDistance) GeoReplies.Distance(call.Reply, Math.Abs(hit.Distance) / options.Shape.Unit);
            if (!options.WithHash && !options.WithPoint) continue;
            var score = SortedSetValue.ScoreOf(source, hit.Mark);
            if (options.WithHash) call.Reply.Integer(GeoHash.IntegerOf(score));
            if (options.WithPoint) GeoReplies.Point(call.Reply, GeoHash.PointOf(score));
        }
    }

    private static void Store(
        in Call call, in Entry source, ref GeoSearchOptions options, ReadOnlySpan<GeoHit> hits)
    {
        Span<byte> scratch = stackalloc byte[SortedSetBuilder.ScratchBytes];
        var key = call.Key(options.StoreAt);
        var result = SortedSetBuilder.Begin(call.Unit, key);
        foreach (ref readonly var hit in hits)
        {
            var member = SortedSetValue.TextOf(source, hit.Mark, scratch);
            var score = options.StoresDistances
                ? Math.Abs(hit.Distance) / options.Shape.Unit
                : SortedSetValue.ScoreOf(source, hit.Mark);
            result.Put(result.Find(member), member, score);
        }

        result.Finish();
        var name = options.StoreAt == 1 ? "geosearchstore"u8 : "georadiusstore"u8; // the others have it as an option
        SortedSetReplies.Store(call, key, result, name, countsMembers: true);
    }
}
