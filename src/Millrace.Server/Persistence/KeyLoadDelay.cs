using System.Diagnostics;
using Millrace.Persistence.Loading;
using Millrace.Server.Config;

namespace Millrace.Server.Persistence;

/// <summary>
/// Makes loading slow for those who test what happens meanwhile: <c>key-load-delay</c> microseconds for each key or
/// command, or with a negative number a microsecond for every so many.
/// </summary>
/// <remarks>
/// No thread sleeps for a microsecond: the delays add up until they are worth it (<see cref="IsDue"/>), and what was
/// slept too long counts for what follows. The directive may change at any time. Used by the thread that reads.
/// </remarks>
/// <param name="configuration">Says how long.</param>
/// <param name="progress">Ends it early.</param>
internal sealed class KeyLoadDelay(Configuration configuration, ILoadProgress progress)
{
    private const double LeastMicroseconds = 1000;
    private const int LongestSleepMs = 10;

    private double _owed;

    /// <summary>Whether <see cref="Sleep"/> would sleep.</summary>
    internal bool IsDue => _owed >= LeastMicroseconds;

    /// <summary>A key was loaded, or a command run.</summary>
    internal void NoteKey()
    {
        var delay = configuration.Settings.KeyLoadDelayMicroseconds;
        if (delay != 0) _owed += delay > 0 ? delay : -1.0 / delay;
    }

    /// <summary>Sleeps for as long as is due. Nothing is held.</summary>
    internal void Sleep()
    {
        while (IsDue && !progress.IsStopped)
        {
            var began = Stopwatch.GetTimestamp();
            Thread.Sleep((int)Math.Clamp(_owed / 1000, 1, LongestSleepMs));
            _owed -= Stopwatch.GetElapsedTime(began).TotalMicroseconds;
            if (configuration.Settings.KeyLoadDelayMicroseconds == 0) _owed = 0;
        }
    }
}
