using System.Buffers.Binary;

namespace Millrace.Commands;

/// <summary>
/// A command's name as two machine words, so that looking it up compares words instead of bytes.
/// </summary>
/// <remarks>
/// <code>
///   length 8 .. 16   First = bytes 0..7, Last = the last 8 bytes (they overlap below 16)
///          4 .. 7    First = bytes 0..3 and the last 4 bytes, Last = 0
///          1 .. 3    First = first, middle and last byte, Last = 0
/// </code>
/// For one length the words determine the bytes. Each byte has bit 5 set, which folds the case of letters; it folds
/// other bytes together as well ('-' and CR, say), so whoever finds an equal name that is not of letters alone compares
/// the bytes.
/// </remarks>
/// <param name="First">The first bytes.</param>
/// <param name="Last">The last bytes.</param>
/// <param name="Length">The length in bytes.</param>
internal readonly record struct CommandName(ulong First, ulong Last, int Length)
{
    /// <summary>The longest name that fits.</summary>
    internal const int MaxBytes = 16;

    private const ulong FoldedCase = 0x2020202020202020;

    /// <summary>A number to choose a slot by.</summary>
    internal int Hash => (int)(((First ^ (Last * 31) ^ (ulong)Length) * 0x9E3779B97F4A7C15) >> 40);

    /// <summary>The folded form of a name. Requires: at most <see cref="MaxBytes"/>.</summary>
    internal static CommandName Of(ReadOnlySpan<byte> name)
    {
        var length = name.Length;
        if (length >= 8)
        {
            var first = BinaryPrimitives.ReadUInt64LittleEndian(name);
            var last = BinaryPrimitives.ReadUInt64LittleEndian(name[(length - 8)..]);
            return new CommandName(first | FoldedCase, last | FoldedCase, length);
        }

        if (length >= 4)
        {
            ulong first = BinaryPrimitives.ReadUInt32LittleEndian(name);
            ulong last = BinaryPrimitives.ReadUInt32LittleEndian(name[(length - 4)..]);
            return new CommandName(first | (last << 32) | FoldedCase, 0, length);
        }

        if (length == 0) return default;
        var word = name[0] | ((ulong)name[length >> 1] << 8) | ((ulong)name[length - 1] << 16);
        return new CommandName(word | FoldedCase, 0, length);
    }
}
