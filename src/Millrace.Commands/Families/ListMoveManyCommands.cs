// Lists: moving several elements from one to another, waiting for them or not.
//
//     LMOVEM source destination LEFT|RIGHT LEFT|RIGHT         [COUNT n | EXACTLY n   OBO | BULK]
//     BLMOVEM source destination LEFT|RIGHT LEFT|RIGHT timeout [ .. ]
//
// COUNT takes what there is, up to n; EXACTLY takes n, or none. OBO adds them one by one as they are taken, so that
// they are turned round where both ends are the same; BULK keeps their order. The answer has the order of the
// destination.
// The waiting form waits for an element, or with EXACTLY for enough of them: each time the list has grown it looks
// again.
// Source: Redis 8.10 documentation, "LMOVEM", "BLMOVEM".

using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands that move several elements of lists.</summary>
public static class ListMoveManyCommands
{
    private const int OptionWords = 3;

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("blmovem", -6, BLMoveM)
        {
            Flags = Write | DenyOom | Blocking,
            Categories = AclCategories.List,
            Keys = [KeySpec.One(BlockingParts.Popped), KeySpec.One(KeyFlags.RW | KeyFlags.Insert, 2)],
            Syntax = "source:key destination:key (LEFT | RIGHT) (LEFT | RIGHT) timeout:double"
                + " [(COUNT count:integer | EXACTLY exactly:integer) (OBO | BULK)]",
            CopiesOfKeys = 2,
            Summary = "Moves elements from an end of a list to an end of another and returns them; waits for them when "
                + "there are not enough.",
            Since = "8.10.0",
            Complexity = "O(N) where N is the number of elements moved.",
            Group = "list",
        },
        new("lmovem", -5, LMoveM)
        {
            Flags = Write | DenyOom,
            Categories = AclCategories.List,
            Keys = [KeySpec.One(BlockingParts.Popped), KeySpec.One(KeyFlags.RW | KeyFlags.Insert, 2)],
            Syntax = "source:key destination:key (LEFT | RIGHT) (LEFT | RIGHT)"
                + " [(COUNT count:integer | EXACTLY exactly:integer) (OBO | BULK)]",
            CopiesOfKeys = 2,
            Summary = "Moves elements from an end of a list to an end of another and returns them.",
            Since = "8.10.0",
            Complexity = "O(N) where N is the number of elements moved.",
            Group = "list",
        },
    ];

    private static void BLMoveM(ref Call call)
    {
        if (!TryReadMove(call, 6, out var move) || !call.TryTimeout(5, out var timeoutMs)) return;
        if (!TryFind(call, move, out var entry, out var count)) return;
        if (count == 0)
        {
            call.WaitOrNullArray(ValueType.List, 1, 1, timeoutMs);
            return;
        }

        if (!TryMove(call, move, entry, count)) return;
        var words = call.Args.Count - 1;
        if (!call.Effects.Begin(words)) return;
        call.Effects.Argument("LMOVEM"u8);
        for (var i = 1; i <= words; i++)
        {
            if (i != 5) call.Effects.Argument(call.Args[i]);
        }
    }

    private static void LMoveM(ref Call call)
    {
        if (!TryReadMove(call, 5, out var move) || !TryFind(call, move, out var entry, out var count)) return;
        if (count > 0) TryMove(call, move, entry, count);
        else if (move.IsExact) call.Reply.NullArray();
        else call.Reply.Array(0);
    }

    // Writes the error when the words make no sense.
    private static bool TryReadMove(in Call call, int optionsAt, out Move move)
    {
        move = new Move { Count = 1, IsOneByOne = true };
        if (!ListCommands.TryReadEnd(call, 3, out move.From) || !ListCommands.TryReadEnd(call, 4, out move.To))
            return false;
        if (call.Args.Count == optionsAt) return true;
        if (call.Args.Count != optionsAt + OptionWords) return Fail(call, ErrorTexts.Syntax);
        move.IsExact = call.Is(optionsAt, "EXACTLY"u8);
        move.IsOneByOne = call.Is(optionsAt + 2, "OBO"u8);
        if (!move.IsExact && !call.Is(optionsAt, "COUNT"u8)) return Fail(call, ErrorTexts.Syntax);
        if (!move.IsOneByOne && !call.Is(optionsAt + 2, "BULK"u8)) return Fail(call, ErrorTexts.Syntax);
        if (Numbers.TryParseInt64(call.Args[optionsAt + 1], out move.Count) && move.Count > 0) return true;
        return Fail(call, move.IsExact
            ? "ERR exactly should be greater than 0"u8
            : "ERR count should be greater than 0"u8);
    }

    private static bool Fail(in Call call, ReadOnlySpan<byte> error)
    {
        call.Reply.Error(error);
        return false;
    }

    // The source and how many of its elements are to be moved, perhaps none; writes WRONGTYPE when it is no list.
    private static bool TryFind(in Call call, Move move, out Entry entry, out long count)
    {
        count = 0;
        entry = call.Write(1);
        if (entry.IsMissing) return true;
        if (!call.IsTypeOrMissing(entry, ValueType.List)) return false;
        var length = ListValue.Length(entry);
        count = move.Count <= length ? move.Count : move.IsExact ? 0 : length;
        return true;
    }

    // Moves and replies; false when the destination is no list.
    private static bool TryMove(in Call call, Move move, in Entry entry, long count)
    {
        var other = call.Write(2);
        if (!call.IsTypeOrMissing(other, ValueType.List)) return false;
        var source = call.Key(1);
        var target = call.Key(2);
        var range = new MovedRange(move.From, count, move.IsOneByOne && move.From == move.To);
        Reply(call.Reply, entry, range);
        if (!other.IsMissing && other.Block == entry.Block)
        {
            ListEdits.MoveRangeWithin(call.Unit, source, entry, range, move.To);
            ListCommands.Changed(call.Unit, source, count);
            ListCommands.NotifyMoved(call.Unit, source, move.From, source, move.To, isGone: false);
            return true;
        }

        var isGone = count == ListValue.Length(entry);
        ListEdits.MoveRange(call.Unit, source, entry, range, target, other, move.To);
        ListCommands.Changed(call.Unit, target, count);
        ListCommands.Touched(call.Unit, source);
        ListCommands.NotifyMoved(call.Unit, source, move.From, target, move.To, isGone);
        return true;
    }

    private static void Reply(ReplyWriter reply, in Entry entry, MovedRange range)
    {
        reply.Array((int)Math.Min(range.Count, int.MaxValue));
        using var cursor = range.Walk(entry);
        for (var left = range.Count; left > 0 && cursor.TryNext(out var element); left--)
            ListCommands.ReplyElement(reply, element);
    }

    private struct Move
    {
        public ListEnd From;
        public ListEnd To;
        public long Count;
        public bool IsExact;
        public bool IsOneByOne;
    }
}
