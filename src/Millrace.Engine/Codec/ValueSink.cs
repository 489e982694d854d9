namespace Millrace.Engine.Codec;

/// <summary>
/// Where encoded values go, segment by segment: a buffer that grows (<see cref="EncodedValue"/>), a file that is
/// written to whenever a segment is full.
/// </summary>
/// <remarks>
/// <code>
///   Next(0) -> room, filled from its beginning -> Next(filled) -> room -> ... -> End(filled)
/// </code>
/// A room is valid until the next call. Who cannot take any more remembers it and gives room all the same, so that a
/// writer has no errors.
/// </remarks>
public abstract class ValueSink
{
    /// <summary>The least room that <see cref="Next"/> gives: any length, number or type is written in one piece.
    /// </summary>
    public const int MinRoomBytes = 32;

    /// <summary>Takes what was filled and gives further room.</summary>
    /// <param name="filled">How many bytes of the last room are to be kept.</param>
    public abstract Span<byte> Next(int filled);

    /// <summary>Takes what was filled last.</summary>
    /// <param name="filled">How many bytes of the last room are to be kept.</param>
    public abstract void End(int filled);

    /// <summary>Whether long texts come as bare bytes, which <see cref="NoteText"/> tells of: whoever takes them on
    /// compresses them and writes their lengths.</summary>
    public virtual bool CompressesLater => false;

    /// <summary>The bare bytes of a text come next.</summary>
    /// <param name="at">Where they begin, in bytes from the beginning of the room that was given last.</param>
    /// <param name="bytes">How many they are.</param>
    public virtual void NoteText(int at, int bytes)
    {
    }
}

/// <summary>Where encoded values come from, segment by segment.</summary>
public abstract class ValueSource
{
    /// <summary>An upper bound of the bytes that <see cref="Next"/> will give: lengths that a value claims are compared
    /// with it before memory is taken.</summary>
    public abstract long Left { get; }

    /// <summary>The next bytes, valid until the next call; none at the end.</summary>
    public abstract ReadOnlySpan<byte> Next();
}
