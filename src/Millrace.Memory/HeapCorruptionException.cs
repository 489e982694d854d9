namespace Millrace.Memory;

/// <summary>
/// Native memory was used against its rules: a block freed twice or never allocated, written past its end or after it
/// was freed, left behind, or a view asked for that lies outside of the block or region.
/// </summary>
/// <remarks>
/// Always a bug of ours, never a client's mistake. Whoever holds locks when it is thrown ends the process with a
/// report; nothing was written through the bad reference.
/// </remarks>
public sealed class HeapCorruptionException : Exception
{
    /// <summary>Without a message; for the conventions of exception types.</summary>
    public HeapCorruptionException()
    {
    }

    /// <summary>With a sentence that says which rule was broken where.</summary>
    public HeapCorruptionException(string message)
        : base(message)
    {
    }

    /// <summary>With a sentence and the exception that led here.</summary>
    public HeapCorruptionException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
