using System.Diagnostics;

namespace Millrace.Persistence.Files;

/// <summary>
/// Makes saving and loading slow for those who test what happens meanwhile: so many microseconds for each key, or with
/// a negative number a microsecond for every so many keys (<c>rdb-key-save-delay</c>, <c>key-load-delay</c>).
/// </summary>
/// <remarks>
/// No thread sleeps for a microsecond: the delays add up until they are worth it (<see cref="IsDue"/>), and what was
/// slept too long counts for what follows. The number may change at any time: what is owed is forgotten when it becomes
/// 0. Used by one thread.
/// </remarks>
/// <param name="microseconds">Tells the number; null: there is no delay.</param>
/// <param name="isOver">Whether nobody waits for what is saved or loaded any more.</param>
public sealed class KeyDelay(Func<int>? microseconds, Func<bool> isOver)
{
    private const double LeastMicroseconds = 1000;
    private const int LongestSleepMs = 10;

    private double _owed;

    private int Each => microseconds is null ? 0 : microseconds();

    /// <summary>Whether <see cref="Sleep"/> would sleep.</summary>
    public bool IsDue => _owed >= LeastMicroseconds;

    /// <summary>So many keys were saved or loaded, or commands run.</summary>
    public void Note(long keys)
    {
        var each = Each;
        if (each == 0) return;
        _owed += each > 0 ? (double)keys * each : -(double)keys / each;
    }

    /// <summary>Sleeps for as long as is due. Nothing is held that others wait for.</summary>
    public void Sleep()
    {
        while (IsDue && !isOver())
        {
            var began = Stopwatch.GetTimestamp();
            Thread.Sleep((int)Math.Clamp(_owed / 1000, 1, LongestSleepMs));
            _owed -= Stopwatch.GetElapsedTime(began).TotalMicroseconds;
            if (Each == 0) _owed = 0;
        }
    }
}
