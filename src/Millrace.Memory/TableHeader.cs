using System.Runtime.InteropServices;

namespace Millrace.Memory;

/// <summary>The fixed block that a hash table is known by. Never moves.</summary>
/// <remarks>
/// <code>
///   offset  0  Root           bits 0..39 reference: the directory, or the only segment while DirectoryBits is 0
///                             bits 40..47 DirectoryBits, bits 48..55 BucketBits (buckets of the only segment, 0 to 6)
///           8  Count          entries
///          16  Overflows      overflow buckets
///          24  Segments       segments (4 bytes)
///          28  Deepest        segments whose depth is DirectoryBits (4 bytes)
///          32  FreedPlace     how far FreeSome has come: directory place (upper half) and bucket (lower half)
///          40  SplitDelay     so many entries are still to come before a segment may split (4 bytes)
///          44  Saving         0, or how far a snapshot has come (4 bytes): see TableSaving
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
internal struct TableHeader
{
    internal const int SizeBytes = 48;
    private const int DirectoryShift = 40;
    private const int BucketShift = 48;

    [FieldOffset(0)] internal ulong Root;
    [FieldOffset(8)] internal long Count;
    [FieldOffset(16)] internal long Overflows;
    [FieldOffset(24)] internal int Segments;
    [FieldOffset(28)] internal int Deepest;
    [FieldOffset(32)] internal ulong FreedPlace;
    [FieldOffset(40)] internal int SplitDelay;
    [FieldOffset(44)] internal TableSaving Saving;

    internal readonly BlockRef RootBlock => new(Root & BlockRef.Mask);

    internal readonly int DirectoryBits => DirectoryBitsOf(Root);

    internal readonly int BucketBits => BucketBitsOf(Root);

    internal static int DirectoryBitsOf(ulong root) => (int)(root >> DirectoryShift) & 0xFF;

    internal static int BucketBitsOf(ulong root) => (int)(root >> BucketShift);

    internal void SetRoot(BlockRef block, int directoryBits, int bucketBits) =>
        Root = block.Value | ((ulong)directoryBits << DirectoryShift) | ((ulong)bucketBits << BucketShift);
}
