// What the log says when the loops do not wait in the way that they were to.

using Millrace.Net;
using Millrace.Server.Logging;

namespace Millrace.Server;

/// <summary>A line of the log when the system refuses io_uring; none otherwise.</summary>
internal static class PollerNotice
{
    public static void Write(Log journal, PollerKind wanted, LoopGroup loops) =>
        Write(journal, wanted, loops.PollerName, loops.IoUringRefusal);

    /// <summary>Whoever asked for io_uring is warned; for all others it is news.</summary>
    public static void Write(Log journal, PollerKind wanted, string used, string? refusal)
    {
        if (refusal is null) return;
        var message = $"io_uring is not available, clients are served by {used}: {refusal}";
        if (wanted == PollerKind.IoUring) journal.Warning(message);
        else journal.Notice(message);
    }
}
