using System.Buffers.Binary;
using System.Diagnostics;
using System.Numerics;

namespace Millrace.Memory;

/// <summary>
/// SHA-1, for digests that have to equal those of other servers. No protection against anybody who wants two texts to
/// have the same one.
/// </summary>
/// <remarks>
/// <code>
///   text | 0x80 | zeros | length in bits, 8 bytes big-endian      cut into blocks of 64 bytes, each 16 words
/// </code>
/// Nothing is allocated; O(length). Written out here so that the server needs no library of the system for it.
/// Source: FIPS 180-4.
/// </remarks>
public static class Sha1
{
    /// <summary>The length of a digest.</summary>
    public const int DigestBytes = 20;

    private const int BlockBytes = 64;
    private const int Words = 16;
    private const byte EndOfText = 0x80;

    /// <summary>Writes the digest of a text, over which the text may lie.</summary>
    /// <param name="text">Any bytes.</param>
    /// <param name="digest">At least <see cref="DigestBytes"/>.</param>
    public static void Hash(ReadOnlySpan<byte> text, Span<byte> digest)
    {
        Debug.Assert(digest.Length >= DigestBytes, "room for a digest");
        Span<uint> state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0];
        var rest = text;
        for (; rest.Length >= BlockBytes; rest = rest[BlockBytes..]) Add(state, rest);

        Span<byte> last = stackalloc byte[2 * BlockBytes];
        last.Clear();
        rest.CopyTo(last);
        last[rest.Length] = EndOfText;
        last = last[..(rest.Length + 1 + sizeof(ulong) <= BlockBytes ? BlockBytes : 2 * BlockBytes)];
        BinaryPrimitives.WriteUInt64BigEndian(last[^sizeof(ulong)..], (ulong)text.Length * 8);
        for (; !last.IsEmpty; last = last[BlockBytes..]) Add(state, last);
        for (var i = 0; i < state.Length; i++)
            BinaryPrimitives.WriteUInt32BigEndian(digest[(i * sizeof(uint))..], state[i]);
    }

    private static void Add(Span<uint> state, ReadOnlySpan<byte> block)
    {
        const int Rounds = 80;
        Span<uint> schedule = stackalloc uint[Rounds];
        for (var i = 0; i < Words; i++)
            schedule[i] = BinaryPrimitives.ReadUInt32BigEndian(block[(i * sizeof(uint))..]);
        for (var i = Words; i < Rounds; i++)
        {
            var mixed = schedule[i - 3] ^ schedule[i - 8] ^ schedule[i - 14] ^ schedule[i - 16];
            schedule[i] = BitOperations.RotateLeft(mixed, 1);
        }

        var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4]);
        for (var i = 0; i < Rounds; i++)
        {
            var (function, constant) = (i / 20) switch
            {
                0 => ((b & c) | (~b & d), 0x5A827999u),
                1 => (b ^ c ^ d, 0x6ED9EBA1u),
                2 => ((b & c) | (b & d) | (c & d), 0x8F1BBCDCu),
                _ => (b ^ c ^ d, 0xCA62C1D6u),
            };
            var next = unchecked(BitOperations.RotateLeft(a, 5) + function + e + constant + schedule[i]);
            (e, d, c, b, a) = (d, c, BitOperations.RotateLeft(b, 30), a, next);
        }

        unchecked
        {
            state[0] += a;
            state[1] += b;
            state[2] += c;
            state[3] += d;
            state[4] += e;
        }
    }
}
