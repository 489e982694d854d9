using Millrace.Engine;
using Millrace.Memory;
using Millrace.Persistence.Files;
using Millrace.Persistence.Loading;
using Millrace.Persistence.Rdb;
using Millrace.Server.Config;

namespace Millrace.Server.Persistence;

/// <summary>
/// The keyspace of a server that starts: clients are told that data is loaded, and the few commands that look at data
/// meanwhile get the partitions between two commands.
/// </summary>
/// <remarks>
/// A snapshot is loaded with as many threads as there are loops, commands with one, in their order. Who keeps away from
/// whom stands at <see cref="LoadTruce"/>. Used by one thread, which holds the truce and all partitions from
/// <see cref="Take"/> to <see cref="LetGo"/>, but for the moments that <see cref="AfterCommand"/> takes. Events of keys
/// are told to nobody: its unit has no outlet.
/// </remarks>
internal sealed class StartTarget : IReplayTarget, IDisposable
{
    private readonly Keyspace _keyspace;
    private readonly MemorySource _memory;
    private readonly Snapshots _snapshots;
    private readonly LoadingState _loading;
    private readonly KeyDelay _delay;

    /// <summary>Holds nothing yet.</summary>
    /// <param name="keyspace">The keyspace.</param>
    /// <param name="snapshots">Loads the base.</param>
    /// <param name="memory">Lends memory for what is read.</param>
    /// <param name="configuration">Says how slow it is to be.</param>
    /// <param name="loading">Has begun.</param>
    /// <param name="seed">Seeds the unit.</param>
    public StartTarget(
        Keyspace keyspace,
        Snapshots snapshots,
        MemorySource memory,
        Configuration configuration,
        LoadingState loading,
        uint seed)
    {
        _keyspace = keyspace;
        _snapshots = snapshots;
        _memory = memory;
        _loading = loading;
        _delay = KeyDelays.OfLoading(configuration, loading);
        Unit = new Unit(keyspace, seed);
    }

    /// <inheritdoc/>
    public Unit Unit { get; }

    /// <inheritdoc/>
    public ILoadProgress? Progress => _loading;

    /// <inheritdoc/>
    public RdbOutcome Load(IReadableFile file)
    {
        LetGo();
        return _snapshots.LoadBase(file, _memory, _loading);
    }

    /// <inheritdoc/>
    public void AfterCommand()
    {
        _delay.Note(1);
        if (!_loading.Truce.IsAsked && !_delay.IsDue) return;
        LetGo();
        if (_delay.IsDue) _delay.Sleep();
        Take();
    }

    /// <summary>Lets go of everything.</summary>
    public void Dispose() => LetGo();

    /// <inheritdoc/>
    public void Take()
    {
        if (Unit.Held != 0) return;
        _loading.Truce.Enter();
        var nowMs = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        Unit.TryBegin(_keyspace.AllPartitions, nowMs, patient: true, out _);
    }

    /// <inheritdoc/>
    public void LetGo()
    {
        if (Unit.Held == 0) return;
        Unit.End();
        _loading.Truce.Leave();
    }
}
