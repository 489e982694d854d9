using System.Runtime.InteropServices;

namespace Millrace.Memory;

/// <summary>A block under a key: what finds the blocks of a sequence.</summary>
/// <param name="High">The high half of the key.</param>
/// <param name="Low">The low half of the key.</param>
/// <param name="Block">The block.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct BlockRecord(ulong High, ulong Low, BlockRef Block) : IIndexRecord;

/// <summary>Something that was handed out under a key and is not yet acknowledged.</summary>
/// <param name="High">The high half of the key.</param>
/// <param name="Low">The low half of the key.</param>
/// <param name="DeliveredMs">When it was handed out last, in Unix milliseconds.</param>
/// <param name="Deliveries">How often.</param>
/// <param name="Owner">The block of the one who has it.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct DeliveryRecord(
    ulong High, ulong Low, long DeliveredMs, long Deliveries, BlockRef Owner) : IIndexRecord;
