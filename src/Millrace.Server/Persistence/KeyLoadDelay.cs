using System.Diagnostics;
using Millrace.Persistence.Loading;
using Millrace.Server.Config;

namespace Millrace.Server.Persistence;

/// <summary>
/// Makes loading slow for those who test what happens meanwhile: <c>key-load-delay</c> microseconds for each key, or
/// with a negative number a microsecond for every so many keys.
/// </summary>
/// <remarks>
/// No thread sleeps for a microsecond: the delays add up until they are worth it, and what was slept too long counts
/// for what follows. The directive may change at any time. Used by the thread that reads.
/// </remarks>
/// <param name="configuration">Says how long.</param>
/// <param name="progress">Ends it early.</param>
/// <param name="beforeSleep">Called before it sleeps.</param>
internal sealed class KeyLoadDelay(Configuration configuration, ILoadProgress progress, Action beforeSleep)
{
    private const double LeastMicroseconds = 1000;
    private const int LongestSleepMs = 10;

    private double _owed;

    /// <summary>A key was loaded.</summary>
    internal void AfterKey()
    {
        var delay = configuration.Settings.KeyLoadDelayMicroseconds;
        if (delay == 0) return;
        _owed += delay > 0 ? delay : -1.0 / delay;
        if (_owed >= LeastMicroseconds) Sleep();
    }

    private void Sleep()
    {
        beforeSleep();
        while (_owed >= LeastMicroseconds && !progress.IsStopped)
        {
            var began = Stopwatch.GetTimestamp();
            Thread.Sleep((int)Math.Clamp(_owed / 1000, 1, LongestSleepMs));
            _owed -= Stopwatch.GetElapsedTime(began).TotalMicroseconds;
            if (configuration.Settings.KeyLoadDelayMicroseconds == 0) _owed = 0;
        }
    }
}
