// The keyspace as a whole: listing, walking, sampling, counting, emptying and exchanging databases.
//
// All but two hold every partition. SCAN and RANDOMKEY hold one partition at a time, so they never stop the others.
//
//     SCAN's cursor    bits 0 .. n-1   the partition (n = log2 of their number, 0 with one partition)
//                           n .. n+47  the table's own cursor
//
// Partitions are walked in ascending order, and a key never changes its partition: so what the table promises holds for
// the database. Any number is a valid cursor; one that we never gave out starts somewhere.
// Source: Redis 7.2 documentation, "SCAN", "RANDOMKEY", "FLUSHDB", "SWAPDB".

using Millrace.Engine;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Commands.Families;

/// <summary>The commands on whole databases.</summary>
public static class KeyspaceCommands
{
    /// <summary>How many keys RANDOMKEY looks at while expired ones must stay.</summary>
    private const int MaxRandomTries = 100;

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("dbsize", 1, DbSize)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Keyspace,
            Locks = LockScope.All,
            Summary = "Returns the number of keys in the selected database.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "server",
            Tips = ["request_policy:all_shards", "response_policy:agg_sum"],
        },
        new("flushall", -1, FlushAll)
        {
            Flags = Write,
            Categories = AclCategories.Keyspace | AclCategories.Dangerous,
            Locks = LockScope.All,
            Syntax = "[ASYNC | SYNC]",
            Summary = "Removes all keys of all databases.",
            Since = "1.0.0",
            Complexity = "O(1); freeing the memory is spread over time unless SYNC is given.",
            Group = "server",
            History =
            [
                ("4.0.0", "Added the `ASYNC` flushing mode modifier."),
                ("6.2.0", "Added the `SYNC` flushing mode modifier."),
            ],
            Tips = ["request_policy:all_shards", "response_policy:all_succeeded"],
        },
        new("flushdb", -1, FlushDb)
        {
            Flags = Write,
            Categories = AclCategories.Keyspace | AclCategories.Dangerous,
            Locks = LockScope.All,
            Syntax = "[ASYNC | SYNC]",
            Summary = "Removes all keys of the selected database.",
            Since = "1.0.0",
            Complexity = "O(1); freeing the memory is spread over time unless SYNC is given.",
            Group = "server",
            History =
            [
                ("4.0.0", "Added the `ASYNC` flushing mode modifier."),
                ("6.2.0", "Added the `SYNC` flushing mode modifier."),
            ],
            Tips = ["request_policy:all_shards", "response_policy:all_succeeded"],
        },
        new("keys", 2, Keys)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Keyspace | AclCategories.Dangerous,
            Locks = LockScope.All,
            Syntax = "pattern:pattern",
            Summary = "Returns the names of all keys that match a pattern.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the number of keys in the database.",
            Group = "generic",
            Tips = ["request_policy:all_shards", "nondeterministic_output_order"],
        },
        new("randomkey", 1, RandomKey)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Keyspace,
            Locks = LockScope.Handler,
            Summary = "Returns the name of a key of the database, chosen at random.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "generic",
            Tips = ["request_policy:all_shards", "nondeterministic_output"],
        },
        new("scan", -2, Scan)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Keyspace,
            Locks = LockScope.Handler,
            Syntax = "cursor:integer [MATCH pattern:pattern] [COUNT count:integer] [TYPE type:string]",
            Summary = "Walks over the names of all keys of the database, a few with each call.",
            Since = "2.8.0",
            Complexity = "O(1) for each call, O(N) for a whole walk, where N is the number of keys in the database.",
            Group = "generic",
            History = [("6.0.0", "Added the `TYPE` subcommand.")],
            Tips = ["nondeterministic_output", "request_policy:special"],
        },
        new("swapdb", 3, SwapDb)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Keyspace | AclCategories.Dangerous,
            Locks = LockScope.All,
            Syntax = "index1:integer index2:integer",
            Summary = "Exchanges two databases.",
            Since = "4.0.0",
            Complexity = "O(1) for each partition.",
            Group = "server",
        },
    ];

    private static void DbSize(ref Call call)
    {
        var sum = 0L;
        for (var i = 0; i < call.Unit.Keyspace.Shape.Partitions; i++)
            sum += call.Unit.Keyspace[i].Table(call.Caller.Database)?.Count ?? 0;
        call.Reply.Integer(sum);
    }

    private static void FlushAll(ref Call call)
    {
        if (!TryReadFlushMode(call, out var freesAtOnce)) return;
        var listener = call.Unit.IsLoading ? null : call.Unit.Keyspace.FlushListener; // the RDB file is not concerned
        listener?.Flushing();
        Flush(call, 0, call.Unit.Keyspace.Shape.Databases, freesAtOnce);
        listener?.Flushed(call.Unit);
        call.Reply.Ok();
    }

    private static void FlushDb(ref Call call)
    {
        if (!TryReadFlushMode(call, out var freesAtOnce)) return;
        Flush(call, call.Caller.Database, call.Caller.Database + 1, freesAtOnce);
        call.Reply.Ok();
    }

    private static void Keys(ref Call call)
    {
        var keyspace = call.Unit.Keyspace;
        var database = call.Caller.Database;
        Span<int> ends = stackalloc int[KeyspaceShape.MaxPartitions];
        var matches = new KeyMatches(call.Args[1], call.Unit.NowMs);
        for (var i = 0; i < keyspace.Shape.Partitions; i++)
        {
            if (keyspace[i].Table(database) is { } table) matches.Collect(keyspace[i].Heap, table);
            ends[i] = matches.Count;
        }

        call.Reply.Array(matches.Count);
        var at = 0;
        for (var i = 0; i < keyspace.Shape.Partitions; i++)
        {
            for (; at < ends[i]; at++) call.Reply.Bulk(new Entry(keyspace[i].Heap, matches[at]).Key);
        }

        matches.Release();
    }

    private static void RandomKey(ref Call call)
    {
        var walk = new PartitionWalk(call);
        Span<long> counts = stackalloc long[KeyspaceShape.MaxPartitions];
        var tries = 0;
        for (var total = CountKeys(walk, counts); total > 0; total = CountKeys(walk, counts))
        {
            var chosen = PartitionAt(counts, RandomDraw.Below(call.Unit, total));
            walk.Enter(chosen);
            var found = TryReplyRandom(call, walk, chosen, ++tries >= MaxRandomTries);
            walk.Leave();
            if (found) return;
        }

        call.Reply.Null();
    }

    private static void Scan(ref Call call)
    {
        if (!KeyScan.TryReadCursor(call.Args[1], out var cursor))
        {
            call.Reply.Error("ERR invalid cursor"u8);
            return;
        }

        if (!KeyScanOptions.TryRead(call, 2, out var options)) return;
        var scan = new KeyScan(call, options);
        cursor = scan.Run(cursor);
        scan.WriteReply(cursor);
        scan.Release();
    }

    private static void SwapDb(ref Call call)
    {
        if (!TryReadIndex(call, 1, "ERR invalid first DB index"u8, out var first)) return;
        if (!TryReadIndex(call, 2, "ERR invalid second DB index"u8, out var second)) return;
        var databases = call.Unit.Keyspace.Shape.Databases;
        if (first < 0 || first >= databases || second < 0 || second >= databases)
        {
            call.Reply.Error(ErrorTexts.DatabaseOutOfRange);
            return;
        }

        call.Unit.Swap((int)first, (int)second);
        call.Unit.ChangedMany(1);
        call.Reply.Ok();
    }

    private static bool TryReadFlushMode(in Call call, out bool freesAtOnce)
    {
        freesAtOnce = call.Args.Count == 2 && call.Is(1, "SYNC"u8);
        if (call.Args.Count == 1 || freesAtOnce || (call.Args.Count == 2 && call.Is(1, "ASYNC"u8))) return true;
        call.Reply.Error(ErrorTexts.Syntax);
        return false;
    }

    private static void Flush(in Call call, int firstDatabase, int endDatabase, bool freesAtOnce)
    {
        const int FreedPerStep = 4096;
        var removed = 0L;
        for (var database = firstDatabase; database < endDatabase; database++)
            removed += call.Unit.Discard(database);
        for (var i = 0; i < call.Unit.Keyspace.Shape.Partitions; i++)
        {
            var partition = call.Unit.Keyspace[i];
            partition.RefreshNextDeadline();
            while (freesAtOnce && !partition.FreeDiscarded(FreedPerStep))
            {
            }
        }

        // Flushing nothing is a change too: replicas and the log are told, as Redis tells them.
        call.Unit.ChangedMany(Math.Max(1, removed));
    }

    private static long CountKeys(in PartitionWalk walk, Span<long> counts)
    {
        var total = 0L;
        for (var i = 0; i < walk.Count; i++)
        {
            walk.Enter(i);
            counts[i] = walk.Table(i)?.Count ?? 0;
            walk.Leave();
            total += counts[i];
        }

        return total;
    }

    private static int PartitionAt(ReadOnlySpan<long> counts, long index)
    {
        var partition = 0;
        for (; index >= counts[partition]; partition++) index -= counts[partition];
        return partition;
    }

    // Each expired key that is met is removed, so this ends. While expired keys must stay (writes are paused), each try
    // looks at one key, and the last one is content with an expired key: there may be no other.
    private static bool TryReplyRandom(in Call call, in PartitionWalk walk, int partition, bool isLastTry)
    {
        while (walk.Table(partition) is { Count: > 0 } table)
        {
            var entry = walk.EntryAt(partition, table.Entries.RandomEntry(RandomDraw.Word(call.Unit)));
            var mustStay = !call.Unit.RemovesExpired;
            if (!walk.IsExpired(entry) || (mustStay && isLastTry))
            {
                call.Reply.Bulk(entry.Key);
                return true;
            }

            if (mustStay) return false;
            walk.RemoveExpired(entry);
        }

        return false;
    }

    private static bool TryReadIndex(in Call call, int argIndex, ReadOnlySpan<byte> error, out long index)
    {
        var isInt32 = Numbers.TryParseInt64(call.Args[argIndex], out index)
            && index is >= int.MinValue and <= int.MaxValue;
        if (!isInt32) call.Reply.Error(error);
        return isInt32;
    }
}
