// Lists: elements at both ends, by index and by value, and moving them from list to list.
//
// The forms that wait for an element are in a family of their own and use the same steps: Pop, PopMany, Move.
// Source: Redis 7.2 documentation, "Lists".

using System.Buffers;
using System.Runtime.CompilerServices;
using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Memory;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands on lists that do not wait.</summary>
public static class ListCommands
{
    private const int MaxCopiedOnStack = 512;

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("lindex", 3, LIndex)
        {
            Flags = ReadOnly,
            Categories = AclCategories.List,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key index:integer",
            Summary = "Returns the element of a list at an index, which may be counted from the end.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the number of elements of one chunk; the chunk is found by counts.",
            Group = "list",
        },
        new("linsert", 5, LInsert)
        {
            Flags = Write | DenyOom,
            Categories = AclCategories.List,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Insert)],
            Syntax = "key (BEFORE | AFTER) pivot element",
            Summary = "Inserts an element in front of another one, or behind it.",
            Since = "2.2.0",
            Complexity = "O(N) where N is the number of elements in front of the pivot.",
            Group = "list",
        },
        new("llen", 2, LLen)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.List,
            Keys = [KeySpec.One(KeyFlags.RO)],
            Syntax = "key",
            Summary = "Returns the number of elements of a list.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "list",
        },
        new("lmove", 5, LMove)
        {
            Flags = Write | DenyOom,
            Categories = AclCategories.List,
            Keys =
            [
                KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Delete),
                KeySpec.One(KeyFlags.RW | KeyFlags.Insert, 2),
            ],
            Syntax = "source:key destination:key (LEFT | RIGHT) (LEFT | RIGHT)",
            CopiesOfKeys = 1,
            Summary = "Takes an element from an end of a list, adds it at an end of another and returns it.",
            Since = "6.2.0",
            Complexity = "O(1)",
            Group = "list",
        },
        new("lmpop", -4, LMPop)
        {
            Flags = Write | MovableKeys,
            Categories = AclCategories.List,
            Keys = [KeySpec.Counted(KeyFlags.RW | KeyFlags.Access | KeyFlags.Delete, 1)],
            Syntax = "numkeys:integer key... (LEFT | RIGHT) [COUNT count:integer]",
            Summary = "Takes elements from an end of the first list that has any.",
            Since = "7.0.0",
            Complexity = "O(N+M) where N is the number of keys and M the number of elements returned.",
            Group = "list",
        },
        new("lpop", -2, LPop)
        {
            Flags = Write | Fast,
            Categories = AclCategories.List,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Delete)],
            Syntax = "key [count:integer]",
            Summary = "Takes the first element from a list, or the first few.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the number of elements returned.",
            Group = "list",
            History = [("6.2.0", "Added the `count` argument.")],
        },
        new("lpos", -3, LPos)
        {
            Flags = ReadOnly,
            Categories = AclCategories.List,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key element [RANK rank:integer] [COUNT num-matches:integer] [MAXLEN len:integer]",
            Summary = "Returns the index of an element, or the indexes of all that are equal to it.",
            Since = "6.0.6",
            Complexity = "O(N) where N is the number of elements looked at.",
            Group = "list",
        },
        new("lpush", -3, LPush)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.List,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Insert)],
            Syntax = "key element...",
            Summary = "Adds elements in front of a list, one after the other. A missing key starts as an empty list.",
            Since = "1.0.0",
            Complexity = "O(1) for each element.",
            Group = "list",
            History = [("2.4.0", "Accepts multiple `element` arguments.")],
        },
        new("lpushx", -3, LPushX)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.List,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Insert)],
            Syntax = "key element...",
            Summary = "Adds elements in front of a list that exists.",
            Since = "2.2.0",
            Complexity = "O(1) for each element.",
            Group = "list",
            History = [("4.0.0", "Accepts multiple `element` arguments.")],
        },
        new("lrange", 4, LRange)
        {
            Flags = ReadOnly,
            Categories = AclCategories.List,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key start:integer stop:integer",
            Summary = "Returns the elements of a list between two indexes, both included.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the number of elements returned, and what finding the first takes.",
            Group = "list",
        },
        new("lrem", 4, LRem)
        {
            Flags = Write,
            Categories = AclCategories.List,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Delete)],
            Syntax = "key count:integer element",
            Summary = "Removes elements that are equal to one: the first ones, the last ones, or all.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the number of elements looked at.",
            Group = "list",
        },
        new("lset", 4, LSet)
        {
            Flags = Write | DenyOom,
            Categories = AclCategories.List,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            Syntax = "key index:integer element",
            Summary = "Replaces the element of a list at an index.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the number of elements of one chunk; the chunk is found by counts.",
            Group = "list",
        },
        new("ltrim", 4, LTrim)
        {
            Flags = Write,
            Categories = AclCategories.List,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Delete)],
            Syntax = "key start:integer stop:integer",
            Summary = "Removes the elements of a list that do not lie between two indexes.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the number of chunks removed, and of elements in two of them.",
            Group = "list",
        },
        new("rpop", -2, RPop)
        {
            Flags = Write | Fast,
            Categories = AclCategories.List,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Delete)],
            Syntax = "key [count:integer]",
            Summary = "Takes the last element from a list, or the last few.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the number of elements returned.",
            Group = "list",
            History = [("6.2.0", "Added the `count` argument.")],
        },
        new("rpoplpush", 3, RPopLPush)
        {
            Flags = Write | DenyOom,
            Categories = AclCategories.List,
            Keys =
            [
                KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Delete),
                KeySpec.One(KeyFlags.RW | KeyFlags.Insert, 2),
            ],
            Syntax = "source:key destination:key",
            CopiesOfKeys = 1,
            Summary = "Takes the last element from a list, adds it in front of another and returns it.",
            Since = "1.2.0",
            Complexity = "O(1)",
            Group = "list",
            DeprecatedSince = "6.2.0",
            ReplacedBy = "`LMOVE` with the `RIGHT` and `LEFT` arguments",
        },
        new("rpush", -3, RPush)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.List,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Insert)],
            Syntax = "key element...",
            Summary = "Adds elements at the end of a list. A missing key starts as an empty list.",
            Since = "1.0.0",
            Complexity = "O(1) for each element.",
            Group = "list",
            History = [("2.4.0", "Accepts multiple `element` arguments.")],
        },
        new("rpushx", -3, RPushX)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.List,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Insert)],
            Syntax = "key element...",
            Summary = "Adds elements at the end of a list that exists.",
            Since = "2.2.0",
            Complexity = "O(1) for each element.",
            Group = "list",
            History = [("4.0.0", "Accepts multiple `element` arguments.")],
        },
    ];

    private static void LIndex(ref Call call)
    {
        var entry = call.Read(1);
        if (entry.IsMissing)
        {
            call.Reply.Null();
            return;
        }

        if (!call.IsTypeOrMissing(entry, ValueType.List) || !call.TryInteger(2, out var index)) return;
        if (index < 0) index += ListValue.Length(entry);
        using var cursor = ListValue.Walk(entry, index);
        if (cursor.TryNext(out var element)) ReplyElement(call.Reply, element);
        else call.Reply.Null();
    }

    private static void LInsert(ref Call call)
    {
        var isBehind = call.Is(2, "AFTER"u8);
        if (!isBehind && !call.Is(2, "BEFORE"u8))
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return;
        }

        var key = call.Key(1);
        var entry = call.Write(1);
        if (entry.IsMissing)
        {
            call.Reply.Integer(0);
            return;
        }

        if (!call.IsTypeOrMissing(entry, ValueType.List)) return;

        // As with Redis, the list may become a deque although the pivot is not there.
        entry = ListValue.BeforeAdding(call.Unit, key, entry, call.Args[4].Length, 1);
        var pivot = ListpackElement.Of(call.Args[3]);
        var element = ListpackElement.Of(call.Args[4]);
        if (!ListEdits.TryInsert(call.Unit, key, entry, pivot, isBehind, element, out var length))
        {
            call.Reply.Integer(-1);
            return;
        }

        call.Unit.Changed(key);
        call.Unit.Notify(NotifyClasses.List, "linsert"u8, key);
        call.Reply.Integer(length);
    }

    private static void LLen(ref Call call)
    {
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.List)) return;
        call.Reply.Integer(entry.IsMissing ? 0 : ListValue.Length(entry));
    }

    private static void LMove(ref Call call)
    {
        if (!TryReadEnd(call, 3, out var from) || !TryReadEnd(call, 4, out var to)) return;
        MoveBetween(ref call, from, to);
    }

    private static void LMPop(ref Call call)
    {
        if (!TryReadPopMany(call, 1, out var options)) return;
        if (!call.TryWriteFirst(ValueType.List, options.FirstKey, options.Keys, out var at, out var entry)) return;
        if (entry.IsMissing) call.Reply.NullArray();
        else PopMany(call, call.Key(at), entry, options.End, options.Count);
    }

    private static void LPop(ref Call call) => PopFrom(ref call, ListEnd.Left);

    private static void LPos(ref Call call)
    {
        if (!TryReadSearch(call, out var search)) return;
        var entry = call.Read(1);
        if (entry.IsMissing)
        {
            if (search.Count >= 0) call.Reply.Array(0);
            else call.Reply.Null();
            return;
        }

        if (!call.IsTypeOrMissing(entry, ValueType.List)) return;
        if (search.Count >= 0) ReplyPositions(call, entry, search);
        else if (TryFindPosition(entry, ListpackElement.Of(call.Args[2]), search, out var position))
            call.Reply.Integer(position);
        else
            call.Reply.Null();
    }

    private static void LPush(ref Call call) => PushTo(ref call, ListEnd.Left, onlyExisting: false);

    private static void LPushX(ref Call call) => PushTo(ref call, ListEnd.Left, onlyExisting: true);

    private static void LRange(ref Call call)
    {
        if (!call.TryInteger(2, out var start) || !call.TryInteger(3, out var stop)) return;
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.List)) return;
        var length = entry.IsMissing ? 0 : ListValue.Length(entry);
        if (!TryClamp(ref start, ref stop, length)) call.Reply.Array(0);
        else ReplyRange(call.Reply, entry, start, stop - start + 1, isBackwards: false);
    }

    private static void LRem(ref Call call)
    {
        if (!call.TryInteger(2, out var count)) return;
        if (count == long.MinValue)
        {
            call.Reply.Error(ErrorTexts.OutsideSymmetricRange);
            return;
        }

        var key = call.Key(1);
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.List)) return;
        if (entry.IsMissing)
        {
            call.Reply.Integer(0);
            return;
        }

        var max = count == 0 ? long.MaxValue : Math.Abs(count);
        var length = ListValue.Length(entry);
        var removed = ListEdits.Remove(call.Unit, key, entry, ListpackElement.Of(call.Args[3]), max, count < 0);
        if (removed > 0)
        {
            Changed(call.Unit, key, removed);
            call.Unit.Notify(NotifyClasses.List, "lrem"u8, key, isGone: removed == length);
        }

        call.Reply.Integer(removed);
    }

    private static void LSet(ref Call call)
    {
        var key = call.Key(1);
        var entry = call.Write(1);
        if (entry.IsMissing)
        {
            call.Reply.Error(ErrorTexts.NoSuchKey);
            return;
        }

        if (!call.IsTypeOrMissing(entry, ValueType.List) || !call.TryInteger(2, out var index)) return;
        entry = ListValue.BeforeAdding(call.Unit, key, entry, call.Args[3].Length, 1);
        if (!ListEdits.TrySet(call.Unit, key, entry, index, ListpackElement.Of(call.Args[3])))
        {
            call.Reply.Error(ErrorTexts.IndexOutOfRange);
            return;
        }

        call.Unit.Changed(key);
        call.Unit.Notify(NotifyClasses.List, "lset"u8, key);
        call.Reply.Ok();
    }

    private static void LTrim(ref Call call)
    {
        if (!call.TryInteger(2, out var start) || !call.TryInteger(3, out var stop)) return;
        var key = call.Key(1);
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.List)) return;
        if (!entry.IsMissing)
        {
            var length = ListValue.Length(entry);
            var keepsSome = TryClamp(ref start, ref stop, length);
            var first = keepsSome ? start : length;
            var last = keepsSome ? length - 1 - stop : 0;
            if (first + last > 0)
            {
                ListEdits.Trim(call.Unit, key, entry, first, last);
                Changed(call.Unit, key, first + last);
            }
            else
            {
                call.Unit.Rewritten(key);
            }

            call.Unit.Notify(NotifyClasses.List, "ltrim"u8, key, isGone: !keepsSome);
        }

        call.Reply.Ok();
    }

    private static void RPop(ref Call call) => PopFrom(ref call, ListEnd.Right);

    private static void RPopLPush(ref Call call) => MoveBetween(ref call, ListEnd.Right, ListEnd.Left);

    private static void RPush(ref Call call) => PushTo(ref call, ListEnd.Right, onlyExisting: false);

    private static void RPushX(ref Call call) => PushTo(ref call, ListEnd.Right, onlyExisting: true);

    // ---- steps that the waiting forms share ----

    /// <summary>Takes an element from an end, replies with it, and removes the key with the last one. Counts one
    /// change; says nothing of the effect.</summary>
    /// <param name="unit">The unit that holds the key.</param>
    /// <param name="reply">Where the element goes: one bulk string.</param>
    /// <param name="key">The key.</param>
    /// <param name="entry">A list.</param>
    /// <param name="end">Which element.</param>
    internal static void Pop(Unit unit, ReplyWriter reply, in Key key, in Entry entry, ListEnd end)
    {
        ReplyElement(reply, ListValue.Peek(entry, end));
        var isGone = ListValue.Drop(unit, key, entry, end, 1);
        unit.Changed(key);
        NotifyPopped(unit, key, end, isGone);
    }

    /// <summary>Takes up to so many elements from an end and replies with the key's name and them; the effect is a pop
    /// of as many.</summary>
    /// <param name="call">Where reply and effect go.</param>
    /// <param name="key">The key.</param>
    /// <param name="entry">A list.</param>
    /// <param name="end">Which elements.</param>
    /// <param name="max">At least 1.</param>
    internal static void PopMany(in Call call, in Key key, in Entry entry, ListEnd end, long max)
    {
        var count = Math.Min(max, ListValue.Length(entry));
        call.Reply.Array(2);
        call.Reply.Bulk(key.Bytes);
        PopRange(call.Unit, call.Reply, key, entry, end, count);
        call.Effects.Add(end == ListEnd.Left ? "LPOP"u8 : "RPOP"u8, key.Bytes, count);
    }

    /// <summary>Moves an element from an end of a list to an end of a list, which may be the same or missing, and
    /// replies with it. Counts one change of either key.</summary>
    /// <param name="unit">The unit that holds both keys.</param>
    /// <param name="reply">Where the element goes: one bulk string.</param>
    /// <param name="source">The key of a list.</param>
    /// <param name="sourceEntry">That list.</param>
    /// <param name="from">The end that is popped.</param>
    /// <param name="target">The other key.</param>
    /// <param name="targetEntry">A list, or missing.</param>
    /// <param name="to">The end that is pushed to.</param>
    internal static void Move(
        Unit unit,
        ReplyWriter reply,
        in Key source,
        in Entry sourceEntry,
        ListEnd from,
        in Key target,
        in Entry targetEntry,
        ListEnd to)
    {
        var element = ListValue.Peek(sourceEntry, from);
        ReplyElement(reply, element);
        if (!targetEntry.IsMissing && targetEntry.Block == sourceEntry.Block)
        {
            // Moved from an end to the same end, or the only element: everything stays.
            if (from != to && ListValue.Length(sourceEntry) > 1) Rotate(unit, source, sourceEntry, from, element);
            unit.Changed(source);
            NotifyMoved(unit, source, from, source, to, isGone: false);
            return;
        }

        // The lists share no block, so the element stays where it is while the other list grows.
        var grown = ListValue.BeforeAdding(unit, target, targetEntry, element.TextLength, 1);
        ListValue.Push(unit, target, grown, to, element);
        var isGone = ListValue.Drop(unit, source, sourceEntry, from, 1);
        unit.Changed(target);
        Touched(unit, source);
        NotifyMoved(unit, source, from, target, to, isGone);
    }

    /// <summary>Tells that elements were moved: of the push first, as Redis does.</summary>
    internal static void NotifyMoved(Unit unit, in Key source, ListEnd from, in Key target, ListEnd to, bool isGone)
    {
        NotifyPushed(unit, target, to);
        NotifyPopped(unit, source, from, isGone);
    }

    /// <summary>Reads LEFT or RIGHT; writes the error otherwise.</summary>
    internal static bool TryReadEnd(in Call call, int argIndex, out ListEnd end)
    {
        end = call.Is(argIndex, "RIGHT"u8) ? ListEnd.Right : ListEnd.Left;
        if (end == ListEnd.Right || call.Is(argIndex, "LEFT"u8)) return true;
        call.Reply.Error(ErrorTexts.Syntax);
        return false;
    }

    /// <summary>Reads the arguments of LMPOP and its waiting form from the number of keys on; writes the error
    /// otherwise.</summary>
    internal static bool TryReadPopMany(in Call call, int countAt, out PopManyOptions options)
    {
        options = default;
        if (!Numbers.TryParseInt64(call.Args[countAt], out var keys) || keys < 1)
        {
            call.Reply.Error("ERR numkeys should be greater than 0"u8);
            return false;
        }

        if (keys >= call.Args.Count - countAt - 1)
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return false;
        }

        var endAt = countAt + (int)keys + 1;
        if (!TryReadEnd(call, endAt, out var end)) return false;
        var count = -1L;
        for (var at = endAt + 1; at < call.Args.Count; at += 2)
        {
            if (count != -1 || at + 1 >= call.Args.Count || !call.Is(at, "COUNT"u8))
            {
                call.Reply.Error(ErrorTexts.Syntax);
                return false;
            }

            if (Numbers.TryParseInt64(call.Args[at + 1], out count) && count >= 1) continue;
            call.Reply.Error("ERR count should be greater than 0"u8);
            return false;
        }

        options = new PopManyOptions(countAt + 1, (int)keys, end, count < 0 ? 1 : count);
        return true;
    }

    /// <summary>Replies with an element as a bulk string.</summary>
    internal static void ReplyElement(ReplyWriter reply, ListpackElement element)
    {
        if (element.IsInteger) reply.BulkInteger(element.Integer);
        else reply.Bulk(element.Bytes);
    }

    // ---- helpers of the handlers ----

    private static void PushTo(ref Call call, ListEnd end, bool onlyExisting)
    {
        var key = call.Key(1);
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.List)) return;
        if (entry.IsMissing && onlyExisting)
        {
            call.Reply.Integer(0);
            return;
        }

        var args = call.Args;
        var bytes = 0L;
        for (var i = 2; i < args.Count; i++) bytes += args[i].Length;
        entry = ListValue.BeforeAdding(call.Unit, key, entry, bytes, args.Count - 2);
        for (var i = 2; i < args.Count; i++)
            entry = ListValue.Push(call.Unit, key, entry, end, ListpackElement.Of(args[i]));
        Changed(call.Unit, key, args.Count - 2);
        NotifyPushed(call.Unit, key, end);
        call.Reply.Integer(ListValue.Length(entry));
    }

    private static void NotifyPushed(Unit unit, in Key key, ListEnd end) =>
        unit.Notify(NotifyClasses.List, end == ListEnd.Left ? "lpush"u8 : "rpush"u8, key);

    private static void NotifyPopped(Unit unit, in Key key, ListEnd end, bool isGone) =>
        unit.Notify(NotifyClasses.List, end == ListEnd.Left ? "lpop"u8 : "rpop"u8, key, isGone);

    private static void PopFrom(ref Call call, ListEnd end)
    {
        if (call.Args.Count > 3)
        {
            ErrorTexts.WriteArity(call.Reply, call.Spec);
            return;
        }

        var hasCount = call.Args.Count == 3;
        var count = 1L;
        if (hasCount && !call.TryPositive(2, out count)) return;
        var key = call.Key(1);
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.List)) return;
        if (entry.IsMissing)
        {
            if (hasCount) call.Reply.NullArray();
            else call.Reply.Null();
        }
        else if (!hasCount)
        {
            Pop(call.Unit, call.Reply, key, entry, end);
        }
        else if (count == 0)
        {
            call.Reply.Array(0);
        }
        else
        {
            PopRange(call.Unit, call.Reply, key, entry, end, Math.Min(count, ListValue.Length(entry)));
        }
    }

    // Apart from the pop of one element, which is to stay short.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void PopRange(Unit unit, ReplyWriter reply, in Key key, in Entry entry, ListEnd end, long count)
    {
        var isBackwards = end == ListEnd.Right;
        ReplyRange(reply, entry, isBackwards ? ListValue.Length(entry) - 1 : 0, count, isBackwards);
        var isGone = ListValue.Drop(unit, key, entry, end, count);
        Changed(unit, key, count);
        NotifyPopped(unit, key, end, isGone);
    }

    private static void MoveBetween(ref Call call, ListEnd from, ListEnd to)
    {
        var source = call.Key(1);
        var entry = call.Write(1);
        if (entry.IsMissing)
        {
            call.Reply.Null();
            return;
        }

        if (!call.IsTypeOrMissing(entry, ValueType.List)) return;
        var target = call.Key(2);
        var other = call.Write(2);
        if (!call.IsTypeOrMissing(other, ValueType.List)) return;
        Move(call.Unit, call.Reply, source, entry, from, target, other, to);
    }

    // The element goes back into the list that it is read from: its text is copied first.
    private static void Rotate(Unit unit, in Key key, in Entry entry, ListEnd from, ListpackElement element)
    {
        if (element.IsInteger)
        {
            ListValue.Rotate(unit, key, entry, from, ListpackElement.Of(element.Integer));
            return;
        }

        var text = element.Bytes;
        byte[]? rented = null;
        Span<byte> copy = text.Length <= MaxCopiedOnStack
            ? stackalloc byte[MaxCopiedOnStack]
            : rented = ArrayPool<byte>.Shared.Rent(text.Length);
        text.CopyTo(copy);
        ListValue.Rotate(unit, key, entry, from, ListpackElement.Of(copy[..text.Length]));
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
    }

    private static void ReplyRange(ReplyWriter reply, in Entry entry, long first, long count, bool isBackwards)
    {
        reply.Array((int)Math.Min(count, int.MaxValue));
        using var cursor = ListValue.Walk(entry, first, isBackwards);
        for (; count > 0 && cursor.TryNext(out var element); count--) ReplyElement(reply, element);
    }

    // Makes of two indexes, which may be counted from the end, a range that lies in the list; false when it is empty.
    private static bool TryClamp(ref long start, ref long stop, long length)
    {
        if (start < 0) start = Math.Max(start + length, 0);
        if (stop < 0) stop += length;
        if (start > stop || start >= length) return false;
        stop = Math.Min(stop, length - 1);
        return true;
    }

    private static bool TryReadSearch(in Call call, out Search search)
    {
        search = new Search { Rank = 1, Count = -1 };
        for (var at = 3; at < call.Args.Count; at += 2)
        {
            var hasValue = at + 1 < call.Args.Count;
            if (hasValue && call.Is(at, "RANK"u8))
            {
                if (!TryReadRank(call, at + 1, out search.Rank)) return false;
            }
            else if (hasValue && call.Is(at, "COUNT"u8))
            {
                if (!TryReadNatural(call, at + 1, "ERR COUNT can't be negative"u8, out search.Count)) return false;
            }
            else if (hasValue && call.Is(at, "MAXLEN"u8))
            {
                if (!TryReadNatural(call, at + 1, "ERR MAXLEN can't be negative"u8, out search.MaxLength)) return false;
            }
            else
            {
                call.Reply.Error(ErrorTexts.Syntax);
                return false;
            }
        }

        return true;
    }

    private static bool TryReadRank(in Call call, int at, out long rank)
    {
        if (!call.TryInteger(at, out rank)) return false;
        if (rank is not (0 or long.MinValue)) return true;
        call.Reply.Error(rank != 0
            ? ErrorTexts.OutsideSymmetricRange
            : "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... "u8
                + "or use negative to start from the end of the list"u8);
        return false;
    }

    private static bool TryReadNatural(in Call call, int at, ReadOnlySpan<byte> error, out long value)
    {
        if (Numbers.TryParseInt64(call.Args[at], out value) && value >= 0) return true;
        call.Reply.Error(error);
        return false;
    }

    private static void ReplyPositions(in Call call, in Entry entry, Search search)
    {
        var reply = call.Reply;
        var mark = reply.BeginDeferred();
        var found = 0;
        var element = ListpackElement.Of(call.Args[2]);
        var matches = new Matches(entry, element, search);
        while (matches.TryNext(out var position))
        {
            reply.Integer(position);
            found++;
            if (search.Count > 0 && found >= search.Count) break;
        }

        matches.Dispose();
        reply.EndDeferredArray(mark, found);
    }

    private static bool TryFindPosition(in Entry entry, ListpackElement element, Search search, out long position)
    {
        var matches = new Matches(entry, element, search);
        var isFound = matches.TryNext(out position);
        matches.Dispose();
        return isFound;
    }

    /// <summary>Tells of the second key that a move changes; only one change is counted.</summary>
    internal static void Touched(Unit unit, in Key key)
    {
        unit.Changed(key);
        unit.ChangedMany(-1);
    }

    /// <summary>Counts changes of a list.</summary>
    internal static void Changed(Unit unit, in Key key, long changes)
    {
        unit.Changed(key);
        unit.ChangedMany(changes - 1);
    }

    /// <summary>What LMPOP asks for.</summary>
    /// <param name="FirstKey">The argument that is the first key.</param>
    /// <param name="Keys">How many keys, one behind the other.</param>
    /// <param name="End">Where elements are taken from.</param>
    /// <param name="Count">The most elements.</param>
    internal readonly record struct PopManyOptions(int FirstKey, int Keys, ListEnd End, long Count);

    private struct Search
    {
        /// <summary>Which match is the first; negative ones are counted from the end.</summary>
        public long Rank;

        /// <summary>The most matches, 0 for all, -1 when one position and no array is asked for.</summary>
        public long Count;

        /// <summary>The most elements to look at; 0 for all.</summary>
        public long MaxLength;
    }

    /// <summary>The positions of elements that equal one.</summary>
    private ref struct Matches
    {
        private readonly ListpackElement _element;
        private readonly long _length;
        private readonly bool _isBackwards;
        private ListCursor _cursor;
        private long _looked;
        private long _left;
        private long _skip;

        public Matches(in Entry entry, ListpackElement element, Search search)
        {
            _element = element;
            _length = ListValue.Length(entry);
            _isBackwards = search.Rank < 0;
            _skip = Math.Abs(search.Rank) - 1;
            _left = search.MaxLength == 0 ? long.MaxValue : search.MaxLength;
            _cursor = ListValue.Walk(entry, _isBackwards ? _length - 1 : 0, _isBackwards);
        }

        public bool TryNext(out long position)
        {
            while (_left > 0 && _cursor.TryNext(out var one))
            {
                _left--;
                position = _isBackwards ? _length - 1 - _looked : _looked;
                _looked++;
                if (!one.SameAs(_element)) continue;
                if (_skip == 0) return true;
                _skip--;
            }

            position = -1;
            return false;
        }

        public void Dispose() => _cursor.Dispose();
    }
}
