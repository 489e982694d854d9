namespace Millrace.Server.Observability;

/// <summary>The switch of the work that loops do once a second (DEBUG PAUSE-CRON). Thread-safe.</summary>
public sealed class PeriodicWork
{
    private volatile bool _isPaused;

    /// <summary>Idle clients are not closed, soft limits not looked at and no samples taken.</summary>
    public bool IsPaused
    {
        get => _isPaused;
        set => _isPaused = value;
    }
}
