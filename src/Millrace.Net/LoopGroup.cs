// All event loops of a server: makes them, spreads connections over them, brings them to a stand, ends them.
//
// Life: constructed -> Start -> Stop (final). Listeners may be opened and closed at any time before Stop.
// Locks: _gate guards the list of listeners and the spreading of connections; it is held for moments and taken last.

using System.Net.Sockets;

namespace Millrace.Net;

/// <summary>A group of event loops.</summary>
public sealed class LoopGroup : IDisposable
{
    private const int SmallestBufferBytes = 512;
    private readonly Lock _gate = new();
    private readonly EventLoop[] _loops;
    private readonly int[] _assigned;
    private readonly List<Listener> _listeners = [];
    private int _nextLoop;
    private int _keepAliveSeconds;
    private bool _isStarted;
    private bool _isEnded;
    private volatile bool _isStopping;

    /// <summary>Makes the loops; nothing runs yet.</summary>
    /// <param name="options">Settings.</param>
    /// <param name="handlerOf">Makes the server's part of each loop.</param>
    public LoopGroup(LoopOptions options, Func<EventLoop, LoopHandler> handlerOf)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(handlerOf);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ReceiveBufferBytes, SmallestBufferBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.SegmentBytes, SmallestBufferBytes);
        _keepAliveSeconds = options.TcpKeepAliveSeconds;
        int count = options.Count > 0 ? options.Count : Environment.ProcessorCount;
        _assigned = new int[count];
        Hold = new ReplyHold(this);
        _loops = PollerChoice.MakeLoops(this, options, count, out string name, out string? refusal);
        PollerName = name;
        IoUringRefusal = refusal;
        Quiescence.Attach(_loops);
        foreach (EventLoop loop in _loops) loop.Handler = handlerOf(loop);
    }

    /// <summary>The loops.</summary>
    public IReadOnlyList<EventLoop> Loops => _loops;

    /// <summary>How they wait: <c>io_uring</c>, <c>epoll</c> or <c>sockets</c>.</summary>
    public string PollerName { get; }

    /// <summary>Why io_uring, which was asked for or would have been chosen, is not used; else null.</summary>
    public string? IoUringRefusal { get; }

    /// <summary>Seconds of silence before keep-alive probes on connections taken in from now on; 0 for none. Any
    /// thread.
    /// </summary>
    public int TcpKeepAliveSeconds
    {
        get => Volatile.Read(ref _keepAliveSeconds);
        set => Volatile.Write(ref _keepAliveSeconds, value);
    }

    /// <summary>Connections taken in so far.</summary>
    public long AcceptedTotal => Counters.Accepted;

    /// <summary>The sums over all loops. Any thread; each value a moment old.</summary>
    public LoopCounters Counters
    {
        get
        {
            LoopCounters sum = default;
            foreach (EventLoop loop in _loops) sum = sum.Plus(loop.Counters);
            return sum;
        }
    }

    /// <summary>The open listeners, as of now. Any thread.</summary>
    public IReadOnlyList<Listener> Listeners
    {
        get
        {
            lock (_gate) return [.. _listeners];
        }
    }

    /// <summary>Up to where output may leave that waits for something.</summary>
    public ReplyHold Hold { get; }

    internal Quiescence Quiescence { get; } = new();

    /// <summary>It is ending: nothing can be listened on any more.</summary>
    public bool IsStopping => _isStopping;

    /// <summary>Starts the threads. Once.</summary>
    public void Start()
    {
        if (_isStarted || _isEnded) throw new InvalidOperationException("The loops have been started before.");
        _isStarted = true;
        foreach (EventLoop loop in _loops) loop.Thread.Start();
    }

    /// <summary>Listens. Any thread, before or after <see cref="Start"/>.</summary>
    /// <param name="endpoint">Where.</param>
    /// <exception cref="BindException">The system refuses.</exception>
    public Listener Listen(ListenEndpoint endpoint) =>
        TryListen(endpoint, out BindError? error) ?? throw new BindException(endpoint, error!);

    /// <summary>Listens. Any thread, before or after <see cref="Start"/>.</summary>
    /// <param name="endpoint">Where.</param>
    /// <param name="error">Why it failed; null when it did not.</param>
    /// <returns>The listener, or null when the system refuses.</returns>
    public Listener? TryListen(ListenEndpoint endpoint, out BindError? error)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ObjectDisposedException.ThrowIf(_isStopping, this);
        Socket? socket = ListenSocket.TryOpen(endpoint, out error);
        if (socket is null) return null;
        Listener listener;
        lock (_gate)
        {
            listener = new Listener(this, _loops[_listeners.Count % _loops.Length], endpoint, socket);
            _listeners.Add(listener);
        }
        listener.Loop.Post(new Listener.OpenMail(listener));
        return listener;
    }

    /// <summary>Runs an action while every loop stands still between two units. Two callers at once are served in
    /// order. When it returns, all loops are going, or on their way.</summary>
    /// <param name="loop">The loop on whose thread this is called, between units; null from any other thread.</param>
    /// <param name="action">What to do; it must not wait for a loop.</param>
    /// <exception cref="InvalidOperationException">Called from within such an action.</exception>
    public void Quiesce(EventLoop? loop, Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        Quiescence.Run(loop, action);
    }

    /// <summary>The first half of <see cref="Quiesce"/>, for callers that cannot put their work into an action: returns
    /// when every other loop stands still. <see cref="EndQuiescence"/> must follow on the same thread, whatever
    /// happens.</summary>
    /// <param name="loop">The loop on whose thread this is called, between units; null from any other thread.</param>
    public void BeginQuiescence(EventLoop? loop) => Quiescence.Begin(loop);

    /// <summary>The second half: lets the loops go on.</summary>
    /// <param name="loop">As given to <see cref="BeginQuiescence"/>.</param>
    public void EndQuiescence(EventLoop? loop) => Quiescence.End(loop);

    /// <summary>Ends everything: no more connections are taken in, output is sent as far as the peers take it, all is
    /// closed, the threads end. Not from a loop's thread. Without effect the second time.</summary>
    public void Stop()
    {
        if (Quiescence.IsHolder) throw new InvalidOperationException("The loops cannot end while they stand still.");
        foreach (EventLoop loop in _loops)
        {
            if (loop.IsCurrent) throw new InvalidOperationException("A loop cannot wait for its own end.");
        }
        lock (_gate)
        {
            if (_isEnded) return;
            _isEnded = true;
        }
        Quiescence.Run(null, () => _isStopping = true);
        if (_isStarted)
        {
            foreach (EventLoop loop in _loops) loop.Thread.Join();
        }
        foreach (Listener listener in Listeners) listener.CloseDirectly();
        foreach (EventLoop loop in _loops) loop.DisposePoller();
    }

    /// <inheritdoc/>
    public void Dispose() => Stop();

    /// <summary>Chooses the loop of a new connection: one with the fewest, in turns when several have.</summary>
    internal EventLoop Assign()
    {
        lock (_gate)
        {
            int best = _nextLoop;
            for (int i = 1; i < _loops.Length; i++)
            {
                int candidate = (_nextLoop + i) % _loops.Length;
                if (_assigned[candidate] < _assigned[best]) best = candidate;
            }
            _assigned[best]++;
            _nextLoop = (best + 1) % _loops.Length;
            return _loops[best];
        }
    }

    internal void Unassign(EventLoop loop)
    {
        lock (_gate) _assigned[loop.Index]--;
    }

    internal void CloseListener(Listener listener)
    {
        lock (_gate)
        {
            if (!_listeners.Remove(listener)) return;
        }
        EventLoop? current = Array.Find(_loops, static loop => loop.IsCurrent);
        if (Quiescence.IsHolder || ReferenceEquals(current, listener.Loop)) listener.CloseDirectly();
        else Quiescence.Run(current, listener.CloseDirectly);
    }

    internal void CloseListenersOf(EventLoop loop)
    {
        foreach (Listener listener in Listeners)
        {
            if (ReferenceEquals(listener.Loop, loop)) CloseListener(listener);
        }
    }
}
