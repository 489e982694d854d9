using System.Runtime.InteropServices;

namespace Millrace.Engine;

/// <summary>
/// What one loop has to know of the partitions that it looks after, on a line of its own: a loop asks in every turn
/// whether there is work, and must not have to touch all their lines for the answer.
/// </summary>
/// <remarks>
/// Partition i is looked after by loop i modulo the number of loops. Anybody who holds one of the loop's partitions
/// writes here, so all writes are interlocked. Invariant: <see cref="SoonestMs"/> is never later than the next deadline
/// of any of the partitions; it may be earlier, until the loop surveys them (<see cref="Keyspace.SurveyUpkeep"/>).
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public struct UpkeepLine
{
    /// <summary>The earliest deadline of any key or member, in Unix milliseconds; <see cref="long.MaxValue"/> when
    /// there is none.</summary>
    public long SoonestMs;

    /// <summary>How many tables and large values wait to be freed.</summary>
    public int Discarded;

    /// <summary>How many partitions have keys that went because their time had come, and somebody to be told so
    /// (<see cref="AwaitedKeys.HasLost"/>).</summary>
    public int Lost;

    /// <summary>Notes a deadline. Any thread that holds the partition.</summary>
    internal static void Lower(ref UpkeepLine line, long deadlineMs)
    {
        var soonest = Volatile.Read(ref line.SoonestMs);
        while (deadlineMs < soonest)
        {
            var before = Interlocked.CompareExchange(ref line.SoonestMs, deadlineMs, soonest);
            if (before == soonest) return;
            soonest = before;
        }
    }
}
