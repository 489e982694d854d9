using Millrace.Persistence.Files;

namespace Millrace.Server.Persistence;

/// <summary>
/// The thread that waits for the disk under <c>appendfsync everysec</c>, so that writes go on meanwhile.
/// </summary>
/// <remarks>At most one file is under way. Lock: its own, under which nothing else is taken.</remarks>
internal sealed class JournalSync
{
    private readonly Journal _journal;
    private readonly Thread _thread;
    private readonly object _gate = new();
    private IAppendFile? _file;
    private long _position;
    private bool _isStopping;

    /// <summary>A thread that has nothing to do.</summary>
    public JournalSync(Journal journal)
    {
        _journal = journal;
        _thread = new Thread(Run) { IsBackground = true, Name = "millrace-fsync" };
        _thread.Start();
    }

    /// <summary>Begins; <see cref="Journal.SyncEnded"/> follows.</summary>
    public void Begin(IAppendFile file, long position)
    {
        lock (_gate)
        {
            (_file, _position) = (file, position);
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Ends the thread. Requires: nothing is under way.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _isStopping = true;
            Monitor.Pulse(_gate);
        }

        _thread.Join();
    }

    private void Run()
    {
        while (true)
        {
            IAppendFile file;
            long position;
            lock (_gate)
            {
                while (_file is null && !_isStopping) Monitor.Wait(_gate);
                if (_file is null) return;
                (file, position) = (_file, _position);
                _file = null;
            }

            _journal.SyncEnded(position, file.Sync());
        }
    }
}
