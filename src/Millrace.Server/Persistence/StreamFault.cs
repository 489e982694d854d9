using System.Text;
using Millrace.Engine.Codec;
using Millrace.Memory;

namespace Millrace.Server.Persistence;

/// <summary>
/// Looks through a stream that was refused for one thing that has words of its own in Redis's log: a consumer of a
/// group that comes twice.
/// </summary>
/// <remarks>
/// The parts of a stream are drawn at the codec of streams. O(bytes); memory for the names of one group. Whatever else
/// is wrong ends the look.
/// </remarks>
internal static class StreamFault
{
    private const int IdBytes = 16;

    /// <summary>Whether the value has a group with two consumers of one name.</summary>
    /// <param name="value">Behind the type.</param>
    /// <param name="type">A type of streams.</param>
    /// <param name="heap">Lends memory for names.</param>
    public static bool HasDuplicateConsumer(ReadOnlySpan<byte> value, RdbType type, Heap heap)
    {
        var reader = new ValueReader(value, heap);
        if (!TrySkipNodes(ref reader)) return false;
        if (!TrySkipNumbers(ref reader, type == RdbType.StreamOfFive ? 3 : 8)) return false;
        if (!reader.TryLength(out var groups)) return false;
        var room = default(TextRoom);
        var isFound = false;
        for (; groups > 0 && !isFound; groups--)
        {
            if (!TryReadGroup(ref reader, type, ref room, out isFound)) break;
        }

        room.Dispose();
        return isFound;
    }

    private static bool TrySkipNodes(scoped ref ValueReader reader)
    {
        if (!reader.TryLength(out var nodes)) return false;
        for (; nodes > 0; nodes--)
        {
            for (var texts = 0; texts < 2; texts++)
            {
                if (!reader.TryText(out var text) || !reader.TrySkip(text)) return false;
            }
        }

        return true;
    }

    private static bool TrySkipNumbers(scoped ref ValueReader reader, int numbers)
    {
        for (; numbers > 0; numbers--)
        {
            if (!reader.TryLength(out _)) return false;
        }

        return true;
    }

    // False when it cannot be read to its end.
    private static bool TryReadGroup(
        scoped ref ValueReader reader, RdbType type, scoped ref TextRoom room, out bool hasDuplicate)
    {
        hasDuplicate = false;
        Span<byte> id = stackalloc byte[IdBytes];
        if (!reader.TryText(out var name) || !reader.TrySkip(name)) return false;
        if (!TrySkipNumbers(ref reader, type == RdbType.StreamOfFive ? 2 : 3)) return false;
        if (!reader.TryLength(out var pending)) return false;
        for (; pending > 0; pending--)
        {
            if (!reader.TryBytes(id) || !reader.TryInt64(out _) || !reader.TryLength(out _)) return false;
        }

        if (!reader.TryLength(out var consumers)) return false;
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (; consumers > 0; consumers--)
        {
            if (!reader.TryReadText(ref room, out var consumer)) return false;
            hasDuplicate = !names.Add(Encoding.Latin1.GetString(consumer));
            if (hasDuplicate) return true;
            if (!reader.TryInt64(out _) || (type == RdbType.Stream && !reader.TryInt64(out _))) return false;
            if (!reader.TryLength(out var owned)) return false;
            for (; owned > 0; owned--)
            {
                if (!reader.TryBytes(id)) return false;
            }
        }

        return true;
    }
}
