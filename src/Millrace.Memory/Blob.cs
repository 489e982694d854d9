namespace Millrace.Memory;

/// <summary>
/// Names a block of whole pages that belongs to no heap's spans and counts its references: see <see cref="Blobs"/>.
/// The default is null.
/// </summary>
public readonly record struct Blob
{
    internal Blob(int firstPage) => FirstPage = firstPage;

    /// <summary>Whether this refers to nothing.</summary>
    public bool IsNull => FirstPage == 0;

    /// <summary>What can be stored of it; 0 for null. Below 2 to the power of 31.</summary>
    public ulong Value => (ulong)FirstPage;

    internal int FirstPage { get; }

    /// <summary>The blob that <see cref="Value"/> was read from.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No blob has this value.</exception>
    public static Blob FromValue(ulong value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, (ulong)int.MaxValue);
        return new Blob((int)value);
    }
}
