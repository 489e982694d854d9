namespace Millrace.Memory.Interop;

/// <summary>
/// What a <see cref="MemorySource"/> asks of the operating system about pages that it has reserved. A test puts its own
/// in this place, to refuse what a system may refuse.
/// </summary>
/// <remarks>Stateless; any thread. Addresses and sizes are whole chunks, and lie in one reservation.</remarks>
internal unsafe class SystemPages
{
    /// <summary>Makes pages usable.</summary>
    /// <exception cref="InsufficientMemoryException">The system refuses.</exception>
    internal virtual void Commit(nint address, nint sizeBytes) =>
        SystemMemory.Commit((byte*)address, (nuint)sizeBytes); // SAFETY: of all four: the caller owns the range.

    /// <summary>Asks for huge pages from the next first touch on, or for small ones. False when refused.</summary>
    internal virtual bool TryAdviseHuge(nint address, nint sizeBytes, bool huge) =>
        SystemMemory.TryAdviseHuge((byte*)address, (nuint)sizeBytes, huge);

    /// <summary>Gives pages memory before they are used. False when refused.</summary>
    internal virtual bool TryPopulate(nint address, nint sizeBytes) =>
        SystemMemory.TryPopulate((byte*)address, (nuint)sizeBytes);

    /// <summary>Takes the memory from pages that nobody uses.</summary>
    internal virtual void Discard(nint address, nint sizeBytes) =>
        SystemMemory.Discard((byte*)address, (nuint)sizeBytes);
}
