// The subcommands of DEBUG that look at data as a whole: digests, and how full hash tables are.
//
// Source: replies of redis-server 7.0.15. HTSTATS has its form, with our own table's figures.

using System.Globalization;
using System.Text;
using Millrace.Commands;
using Millrace.Engine;
using Millrace.Engine.Values;

namespace Millrace.Server.Observability;

/// <summary>DEBUG DIGEST, DIGEST-VALUE, HTSTATS and HTSTATS-KEY. All partitions are held.</summary>
internal static class DebugKeyspace
{
    private const string NoStats = "No stats available for empty dictionaries\n";

    /// <summary>The digest of all data.</summary>
    public static void Digest(ref Call call)
    {
        var digest = default(DataDigest);
        digest.AddAll(call.Unit.Keyspace);
        Reply(ref call, digest);
    }

    /// <summary>The digest of each value, without its key; zeros for a missing one.</summary>
    public static void DigestValue(ref Call call)
    {
        call.Reply.Array(call.Args.Count - 2);
        for (var i = 2; i < call.Args.Count; i++)
        {
            var digest = default(DataDigest);
            var entry = call.Unit.Find(KeyAt(ref call, i), Access.Peek);
            if (!entry.IsMissing) digest.AddValue(entry);
            Reply(ref call, digest);
        }
    }

    /// <summary>How full the tables of a database are, all partitions together.</summary>
    public static void TableStats(ref Call call)
    {
        if (!call.TryInteger(2, out var database)) return;
        var keyspace = call.Unit.Keyspace;
        if (database < 0 || database >= keyspace.Shape.Databases)
        {
            call.Reply.Error("ERR Out of range database"u8);
            return;
        }

        var (slots, keys, deadlines) = (0L, 0L, 0L);
        for (var i = 0; i < keyspace.Shape.Partitions; i++)
        {
            if (keyspace[i].Table((int)database) is not { } table) continue;
            slots += table.Entries.SlotCount;
            keys += table.Count;
            deadlines += table.DeadlineCount;
        }

        // Deadlines are in a tree, which has as many places as it needs.
        Reply(ref call, $"[Dictionary HT]\n{Stats(slots, keys)}[Expires HT]\n{Stats(deadlines, deadlines)}");
    }

    /// <summary>How full the table of a large collection is.</summary>
    public static void TableStatsOfKey(ref Call call)
    {
        var entry = call.Unit.Find(KeyAt(ref call, 2), Access.Peek);
        if (entry.IsMissing)
            call.Reply.Error(ErrorTexts.NoSuchKey);
        else if (Value.TryCountSlots(entry, out var slots, out var members))
            Reply(ref call, Stats(slots, members));
        else
            call.Reply.Error("ERR The value stored at the specified key is not represented using an hash table"u8);
    }

    private static string Stats(long slots, long elements) => elements == 0
        ? "Hash table 0 stats (main hash table):\n" + NoStats
        : string.Create(
            CultureInfo.InvariantCulture,
            $"Hash table 0 stats (main hash table):\n table size: {slots}\n number of elements: {elements}\n");

    private static Key KeyAt(ref Call call, int argIndex)
    {
        var name = call.Args[argIndex];
        return new Key(call.Caller.Database, call.Unit.Keyspace.HashOf(name), name);
    }

    private static void Reply(ref Call call, DataDigest digest) =>
        call.Reply.Simple(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(digest.Bytes)));

    private static void Reply(ref Call call, string text) =>
        call.Reply.Verbatim("txt"u8, Encoding.ASCII.GetBytes(text));
}
