namespace Millrace.Fuzz;

/// <summary>Ends the process when one execution lasts too long, with its input saved: a hang is a crash.</summary>
public sealed class Watchdog : IDisposable
{
    /// <summary>The exit code after a hang.</summary>
    public const int ExitCode = 3;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);
    private readonly Func<long> _executions;
    private readonly Action _save;
    private readonly Timer _timer;
    private long _last = -1;

    /// <summary>Watches a counter that must move; <paramref name="save"/> runs when it does not.</summary>
    public Watchdog(Func<long> executions, Action save)
    {
        _executions = executions;
        _save = save;
        _timer = new Timer(_ => Look(), state: null, Limit, Limit);
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        long now = _executions();
        if (now != _last)
        {
            _last = now;
            return;
        }
        _save();
        Environment.Exit(ExitCode);
    }
}
