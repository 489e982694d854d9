using System.Globalization;

namespace Millrace.Server.Observability;

/// <summary>The tables and indexes of one database, without what they hold, in bytes.</summary>
/// <param name="Database">The database.</param>
/// <param name="KeyTables">The tables of keys.</param>
/// <param name="DeadlineIndexes">The indexes of deadlines, of keys and of members.</param>
internal readonly record struct DatabaseOverhead(int Database, long KeyTables, long DeadlineIndexes);

/// <summary>Where memory is, at one moment: the figures of INFO, MEMORY STATS and MEMORY DOCTOR.</summary>
/// <remarks>
/// <code>
///   Resident    what the system says of the whole process
///     Committed   chunks of native memory that have pages, used or kept for use
///       Active      spans and blobs that heaps hold, free blocks in spans included
///         Used        live blocks: data, exactly; maxmemory bounds it
///           Overhead    tables and indexes without what they hold
///           Dataset     everything else of it
///     ClientBytes   buffers of connections, and requests that are kept; in the managed heap, not in Committed
/// </code>
/// </remarks>
internal sealed record MemoryFigures
{
    /// <summary>Bytes of data.</summary>
    public required long Used { get; init; }

    /// <summary>What <see cref="Used"/> was before there was data.</summary>
    public required long AtStart { get; init; }

    /// <summary>The most that <see cref="Used"/> ever was.</summary>
    public required long Peak { get; init; }

    /// <summary>Resident bytes of the process.</summary>
    public required long Resident { get; init; }

    /// <summary>Bytes in spans and blobs.</summary>
    public required long Active { get; init; }

    /// <summary>Bytes of chunks with pages.</summary>
    public required long Committed { get; init; }

    /// <summary>Bytes held for clients.</summary>
    public required long ClientBytes { get; init; }

    /// <summary>The number of clients.</summary>
    public required long Clients { get; init; }

    /// <summary>The number of keys in all databases.</summary>
    public required long Keys { get; init; }

    /// <summary>The databases that have tables.</summary>
    public required IReadOnlyList<DatabaseOverhead> Databases { get; init; }

    /// <summary>Tables and indexes of all databases.</summary>
    public long Overhead => Databases.Sum(static one => one.KeyTables + one.DeadlineIndexes);

    /// <summary>Data without tables and indexes.</summary>
    public long Dataset => Used - Overhead;

    /// <summary>What has come since the start.</summary>
    public long Net => Used - AtStart;

    /// <summary>A part of a whole in percent; 0 of nothing.</summary>
    public static double Percent(long part, long whole) => whole <= 0 ? 0 : 100.0 * part / whole;

    /// <summary>The same as text.</summary>
    public static string PercentText(long part, long whole) =>
        Percent(part, whole).ToString("F2", CultureInfo.InvariantCulture) + "%";

    /// <summary>How many times a size is another one; 0 when that is nothing.</summary>
    public static double Ratio(long size, long of) => of <= 0 ? 0 : size / (double)of;
}

/// <summary>Takes the figures. All loops stand still.</summary>
/// <param name="parts">The server.</param>
/// <param name="statistics">Counts its clients.</param>
internal sealed class MemoryBooks(ServerParts parts, ServerStatistics statistics)
{
    private readonly long _usedAtStart = parts.Keyspace.UsedBytes;
    private readonly ProcessUsage _usage = new();

    /// <summary>Bytes of memory that the machine has; 0 when the system does not say.</summary>
    public long MachineBytes { get; } = ProcessUsage.MachineBytes();

    /// <summary>The figures as of now. O(clients and tables).</summary>
    public MemoryFigures Take()
    {
        var used = parts.Keyspace.UsedBytes;
        parts.MemoryPeak.Observe(used);
        var clients = statistics.Clients();
        var (databases, keys) = Tables();
        return new MemoryFigures
        {
            Used = used,
            AtStart = _usedAtStart,
            Peak = parts.MemoryPeak.Bytes,
            Resident = _usage.ResidentBytes(),
            Active = parts.Memory.UsedBytes,
            Committed = parts.Memory.CommittedBytes,
            ClientBytes = parts.Loops.Counters.BufferBytes + clients.KeptBytes,
            Clients = clients.Count,
            Keys = keys,
            Databases = databases,
        };
    }

    private (List<DatabaseOverhead> Databases, long Keys) Tables()
    {
        var databases = new List<DatabaseOverhead>();
        var allKeys = 0L;
        for (var database = 0; database < parts.Keyspace.Shape.Databases; database++)
        {
            var (keys, main, deadlines, hasTable) = (0L, 0L, 0L, false);
            for (var i = 0; i < parts.Keyspace.Shape.Partitions; i++)
            {
                if (parts.Keyspace[i].Table(database) is not { } table) continue;
                hasTable = true;
                keys += table.Count;
                main += table.Entries.TableBytes;
                deadlines += table.Deadlines.AllocatedBytes + table.MemberDeadlines.AllocatedBytes;
            }

            if (hasTable) databases.Add(new DatabaseOverhead(database, main, deadlines));
            allKeys += keys;
        }

        return (databases, allKeys);
    }
}
