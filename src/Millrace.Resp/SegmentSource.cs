// Where a ReplyWriter gets its memory: the connection's output queue implements it.

namespace Millrace.Resp;

/// <summary>Hands out the segments that a <see cref="ReplyWriter"/> fills, one after the other.</summary>
public abstract class SegmentSource
{
    /// <summary>Takes back the full segment and gives the next one. Called on the thread that writes.</summary>
    /// <param name="filledInCurrent">Index one behind the last byte written in the segment given before (it counts from
    /// the array's first byte, like the start that was given with it).</param>
    /// <param name="minimumFree">Bytes that must be free in the new one, from <paramref name="start"/> to its
    /// end.</param>
    /// <param name="start">Index of the first byte to write in the new segment.</param>
    /// <returns>The new segment; the source keeps owning it, the writer fills it until the next call.</returns>
    public abstract byte[] Next(int filledInCurrent, int minimumFree, out int start);
}
