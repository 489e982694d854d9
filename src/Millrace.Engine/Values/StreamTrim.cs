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

/// <summary>What becomes of the references that consumer groups have to an entry that is to be deleted.</summary>
public enum ReferencePolicy
{
    /// <summary>They stay: the entry remains pending though it is gone (KEEPREF).</summary>
    Keep,

    /// <summary>They go with the entry (DELREF).</summary>
    Remove,

    /// <summary>An entry stays that a group has not read, or that is pending in one (ACKED).</summary>
    Respect,
}

/// <summary>How a stream is to be trimmed.</summary>
/// <param name="Strategy">By what.</param>
/// <param name="MaxLength">The length that is to be left.</param>
/// <param name="MinId">The smallest ID that may stay.</param>
/// <param name="IsApproximate">Whether only whole nodes go. Those of which groups need a part would never do so: with
/// <see cref="ReferencePolicy.Respect"/> entries go one by one.</param>
/// <param name="Limit">The most entries that may go, or be looked at with <see cref="ReferencePolicy.Respect"/>; 0: as
/// many as needed.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct StreamTrim(
    TrimStrategy Strategy, long MaxLength, StreamId MinId, bool IsApproximate, long Limit)
{
    /// <summary>What becomes of the references of groups; without groups it does not matter.</summary>
    public ReferencePolicy References { get; init; }

    /// <summary>Whether a stream of this length keeps all that it has.</summary>
    internal bool Keeps(long length) =>
        Strategy == TrimStrategy.None || (Strategy == TrimStrategy.Length && length <= MaxLength);

    /// <summary>Whether an entry stays because of its ID.</summary>
    internal bool Keeps(StreamId id) => Strategy == TrimStrategy.Id && id >= MinId;
}
