using Millrace.Engine;
using Millrace.Persistence.Files;
using Millrace.Persistence.Loading;
using Millrace.Persistence.Rdb;
using Millrace.Server.Logging;

namespace Millrace.Server.Persistence;

/// <summary>The keyspace of a server that stands still (DEBUG LOADAOF): one thread does everything.</summary>
/// <param name="unit">Holds all partitions.</param>
/// <param name="journal">Where log lines go.</param>
internal sealed class ReloadTarget(Unit unit, Log journal) : IReplayTarget
{
    /// <inheritdoc/>
    public Unit Unit => unit;

    /// <inheritdoc/>
    public ILoadProgress? Progress => null;

    /// <inheritdoc/>
    public RdbOutcome Load(IReadableFile file)
    {
        var load = new KeyspaceLoad(unit, new KeyspaceLoadOptions(DropsExpired: false));
        var keyspace = unit.Keyspace;
        var outcome = new RdbReader(
            new RdbInput(file), new LoggedLoad(load, journal), keyspace[0].Heap, keyspace.VerifiesChecksums).Read();
        if (outcome.IsComplete) LoggedLoad.Done(journal, load.Keys, load.Expired, load.Empty);
        return outcome;
    }

    /// <inheritdoc/>
    public void Take()
    {
        // They are held all the time.
    }

    /// <inheritdoc/>
    public void LetGo()
    {
        // Everybody waits.
    }

    /// <inheritdoc/>
    public void AfterCommand()
    {
        // Everybody waits.
    }
}
