using System.Globalization;

namespace Millrace.Persistence.Rdb;

/// <summary>
/// The nine bytes that an RDB file begins with: who gave out the version, and its digits.
/// </summary>
/// <remarks>
/// <code>
///   R E D I S 0 0 1 1        Redis, and Valkey up to 8
///   V A L K E Y 0 8 0        Valkey 9: versions from 80 on are its own
/// </code>
/// </remarks>
/// <param name="IsOfValkey">Whether Valkey gave out the version.</param>
/// <param name="Version">The version.</param>
public readonly record struct RdbMagic(bool IsOfValkey, int Version)
{
    /// <summary>How long it is.</summary>
    public const int Bytes = 9;

    /// <summary>The one version of Valkey's own that is read.</summary>
    public const int VersionOfValkey = 80;

    /// <summary>Writes it. Requires: room for <see cref="Bytes"/>.</summary>
    public void Write(Span<byte> to)
    {
        var name = IsOfValkey ? "VALKEY"u8 : "REDIS"u8;
        name.CopyTo(to);
        Version.TryFormat(to[name.Length..Bytes], out _, IsOfValkey ? "D3" : "D4", CultureInfo.InvariantCulture);
    }

    /// <summary>Whether bytes are one, of any version.</summary>
    /// <param name="bytes">The first <see cref="Bytes"/> of a file.</param>
    /// <param name="magic">What they say.</param>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out RdbMagic magic)
    {
        magic = default;
        var isOfValkey = bytes.StartsWith("VALKEY"u8);
        if (bytes.Length != Bytes || (!isOfValkey && !bytes.StartsWith("REDIS"u8))) return false;
        var version = 0;
        foreach (var digit in bytes[(isOfValkey ? 6 : 5)..])
        {
            if (digit is < (byte)'0' or > (byte)'9') return false;
            version = (10 * version) + digit - '0';
        }

        magic = new RdbMagic(isOfValkey, version);
        return true;
    }
}
