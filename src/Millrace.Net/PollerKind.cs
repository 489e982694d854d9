// The ways in which a loop can wait for its sockets.

namespace Millrace.Net;

/// <summary>How the event loops wait for their sockets; the rest of the server cannot tell the difference.</summary>
public enum PollerKind
{
    /// <summary>The best one that the system offers.</summary>
    Auto,

    /// <summary>Linux io_uring; epoll where the system refuses it.</summary>
    IoUring,

    /// <summary>Linux epoll.</summary>
    Epoll,

    /// <summary>System.Net.Sockets: every system that .NET runs on.</summary>
    Sockets,
}
