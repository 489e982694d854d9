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
/// <param name="Owner">The block of the one who has it; null: nobody.</param>
/// <param name="Turn">Tells deliveries of the same millisecond apart: it grows with every one.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct DeliveryRecord(
    ulong High, ulong Low, long DeliveredMs, long Deliveries, BlockRef Owner, long Turn) : IIndexRecord;

/// <summary>What was handed out at a moment, in the order in which it was.</summary>
/// <param name="High">The moment: Unix milliseconds, with the sign's bit turned over, so that they ascend.</param>
/// <param name="Low">The turn of the delivery.</param>
/// <param name="KeyHigh">The high half of the key of the <see cref="DeliveryRecord"/>.</param>
/// <param name="KeyLow">The low half.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct MomentRecord(ulong High, ulong Low, ulong KeyHigh, ulong KeyLow) : IIndexRecord;
