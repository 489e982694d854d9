using System.Text;
using Millrace.Compat.Tests.Generation;

namespace Millrace.Compat.Tests.Differential;

/// <summary>
/// What remains of a SORT that met a sorted set: 7.0.15 unpacks it for good (docs/compatibility.md), which nothing but
/// its encoding shows. SORT is given keys of lists and sets, but any name may hold a sorted set for a while; names of
/// the pool of sorted sets it never meets.
/// </summary>
internal static class UnpackedBySort
{
    private const string Unpacked = "skiplist";
    private const string Packed = "listpack";

    /// <summary>Whether replies of OBJECT ENCODING about a key, or of DEBUG OBJECT, differ in nothing else.</summary>
    internal static bool Explains(Request request, byte[] reference, byte[] actual) =>
        request.Command is "OBJECT ENCODING" or "DEBUG OBJECT"
        && request.Arguments.Length == 3
        && Explains(request.Command, request.Arguments[2], reference, actual);

    /// <summary>The same for the key by itself.</summary>
    internal static bool Explains(string command, byte[] key, byte[] reference, byte[] actual)
    {
        if (key.AsSpan().StartsWith("z:"u8))
            return false;
        string left = Encoding.Latin1.GetString(reference);
        string packed = left.Replace(Unpacked, Packed, StringComparison.Ordinal);
        return !string.Equals(packed, left, StringComparison.Ordinal)
            && ReplyRules.Same(command, Encoding.Latin1.GetBytes(packed), actual, out _);
    }
}
