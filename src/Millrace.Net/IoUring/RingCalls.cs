// The system calls of io_uring and what goes with them. The C library has no functions for them, so they go through its
// syscall(2); the numbers are those of every architecture. Results are those of the system, or minus the error number.
//
// Addresses leave this folder's interop only as numbers in submission entries, and only those of pinned arrays.
// Sources: syscalls(2), io_uring_setup(2), io_uring_enter(2), io_uring_register(2), mmap(2).

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.Net;

// SAFETY: pointers in here are of locals that outlive the call, of memory whose owner is a parameter, or, for
// AddressOf and FillMessage, of arrays that are pinned, on the heap for such or by a handle, and do not move.
internal static unsafe class RingCalls
{
    public const int Eintr = 4;
    public const int Eagain = 11;
    public const int Enomem = 12;
    public const int Ebusy = 16;
    public const int Einval = 22;
    public const int Etime = 62;
    public const int Enobufs = 105;
    public const int Ecanceled = 125;

    public const int ShutdownBoth = 2;

    private const int SetupNumber = 425;
    private const int EnterNumber = 426;
    private const int RegisterNumber = 427;
    private const int ReadWrite = 3;            // PROT_READ | PROT_WRITE
    private const int SharedPopulate = 0x8001;  // MAP_SHARED | MAP_POPULATE
    private const int PrivateAnonymous = 0x22;  // MAP_PRIVATE | MAP_ANONYMOUS
    private const int UnixFamily = 1;
    private const int StreamCloseOnExec = 0x80001;
    private const int DontWait = 0x40;          // MSG_DONTWAIT
    private const int VectorBytes = 16;
    private const int MessageHeaderBytes = 56;

    /// <summary>The most pieces of one message.</summary>
    public const int MaxPieces = 64;

    /// <summary>Bytes that <see cref="FillMessage"/> needs at most.</summary>
    public const int MessageBytes = MessageHeaderBytes + (MaxPieces * VectorBytes);

    /// <summary>Makes a ring; its descriptor does not survive exec.</summary>
    public static int Setup(uint entries, ref RingParameters parameters)
    {
        Debug.Assert(sizeof(RingParameters) == RingParameters.Bytes, "the layout of io_uring_params");
        Debug.Assert(sizeof(SubmissionEntry) == SubmissionEntry.Bytes, "the layout of io_uring_sqe");
        Debug.Assert(sizeof(CompletionEntry) == CompletionEntry.Bytes, "the layout of io_uring_cqe");
        fixed (RingParameters* first = &parameters)
            return Result(syscall(SetupNumber, (nint)entries, (nint)first, 0, 0, 0, 0));
    }

    /// <summary>Submits and waits; a negative time waits without bound.</summary>
    public static int Enter(int descriptor, uint submit, uint minComplete, uint flags, int timeoutMs)
    {
        Debug.Assert(sizeof(WaitArguments) == WaitArguments.Bytes, "the layout of io_uring_getevents_arg");
        Debug.Assert(sizeof(TimeSpec) == TimeSpec.Bytes, "the layout of timespec");
        TimeSpec timeout;
        timeout.Seconds = timeoutMs / 1000;
        timeout.Nanoseconds = timeoutMs % 1000 * 1_000_000L;
        WaitArguments arguments = default;
        if (timeoutMs > 0) arguments.TimeoutAddress = (ulong)&timeout;
        return Result(syscall(EnterNumber, descriptor, (nint)submit, (nint)minComplete, (nint)flags, (nint)(&arguments),
            WaitArguments.Bytes));
    }

    public static int Register(int descriptor, uint operation) =>
        Result(syscall(RegisterNumber, descriptor, (nint)operation, 0, 0, 0, 0));

    public static int Register(int descriptor, uint operation, ref BufferRegistration registration)
    {
        Debug.Assert(sizeof(BufferRegistration) == BufferRegistration.Bytes, "the layout of io_uring_buf_reg");
        Debug.Assert(sizeof(BufferEntry) == BufferEntry.Bytes, "the layout of io_uring_buf");
        fixed (BufferRegistration* first = &registration)
            return Result(syscall(RegisterNumber, descriptor, (nint)operation, (nint)first, 1, 0, 0));
    }

    public static int Register(int descriptor, uint operation, ref RingRegistration registration)
    {
        Debug.Assert(sizeof(RingRegistration) == RingRegistration.Bytes, "the layout of io_uring_rsrc_update");
        fixed (RingRegistration* first = &registration)
            return Result(syscall(RegisterNumber, descriptor, (nint)operation, (nint)first, 1, 0, 0));
    }

    /// <summary>Maps a part of a ring; null when the system refuses.</summary>
    public static byte* MapRing(int descriptor, nuint bytes, long offset) =>
        Mapped(mmap(null, bytes, ReadWrite, SharedPopulate, descriptor, (nint)offset));

    /// <summary>Maps zeroed pages; null when the system refuses.</summary>
    public static byte* MapPages(nuint bytes) => Mapped(mmap(null, bytes, ReadWrite, PrivateAnonymous, -1, 0));

    public static void Unmap(byte* start, nuint bytes) => _ = munmap(start, bytes);

    /// <summary>Receives what is there without waiting, also from a socket that blocks.</summary>
    public static int ReceiveNow(int descriptor, Span<byte> target)
    {
        // The kernel writes at most target.Length bytes to the pinned span.
        fixed (byte* first = target) return Result(recv(descriptor, first, (nuint)target.Length, DontWait));
    }

    /// <summary>Two connected sockets.</summary>
    public static int Pair(out int one, out int other)
    {
        int* both = stackalloc int[2];
        int result = Result(socketpair(UnixFamily, StreamCloseOnExec, 0, both));
        one = both[0];
        other = both[1];
        return result;
    }

    /// <summary>The address of an array's element. Requires: the array is pinned, and whoever
    /// gives the address to the kernel keeps the array alive.</summary>
    public static ulong AddressOf(byte[] array, int index) => (ulong)Unsafe.AsPointer(ref array[index]);

    /// <summary>Writes a message of the queue's first pieces into a block: struct msghdr, then its vectors. Requires:
    /// the block and the pieces' arrays live on the pinned object heap.</summary>
    /// <returns>The address of the message.</returns>
    public static ulong FillMessage(byte[] block, OutputQueue output)
    {
        Debug.Assert(sizeof(MessageHeader) == MessageHeaderBytes, "the layout of struct msghdr");
        Debug.Assert(sizeof(Vector) == VectorBytes, "the layout of struct iovec");
        ArgumentOutOfRangeException.ThrowIfLessThan(block.Length, MessageBytes);
        int count = Math.Min(output.SendablePieces, MaxPieces);
        var header = (MessageHeader*)AddressOf(block, 0);
        var vectors = (Vector*)(header + 1);
        for (int i = 0; i < count; i++)
        {
            OutputPiece piece = output.PieceAt(i);
            vectors[i].Base = AddressOf(piece.Array, piece.Start);
            vectors[i].Length = (ulong)piece.Length;
            Debug.Assert(piece.End <= piece.Array.Length, "a piece lies within its array");
        }
        *header = new MessageHeader { Vectors = (ulong)vectors, VectorCount = (ulong)count };
        return (ulong)header;
    }

    private static byte* Mapped(byte* start) => start == (byte*)-1 ? null : start;

    private static int Result(nint result) => result >= 0 ? (int)result : -Marshal.GetLastPInvokeError();

    private struct Vector
    {
        public ulong Base;
        public ulong Length;
    }

    [StructLayout(LayoutKind.Explicit, Size = MessageHeaderBytes)]
    private struct MessageHeader
    {
        [FieldOffset(16)]
        public ulong Vectors;
        [FieldOffset(24)]
        public ulong VectorCount;
    }

#pragma warning disable IDE1006, SYSLIB1054 // The system's own names; blittable arguments need no generated code.
    [DllImport("libc", SetLastError = true)]
    private static extern nint syscall(nint number, nint a, nint b, nint c, nint d, nint e, nint f);

    [DllImport("libc", SetLastError = true)]
    private static extern byte* mmap(void* start, nuint bytes, int protection, int flags, int descriptor, nint offset);

    [DllImport("libc", SetLastError = true)]
    private static extern int munmap(void* start, nuint bytes);

    [DllImport("libc", SetLastError = true)]
    private static extern nint recv(int descriptor, void* target, nuint count, int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern int socketpair(int family, int type, int protocol, int* both);
#pragma warning restore IDE1006, SYSLIB1054
}
