// HSCAN.
//
// A packed hash is shown whole, with cursor 0. A large one is walked bucket by bucket with the cursor of its table,
// until COUNT fields have been met or ten times as many buckets (Redis's bound for sparse tables).
// Source: Redis 7.2 documentation, "SCAN"; NOVALUES: Redis 7.4 documentation, "HSCAN".

using Millrace.Engine;
using Millrace.Engine.Values;

namespace Millrace.Commands.Families;

/// <summary>Walking a hash in steps.</summary>
internal static class HashScan
{
    /// <summary>The command.</summary>
    internal static void HScan(ref Call call)
    {
        if (!KeyScan.TryReadCursor(call.Args[2], out var cursor))
        {
            call.Reply.Error("ERR invalid cursor"u8);
            return;
        }

        if (!HashCommands.TryRead(call, out var entry)) return;
        if (entry.IsMissing)
        {
            WriteHead(call, 0, 0);
            return;
        }

        if (!TryReadOptions(call, out var count, out var pattern, out var withValues)) return;
        var found = new HashPlaces(pattern, hasPattern: !Glob.MatchesAll(pattern));
        cursor = Walk(entry, call.Unit.NowMs, cursor, count, ref found);
        WriteHead(call, cursor, withValues ? 2L * found.Count : found.Count);
        for (var i = 0; i < found.Count; i++)
        {
            var item = HashValue.ItemAt(entry, found[i]);
            HashCommands.ReplyText(call, item.Name);
            if (withValues) HashCommands.ReplyText(call, item.Value);
        }

        found.Release();
    }

    private static ulong Walk(in Entry entry, long nowMs, ulong cursor, long count, ref HashPlaces found)
    {
        if (HashValue.IsPacked(entry))
        {
            HashValue.Walk(entry, nowMs, ref found);
            return 0;
        }

        var buckets = count > long.MaxValue / 10 ? long.MaxValue : count * 10;
        do
        {
            cursor = HashValue.Scan(entry, nowMs, cursor, ref found);
            buckets--;
        }
        while (cursor != 0 && buckets > 0 && found.Met < count);
        return cursor;
    }

    private static void WriteHead(in Call call, ulong cursor, long elements)
    {
        call.Reply.Array(2);
        call.Reply.BulkInteger((long)cursor);
        call.Reply.Array((int)elements);
    }

    private static bool TryReadOptions(
        in Call call, out long count, out ReadOnlySpan<byte> pattern, out bool withValues)
    {
        const long DefaultCount = 10;
        count = DefaultCount;
        pattern = "*"u8;
        withValues = true;
        for (var at = 3; at < call.Args.Count; at++)
        {
            var hasArgument = at + 1 < call.Args.Count;
            if (call.Is(at, "NOVALUES"u8))
            {
                withValues = false;
            }
            else if (hasArgument && call.Is(at, "MATCH"u8))
            {
                pattern = call.Args[++at];
            }
            else if (hasArgument && call.Is(at, "COUNT"u8))
            {
                if (!call.TryInteger(++at, out count)) return false;
                if (count < 1) return Refuse(call);
            }
            else
            {
                return Refuse(call);
            }
        }

        return true;
    }

    private static bool Refuse(in Call call)
    {
        call.Reply.Error(ErrorTexts.Syntax);
        return false;
    }
}
