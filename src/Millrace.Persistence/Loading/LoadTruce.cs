namespace Millrace.Persistence.Loading;

/// <summary>
/// Keeps the threads that load apart from the few commands that run meanwhile and look at data (INFO, WATCH): the
/// loading threads touch data only between <see cref="Enter"/> and <see cref="Leave"/>, and nobody is in between while
/// somebody holds the truce.
/// </summary>
/// <remarks>
/// <code>
///   loading thread   Enter - batch ... IsAsked? Leave, Enter ... - Leave      holds its partitions in between
///   command          all loops stand still - Hold ------------- Release      finds everything whole, and nobody in it
/// </code>
/// Why this is enough, with one loop, where locks are elided, as with several: while data is loaded the gate of loading
/// keeps every command out that takes a partition, but those that are brought to a stand with all loops and hold the
/// truce; the loops do no work of their own on data; and each partition is loaded by one thread. So a partition is
/// touched by its loading thread alone, or by nobody but the holder. The lock makes what the one has written visible to
/// the other; the end of the loading threads does so for those who come through the gate when it is opened.
/// A holder waits for a value or a command at most, or for a piece of a long one, and never for the disk. Whoever waits
/// to enter when a holder lets go is in before the next one. Never taken by one who holds a partition. Thread-safe.
/// </remarks>
public sealed class LoadTruce
{
    private readonly object _gate = new(); // guards what follows; held for moments
    private int _inside;
    private int _waiting;   // to enter
    private int _owed;      // of them, those who enter before the next holder
    private int _holders;

    /// <summary>Whether somebody waits for the truce, or holds it: who is inside leaves soon, and enters again.
    /// </summary>
    public bool IsAsked => Volatile.Read(ref _holders) > 0;

    /// <summary>A loading thread begins to touch data. Waits while somebody holds the truce.</summary>
    public void Enter()
    {
        lock (_gate)
        {
            _waiting++;
            while (_holders > 0 && _owed == 0) Monitor.Wait(_gate);
            _waiting--;
            if (_owed > 0) _owed--;
            _inside++;
        }
    }

    /// <summary>A loading thread touches nothing for now, and holds nothing.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            if (--_inside == 0) Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Waits until no loading thread touches data, and keeps them from it until <see cref="Release"/>.
    /// </summary>
    public void Hold()
    {
        lock (_gate)
        {
            _holders++;
            while (_inside > 0 || _owed > 0) Monitor.Wait(_gate);
        }
    }

    /// <summary>Lets the loading threads go on.</summary>
    public void Release()
    {
        lock (_gate)
        {
            if (--_holders > 0) return;
            _owed = _waiting; // one holder after the other could keep them out for ever
            Monitor.PulseAll(_gate);
        }
    }
}
