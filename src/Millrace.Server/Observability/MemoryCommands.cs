// MEMORY: where memory is, in numbers and in words, and giving back what is free.
//
// All but USAGE run while all loops stand still, so that the figures belong together.
// Source: Redis 7.2 documentation, "MEMORY" and its subcommands.

using System.Globalization;
using System.Text;
using Millrace.Commands;
using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Memory;
using Millrace.Resp;

namespace Millrace.Server.Observability;

/// <summary>The MEMORY family.</summary>
/// <param name="parts">The parts of a server.</param>
/// <param name="statistics">Sums over loops.</param>
public sealed class MemoryCommands(ServerParts parts, ServerStatistics statistics)
{
    // At some 80 ns each less than a millisecond for all heaps together.
    private const int MaxLooks = 8192;

    private readonly ServerParts _parts = parts;
    private readonly ServerStatistics _statistics = statistics;

    /// <summary>The family's commands.</summary>
    public IEnumerable<CommandSpec> All() =>
    [
        new("memory", -2, null)
        {
            Summary = "A container for memory diagnostics commands.",
            Since = "4.0.0",
            Complexity = "Depends on subcommand.",
            Group = "server",
            Subcommands =
            [
                OfServer("doctor", Doctor, "Returns advice on memory.", "response_policy:special"),
                new("help", 2, Help)
                {
                    Flags = CommandFlags.Loading | CommandFlags.Stale,
                    Summary = "Returns a short text about the subcommands.",
                    Since = "4.0.0",
                    Complexity = "O(1)",
                    Group = "server",
                },
                OfServer(
                    "malloc-stats", MallocStats, "Returns what the allocator knows of itself.",
                    "response_policy:special"),
                OfServer(
                    "purge", Purge, "Gives memory that is free back to the system.", "response_policy:all_succeeded"),
                OfServer("stats", Stats, "Returns where memory is.", "response_policy:special"),
                new("usage", -3, Usage)
                {
                    Flags = CommandFlags.ReadOnly,
                    Keys = [KeySpec.One(KeyFlags.RO, 2)],
                    Syntax = "key [SAMPLES count:integer]",
                    Summary = "Returns how many bytes a key takes with its value.",
                    Since = "4.0.0",
                    Complexity = "O(N) where N is the number of samples.",
                    Group = "server",
                },
            ],
        },
    ];

    private static CommandSpec OfServer(string name, CommandHandler handler, string summary, string policy) =>
        new(name, 2, handler)
        {
            Locks = LockScope.Quiesced,
            Summary = summary,
            Since = "4.0.0",
            Complexity = "O(N) where N is the number of clients and of databases in use.",
            Group = "server",
            Tips = name == "purge"
                ? ["request_policy:all_shards", policy]
                : ["nondeterministic_output", "request_policy:all_shards", policy],
        };

    private void Doctor(ref Call call) => call.Reply.Verbatim(
        "txt"u8, Encoding.ASCII.GetBytes(MemoryDoctor.Report(_statistics.Memory.Take())));

    private static void Help(ref Call call) => HelpText.Write(
        call.Reply,
        "MEMORY",
        [
            "DOCTOR", "What is remarkable about where memory is, and what can be done.",
            "MALLOC-STATS", "What the allocator knows of itself, as text.",
            "PURGE", "Give memory that is free back to the system.",
            "STATS", "Where memory is, in numbers.",
            "USAGE <key> [SAMPLES <count>]",
            "How many bytes a key takes with its value. Of a large collection, <count> members are looked at (5 unless "
                + "given) and stand for all; 0 looks at all of them, and the figure is exact.",
        ]);

    private void MallocStats(ref Call call)
    {
        var report = new HeapReport(MaxLooks / _parts.Keyspace.Shape.Partitions);
        var blocks = 0L;
        for (var i = 0; i < _parts.Keyspace.Shape.Partitions; i++)
        {
            _parts.Keyspace[i].Heap.AddTo(report);
            blocks += _parts.Keyspace[i].Heap.BlockCount;
        }

        var culture = CultureInfo.InvariantCulture;
        var memory = _parts.Memory;
        var text = new StringBuilder("___ Begin Millrace statistics ___\n");
        text.Append(culture, $"Region: {memory.RegionBytes} bytes of addresses, {Heap.MaxSmallBytes} bytes: the ");
        text.Append(culture, $"largest block in a span\nChunks with pages: {memory.CommittedBytes} bytes\n");
        text.Append(culture, $"Spans and blobs: {memory.UsedBytes} bytes\nHeaps: {_parts.Keyspace.Shape.Partitions}\n");
        text.Append(culture, $"Blocks: {blocks} of {_parts.Keyspace.UsedBytes} bytes\n");
        text.Append(culture, $"Looked at: {report.Looked} spans and blobs{(report.IsPartial ? ", not all" : "")}\n");
        text.Append(culture, $"Blobs: {report.Blobs} of {report.BlobBytes} bytes\nSpans:\n");
        text.Append("   block     spans         bytes      used      free   use\n");
        foreach (var (size, sum) in report.Sizes)
        {
            text.Append(culture, $"{size,8} {sum.Spans,9} {sum.Bytes,13} {sum.Used,9} {sum.Capacity - sum.Used,9} ");
            text.Append(culture, $"{MemoryFigures.Percent(sum.Used, sum.Capacity),4:F0}%\n");
        }

        text.Append("--- End Millrace statistics ---\n");
        call.Reply.Verbatim("txt"u8, Encoding.ASCII.GetBytes(text.ToString()));
    }

    private void Purge(ref Call call)
    {
        for (var i = 0; i < _parts.Keyspace.Shape.Partitions; i++) _parts.Keyspace[i].Heap.Trim();
        _parts.Memory.TrimSoon();
        call.Reply.Ok();
    }

    // In the order of Redis 7.2, with the fields on tables that came with 7.4 in their places.
    private void Stats(ref Call call)
    {
        var memory = _statistics.Memory.Take();
        var reply = call.Reply;
        reply.Map(30 + memory.Databases.Count);
        Number(reply, "peak.allocated"u8, memory.Peak);
        Number(reply, "total.allocated"u8, memory.Used);
        Number(reply, "startup.allocated"u8, memory.AtStart);
        Number(reply, "replication.backlog"u8, 0);
        Number(reply, "clients.slaves"u8, 0);
        Number(reply, "clients.normal"u8, memory.ClientBytes);
        Number(reply, "cluster.links"u8, 0);
        Number(reply, "aof.buffer"u8, 0);
        Number(reply, "lua.caches"u8, 0);
        Number(reply, "functions.caches"u8, 0);
        foreach (var one in memory.Databases) WriteDatabase(reply, one);
        Number(reply, "overhead.db.hashtable.lut"u8, memory.Databases.Sum(static one => one.KeyTables));
        Number(reply, "overhead.db.hashtable.rehashing"u8, 0);
        Number(reply, "overhead.total"u8, memory.Overhead);
        Number(reply, "db.dict.rehashing.count"u8, 0);
        Number(reply, "keys.count"u8, memory.Keys);
        Number(reply, "keys.bytes-per-key"u8, memory.Keys == 0 ? 0 : memory.Net / memory.Keys);
        Number(reply, "dataset.bytes"u8, memory.Dataset);
        Number(reply, "dataset.percentage"u8, MemoryFigures.Percent(memory.Dataset, memory.Net));
        Number(reply, "peak.percentage"u8, MemoryFigures.Percent(memory.Used, memory.Peak));
        Number(reply, "allocator.allocated"u8, memory.Used);
        Number(reply, "allocator.active"u8, memory.Active);
        Number(reply, "allocator.resident"u8, memory.Committed);
        Number(reply, "allocator-fragmentation.ratio"u8, MemoryFigures.Ratio(memory.Active, memory.Used));
        Number(reply, "allocator-fragmentation.bytes"u8, memory.Active - memory.Used);
        Number(reply, "allocator-rss.ratio"u8, MemoryFigures.Ratio(memory.Committed, memory.Active));
        Number(reply, "allocator-rss.bytes"u8, memory.Committed - memory.Active);
        Number(reply, "rss-overhead.ratio"u8, MemoryFigures.Ratio(memory.Resident, memory.Committed));
        Number(reply, "rss-overhead.bytes"u8, memory.Resident - memory.Committed);
        Number(reply, "fragmentation"u8, MemoryFigures.Ratio(memory.Resident, memory.Used));
        Number(reply, "fragmentation.bytes"u8, memory.Resident - memory.Used);
    }

    private static void WriteDatabase(ReplyWriter reply, DatabaseOverhead one)
    {
        reply.Bulk(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"db.{one.Database}")));
        reply.Map(3);
        Number(reply, "overhead.hashtable.main"u8, one.KeyTables);
        Number(reply, "overhead.hashtable.expires"u8, one.DeadlineIndexes);
        Number(reply, "overhead.hashtable.slot-to-keys"u8, 0);
    }

    private static void Number(ReplyWriter reply, ReadOnlySpan<byte> name, long value)
    {
        reply.Bulk(name);
        reply.Integer(value);
    }

    private static void Number(ReplyWriter reply, ReadOnlySpan<byte> name, double value)
    {
        reply.Bulk(name);
        reply.Double(value);
    }

    private static void Usage(ref Call call)
    {
        long samples = Value.UsualSamples;
        for (var i = 3; i < call.Args.Count; i += 2)
        {
            if (!call.Is(i, "SAMPLES"u8) || i + 1 == call.Args.Count)
            {
                call.Reply.Error(ErrorTexts.Syntax);
                return;
            }

            if (!call.TryInteger(i + 1, out samples)) return;
            if (samples >= 0) continue;
            call.Reply.Error(ErrorTexts.Syntax);
            return;
        }

        var key = call.Key(2);
        var entry = call.Unit.Find(key, Access.Peek);
        if (entry.IsMissing) call.Reply.Null();
        else call.Reply.Integer(Value.SizeBytes(call.Unit.PartitionFor(key).Heap, entry, samples));
    }
}
