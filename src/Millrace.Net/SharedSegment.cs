// Bytes that many connections of one loop send: a message to subscribers is written once and queued by each of them.
//
//     array   [ message | message | free ]        filled front to back by its loop
//                ^ pieces of output queues lie over what is filled; each counts as one reference, the writer as another
//
// The array goes back to the loop's pool when nobody refers to it any more. Everything happens on the loop's thread, so
// the count is a plain number.

using System.Diagnostics;

namespace Millrace.Net;

/// <summary>A segment that several output queues of one loop refer to.</summary>
public sealed class SharedSegment
{
    /// <summary>How long one is unless it has to hold more.</summary>
    public const int UsualBytes = 64 * 1024;

    private readonly EventLoop _loop;
    private int _references = 1;

    /// <summary>A segment of at least so many bytes; who makes it holds the first reference.</summary>
    /// <param name="loop">The loop whose connections send it.</param>
    /// <param name="minimumBytes">Its least length.</param>
    public SharedSegment(EventLoop loop, int minimumBytes)
    {
        ArgumentNullException.ThrowIfNull(loop);
        _loop = loop;
        Array = loop.Pool.Rent(minimumBytes);
    }

    /// <summary>The bytes. Those before <see cref="Filled"/> must not change while others refer to them.</summary>
    public byte[] Array { get; private set; }

    /// <summary>Index of the first free byte.</summary>
    public int Filled { get; set; }

    /// <summary>Nobody but its writer refers to it: all of it may be written again.</summary>
    public bool IsUnshared => _references == 1;

    /// <summary>Gives up one reference; the last one gives the array back.</summary>
    public void Release()
    {
        Debug.Assert(_references > 0, "released once per reference");
        if (--_references > 0) return;
        _loop.Pool.Return(Array);
        Array = [];
    }

    internal void Retain() => _references++;
}
