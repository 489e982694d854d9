// Lists, waiting: the commands that take an element from a list and wait for one when there is none.
//
// A handler looks at its keys as the form that does not wait does. When it finds nothing it asks to wait (Call.TryWait)
// and returns; whoever makes one of the keys a list runs the handler again, with the same arguments, in his own unit.
// Where waiting is not possible (MULTI, scripts) the answer is that of a time-out. The effect is that of the form that
// does not wait.
// Source: Redis 7.2 documentation, "BLPOP" ("Blocking behavior") and the other commands' pages.

using Millrace.Engine.Values;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands on lists that wait.</summary>
public static class BlockingListCommands
{
    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("blmove", 6, BLMove)
        {
            Flags = Write | DenyOom | NoScript | Blocking,
            Categories = AclCategories.List,
            Keys = [KeySpec.One(BlockingParts.Popped), KeySpec.One(KeyFlags.RW | KeyFlags.Insert, 2)],
            Syntax = "source:key destination:key (LEFT | RIGHT) (LEFT | RIGHT) timeout:double",
            CopiesOfKeys = 1,
            Summary = "Takes an element from an end of a list, adds it at an end of another and returns it; waits for "
                + "an element when there is none.",
            Since = "6.2.0",
            Complexity = "O(1)",
            Group = "list",
        },
        new("blmpop", -5, BLMPop)
        {
            Flags = Write | Blocking | MovableKeys,
            Categories = AclCategories.List,
            Keys = [KeySpec.Counted(BlockingParts.Popped, 2)],
            Syntax = "timeout:double numkeys:integer key... (LEFT | RIGHT) [COUNT count:integer]",
            Summary = "Takes elements from an end of the first list that has any; waits for one when none has.",
            Since = "7.0.0",
            Complexity = "O(N+M) where N is the number of keys and M the number of elements returned.",
            Group = "list",
        },
        new("blpop", -3, BLPop)
        {
            Flags = Write | NoScript | Blocking,
            Categories = AclCategories.List,
            Keys = [new KeySpec { Flags = BlockingParts.Popped, BeginIndex = 1, LastKey = -2 }],
            Syntax = "key... timeout:double",
            Summary = "Takes the first element from the first list that has any; waits for one when none has.",
            Since = "2.0.0",
            Complexity = "O(N) where N is the number of keys.",
            Group = "list",
            History = BlockingParts.TimeoutIsDouble,
        },
        new("brpop", -3, BRPop)
        {
            Flags = Write | NoScript | Blocking,
            Categories = AclCategories.List,
            Keys = [new KeySpec { Flags = BlockingParts.Popped, BeginIndex = 1, LastKey = -2 }],
            Syntax = "key... timeout:double",
            Summary = "Takes the last element from the first list that has any; waits for one when none has.",
            Since = "2.0.0",
            Complexity = "O(N) where N is the number of keys.",
            Group = "list",
            History = BlockingParts.TimeoutIsDouble,
        },
        new("brpoplpush", 4, BRPopLPush)
        {
            Flags = Write | DenyOom | NoScript | Blocking,
            Categories = AclCategories.List,
            Keys = [KeySpec.One(BlockingParts.Popped), KeySpec.One(KeyFlags.RW | KeyFlags.Insert, 2)],
            Syntax = "source:key destination:key timeout:double",
            CopiesOfKeys = 1,
            Summary = "Takes the last element from a list, adds it in front of another and returns it; waits for an "
                + "element when there is none.",
            Since = "2.2.0",
            Complexity = "O(1)",
            Group = "list",
            History = BlockingParts.TimeoutIsDouble,
            DeprecatedSince = "6.2.0",
            ReplacedBy = "`BLMOVE` with the `RIGHT` and `LEFT` arguments",
        },
    ];

    private static void BLMove(ref Call call)
    {
        if (!ListCommands.TryReadEnd(call, 3, out var from) || !ListCommands.TryReadEnd(call, 4, out var to)) return;
        if (!call.TryTimeout(5, out var timeoutMs) || !TryMove(call, from, to, timeoutMs)) return;
        if (!call.Effects.Begin(5)) return;
        call.Effects.Argument("LMOVE"u8);
        for (var i = 1; i < 5; i++) call.Effects.Argument(call.Args[i]);
    }

    private static void BLMPop(ref Call call)
    {
        if (!ListCommands.TryReadPopMany(call, 2, out var options)) return;
        if (!call.TryTimeout(1, out var timeoutMs)) return;
        if (!call.TryWriteFirst(ValueType.List, options.FirstKey, options.Keys, out var at, out var entry)) return;
        if (entry.IsMissing) call.WaitOrNullArray(ValueType.List, options.FirstKey, options.Keys, timeoutMs);
        else ListCommands.PopMany(call, call.Key(at), entry, options.End, options.Count);
    }

    private static void BLPop(ref Call call) => PopFirst(call, ListEnd.Left);

    private static void BRPop(ref Call call) => PopFirst(call, ListEnd.Right);

    private static void BRPopLPush(ref Call call)
    {
        if (!call.TryTimeout(3, out var timeoutMs)) return;
        if (!TryMove(call, ListEnd.Right, ListEnd.Left, timeoutMs)) return;
        call.Effects.Add("RPOPLPUSH"u8, call.Args[1], call.Args[2]);
    }

    private static void PopFirst(in Call call, ListEnd end)
    {
        var keys = call.Args.Count - 2;
        if (!call.TryTimeout(keys + 1, out var timeoutMs)) return;
        if (!call.TryWriteFirst(ValueType.List, 1, keys, out var at, out var entry)) return;
        if (entry.IsMissing)
        {
            call.WaitOrNullArray(ValueType.List, 1, keys, timeoutMs);
            return;
        }

        var key = call.Key(at);
        call.Reply.Array(2);
        call.Reply.Bulk(key.Bytes);
        ListCommands.Pop(call.Unit, call.Reply, key, entry, end);
        call.Effects.Add(end == ListEnd.Left ? "LPOP"u8 : "RPOP"u8, key.Bytes);
    }

    // False when nothing was moved. What the other key holds matters only when there is something to move.
    private static bool TryMove(in Call call, ListEnd from, ListEnd to, long timeoutMs)
    {
        var entry = call.Write(1);
        if (entry.IsMissing)
        {
            if (!call.TryWait(ValueType.List, 1, 1, timeoutMs)) call.Reply.Null();
            return false;
        }

        if (!call.IsTypeOrMissing(entry, ValueType.List)) return false;
        var other = call.Write(2);
        if (!call.IsTypeOrMissing(other, ValueType.List)) return false;
        ListCommands.Move(call.Unit, call.Reply, call.Key(1), entry, from, call.Key(2), other, to);
        return true;
    }
}
