using System.Diagnostics.CodeAnalysis;

namespace Millrace.Memory;

/// <summary>
/// Blocks for large values: runs of pages straight from the source, with a count of references in their page record, so
/// that a value can be filled before any lock is taken, and read after it was released.
/// </summary>
/// <remarks>
/// <para>
/// A new blob has one reference, that of its maker. A heap adopts it with that reference
/// (<see cref="Heap.Adopt"/>) and counts its bytes from then on; whoever reads it after the heap's lock is released
/// retains it under the lock. The last release gives the pages back to the source.
/// </para>
/// <para>
/// Rule: bytes are written only by who holds the only reference, or under the lock of the heap that adopted it while
/// <see cref="IsShared"/> is false: new references are made under that lock, so nobody else is reading.
/// All calls: any thread, O(1). What names no live blob, and views past its end, are refused always.
/// </para>
/// </remarks>
public sealed unsafe class Blobs
{
    private readonly MemorySource _source;
    private int _liveCount;

    internal Blobs(MemorySource source) => _source = source;

    /// <summary>How many blobs have a reference, a heap's or anybody's. Exact.</summary>
    public int LiveCount => Volatile.Read(ref _liveCount);

    /// <summary>Whether the source has little left: who can do without a blob should.</summary>
    public bool IsScarce => _source.IsScarce;

    /// <summary>Makes a blob of at least so many bytes, of undefined content, with one reference.</summary>
    /// <exception cref="InsufficientMemoryException">The reserved region is used up.</exception>
    public Blob Create(int sizeBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeBytes);
        var blob = new Blob(_source.TakeShared(PagesFor(sizeBytes)));
        Interlocked.Increment(ref _liveCount);
        return blob;
    }

    /// <summary>How many bytes a blob really has (int.MaxValue for a run of 2 GB).</summary>
    public int UsableSize(Blob blob) =>
        (int)Math.Min(int.MaxValue, (long)RecordOf(blob).RunPages * MemorySource.PageBytes);

    /// <summary>Whether there is more than one reference.</summary>
    public bool IsShared(Blob blob) => Volatile.Read(ref RecordOf(blob).References) > 1;

    /// <summary>Adds a reference. Requires: the caller has one, or the lock of the heap that has.</summary>
    public void Retain(Blob blob) => Interlocked.Increment(ref RecordOf(blob).References);

    /// <summary>Ends a reference; with the last one the blob is gone.</summary>
    public void Release(Blob blob)
    {
        if (Interlocked.Decrement(ref RecordOf(blob).References) > 0) return;
        _source.Return(blob.FirstPage);
        Interlocked.Decrement(ref _liveCount);
    }

    /// <summary>A view of a blob's bytes, valid as long as the reference by which it was got.</summary>
    /// <exception cref="HeapCorruptionException">There is no such blob, or it is shorter.</exception>
    public Span<byte> Span(Blob blob, int offset, int lengthBytes)
    {
        if ((offset | lengthBytes) < 0 || (long)offset + lengthBytes > UsableSize(blob)) ThrowOutside(blob);
        // SAFETY: the bytes lie inside of the run of pages that the blob has while the caller's reference lasts.
        return new Span<byte>((byte*)_source.AddressOf(blob.FirstPage) + offset, lengthBytes);
    }

    internal static int PagesFor(int sizeBytes) =>
        (int)(((long)Math.Max(sizeBytes, 1) + MemorySource.PageBytes - 1) / MemorySource.PageBytes);

    internal ref PageRecord RecordOf(Blob blob)
    {
        if (blob.IsNull || blob.FirstPage >= _source.Frontier) ThrowNoBlob(blob);
        // SAFETY: records below the frontier exist; that of a blob stays one while there is a reference.
        ref var record = ref _source.Records[blob.FirstPage];
        if (record.Kind != PageKind.Shared || Volatile.Read(ref record.References) <= 0) ThrowNoBlob(blob);
        return ref record;
    }

    [DoesNotReturn]
    private static void ThrowNoBlob(Blob blob) =>
        throw new HeapCorruptionException($"No blob begins at page {blob.FirstPage}.");

    [DoesNotReturn]
    private static void ThrowOutside(Blob blob) =>
        throw new HeapCorruptionException($"A view reaches past the end of the blob at page {blob.FirstPage}.");
}
