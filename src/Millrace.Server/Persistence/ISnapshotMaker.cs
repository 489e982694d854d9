using Millrace.Engine;

namespace Millrace.Server.Persistence;

/// <summary>Saves all data as it is at one moment, which is when it begins.</summary>
public interface ISnapshotMaker
{
    /// <summary>Whether one is under way. Any thread.</summary>
    bool IsBusy { get; }

    /// <summary>Whether one is under way that was not given up. Any thread.</summary>
    bool IsTaking { get; }

    /// <summary>Begins: what the file will hold is what is there now. All loops stand still.</summary>
    /// <param name="allPartitions">Holds all partitions, for the length of the call.</param>
    /// <param name="target">The file.</param>
    /// <param name="done">Called once, on a loop that holds nothing, when the file is on the disk or could not be
    /// saved.</param>
    /// <returns>Null, or why it cannot begin; then <paramref name="done"/> is not called.</returns>
    string? TryBegin(Unit allPartitions, SnapshotTarget target, Action<SnapshotResult> done);

    /// <summary>Ends the one that is under way; its file is removed, and it is told that it was aborted.</summary>
    void Abort();
}

/// <summary>The file that a snapshot becomes.</summary>
/// <param name="Directory">Where it is.</param>
/// <param name="Name">Its name there; it has another one until it is complete.</param>
/// <param name="IsAofBase">Whether it is the base of an append-only file.</param>
public sealed record SnapshotTarget(string Directory, string Name, bool IsAofBase);

/// <summary>How a snapshot has ended.</summary>
/// <param name="Error">Why there is none, as a sentence for the log; null: it is on the disk.</param>
/// <param name="Bytes">The length of the file.</param>
public readonly record struct SnapshotResult(string? Error, long Bytes);
