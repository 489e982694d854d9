using System.Runtime.CompilerServices;

namespace Millrace.Memory;

/// <summary>
/// What the checked heap puts around and into a block so that misuse is noticed.
/// </summary>
/// <remarks>
/// <code>
///   address  raw          raw + 8 (what users hold)                          raw + class size - 8
///            +------------+--------------------------------------------------+-------------+
///            | front word | the user's bytes                                 | tail canary |
///            +------------+--------------------------------------------------+-------------+
///   front word  live:   'LIVE' in the upper half, the size asked for in the lower
///               freed:  'DEAD' in the upper half (in quarantine, poisoned throughout)
///               free:   the heap's free list; the poison behind it stays until the block is used again
/// </code>
/// A block is filled with <see cref="FreshPoison"/> when it is allocated and with <see cref="FreedPoison"/> when it
/// is freed.
/// </remarks>
internal static unsafe class BlockGuard
{
    internal const int FrontBytes = sizeof(ulong);
    internal const int OverheadBytes = 2 * sizeof(ulong);
    internal const byte FreshPoison = 0xCD;
    internal const byte FreedPoison = 0xDD;

    private const uint Live = 0x4C495645;
    private const uint Freed = 0x44454144;
    private const ulong TailCanary = 0x7A11CA9A57E5C0DE;

    // SAFETY: of all functions here: `raw` is the start of a block of `blockBytes` bytes in the region, which the
    // heap has looked up in the page map, and every access stays within the block.

    /// <summary>Makes a block live.</summary>
    internal static void Arm(byte* raw, int sizeBytes, long blockBytes)
    {
        Unsafe.WriteUnaligned(raw, ((ulong)Live << 32) | (uint)sizeBytes);
        Fill(raw + FrontBytes, blockBytes - OverheadBytes, FreshPoison);
        Unsafe.WriteUnaligned(raw + blockBytes - sizeof(ulong), TailCanary);
    }

    /// <summary>Notes that the block is to hold another size, without moving.</summary>
    internal static void NoteSize(byte* raw, int sizeBytes) =>
        Unsafe.WriteUnaligned(raw, ((ulong)Live << 32) | (uint)sizeBytes);

    /// <summary>Whether the block is live.</summary>
    internal static bool IsLive(byte* raw) => Unsafe.ReadUnaligned<ulong>(raw) >> 32 == Live;

    /// <summary>Whether the block was freed and is in quarantine.</summary>
    internal static bool IsFreed(byte* raw) => Unsafe.ReadUnaligned<ulong>(raw) >> 32 == Freed;

    /// <summary>The size that was asked for.</summary>
    internal static int SizeOf(byte* raw) => (int)(uint)Unsafe.ReadUnaligned<ulong>(raw);

    /// <summary>Throws unless both canaries of a live block are whole.</summary>
    internal static void CheckCanaries(byte* raw, long blockBytes, ulong block)
    {
        if (!IsLive(raw)) throw new HeapCorruptionException($"The front canary of block {block:x} is broken.");
        if (Unsafe.ReadUnaligned<ulong>(raw + blockBytes - sizeof(ulong)) != TailCanary)
            throw new HeapCorruptionException($"Block {block:x} was written past its end.");
    }

    /// <summary>Poisons a block that goes into quarantine.</summary>
    internal static void Disarm(byte* raw, long blockBytes)
    {
        Unsafe.WriteUnaligned(raw, (ulong)Freed << 32);
        Fill(raw + FrontBytes, blockBytes - FrontBytes, FreedPoison);
    }

    /// <summary>Throws when a freed block was written to. The front word is not looked at.</summary>
    internal static void CheckPoison(byte* raw, long blockBytes, ulong block)
    {
        for (var at = (long)FrontBytes; at < blockBytes; at += int.MaxValue)
        {
            var length = (int)Math.Min(int.MaxValue, blockBytes - at);
            if (new ReadOnlySpan<byte>(raw + at, length).ContainsAnyExcept(FreedPoison))
                throw new HeapCorruptionException($"Block {block:x} was written to after it was freed.");
        }
    }

    private static void Fill(byte* start, long count, byte value)
    {
        for (var at = 0L; at < count; at += int.MaxValue)
            new Span<byte>(start + at, (int)Math.Min(int.MaxValue, count - at)).Fill(value);
    }
}
