using Millrace.Commands;

namespace Millrace.Server;

/// <summary>
/// The pause that CLIENT PAUSE asks for: of all commands, or of those that may write, until a moment.
/// </summary>
/// <remarks>
/// It closes gates; what is stopped parks and comes again when they open. A second pause makes the first one longer and
/// stricter, never shorter or looser. While a pause lasts nothing expires and nothing is removed. Begun while all loops
/// stand still, so that no write is under way when the caller has its answer; ended from a loop's timer. Thread-safe.
/// </remarks>
public sealed class ClientPause(Gates gates)
{
    private readonly object _sync = new(); // guards the fields; the gates' own lock is taken under it
    private Gate _closed;
    private long _untilMs;
    private bool _isStopping;

    /// <summary>Begins a pause, or makes the one that lasts longer and stricter.</summary>
    /// <param name="stopsAll">All commands rather than those that may write.</param>
    /// <param name="untilMs">When it ends, in Unix milliseconds.</param>
    /// <returns>When the pause ends that lasts now, in Unix milliseconds.</returns>
    public long Begin(bool stopsAll, long untilMs)
    {
        lock (_sync)
        {
            _closed |= stopsAll ? Gate.WritesPaused | Gate.AllPaused : Gate.WritesPaused;
            _untilMs = Math.Max(_untilMs, untilMs);
            gates.Close(_closed);
            return _untilMs;
        }
    }

    /// <summary>Ends the pause if its time has come.</summary>
    /// <returns>How long it still lasts, in milliseconds; 0 when there is none any more.</returns>
    public long EndIfOver(long nowMs)
    {
        lock (_sync)
        {
            if (_closed == Gate.None) return 0;
            if (nowMs < _untilMs) return _untilMs - nowMs;
            End();
            return 0;
        }
    }

    /// <summary>Ends the pause.</summary>
    public void End()
    {
        lock (_sync)
        {
            var opened = _isStopping ? _closed & ~Gate.WritesPaused : _closed;
            _closed = Gate.None;
            _untilMs = 0;
            if (opened != Gate.None) gates.Open(opened);
        }
    }

    /// <summary>The server stops: writes stay paused for good.</summary>
    public void Stop()
    {
        lock (_sync)
        {
            _isStopping = true;
            gates.Close(Gate.WritesPaused);
        }
    }
}
