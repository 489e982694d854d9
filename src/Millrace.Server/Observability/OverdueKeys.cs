using Millrace.Engine;
using Millrace.Memory;

namespace Millrace.Server.Observability;

/// <summary>Keys whose time has come and that are still there: the less, the better active expiry keeps up.</summary>
internal static class OverdueKeys
{
    /// <summary>No more than so many are counted: many more than this are due only while active expiry is
    /// off.</summary>
    public const int MaxCounted = 4096;

    /// <summary>How many percent of the keys with a deadline they are. All loops stand still.</summary>
    public static double Percent(Keyspace keyspace, long nowMs)
    {
        var counter = new Counter(nowMs);
        var withDeadline = 0L;
        for (var i = 0; i < keyspace.Shape.Partitions; i++)
        {
            for (var database = 0; database < keyspace.Shape.Databases; database++)
            {
                if (keyspace[i].Table(database) is not { } table) continue;
                withDeadline += table.DeadlineCount;
                table.Deadlines.VisitFrom(0, 0, ref counter);
            }
        }

        return withDeadline == 0 ? 0 : 100.0 * counter.Count / withDeadline;
    }

    private struct Counter(long nowMs) : IRecordVisitor<IndexKey>
    {
        public int Count;

        public bool Visit(in IndexKey record)
        {
            if ((long)record.High >= nowMs || Count == MaxCounted) return false;
            Count++;
            return true;
        }
    }
}
