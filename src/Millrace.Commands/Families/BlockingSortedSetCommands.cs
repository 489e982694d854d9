// Sorted sets, waiting: the commands that take members out at an end and wait for one when there is none.
//
// They wait as the commands on lists do (BlockingListCommands).
// Source: Redis 7.2 documentation, "BZPOPMIN", "BZMPOP".

using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands on sorted sets that wait.</summary>
public static class BlockingSortedSetCommands
{
    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("bzmpop", -5, BZMPop)
        {
            Flags = Write | Blocking | MovableKeys,
            Categories = AclCategories.SortedSet,
            Keys = [KeySpec.Counted(BlockingParts.Popped, 2)],
            Syntax = "timeout:double numkeys:integer key... (MIN | MAX) [COUNT count:integer]",
            Summary = "Removes and returns members with the lowest or the highest scores of the first sorted set among"
                + " several keys that has any; waits for one when none has.",
            Since = "7.0.0",
            Complexity = "O(K) + O(M*log(N)) where K is the number of keys, N the number of members of the sorted set"
                + " and M of those that are removed.",
            Group = "sorted-set",
        },
        new("bzpopmax", -3, BZPopMax)
        {
            Flags = Write | NoScript | Blocking | Fast,
            Categories = AclCategories.SortedSet,
            Keys = [new KeySpec { Flags = BlockingParts.Popped, BeginIndex = 1, LastKey = -2 }],
            Syntax = "key... timeout:double",
            Summary = "Removes and returns the member with the highest score of the first sorted set that has any; "
                + "waits for one when none has.",
            Since = "5.0.0",
            Complexity = "O(log(N)) where N is the number of members of the sorted set.",
            Group = "sorted-set",
            History = BlockingParts.TimeoutIsDouble,
        },
        new("bzpopmin", -3, BZPopMin)
        {
            Flags = Write | NoScript | Blocking | Fast,
            Categories = AclCategories.SortedSet,
            Keys = [new KeySpec { Flags = BlockingParts.Popped, BeginIndex = 1, LastKey = -2 }],
            Syntax = "key... timeout:double",
            Summary = "Removes and returns the member with the lowest score of the first sorted set that has any; "
                + "waits for one when none has.",
            Since = "5.0.0",
            Complexity = "O(log(N)) where N is the number of members of the sorted set.",
            Group = "sorted-set",
            History = BlockingParts.TimeoutIsDouble,
        },
    ];

    private static void BZMPop(ref Call call)
    {
        if (!SortedSetPopCommands.TryReadMPop(call, 2, out var request)) return;
        if (!call.TryTimeout(1, out var timeoutMs)) return;
        if (!call.TryWriteFirst(ValueType.SortedSet, request.FirstKey, request.Keys, out var at, out var entry)) return;
        if (entry.IsMissing) call.WaitOrNullArray(ValueType.SortedSet, request.FirstKey, request.Keys, timeoutMs);
        else SortedSetPopCommands.PopMany(call, call.Key(at), entry, request);
    }

    private static void BZPopMax(ref Call call) => PopFirst(call, isMax: true);

    private static void BZPopMin(ref Call call) => PopFirst(call, isMax: false);

    private static void PopFirst(in Call call, bool isMax)
    {
        var keys = call.Args.Count - 2;
        if (!call.TryTimeout(keys + 1, out var timeoutMs)) return;
        if (!call.TryWriteFirst(ValueType.SortedSet, 1, keys, out var at, out var entry)) return;
        if (entry.IsMissing)
        {
            call.WaitOrNullArray(ValueType.SortedSet, 1, keys, timeoutMs);
            return;
        }

        var key = call.Key(at);
        SortedSetPops.Pop(call.Unit, call.Reply, key, entry, isMax, 1, PopForm.KeyFlat);
        call.Effects.Add(isMax ? "ZPOPMAX"u8 : "ZPOPMIN"u8, key.Bytes);
    }
}
