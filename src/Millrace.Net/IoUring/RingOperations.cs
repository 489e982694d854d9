// The operations that are submitted here, as entries without user data. Their numbers are those of linux/io_uring.h.

namespace Millrace.Net;

internal static class RingOperations
{
    private const byte SelectBuffer = 1 << 5;           // IOSQE_BUFFER_SELECT
    private const byte SilentSuccess = 1 << 6;          // IOSQE_CQE_SKIP_SUCCESS
    private const ushort ReceiveMany = 1 << 1;          // IORING_RECV_MULTISHOT
    private const ushort AcceptMany = 1 << 0;           // IORING_ACCEPT_MULTISHOT
    private const uint PollMany = 1 << 0;               // IORING_POLL_ADD_MULTI
    private const uint CancelAll = 1 << 0;              // IORING_ASYNC_CANCEL_ALL
    private const uint CancelAny = 1 << 2;              // IORING_ASYNC_CANCEL_ANY
    private const uint PollIn = 0x1;
    private const uint DontWait = 0x40;                 // MSG_DONTWAIT
    private const uint WaitForAll = 0x100;              // MSG_WAITALL
    private const uint NoSignal = 0x4000;               // MSG_NOSIGNAL
    private const uint CloseOnExec = 0x80000;           // SOCK_CLOEXEC

    /// <summary>Receives into provided buffers, again and again.</summary>
    public static SubmissionEntry Receive(int descriptor) => new()
    {
        Operation = RingOperation.Receive,
        Flags = SelectBuffer,
        Priority = ReceiveMany,
        Descriptor = descriptor,
        BufferGroup = ReceiveBuffers.Group,
    };

    /// <summary>Sends what the peer takes at once, within the call that submits it. It completes only when that is not
    /// all; WaitForAll makes the kernel call less than all a failure, without waiting. Address and length are the
    /// caller's.</summary>
    public static SubmissionEntry SendNow(int descriptor) => new()
    {
        Operation = RingOperation.Send,
        Flags = SilentSuccess,
        Descriptor = descriptor,
        OperationFlags = NoSignal | DontWait | WaitForAll,
    };

    /// <summary>Sends some of it as soon as the peer takes something. Address and length are the caller's.</summary>
    public static SubmissionEntry SendWhenPossible(int descriptor) => new()
    {
        Operation = RingOperation.Send,
        Descriptor = descriptor,
        OperationFlags = NoSignal,
    };

    /// <summary>Accepts, again and again. The new sockets block, for the ring waits for them itself: a socket that does
    /// not would make it report EAGAIN.</summary>
    public static SubmissionEntry Accept(int descriptor) => new()
    {
        Operation = RingOperation.Accept,
        Priority = AcceptMany,
        Descriptor = descriptor,
        OperationFlags = CloseOnExec,
    };

    /// <summary>Completes once, when there is something to read.</summary>
    public static SubmissionEntry Poll(int descriptor) => new()
    {
        Operation = RingOperation.PollAdd,
        Descriptor = descriptor,
        OperationFlags = PollIn,
    };

    /// <summary>Completes each time that something new is to be read.</summary>
    public static SubmissionEntry PollForEver(int descriptor) => Poll(descriptor) with { Length = PollMany };

    /// <summary>Ends the operation with that user data, which completes then. It says nothing itself when it has found
    /// it.</summary>
    public static SubmissionEntry Cancel(ulong userData) => new()
    {
        Operation = RingOperation.Cancel,
        Flags = SilentSuccess,
        Address = userData,
    };

    /// <summary>Ends all operations of the ring.</summary>
    public static SubmissionEntry CancelEverything() => Cancel(0) with { OperationFlags = CancelAll | CancelAny };
}
