// Which poller the loops of a group use. All use the same one: sockets wander between loops.
//
//     Auto       io_uring, else epoll, on 64-bit Linux; sockets elsewhere
//     IoUring    io_uring, else epoll
//
// The system is asked before the first loop is made, and may still refuse one of the rings (memory, descriptors): then
// those that were made are given up again.

namespace Millrace.Net;

internal static class PollerChoice
{
    /// <summary>Makes the loops of a group.</summary>
    /// <param name="group">The group.</param>
    /// <param name="options">Its settings.</param>
    /// <param name="count">How many.</param>
    /// <param name="name">The poller's name.</param>
    /// <param name="refusal">Why io_uring would have been used and is not; else null.</param>
    public static EventLoop[] MakeLoops(LoopGroup group, LoopOptions options, int count, out string name,
        out string? refusal)
    {
        bool isLinux = OperatingSystem.IsLinux() && Environment.Is64BitProcess;
        if (!isLinux && options.Poller is PollerKind.Epoll or PollerKind.IoUring)
            throw new PlatformNotSupportedException("epoll and io_uring are parts of Linux.");
        refusal = null;
        if (isLinux && options.Poller is PollerKind.Auto or PollerKind.IoUring)
        {
            IoUringPoller[]? rings = TryMakeRings(group, options, count, out refusal);
            if (rings is not null)
            {
                name = IoUringPoller.Name;
                return Make(count, i => new EventLoop<IoUringPoller>(group, i, options, rings[i]));
            }
        }
        if (isLinux && options.Poller != PollerKind.Sockets)
        {
            name = EpollPoller.Name;
            return Make(count, i => new EventLoop<EpollPoller>(group, i, options, new EpollPoller(group)));
        }
        name = SocketPoller.Name;
        return Make(count, i => new EventLoop<SocketPoller>(group, i, options, new SocketPoller(group)));
    }

    private static EventLoop[] Make(int count, Func<int, EventLoop> make)
    {
        var loops = new EventLoop[count];
        for (int i = 0; i < count; i++) loops[i] = make(i);
        return loops;
    }

    private static IoUringPoller[]? TryMakeRings(LoopGroup group, LoopOptions options, int count, out string? refusal)
    {
        uint taskRun = 0;
        refusal = options.IoUringRefusal ?? IoUringProbe.Refusal(out taskRun);
        if (refusal is not null) return null;
        var rings = new IoUringPoller[count];
        for (int i = 0; i < count; i++)
        {
            IoUringPoller? ring = IoUringPoller.TryCreate(group, options.RingBufferBytes, taskRun, out refusal);
            if (ring is null)
            {
                for (int made = 0; made < i; made++) rings[made].Dispose();
                return null;
            }
            rings[i] = ring.Value;
        }
        return rings;
    }
}
