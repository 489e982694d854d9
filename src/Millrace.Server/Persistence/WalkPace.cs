using System.Diagnostics;

namespace Millrace.Server.Persistence;

/// <summary>
/// How much of its time a loop gives to the walk of a snapshot: all of it while nobody wants anything, otherwise one
/// part in <see cref="BusyShare"/>.
/// </summary>
/// <remarks>
/// <code>
///   busy   |walk|----------- rest: commands -----------|walk|--- rest ---|...     walk : all = 1 : BusyShare
///   idle   |walk|walk|walk|...                                                    nothing came in for a millisecond
/// </code>
/// What commands save themselves before they write is part of that share: it makes the next rest longer, as if the walk
/// had done it. A turn without commands does not make a loop idle, because clients that wait for replies pause between
/// their requests, and then wait for the walk. Used on the loop's thread.
/// </remarks>
internal sealed class WalkPace
{
    /// <summary>Of so many parts of a busy loop's time the walk takes one.</summary>
    internal const int BusyShare = 10;

    /// <summary>No rest is longer, so that the walk ends whatever commands do.</summary>
    internal const int LongestRestMs = 5;

    /// <summary>A loop to which nothing comes for so long is idle.</summary>
    internal const int IdleMs = 1;

    private static readonly long LongestRestTicks = Stopwatch.Frequency * LongestRestMs / 1000;
    private static readonly long IdleTicks = Stopwatch.Frequency * IdleMs / 1000;

    private long _busyAt;
    private long _restsUntil;
    private double _ticksPerPart; // of what is saved: an entry, a member, a piece
    private long _walkedParts;
    private long _unitParts;

    /// <summary>Begins at a time of <see cref="Stopwatch"/>, as if something had just come in.</summary>
    internal WalkPace(long now) => _busyAt = now;

    /// <summary>Something has come in.</summary>
    internal void NoteBusy(long now) => _busyAt = now;

    /// <summary>Whether the walk may go on.</summary>
    internal bool IsDue(long now) => now >= _restsUntil || now - _busyAt >= IdleTicks;

    /// <summary>A step of the walk has ended: it decides how long the loop rests from it.</summary>
    /// <param name="began">When it began.</param>
    /// <param name="ended">When it ended.</param>
    /// <param name="walkedParts">How many parts walks have saved so far.</param>
    /// <param name="unitParts">How many parts commands have saved so far.</param>
    internal void NoteWalked(long began, long ended, long walkedParts, long unitParts)
    {
        var took = ended - began;
        if (walkedParts > _walkedParts) _ticksPerPart = (double)took / (walkedParts - _walkedParts);
        var rest = (took * (BusyShare - 1.0)) + ((unitParts - _unitParts) * _ticksPerPart * BusyShare);
        _restsUntil = ended + (long)Math.Min(rest, LongestRestTicks);
        _walkedParts = walkedParts;
        _unitParts = unitParts;
    }
}
