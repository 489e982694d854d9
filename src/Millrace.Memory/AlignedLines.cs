using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.Memory;

/// <summary>
/// A fixed array whose elements each begin on an aligned 128-byte line of their own, so that two threads writing
/// neighbouring elements never share a cache line (128, since processors fetch lines in pairs).
/// </summary>
/// <remarks>Elements begin as zero. References stay valid until <see cref="Dispose"/>. Any thread.</remarks>
/// <typeparam name="T">The element; any size, rounded up to whole lines.</typeparam>
public sealed unsafe class AlignedLines<T> : IDisposable
    where T : unmanaged
{
    private const int LineBytes = 128;

    private readonly int _strideBytes = (sizeof(T) + LineBytes - 1) / LineBytes * LineBytes;
    private byte* _lines;

    /// <summary>Makes <paramref name="count"/> zeroed elements.</summary>
    public AlignedLines(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        var bytes = checked((nuint)count * (nuint)_strideBytes);
        // SAFETY: fresh memory of exactly the size that is cleared.
        _lines = (byte*)NativeMemory.AlignedAlloc(bytes, LineBytes);
        NativeMemory.Clear(_lines, bytes);
        Count = count;
    }

    /// <summary>The number of elements; 0 after disposal.</summary>
    public int Count { get; private set; }

    /// <summary>The element at an index.</summary>
    public ref T this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if ((uint)index >= (uint)Count) ThrowOutside();
            // SAFETY: the index is below Count, which is 0 once the memory is gone.
            return ref *(T*)(_lines + ((nint)index * _strideBytes));
        }
    }

    /// <summary>Frees the memory. Requires: nobody holds a reference to an element any more.</summary>
    public void Dispose()
    {
        Count = 0;
        // SAFETY: freed once, since the pointer is forgotten.
        NativeMemory.AlignedFree(_lines);
        _lines = null;
    }

    /// <summary>Where an element is, so that a test can see its alignment.</summary>
    internal nint AddressOf(int index) => (nint)_lines + ((nint)index * _strideBytes);

    private static void ThrowOutside() => throw new ArgumentOutOfRangeException("index", "There is no such line.");
}
