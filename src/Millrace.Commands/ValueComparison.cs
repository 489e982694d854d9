// The conditions on the string that a key holds, which SET and DELEX have in common:
//
//     IFEQ value | IFNE value | IFDEQ digest | IFDNE digest
//
// A digest is the 64-bit XXH3 hash of the string in 16 hexadecimal digits, as DIGEST gives it. What is no such digest
// equals none. Source: Redis 8.4 documentation, "SET", "DELEX", "DIGEST".

using System.Buffers;
using System.Buffers.Text;
using System.IO.Hashing;
using Millrace.Engine;
using Millrace.Engine.Values;

namespace Millrace.Commands;

/// <summary>How a string is compared.</summary>
internal enum ValueComparison
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>IFEQ: it is equal.</summary>
    Equal,

    /// <summary>IFNE: it is not equal.</summary>
    Differs,

    /// <summary>IFDEQ: its digest is equal.</summary>
    DigestEqual,

    /// <summary>IFDNE: its digest is not equal.</summary>
    DigestDiffers,
}

/// <summary>Comparisons of strings, and their digests.</summary>
internal static class ValueComparisons
{
    /// <summary>The length of a digest.</summary>
    public const int DigestBytes = 16;

    /// <summary>The comparison that a word stands for, in any case.</summary>
    public static ValueComparison Of(ReadOnlySpan<byte> word) => word.Length switch
    {
        4 => Words.Equal(word, "IFEQ"u8) ? ValueComparison.Equal
            : Words.Equal(word, "IFNE"u8) ? ValueComparison.Differs : ValueComparison.None,
        5 => Words.Equal(word, "IFDEQ"u8) ? ValueComparison.DigestEqual
            : Words.Equal(word, "IFDNE"u8) ? ValueComparison.DigestDiffers : ValueComparison.None,
        _ => ValueComparison.None,
    };

    /// <summary>Whether a string is as wanted. A missing key equals nothing.</summary>
    /// <param name="comparison">How it is compared; not <see cref="ValueComparison.None"/>.</param>
    /// <param name="entry">An entry with a string, or a missing one.</param>
    /// <param name="operand">The value or the digest.</param>
    public static bool IsMet(ValueComparison comparison, in Entry entry, ReadOnlySpan<byte> operand)
    {
        var wantsEqual = comparison is ValueComparison.Equal or ValueComparison.DigestEqual;
        if (entry.IsMissing) return !wantsEqual;
        Span<byte> scratch = stackalloc byte[StringValue.ScratchBytes];
        var value = StringValue.Read(entry, scratch);
        if (comparison is ValueComparison.Equal or ValueComparison.Differs)
            return value.SequenceEqual(operand) == wantsEqual;
        Span<byte> digest = stackalloc byte[DigestBytes];
        WriteDigest(value, digest, 'X');
        return Words.Equal(operand, digest) == wantsEqual;
    }

    /// <summary>Writes the digest of a string.</summary>
    /// <param name="value">The string.</param>
    /// <param name="digest">Where the digits go, <see cref="DigestBytes"/>.</param>
    /// <param name="digits">The case of the digits above 9: x or X.</param>
    public static void WriteDigest(ReadOnlySpan<byte> value, Span<byte> digest, char digits = 'x') =>
        Utf8Formatter.TryFormat(XxHash3.HashToUInt64(value), digest, out _, new StandardFormat(digits, DigestBytes));
}
