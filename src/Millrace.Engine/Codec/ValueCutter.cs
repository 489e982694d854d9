namespace Millrace.Engine.Codec;

/// <summary>
/// Finds where a value ends, and copies it as it is encoded to wherever somebody else reads it: a thread that cuts
/// values out of a file hands them to those that make them.
/// </summary>
/// <remarks>
/// Looks at lengths and counts alone. Whether a value is sound is for <see cref="ValueCodec.TryRead"/> to say, which
/// comes to the same end: what it would refuse for want of bytes is refused here, too, and what is copied is never
/// longer than what was read. Nothing is allocated.
/// Source: the forms are drawn where the types are read, in the codec of each.
/// </remarks>
public static class ValueCutter
{
    private const int IdBytes = 16;
    private const int LeastDeliveryBytes = IdBytes + sizeof(long) + 1;

    /// <summary>Copies a value without its type; false when it ends early or is none of the format.</summary>
    /// <param name="reader">Behind the type.</param>
    /// <param name="type">The type.</param>
    /// <param name="to">Where to.</param>
    public static bool TryCut(scoped ref ValueReader reader, RdbType type, scoped ref ValueWriter to)
    {
        switch (type)
        {
            case RdbType.String or RdbType.HashZipmap or RdbType.ListZiplist or RdbType.SetIntegers
                or RdbType.SortedSetZiplist or RdbType.HashZiplist or RdbType.HashListpack or RdbType.SortedSetListpack
                or RdbType.SetListpack or RdbType.HashDeadlinesListpackEarly:
                return reader.TryMoveText(ref to);
            case RdbType.HashDeadlinesListpack:
                return reader.TryMove(sizeof(long), ref to) && reader.TryMoveText(ref to);
            case RdbType.List or RdbType.Set or RdbType.ListOfZiplists:
                return TryCutParts(ref reader, new Part(1, Texts: 1), ref to);
            case RdbType.Hash:
                return TryCutParts(ref reader, new Part(2, Texts: 2), ref to);
            case RdbType.SortedSetTexts:
                return TryCutScored(ref reader, ref to);
            case RdbType.SortedSet:
                return TryCutParts(ref reader, new Part(2, Texts: 1, BytesBehind: sizeof(double)), ref to);
            case RdbType.ListOfListpacks:
                return TryCutParts(ref reader, new Part(1, Numbers: 1, Texts: 1), ref to);
            case RdbType.HashDeadlinesEarly:
                return TryCutParts(ref reader, new Part(3, Numbers: 1, Texts: 2), ref to);
            case RdbType.HashDeadlines:
                return reader.TryMove(sizeof(long), ref to)
                    && TryCutParts(ref reader, new Part(3, Numbers: 1, Texts: 2), ref to);
            case RdbType.HashDeadlinesOfValkey:
                return TryCutParts(ref reader, new Part(3, Texts: 2, BytesBehind: sizeof(long)), ref to);
            case RdbType.StreamOfFive or RdbType.StreamOfSevenZero or RdbType.Stream:
                return TryCutStream(ref reader, type, ref to);
            default:
                return false;
        }
    }

    private static bool TryCutParts(scoped ref ValueReader reader, Part part, scoped ref ValueWriter to)
    {
        if (!TryCutCount(ref reader, part.LeastBytes, ref to, out var count)) return false;
        for (; count > 0; count--)
        {
            if (!TryCutNumbers(ref reader, part.Numbers, ref to)) return false;
            for (var i = 0; i < part.Texts; i++)
            {
                if (!reader.TryMoveText(ref to)) return false;
            }

            if (!reader.TryMove(part.BytesBehind, ref to)) return false;
        }

        return true;
    }

    // A member and its score: a byte that says how long its text is, or what it is when it is no number of digits.
    private static bool TryCutScored(scoped ref ValueReader reader, scoped ref ValueWriter to)
    {
        if (!TryCutCount(ref reader, 2, ref to, out var count)) return false;
        for (; count > 0; count--)
        {
            if (!reader.TryMoveText(ref to) || !reader.TryByte(out var length)) return false;
            to.Type((RdbType)length);
            if (length < SortedSetCodec.NaN && !reader.TryMove(length, ref to)) return false;
        }

        return true;
    }

    private static bool TryCutStream(scoped ref ValueReader reader, RdbType type, scoped ref ValueWriter to)
    {
        const int ShortMemory = 3; // length, last ID
        const int LongMemory = ShortMemory + 5; // first ID, greatest deleted ID, entries added
        if (!TryCutCount(ref reader, IdBytes, ref to, out var nodes)) return false;
        for (; nodes > 0; nodes--)
        {
            if (!reader.TryMoveText(ref to) || !reader.TryMoveText(ref to)) return false;
        }

        if (!TryCutNumbers(ref reader, type == RdbType.StreamOfFive ? ShortMemory : LongMemory, ref to)) return false;
        if (!TryCutCount(ref reader, 1, ref to, out var groups)) return false;
        for (; groups > 0; groups--)
        {
            if (!TryCutGroup(ref reader, type, ref to)) return false;
        }

        return true;
    }

    private static bool TryCutGroup(scoped ref ValueReader reader, RdbType type, scoped ref ValueWriter to)
    {
        var numbers = type == RdbType.StreamOfFive ? 2 : 3; // last ID, entries read
        if (!reader.TryMoveText(ref to) || !TryCutNumbers(ref reader, numbers, ref to)) return false;
        if (!TryCutCount(ref reader, LeastDeliveryBytes, ref to, out var pending)) return false;
        for (; pending > 0; pending--)
        {
            if (!reader.TryMove(IdBytes + sizeof(long), ref to) || !TryCutNumbers(ref reader, 1, ref to)) return false;
        }

        var times = type == RdbType.Stream ? 2 : 1;
        if (!TryCutCount(ref reader, 1 + sizeof(long), ref to, out var consumers)) return false;
        for (; consumers > 0; consumers--)
        {
            if (!reader.TryMoveText(ref to) || !reader.TryMove(times * sizeof(long), ref to)) return false;
            if (!TryCutCount(ref reader, IdBytes, ref to, out var own)) return false;
            if (!reader.TryMove(own * IdBytes, ref to)) return false;
        }

        return true;
    }

    // How many parts of at least so many bytes follow, perhaps none.
    private static bool TryCutCount(
        scoped ref ValueReader reader, int leastBytes, scoped ref ValueWriter to, out long count)
    {
        var isThere = reader.TryLength(out var length);
        count = (long)Math.Min(length, long.MaxValue);
        if (!isThere || !reader.CanCome(count, leastBytes)) return false;
        to.Number(length);
        return true;
    }

    private static bool TryCutNumbers(scoped ref ValueReader reader, int count, scoped ref ValueWriter to)
    {
        for (; count > 0; count--)
        {
            if (!reader.TryLength(out var number)) return false;
            to.Number(number);
        }

        return true;
    }

    // What a collection repeats, of so many bytes at least: numbers, texts, bytes.
    private readonly record struct Part(int LeastBytes, int Numbers = 0, int Texts = 0, int BytesBehind = 0);
}
