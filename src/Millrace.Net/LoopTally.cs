// The counters of one loop, written by its thread alone.

namespace Millrace.Net;

/// <summary>Counts as they grow; other threads read them without synchronization, each value whole but a moment
/// old.</summary>
internal sealed class LoopTally
{
    public long Turns;
    public long Accepted;
    public long Reads;
    public long Writes;
    public long BytesIn;
    public long BytesOut;
    public long AcceptFailures;
    public long Connections;
}
