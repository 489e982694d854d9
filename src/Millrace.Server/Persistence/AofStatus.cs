namespace Millrace.Server.Persistence;

/// <summary>
/// What is known of the append-only file's size and its rewrites.
/// </summary>
/// <remarks>Lock: that of <see cref="AppendOnly"/>, for writing; numbers may be read by any thread, a moment old.
/// </remarks>
public sealed class AofStatus
{
    private const int FailuresBeforeLimit = 3;
    private const int MaxDelayMinutes = 60;

    private int _delayMinutes;
    private long _nextUnixSeconds;

    /// <summary>Bytes of the base and of all increments but the one that is appended to.</summary>
    public long ClosedBytes { get; internal set; }

    /// <summary>How large all of it was after the last rewrite, or when it was loaded its base.</summary>
    public long BaseBytes { get; internal set; }

    /// <summary>How many rewrites were begun.</summary>
    public long Rewrites { get; internal set; }

    /// <summary>How many rewrites have failed since the last one that did not.</summary>
    public long Failures { get; internal set; }

    /// <summary>How many seconds the last rewrite took; -1: there was none.</summary>
    public long LastSeconds { get; internal set; } = -1;

    /// <summary>When the one under way began, in seconds since 1970; 0: there is none.</summary>
    public long BeganUnixSeconds { get; internal set; }

    /// <summary>Whether the last rewrite went well.</summary>
    public bool IsLastGood { get; internal set; } = true;

    /// <summary>Whether rewrites that nobody asked for have to wait, because several have failed: a minute, then twice
    /// as long each time, up to an hour.</summary>
    /// <param name="unixSeconds">Now.</param>
    /// <param name="minutes">For how long from now on; 0: that was said before.</param>
    internal bool IsLimited(long unixSeconds, out int minutes)
    {
        minutes = 0;
        if (Failures < FailuresBeforeLimit)
        {
            (_delayMinutes, _nextUnixSeconds) = (0, 0);
            return false;
        }

        if (_nextUnixSeconds != 0)
        {
            if (unixSeconds < _nextUnixSeconds) return true;
            _nextUnixSeconds = 0;
            return false;
        }

        _delayMinutes = Math.Clamp(_delayMinutes * 2, 1, MaxDelayMinutes);
        _nextUnixSeconds = unixSeconds + (_delayMinutes * 60L);
        minutes = _delayMinutes;
        return true;
    }
}
