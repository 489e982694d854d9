using System.Numerics;

namespace Millrace.Memory;

/// <summary>
/// LZF: fast compression of small pieces of bytes, in the format of LibLZF, which RDB files use for strings and lists
/// for their inner chunks.
/// </summary>
/// <remarks>
/// <code>
///   000lllll                       l + 1 literal bytes follow (1 to 32)
///   LLLooooo oooooooo              repeat L + 2 bytes (3 to 8) from offset + 1 bytes back
///   111ooooo LLLLLLLL oooooooo     repeat L + 9 bytes (9 to 264) from offset + 1 bytes back
/// </code>
/// The offset has 13 bits, the high ones first. A repetition may overlap what it makes. Compressing keeps one table of
/// the places where three bytes were seen last, on the stack, and is O(bytes). Decompressing is safe whatever the bytes
/// are: it reads and writes inside of the two spans and refuses what does not fill the destination exactly.
/// Source: LibLZF by Marc Lehmann, description of the format in lzf.h and lzf_d.c.
/// </remarks>
public static class Lzf
{
    /// <summary>The most bytes that each compressed byte can make, rounded up: a length that is claimed can be checked
    /// before memory is taken for it.</summary>
    public const int MaxExpansion = MaxRepeat / 3;

    /// <summary>Shorter inputs are not worth it: nothing that the format can say of them is shorter.</summary>
    public const int MinBytes = 5;

    private const int MaxLiterals = 32;
    private const int MaxOffset = 1 << 13;
    private const int MaxRepeat = 264;
    private const int MinRepeat = 3;
    private const int LongRepeat = 7;
    private const int TableBits = 12;
    private const int MinTableBits = 6;

    /// <summary>
    /// Compresses bytes.
    /// </summary>
    /// <param name="source">At most 2^31 - 1 bytes.</param>
    /// <param name="destination">Where to; must not overlap <paramref name="source"/>.</param>
    /// <returns>How many bytes were written; 0 when it would not fit into <paramref name="destination"/>.</returns>
    public static int Compress(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        if (source.Length < MinBytes) return 0;

        // Short inputs are compressed by the million: clearing a full table would cost more than compressing.
        var bits = Math.Clamp(BitOperations.Log2((uint)source.Length) + 1, MinTableBits, TableBits);
        Span<int> table = stackalloc int[1 << bits];
        table.Clear();
        var to = 0;
        var literals = 0;
        var at = 0;
        while (at < source.Length - MinRepeat + 1)
        {
            var three = ThreeAt(source, at);
            ref var seen = ref table[HashOf(three, bits)];
            var candidate = seen - 1;
            seen = at + 1;
            var offset = at - candidate - 1;
            if (candidate < 0 || offset >= MaxOffset || ThreeAt(source, candidate) != three)
            {
                at++;
                continue;
            }

            var length = RepeatLength(source, candidate, at);
            if (!TryWriteLiterals(source[literals..at], destination, ref to)) return 0;
            if (!TryWriteRepeat(offset, length, destination, ref to)) return 0;
            at += length;
            literals = at;
        }

        return TryWriteLiterals(source[literals..], destination, ref to) ? to : 0;
    }

    /// <summary>Restores bytes. False, with an undefined destination, unless <paramref name="compressed"/> is well
    /// formed and makes exactly as many bytes as <paramref name="destination"/> has. Never throws.</summary>
    /// <param name="compressed">Bytes from anywhere.</param>
    /// <param name="destination">Of the length that is known from elsewhere.</param>
    public static bool TryDecompress(ReadOnlySpan<byte> compressed, Span<byte> destination)
    {
        var at = 0;
        var to = 0;
        while (at < compressed.Length)
        {
            int control = compressed[at++];
            if (control < MaxLiterals)
            {
                var count = control + 1;
                if (count > compressed.Length - at || count > destination.Length - to) return false;
                compressed.Slice(at, count).CopyTo(destination[to..]);
                at += count;
                to += count;
                continue;
            }

            var length = control >> 5;
            if (length == LongRepeat)
            {
                if (at >= compressed.Length) return false;
                length += compressed[at++];
            }

            if (at >= compressed.Length) return false;
            var from = to - (((control & 0x1F) << 8) | compressed[at++]) - 1;
            length += MinRepeat - 1;
            if (from < 0 || length > destination.Length - to) return false;
            Repeat(destination, from, to, length);
            to += length;
        }

        return to == destination.Length;
    }

    // Where the repetition reads what it writes, what there is doubles until it is enough.
    private static void Repeat(Span<byte> bytes, int from, int to, int length)
    {
        if (to - from == 1)
        {
            bytes.Slice(to, length).Fill(bytes[from]);
            return;
        }

        while (length > to - from)
        {
            var there = bytes[from..to];
            there.CopyTo(bytes[to..]);
            to += there.Length;
            length -= there.Length;
        }

        bytes.Slice(from, length).CopyTo(bytes[to..]);
    }

    private static uint ThreeAt(ReadOnlySpan<byte> bytes, int at) =>
        bytes[at] | ((uint)bytes[at + 1] << 8) | ((uint)bytes[at + 2] << 16);

    private static int HashOf(uint three, int bits) => (int)((three * 2654435761u) >> (32 - bits));

    private static int RepeatLength(ReadOnlySpan<byte> source, int candidate, int at)
    {
        var most = Math.Min(MaxRepeat, source.Length - at);
        return MemoryExtensions.CommonPrefixLength(source.Slice(candidate, most), source.Slice(at, most));
    }

    private static bool TryWriteLiterals(ReadOnlySpan<byte> literals, Span<byte> destination, ref int to)
    {
        while (!literals.IsEmpty)
        {
            var count = Math.Min(literals.Length, MaxLiterals);
            if (destination.Length - to < count + 1) return false;
            destination[to++] = (byte)(count - 1);
            literals[..count].CopyTo(destination[to..]);
            to += count;
            literals = literals[count..];
        }

        return true;
    }

    private static bool TryWriteRepeat(int offset, int length, Span<byte> destination, ref int to)
    {
        length -= MinRepeat - 1;
        if (destination.Length - to < (length < LongRepeat ? 2 : 3)) return false;
        if (length < LongRepeat)
        {
            destination[to++] = (byte)((length << 5) | (offset >> 8));
        }
        else
        {
            destination[to++] = (byte)((LongRepeat << 5) | (offset >> 8));
            destination[to++] = (byte)(length - LongRepeat);
        }

        destination[to++] = (byte)offset;
        return true;
    }
}
