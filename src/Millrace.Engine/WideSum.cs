namespace Millrace.Engine;

/// <summary>
/// A sum of 64-bit numbers that does not overflow.
/// </summary>
/// <remarks>Two words and not an <see cref="Int128"/>: code that touches a type with such a field cannot be compiled
/// ahead, and is compiled when a client first needs it.</remarks>
public struct WideSum
{
    private ulong _low;
    private long _high;

    /// <summary>The sum.</summary>
    public readonly Int128 Value => new((ulong)_high, _low);

    /// <summary>Adds a number of at least 0.</summary>
    public void Add(long number)
    {
        _low += (ulong)number;
        if (_low < (ulong)number) _high++;
    }

    /// <summary>Takes a number of at least 0 away.</summary>
    public void Subtract(long number)
    {
        if (_low < (ulong)number) _high--;
        _low -= (ulong)number;
    }
}
