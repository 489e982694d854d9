using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Millrace.Memory;

/// <summary>
/// A fast seeded hash of byte strings, for hash tables that strangers fill. Immutable; any thread.
/// </summary>
/// <remarks>
/// <para>
/// Of the wyhash and foldhash family: the input is xored with secret words, multiplied 64 by 64 bits, and the halves of
/// the 128-bit product are folded together. 16 bytes cost one multiplication, and two end every hash.
/// </para>
/// <para>
/// The secret is 256 random bits per hasher, so which keys collide cannot be known from outside (hash flooding). It
/// is no cryptographic hash: whoever can see hashes could work the secret out, so they are never shown.
/// </para>
/// </remarks>
public sealed class KeyHasher
{
    private const int StripeBytes = 48;

    private readonly ulong _secret0;
    private readonly ulong _secret1;
    private readonly ulong _secret2;
    private readonly ulong _secret3;

    /// <summary>A hasher with a random secret.</summary>
    public KeyHasher()
    {
        _secret0 = SystemRandom.NextWord();
        _secret1 = SystemRandom.NextWord();
        _secret2 = SystemRandom.NextWord();
        _secret3 = SystemRandom.NextWord();
    }

    /// <summary>A hasher that gives the same hashes in every run; for tests.</summary>
    public KeyHasher(ulong seed)
    {
        _secret0 = NextWord(ref seed);
        _secret1 = NextWord(ref seed);
        _secret2 = NextWord(ref seed);
        _secret3 = NextWord(ref seed);
    }

    /// <summary>The hash of a key. All 64 bits are well mixed. O(length).</summary>
    public ulong Hash(ReadOnlySpan<byte> key)
    {
        ulong a;
        ulong b;
        var length = key.Length;
        var seed = _secret0;
        if (key.Length <= 16)
        {
            (a, b) = ReadShort(key);
        }
        else
        {
            if (key.Length > StripeBytes) seed = HashStripes(ref key, seed);
            var rest = key;
            for (; rest.Length > 16; rest = rest[16..])
                seed = Fold(Word(rest) ^ _secret2, Word(rest[8..]) ^ seed);
            a = Word(key[^16..]);
            b = Word(key[^8..]);
        }

        // The length goes in beside secrets, so that zero bytes at the end are not lost.
        var high = Math.BigMul(a ^ _secret1, b ^ seed, out var low);
        return Fold(low ^ _secret3 ^ (ulong)length, high ^ _secret2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (ulong First, ulong Last) ReadShort(ReadOnlySpan<byte> key)
    {
        if (key.Length >= 8) return (Word(key), Word(key[^8..]));
        if (key.Length >= 4)
            return (BinaryPrimitives.ReadUInt32LittleEndian(key), BinaryPrimitives.ReadUInt32LittleEndian(key[^4..]));
        if (key.Length == 0) return (0, 0);
        return (((ulong)key[0] << 8) | key[key.Length >> 1], key[^1]);
    }

    // Three independent lanes keep the multiplier busy. Leaves in `key` what did not fill a stripe: 1 to 48 bytes,
    // plus up to 16 that were seen already when fewer than 16 are left.
    private ulong HashStripes(ref ReadOnlySpan<byte> key, ulong seed)
    {
        var lane1 = seed ^ (ulong)key.Length;
        var lane2 = seed ^ _secret3;
        var rest = key;
        do
        {
            seed = Fold(Word(rest) ^ _secret1, Word(rest[8..]) ^ seed);
            lane1 = Fold(Word(rest[16..]) ^ _secret2, Word(rest[24..]) ^ lane1);
            lane2 = Fold(Word(rest[32..]) ^ _secret3, Word(rest[40..]) ^ lane2);
            rest = rest[StripeBytes..];
        }
        while (rest.Length > StripeBytes);

        key = rest.Length >= 16 ? rest : key[^16..];
        return seed ^ lane1 ^ lane2;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Word(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64LittleEndian(bytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Fold(ulong a, ulong b)
    {
        var high = Math.BigMul(a, b, out var low);
        return high ^ low;
    }

    // SplitMix64 (Steele, Lea, Flood 2014): turns a seed of any quality into words that look random.
    private static ulong NextWord(ref ulong state)
    {
        state += 0x9E3779B97F4A7C15;
        var z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
