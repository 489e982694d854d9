namespace Millrace.Engine.Values;

/// <summary>The ID of an entry of a stream: ordered by <paramref name="Ms"/>, then by <paramref name="Seq"/>.</summary>
/// <param name="Ms">Usually Unix milliseconds.</param>
/// <param name="Seq">Tells entries of the same millisecond apart.</param>
public readonly record struct StreamId(ulong Ms, ulong Seq) : IComparable<StreamId>
{
    /// <summary>The smallest ID, which no entry has.</summary>
    public static StreamId Min => default;

    /// <summary>The greatest ID.</summary>
    public static StreamId Max => new(ulong.MaxValue, ulong.MaxValue);

    /// <summary>Whether it is <see cref="Min"/>.</summary>
    public bool IsZero => (Ms | Seq) == 0;

    /// <summary>Compares both.</summary>
    public static bool operator <(StreamId left, StreamId right) => left.CompareTo(right) < 0;

    /// <summary>Compares both.</summary>
    public static bool operator >(StreamId left, StreamId right) => left.CompareTo(right) > 0;

    /// <summary>Compares both.</summary>
    public static bool operator <=(StreamId left, StreamId right) => left.CompareTo(right) <= 0;

    /// <summary>Compares both.</summary>
    public static bool operator >=(StreamId left, StreamId right) => left.CompareTo(right) >= 0;

    /// <inheritdoc/>
    public int CompareTo(StreamId other) => Ms != other.Ms ? Ms.CompareTo(other.Ms) : Seq.CompareTo(other.Seq);

    /// <summary>The ID that follows; false for the greatest.</summary>
    public bool TryNext(out StreamId next)
    {
        var isThere = this != Max; // `next` may be this very ID
        next = Seq < ulong.MaxValue ? new StreamId(Ms, Seq + 1) : new StreamId(unchecked(Ms + 1), 0);
        return isThere;
    }

    /// <summary>The ID that comes before; false for the smallest.</summary>
    public bool TryPrevious(out StreamId previous)
    {
        var isThere = !IsZero;
        previous = Seq > 0 ? new StreamId(Ms, Seq - 1) : new StreamId(unchecked(Ms - 1), ulong.MaxValue);
        return isThere;
    }

    /// <summary>The sum of a node's ID and the differences that an entry stores, which may wrap around.</summary>
    internal StreamId Plus(long ms, long seq) => unchecked(new StreamId(Ms + (ulong)ms, Seq + (ulong)seq));
}
