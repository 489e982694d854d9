using System.Runtime.CompilerServices;

namespace Millrace.Memory;

/// <summary>
/// Moves elements of native memory, which may overlap.
/// </summary>
/// <remarks>
/// As bytes: what copies spans of a type of ours is a generic of the framework that nothing compiles ahead, so that it
/// would be compiled on a loop when it is first needed.
/// </remarks>
internal static unsafe class Elements
{
    /// <summary>Moves elements. Requires: all of them, here and there, are memory of the caller's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Move<T>(T* from, T* to, int count)
        where T : unmanaged =>
        MoveBytes(from, to, count * sizeof(T));

    // SAFETY: the callers answer for the bytes; a negative number of them is refused.
    private static void MoveBytes(void* from, void* to, int bytes) =>
        new ReadOnlySpan<byte>(from, bytes).CopyTo(new Span<byte>(to, bytes));
}
