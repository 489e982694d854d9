// The buffers that a ring's receives are filled into: the kernel takes one when bytes have come, not before, so an idle
// connection holds none.
//
//     ring   [ buffer ][ buffer ] ...   the kernel takes at its head, we give back at the tail; a buffer's id is its
//                                       number
//     banks  [ 64 buffers ] ...   pinned arrays; id / 64 is the bank, id % 64 the place in it
//
// Banks are ordinary large arrays, pinned by a handle: as objects of the pinned heap, where the smaller buffers of the
// loops are, they would make the collector collect because of their size alone.
//
// It starts with one bank, so that a loop of few connections stays within its cache, and another one is added whenever
// the kernel has found none left, up to a limit. Take and give back: O(1).
// Source: io_uring_register(2), IORING_REGISTER_PBUF_RING.

using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Millrace.Net;

// SAFETY: the ring's memory is one mapping of MostBuffers entries, indices are masked, and it is unmapped by the owner
// after the ring that the kernel knows it by. The buffers themselves are arrays that are pinned until then.
internal sealed unsafe class ReceiveBuffers : IDisposable
{
    public const int BankBuffers = 64;
    public const int MostBuffers = BankBuffers * MostBanks;
    public const ushort Group = 0;

    private const int MostBanks = 8;
    private const nuint RingBytes = MostBuffers * BufferEntry.Bytes;

    private readonly BufferEntry* _entries;
    private readonly int _bufferBytes;
    private readonly byte[]?[] _banks = new byte[MostBanks][];
    private readonly GCHandle[] _pins = new GCHandle[MostBanks];
    private int _bankCount;
    private ushort _tail;
    private bool _isDisposed;

    private ReceiveBuffers(BufferEntry* entries, int bufferBytes)
    {
        _entries = entries;
        _bufferBytes = bufferBytes;
    }

    /// <summary>Buffers there are, in whoever's hands.</summary>
    public int Count => _bankCount * BankBuffers;

    /// <summary>Makes buffers and registers them; null, and the error's number, when the system refuses.</summary>
    public static ReceiveBuffers? TryCreate(Ring ring, int bufferBytes, out int error)
    {
        error = RingCalls.Enomem;
        byte* pages = RingCalls.MapPages(RingBytes);
        if (pages is null) return null;
        var buffers = new ReceiveBuffers((BufferEntry*)pages, bufferBytes);
        error = -ring.ProvideBuffers((ulong)pages, MostBuffers, Group);
        if (error == 0)
        {
            buffers.Grow();
            buffers.Publish();
            return buffers;
        }
        buffers.Dispose();
        return null;
    }

    /// <summary>Where a buffer is.</summary>
    public byte[] ArrayOf(int id, out int offset)
    {
        offset = id % BankBuffers * _bufferBytes;
        return _banks[id / BankBuffers]!;
    }

    /// <summary>Gives a buffer back; the kernel may use it after the next <see cref="Publish"/>.</summary>
    public void GiveBack(int id)
    {
        byte[] array = ArrayOf(id, out int offset);
        BufferEntry* entry = _entries + (_tail & (MostBuffers - 1));
        // Not as a whole: the last two bytes of entry 0 are the ring's tail.
        entry->Address = RingCalls.AddressOf(array, offset);
        entry->Length = (uint)_bufferBytes;
        entry->Id = (ushort)id;
        _tail++;
    }

    /// <summary>Lets the kernel have what was given back.</summary>
    public void Publish() => Volatile.Write(ref *(ushort*)((byte*)_entries + BufferEntry.TailOffset), _tail);

    /// <summary>Adds a bank, unless there are as many as there may be.</summary>
    public void Grow()
    {
        if (_bankCount == MostBanks) return;
        byte[] bank = GC.AllocateUninitializedArray<byte>(BankBuffers * _bufferBytes);
        _banks[_bankCount] = bank;
        _pins[_bankCount] = GCHandle.Alloc(bank, GCHandleType.Pinned);
        int first = Count;
        _bankCount++;
        for (int id = first; id < Count; id++) GiveBack(id);
        Debug.Assert(Count <= MostBuffers, "the ring has room for every buffer");
    }

    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        RingCalls.Unmap((byte*)_entries, RingBytes);
        for (int i = 0; i < _bankCount; i++) _pins[i].Free();
    }
}
