using System.Runtime.InteropServices;

namespace Millrace.Engine.Values;

/// <summary>By what a stream is trimmed.</summary>
public enum TrimStrategy
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>To a length (MAXLEN).</summary>
    Length,

    /// <summary>To entries that are not below an ID (MINID).</summary>
    Id,
}

/// <summary>How a stream is to be trimmed.</summary>
/// <param name="Strategy">By what.</param>
/// <param name="MaxLength">The length that is to be left.</param>
/// <param name="MinId">The smallest ID that may stay.</param>
/// <param name="IsApproximate">Whether only whole nodes go.</param>
/// <param name="Limit">The most entries that may go; 0: as many as needed.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct StreamTrim(
    TrimStrategy Strategy, long MaxLength, StreamId MinId, bool IsApproximate, long Limit)
{
    /// <summary>Whether a stream of this length keeps all that it has.</summary>
    internal bool Keeps(long length) =>
        Strategy == TrimStrategy.None || (Strategy == TrimStrategy.Length && length <= MaxLength);

    /// <summary>Whether an entry stays because of its ID.</summary>
    internal bool Keeps(StreamId id) => Strategy == TrimStrategy.Id && id >= MinId;
}
