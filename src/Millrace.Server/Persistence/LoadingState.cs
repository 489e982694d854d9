using System.Diagnostics;
using System.Globalization;
using Millrace.Commands;
using Millrace.Persistence.Loading;
using Millrace.Server.Logging;

namespace Millrace.Server.Persistence;

/// <summary>
/// Whether the server loads its data, how far it is, and whether it is to give that up.
/// </summary>
/// <remarks>
/// <code>
///   made -> Begin: the gate is closed -> Began, Advanced ... -> TryEnd: the gate is opened
///                                             |
///                                             +-> TryStop: it never will be; whoever loads gives up
/// </code>
/// While data is loaded the loops serve clients already: commands with the flag <c>loading</c> run, the others are
/// refused (<see cref="Gate.Loading"/>); loops do no work of their own on data. Why threads that load and loops do not
/// meet stands at <see cref="LoadTruce"/>.
/// Whoever loads, be it an RDB file or an append-only file, says so here: <see cref="Began"/> with all the bytes that
/// there are to load, <see cref="Advanced"/> now and then, and looks at <see cref="IsStopped"/>.
/// Thread-safe.
/// </remarks>
/// <param name="gates">Where the gate is.</param>
/// <param name="journal">Where log lines go.</param>
public sealed class LoadingState(Gates gates, Log journal) : ILoadProgress
{
    private const int SecondsBetweenLines = 5;

    private readonly object _sync = new(); // guards the end of it: it is reached, or it is given up
    private volatile bool _isLoading;
    private volatile bool _isStopped;
    private volatile bool _hasEnded;
    private long _began;
    private long _logged;
    private long _totalBytes;
    private long _loadedBytes;

    /// <summary>Whether data is being loaded: the gate is closed.</summary>
    public bool IsLoading => _isLoading;

    /// <summary>Whether all data was loaded.</summary>
    public bool HasEnded => _hasEnded;

    /// <inheritdoc/>
    public bool IsStopped => _isStopped;

    /// <summary>What loading threads and those who look at data meanwhile keep.</summary>
    public LoadTruce Truce { get; } = new();

    /// <summary>When it began, in Unix seconds.</summary>
    public long BeganUnixSeconds { get; private set; }

    /// <summary>How much memory the data took when it was saved, as the file says; 0: it does not.</summary>
    public long SavedUsedBytes { get; set; }

    /// <summary>How many bytes there are to load.</summary>
    public long TotalBytes => Volatile.Read(ref _totalBytes);

    /// <summary>How many of them were read.</summary>
    public long LoadedBytes => Volatile.Read(ref _loadedBytes);

    /// <summary>The same in percent.</summary>
    public double LoadedPercent => TotalBytes == 0 ? 0 : 100.0 * LoadedBytes / TotalBytes;

    /// <summary>About how many seconds it will still take.</summary>
    public long SecondsLeft
    {
        get
        {
            var seconds = Stopwatch.GetElapsedTime(Volatile.Read(ref _began)).TotalSeconds;
            return seconds < 1 ? 1 : (long)(seconds * (TotalBytes - LoadedBytes) / (LoadedBytes + 1));
        }
    }

    /// <summary>Data is going to be loaded: nobody gets at it from now on.</summary>
    internal void Begin()
    {
        BeganUnixSeconds = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        _began = _logged = Stopwatch.GetTimestamp();
        gates.Close(Gate.Loading);
        _isLoading = true;
    }

    /// <summary>All is loaded: clients are served. False when it was given up before.</summary>
    internal bool TryEnd()
    {
        lock (_sync)
        {
            if (_isStopped) return false;
            _hasEnded = true;
            _isLoading = false;
        }

        gates.Open(Gate.Loading);
        return true;
    }

    /// <summary>Has it given up, for good. False when all was loaded before.</summary>
    internal bool TryStop()
    {
        lock (_sync)
        {
            if (_hasEnded) return false;
            _isStopped = true;
            return true;
        }
    }

    /// <inheritdoc/>
    public void Began(long totalBytes) => Volatile.Write(ref _totalBytes, totalBytes);

    /// <inheritdoc/>
    public void Advanced(long bytes)
    {
        Volatile.Write(ref _loadedBytes, bytes);
        if (Stopwatch.GetElapsedTime(_logged).TotalSeconds < SecondsBetweenLines) return;
        _logged = Stopwatch.GetTimestamp();
        journal.Notice(string.Create(
            CultureInfo.InvariantCulture,
            $"Loading: {LoadedPercent:F1} % of {TotalBytes} bytes, about {SecondsLeft} seconds left"));
    }
}
