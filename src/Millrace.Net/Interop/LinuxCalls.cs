// The system calls of Linux on sockets, epoll and eventfd, behind a façade of spans: nothing outside of this folder
// sees a pointer.
//
// Every call returns the system's result, or minus the error number. Layouts are those of 64-bit Linux (glibc and
// musl); epoll_event is packed to 12 bytes on x86-64 only and has 16 elsewhere.
// Errors: errno(3); layouts: epoll_ctl(2), sendmsg(2), ip(7), ipv6(7), unix(7).

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Millrace.Net;

internal static unsafe class LinuxCalls
{
    public const int Eintr = 4;
    public const int Eagain = 11;

    public const int ControlAdd = 1;
    public const int ControlDelete = 2;
    public const int ControlModify = 3;

    public const uint In = 0x1;
    public const uint Out = 0x4;
    public const uint Err = 0x8;
    public const uint Hup = 0x10;
    public const uint EdgeTriggered = 1u << 31;

    public const int ShutdownWrite = 1;
    public const int MaxPieces = 64;
    public const int AddressBytes = 128;    // sockaddr_storage

    private const int Eperm = 1;
    private const int Enonet = 64;
    private const int Eproto = 71;
    private const int Enoprotoopt = 92;
    private const int Eopnotsupp = 95;
    private const int Enetdown = 100;
    private const int Enetunreach = 101;
    private const int Econnaborted = 103;
    private const int Ehostdown = 112;
    private const int Ehostunreach = 113;
    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;
    private const int NoSignal = 0x4000;
    private const int SetStatusFlags = 4;   // F_SETFL
    private const int MessageHeaderBytes = 56;

    /// <summary>Bytes of one epoll_event; its events are at 0, its u64 of data at the end.</summary>
    public static int EventBytes => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    public static SafeFileHandle CreateEpoll() => Own(epoll_create1(CloseOnExec), "epoll_create1");

    public static SafeFileHandle CreateEvent() => Own(eventfd(0, CloseOnExec | NonBlocking), "eventfd");

    public static int Control(SafeFileHandle epoll, int operation, int descriptor, uint events, ulong data)
    {
        byte* item = stackalloc byte[16];
        // SAFETY: 16 bytes hold either layout of epoll_event; both writes end at EventBytes <= 16; the kernel copies
        // it.
        Unsafe.WriteUnaligned(item, events);
        Unsafe.WriteUnaligned(item + EventBytes - sizeof(ulong), data);
        return Result(epoll_ctl((int)epoll.DangerousGetHandle(), operation, descriptor, item));
    }

    /// <summary>Fills <paramref name="events"/> with as many events as there are and fit.</summary>
    public static int Wait(SafeFileHandle epoll, Span<byte> events, int timeoutMs)
    {
        // SAFETY: the count passed is the number of whole events that fit into the pinned span.
        fixed (byte* first = events)
            return Result(epoll_wait((int)epoll.DangerousGetHandle(), first, events.Length / EventBytes, timeoutMs));
    }

    public static void Signal(SafeFileHandle handle)
    {
        bool isHeld = false;
        try
        {
            handle.DangerousAddRef(ref isHeld);
            ulong one = 1;
            // SAFETY: eight bytes of a local; the reference keeps the descriptor from being closed and used again.
            _ = write((int)handle.DangerousGetHandle(), &one, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // The loop has ended: there is nobody to wake.
        }
        finally
        {
            if (isHeld) handle.DangerousRelease();
        }
    }

    public static int Receive(int descriptor, Span<byte> target)
    {
        // SAFETY: the kernel writes at most target.Length bytes to the pinned span.
        fixed (byte* first = target) return Result(recv(descriptor, first, (nuint)target.Length, 0));
    }

    public static int Send(int descriptor, ReadOnlySpan<byte> bytes)
    {
        // SAFETY: the kernel reads at most bytes.Length bytes of the pinned span.
        fixed (byte* first = bytes) return Result(send(descriptor, first, (nuint)bytes.Length, NoSignal));
    }

    /// <summary>Sends the first pieces of a queue in one call. Requires: their arrays are pinned, as all arrays of a
    /// BufferPool are.</summary>
    public static int Send(int descriptor, OutputQueue output)
    {
        int count = Math.Min(output.SendablePieces, MaxPieces);
        Vector* vectors = stackalloc Vector[MaxPieces];
        for (int i = 0; i < count; i++)
        {
            OutputPiece piece = output.PieceAt(i);
            // SAFETY: the array lives on the pinned object heap and is kept alive by the queue, which does not change
            // during the call; the indexer has checked Start, and Length was accounted for when the piece was written.
            vectors[i].Base = (byte*)Unsafe.AsPointer(ref piece.Array[piece.Start]);
            vectors[i].Length = (nuint)piece.Length;
            Debug.Assert(piece.End <= piece.Array.Length, "a piece lies within its array");
        }
        MessageHeader header = default;
        header.Vectors = vectors;
        header.VectorCount = (nuint)count;
        Debug.Assert(sizeof(MessageHeader) == MessageHeaderBytes, "the layout of struct msghdr");
        // SAFETY: header and vectors are locals that outlive the call; count vectors are filled.
        return Result(sendmsg(descriptor, &header, NoSignal));
    }

    /// <summary>Accepts; the new descriptor neither blocks nor survives exec.</summary>
    public static int Accept(int descriptor, Span<byte> address, out int addressLength)
    {
        int length = address.Length;
        int result;
        // SAFETY: the kernel writes at most `length` bytes of the address.
        fixed (byte* first = address)
            result = Result(accept4(descriptor, first, &length, NonBlocking | CloseOnExec));
        addressLength = Math.Min(length, address.Length);
        return result;
    }

    /// <summary>Our own address, as <see cref="IpEndpoint"/> reads it.</summary>
    public static int LocalAddress(int descriptor, Span<byte> address, out int addressLength)
    {
        int length = address.Length;
        int result;
        // SAFETY: the kernel writes at most `length` bytes of the address.
        fixed (byte* first = address) result = Result(getsockname(descriptor, first, &length));
        addressLength = Math.Min(length, address.Length);
        return result;
    }

    /// <summary>The peer's address, as <see cref="IpEndpoint"/> reads it.</summary>
    public static int PeerAddress(int descriptor, Span<byte> address, out int addressLength)
    {
        int length = address.Length;
        int result;
        // SAFETY: the kernel writes at most `length` bytes of the address.
        fixed (byte* first = address) result = Result(getpeername(descriptor, first, &length));
        addressLength = Math.Min(length, address.Length);
        return result;
    }

    public static int SetOption(int descriptor, int level, int option, int value) =>
        // SAFETY: the option's value is a local int, and its size is passed.
        Result(setsockopt(descriptor, level, option, &value, sizeof(int)));

    public static int Shutdown(int descriptor, int how) => Result(shutdown(descriptor, how));

    public static void SetNonBlocking(int descriptor) => _ = fcntl(descriptor, SetStatusFlags, NonBlocking);

    public static void Close(int descriptor) => _ = close(descriptor);

    /// <summary>The system's text for an error number.</summary>
    public static string TextOf(int error) => Marshal.GetPInvokeErrorMessage(error);

    /// <summary>An error of accept that is about the one connection, which is gone then: accept(2), "Error handling".
    /// </summary>
    public static bool IsOneConnectionsFault(int error) => error is Eintr or Eperm or Enonet or Eproto or Enoprotoopt
        or Eopnotsupp or Enetdown or Enetunreach or Econnaborted or Ehostdown or Ehostunreach;

    private static int Result(nint result) => result >= 0 ? (int)result : -Marshal.GetLastPInvokeError();

    private static SafeFileHandle Own(int descriptor, string call)
    {
        if (descriptor >= 0) return new SafeFileHandle(descriptor, ownsHandle: true);
        throw new IOException($"{call}: {TextOf(Marshal.GetLastPInvokeError())}");
    }

    private struct Vector
    {
        public byte* Base;
        public nuint Length;
    }

    private struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public Vector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

#pragma warning disable IDE1006, SYSLIB1054 // The system's own names; blittable arguments need no generated code.
    [DllImport("libc", SetLastError = true)]
    private static extern int epoll_create1(int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern int epoll_ctl(int epoll, int operation, int descriptor, void* item);

    [DllImport("libc", SetLastError = true)]
    private static extern int epoll_wait(int epoll, void* events, int maxEvents, int timeoutMs);

    [DllImport("libc", SetLastError = true)]
    private static extern int eventfd(uint initial, int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern nint write(int descriptor, void* bytes, nuint count);

    [DllImport("libc", SetLastError = true)]
    private static extern nint recv(int descriptor, void* target, nuint count, int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern nint send(int descriptor, void* bytes, nuint count, int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern nint sendmsg(int descriptor, void* header, int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern int accept4(int descriptor, void* address, int* addressLength, int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern int getsockname(int descriptor, void* address, int* addressLength);

    [DllImport("libc", SetLastError = true)]
    private static extern int getpeername(int descriptor, void* address, int* addressLength);

    [DllImport("libc", SetLastError = true)]
    private static extern int setsockopt(int descriptor, int level, int option, void* value, uint valueLength);

    [DllImport("libc", SetLastError = true)]
    private static extern int shutdown(int descriptor, int how);

    [DllImport("libc", SetLastError = true)]
    private static extern int fcntl(int descriptor, int command, int argument);

    [DllImport("libc", SetLastError = true)]
    private static extern int close(int descriptor);
#pragma warning restore IDE1006, SYSLIB1054
}
