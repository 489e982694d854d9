// Whether this system offers io_uring, with everything that the poller uses. Asked once, before the loops are made.
//
// Kernel versions say little: distributions port back, containers filter system calls, sandboxes implement a part. So
// it is tried out: a small ring receives one byte that it has sent to itself, as the poller does it.

namespace Millrace.Net;

internal static class IoUringProbe
{
    private const uint Entries = 8;
    private const int TooManyBytes = 256 * 1024;        // more than a small socket buffer takes at once
    private const int SmallBufferBytes = 8 * 1024;
    private const int LevelSocket = 1;                  // SOL_SOCKET
    private const int SendBuffer = 7;                   // SO_SNDBUF
    private const int PatienceMs = 1000;
    private const ulong ReceiveTag = 1;
    private const ulong SendTag = 2;
    private const ulong CancelTag = 3;
    private const int Eperm = 1;
    private const int Enosys = 38;

    /// <summary>Null when it works, else why not. Cold; takes well below a millisecond.</summary>
    /// <param name="taskRun">The way in which the kernel works for us: for <see cref="Ring.TryCreate"/>.</param>
    public static string? Refusal(out uint taskRun)
    {
        taskRun = Ring.SetupDeferTaskRun;
        Ring? ring = Ring.TryCreate(Entries, Entries * 2, taskRun, out int error);
        if (ring is null && error == RingCalls.Einval)
        {
            taskRun = Ring.SetupCoopTaskRun;
            ring = Ring.TryCreate(Entries, Entries * 2, taskRun, out error);
        }
        if (ring is null) return TextOf("io_uring_setup", error);
        try
        {
            return RefusalOf(ring);
        }
        finally
        {
            ring.Dispose();
        }
    }

    /// <summary>What an error of setting a ring up means.</summary>
    public static string TextOf(string call, int error) => error switch
    {
        0 or RingCalls.Einval => $"{call}: the kernel is too old, 6.0 is needed",
        Enosys => $"{call}: the kernel has no io_uring",
        Eperm => $"{call}: the system forbids it (see kernel.io_uring_disabled, or the container's seccomp profile)",
        RingCalls.Enomem => $"{call}: no memory, or the limit of locked memory is reached (see ulimit -l)",
        _ => $"{call}: {LinuxCalls.TextOf(error)}",
    };

    private static string? RefusalOf(Ring ring)
    {
        using ReceiveBuffers? buffers = ReceiveBuffers.TryCreate(ring, 1, out int error);
        if (buffers is null) return TextOf("io_uring_register", error);
        int result = ring.Enable();
        if (result < 0) return TextOf("io_uring_register", -result);
        result = RingCalls.Pair(out int sender, out int receiver);
        if (result < 0) return $"socketpair: {LinuxCalls.TextOf(-result)}";
        try
        {
            return PassesByte(ring, sender, receiver) ? null : "a byte sent through a ring did not arrive";
        }
        finally
        {
            LinuxCalls.Close(sender);
            LinuxCalls.Close(receiver);
        }
    }

    private static bool PassesByte(Ring ring, int sender, int receiver)
    {
        byte[] bytes = GC.AllocateArray<byte>(TooManyBytes, pinned: true);
        SubmissionEntry send = RingOperations.SendNow(sender) with { UserData = SendTag };
        send = send with { Address = RingCalls.AddressOf(bytes, 0), Length = 1 };
        ring.Queue(RingOperations.Receive(receiver) with { UserData = ReceiveTag });
        ring.Queue(send);
        bool isReceived = Next(ring) is { UserData: ReceiveTag, Result: 1, HasBuffer: true, GoesOn: true };
        if (!isReceived) return false;
        ring.Queue(RingOperations.Cancel(ReceiveTag) with { UserData = CancelTag });
        if (Next(ring) is not { UserData: ReceiveTag, Result: -RingCalls.Ecanceled, GoesOn: false }) return false;
        bool isTold = TellsOfFailure(ring, sender, send);
        GC.KeepAlive(bytes);
        return isTold;
    }

    // A send that succeeds is silent; one that the peer takes in part, or not at all, is not. The poller relies on it.
    private static bool TellsOfFailure(Ring ring, int sender, in SubmissionEntry send)
    {
        LinuxCalls.SetOption(sender, LevelSocket, SendBuffer, SmallBufferBytes);
        ring.Queue(send with { Length = TooManyBytes });
        if (Next(ring) is not { UserData: SendTag, Result: > 0 and < TooManyBytes }) return false;
        LinuxCalls.Shutdown(sender, RingCalls.ShutdownBoth);
        ring.Queue(send);
        return Next(ring) is { UserData: SendTag, Result: < 0 };
    }

    private static CompletionEntry? Next(Ring ring)
    {
        if (!ring.HasCompletions && ring.Enter(1, PatienceMs) < 0) return null;
        return ring.TryTake(out CompletionEntry completion) ? completion : null;
    }
}
