using Millrace.Engine;
using Millrace.Engine.Codec;
using Millrace.Engine.Values;
using Millrace.Memory;
using Millrace.Persistence.Files;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Persistence.Rdb;

/// <summary>
/// Writes a whole keyspace as an RDB file while nobody else runs: database by database, table by table, entry by entry,
/// with the memory of one buffer.
/// </summary>
/// <remarks>
/// Members that have expired are left out, keys are not (<see cref="RdbWriter.IsWritten"/>). O(data).
/// </remarks>
public static class KeyspaceSave
{
    /// <summary>The format in which everything that a keyspace holds can be written: version 12 instead of 11 when
    /// there are hashes whose fields have deadlines. O(partitions x databases, and streams that remember producers);
    /// all partitions are held.</summary>
    /// <param name="keyspace">The keyspace.</param>
    /// <param name="usual">The format without such hashes; version 10 stays as it is, for whoever asks for it has
    /// readers of that.</param>
    public static RdbFormat FormatFor(Keyspace keyspace, RdbFormat usual)
    {
        ArgumentNullException.ThrowIfNull(keyspace);
        if (usual.Version != RdbFormat.UsualVersion) return usual;
        for (var database = 0; database < keyspace.Shape.Databases; database++)
        {
            for (var i = 0; i < keyspace.Shape.Partitions; i++)
            {
                if (keyspace[i].Table(database) is { } table && HasFieldDeadlines(table))
                    return usual with { Version = RdbFormat.LatestVersion };
            }
        }

        return usual;
    }

    /// <summary>Writes magic, contents, all keys and the end, without the checksum. Null, or why there can be no such
    /// file; what went wrong with the disk is <see cref="RdbOutput.Fault"/>.</summary>
    /// <param name="unit">Holds all partitions; its time says what has expired.</param>
    /// <param name="format">What may be written.</param>
    /// <param name="contents">What stands beside the keys.</param>
    /// <param name="output">Where to.</param>
    /// <param name="keyDelayMicroseconds">As <see cref="RdbSaveOptions"/> says.</param>
    public static string? Write(
        Unit unit, RdbFormat format, RdbContents contents, RdbOutput output, Func<int>? keyDelayMicroseconds = null)
    {
        ArgumentNullException.ThrowIfNull(unit);
        ArgumentNullException.ThrowIfNull(contents);
        ArgumentNullException.ThrowIfNull(output);
        var keyspace = unit.Keyspace;
        var writer = new RdbWriter(output, format, UseRecord.For(keyspace));
        writer.Begin();
        contents.Write(writer);
        var delay = new KeyDelay(keyDelayMicroseconds, static () => false);
        for (var database = 0; database < keyspace.Shape.Databases; database++)
        {
            var (keys, deadlines) = Count(keyspace, database);
            if (keys == 0) continue;
            writer.Database(database, keys, deadlines);
            for (var i = 0; i < keyspace.Shape.Partitions; i++)
            {
                if (keyspace[i].Table(database) is not { } table) continue;
                var walker = new EntrySaver(writer, output, keyspace[i].Heap, unit.NowMs, delay);
                table.Entries.Walk(ref walker);
                if (walker.Refused is { } refused)
                {
                    return $"Not saved: RDB version {format.Version} has no form for the value of the key '{refused}' "
                        + $"in DB {database}. A hash whose fields have deadlines needs rdb-version 11";
                }

                if (!output.Fault.IsNone) return null;
            }
        }

        writer.End();
        return null;
    }

    private static bool HasFieldDeadlines(KeyTable table)
    {
        // Those of a stream's producers stand there, too, and are not written.
        var (deadline, hash) = (0UL, 0UL);
        while (table.MemberDeadlines.TryAtLeast(ref deadline, ref hash))
        {
            if (table.FindMemberDue(hash, (long)deadline).Type == ValueType.Hash) return true;
            if (hash++ == ulong.MaxValue) deadline++;
        }

        return false;
    }

    internal static (long Keys, long Deadlines) Count(Keyspace keyspace, int database)
    {
        var (keys, deadlines) = (0L, 0L);
        for (var i = 0; i < keyspace.Shape.Partitions; i++)
        {
            if (keyspace[i].Table(database) is not { } table) continue;
            keys += table.Count;
            deadlines += table.DeadlineCount;
        }

        return (keys, deadlines);
    }

    private struct EntrySaver(RdbWriter writer, RdbOutput output, Heap heap, long nowMs, KeyDelay delay)
        : IEntryWalker
    {
        internal string? Refused { get; private set; }

        public readonly bool IsDone => Refused is not null || !output.Fault.IsNone;

        public void Visit(BlockRef block)
        {
            var entry = new Entry(heap, block);
            if (!RdbWriter.IsWritten(entry, nowMs)) return;
            // One that has expired is left out: nobody misses it.
            if (!writer.TryEntry(heap, entry, nowMs) && !Value.IsExpired(entry, nowMs))
                Refused ??= ShownText.Of(entry.Key);
            delay.Note(1);
            delay.Sleep();
        }
    }
}
