// A loop's buffers: pinned arrays in classes of powers of two, used by the loop's thread alone, so without locks.
//
//     class i holds arrays of 512 << i bytes, i = 0 .. 11 (1 MB); longer ones are made to measure and left to the
//     collector
//
// Arrays live on the pinned object heap: system calls may get their addresses, and a kernel may keep them (io_uring).
// At most `limitBytes` are kept; what comes back above that is dropped. Rent and Return: O(1).

using System.Numerics;

namespace Millrace.Net;

/// <summary>Rents out pinned byte arrays. Not thread-safe: one per loop.</summary>
internal sealed class BufferPool(long limitBytes)
{
    public const int SmallestBytes = 512;
    private const int Classes = 12;
    public const int LargestPooledBytes = SmallestBytes << (Classes - 1);

    private readonly Shelf[] _shelves = new Shelf[Classes];

    /// <summary>Bytes of the arrays that are out, pooled sizes and longer ones.</summary>
    public long RentedBytes { get; private set; }

    /// <summary>Bytes of the arrays that wait for use.</summary>
    public long KeptBytes { get; private set; }

    /// <summary>Makes arrays ahead of use, as many as go into so many bytes. Growing later may make the collector work
    /// on the loop's thread, which then goes through the objects of all connections. Their pages are taken from the
    /// system when they are used.</summary>
    public void Reserve(int arrayBytes, long bytes)
    {
        for (; bytes >= arrayBytes && KeptBytes + arrayBytes <= limitBytes; bytes -= arrayBytes)
        {
            byte[] array = Allocate(arrayBytes);
            KeptBytes += array.Length;
            _shelves[ClassOf(array.Length)].Push(array);
        }
    }

    /// <summary>An array of at least that length; its content is undefined.</summary>
    public byte[] Rent(int minimumBytes)
    {
        byte[] array = minimumBytes <= LargestPooledBytes ? Take(ClassOf(minimumBytes)) : Allocate(minimumBytes);
        RentedBytes += array.Length;
        return array;
    }

    /// <summary>Takes an array back. Requires: it came from a pool of the same group and nobody uses it any
    /// more.</summary>
    public void Return(byte[] array)
    {
        RentedBytes -= array.Length;
        if (array.Length > LargestPooledBytes || KeptBytes + array.Length > limitBytes) return;
        KeptBytes += array.Length;
        _shelves[ClassOf(array.Length)].Push(array);
    }

    private static int ClassOf(int bytes) =>
        bytes <= SmallestBytes ? 0 : BitOperations.Log2((uint)(bytes - 1) / SmallestBytes) + 1;

    private static byte[] Allocate(int bytes) => GC.AllocateUninitializedArray<byte>(bytes, pinned: true);

    private byte[] Take(int index)
    {
        if (_shelves[index].Count == 0) return Allocate(SmallestBytes << index);
        byte[] array = _shelves[index].Pop();
        KeptBytes -= array.Length;
        return array;
    }

    private struct Shelf
    {
        private byte[]?[]? _arrays;

        public int Count { get; private set; }

        public void Push(byte[] array)
        {
            _arrays ??= new byte[]?[8];
            if (Count == _arrays.Length) Array.Resize(ref _arrays, Count * 2);
            _arrays[Count++] = array;
        }

        public byte[] Pop()
        {
            byte[] array = _arrays![--Count]!;
            _arrays[Count] = null;
            return array;
        }
    }
}
