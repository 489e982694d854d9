// Sorted sets: several put together, and the result shown, counted or stored.
//
// Source: Redis 7.2 documentation, "ZUNION", "ZINTER", "ZDIFF", "ZINTERCARD".

using Millrace.Engine.Values;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Commands.Families;

/// <summary>The commands that put several sorted sets together.</summary>
public static class SortedSetMergeCommands
{
    private const string WeightsAndAggregate = "[WEIGHTS weight:integer...] [AGGREGATE (SUM | MIN | MAX)]";

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("zdiff", -3, ZDiff)
        {
            Flags = ReadOnly | MovableKeys,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.Counted(KeyFlags.RO | KeyFlags.Access, 1)],
            Syntax = "numkeys:integer key... [WITHSCORES]",
            CopiesOfKeys = 2,
            Summary = "Returns the members of the first sorted set that none of the others has.",
            Since = "6.2.0",
            Complexity = Difference,
            Group = "sorted-set",
        },
        new("zdiffstore", -4, ZDiffStore)
        {
            Flags = Write | DenyOom | MovableKeys,
            Categories = AclCategories.SortedSet,
            Keys = Stored,
            Syntax = "destination:key numkeys:integer key...",
            CopiesOfKeys = 2,
            Summary = "Stores the members of the first sorted set that none of the others has.",
            Since = "6.2.0",
            Complexity = Difference,
            Group = "sorted-set",
        },
        new("zinter", -3, ZInter)
        {
            Flags = ReadOnly | MovableKeys,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.Counted(KeyFlags.RO | KeyFlags.Access, 1)],
            Syntax = "numkeys:integer key... " + WeightsAndAggregate + " [WITHSCORES]",
            CopiesOfKeys = 2,
            Summary = "Returns the members that several sorted sets have in common.",
            Since = "6.2.0",
            Complexity = Intersection,
            Group = "sorted-set",
        },
        new("zintercard", -3, ZInterCard)
        {
            Flags = ReadOnly | MovableKeys,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.Counted(KeyFlags.RO | KeyFlags.Access, 1)],
            Syntax = "numkeys:integer key... [LIMIT limit:integer]",
            Summary = "Counts the members that several sorted sets have in common.",
            Since = "7.0.0",
            Complexity = "O(N*K) where N is the number of members of the smallest sorted set and K the number of keys.",
            Group = "sorted-set",
        },
        new("zinterstore", -4, ZInterStore)
        {
            Flags = Write | DenyOom | MovableKeys,
            Categories = AclCategories.SortedSet,
            Keys = Stored,
            Syntax = "destination:key numkeys:integer key... " + WeightsAndAggregate,
            CopiesOfKeys = 2,
            Summary = "Stores the members that several sorted sets have in common.",
            Since = "2.0.0",
            Complexity = Intersection,
            Group = "sorted-set",
        },
        new("zunion", -3, ZUnion)
        {
            Flags = ReadOnly | MovableKeys,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.Counted(KeyFlags.RO | KeyFlags.Access, 1)],
            Syntax = "numkeys:integer key... " + WeightsAndAggregate + " [WITHSCORES]",
            CopiesOfKeys = 2,
            Summary = "Returns the members that any of several sorted sets has.",
            Since = "6.2.0",
            Complexity = Union,
            Group = "sorted-set",
        },
        new("zunionstore", -4, ZUnionStore)
        {
            Flags = Write | DenyOom | MovableKeys,
            Categories = AclCategories.SortedSet,
            Keys = Stored,
            Syntax = "destination:key numkeys:integer key... " + WeightsAndAggregate,
            CopiesOfKeys = 2,
            Summary = "Stores the members that any of several sorted sets has.",
            Since = "2.0.0",
            Complexity = Union,
            Group = "sorted-set",
        },
    ];

    private static KeySpec[] Stored =>
    [
        KeySpec.One(KeyFlags.OW | KeyFlags.Update),
        KeySpec.Counted(KeyFlags.RO | KeyFlags.Access, 2),
    ];

    private static string Difference =>
        "O(N*K + M*log(M)) where N is the number of members of the first sorted set, K the number of keys and M the"
        + " number of members of the result.";

    private static string Intersection =>
        "O(N*K + M*log(M)) where N is the number of members of the smallest sorted set, K the number of keys and M the"
        + " number of members of the result.";

    private static string Union =>
        "O(N + M*log(M)) where N is the number of members of all sorted sets and M of the result.";

    private static void ZDiff(ref Call call) => Show(call, MergeKind.Difference, MergeOptions.Scores);

    private static void ZDiffStore(ref Call call) => Store(call, MergeKind.Difference, MergeOptions.None);

    private static void ZInter(ref Call call) =>
        Show(call, MergeKind.Intersection, MergeOptions.Weights | MergeOptions.Scores);

    private static void ZInterCard(ref Call call)
    {
        if (SortedSetMerge.TryRead(call, MergeKind.Intersection, 1, MergeOptions.Limit, out var merge))
            call.Reply.Integer(merge.CountCommon(call));
        merge.Release();
    }

    private static void ZInterStore(ref Call call) => Store(call, MergeKind.Intersection, MergeOptions.Weights);

    private static void ZUnion(ref Call call) =>
        Show(call, MergeKind.Union, MergeOptions.Weights | MergeOptions.Scores);

    private static void ZUnionStore(ref Call call) => Store(call, MergeKind.Union, MergeOptions.Weights);

    private static void Show(in Call call, MergeKind kind, MergeOptions options)
    {
        if (SortedSetMerge.TryRead(call, kind, 1, options, out var merge))
        {
            // The result needs a heap for the moment: that of the first key's partition, which is held.
            var result = SortedSetBuilder.Begin(call.Unit, call.Key(2));
            merge.Run(call, ref result);
            SortedSetReplies.Header(call, result.Count, merge.WithScores);
            if (result.Count > 0)
            {
                for (var cursor = result.First(); cursor.IsValid; cursor.Next())
                    SortedSetReplies.Member(call, ref cursor, merge.WithScores);
            }

            result.Discard();
        }

        merge.Release();
    }

    private static ReadOnlySpan<byte> NameOf(MergeKind kind) => kind switch
    {
        MergeKind.Union => "zunionstore"u8,
        MergeKind.Intersection => "zinterstore"u8,
        _ => "zdiffstore"u8,
    };

    private static void Store(in Call call, MergeKind kind, MergeOptions options)
    {
        if (SortedSetMerge.TryRead(call, kind, 2, options, out var merge))
        {
            var key = call.Key(1);
            var result = SortedSetBuilder.Begin(call.Unit, key);
            merge.Run(call, ref result);
            SortedSetReplies.Store(call, key, result, NameOf(kind));
        }

        merge.Release();
    }
}
