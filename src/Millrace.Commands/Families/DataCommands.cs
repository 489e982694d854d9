namespace Millrace.Commands.Families;

/// <summary>The commands of all families that live in this layer.</summary>
public static class DataCommands
{
    /// <summary>All of them, family by family.</summary>
    public static IEnumerable<CommandSpec> All =>
    [
        .. StringCommands.Table,
        .. ComparisonCommands.Table,
        .. NumberCommands.Table,
        .. LcsCommand.Table,
        .. BitmapCommands.Table,
        .. BitfieldCommands.Table,
        .. HyperLogLogCommands.Table,
        .. HashCommands.Table,
        .. HashExpiryCommands.Table,
        .. SetCommands.Table,
        .. SetAlgebraCommands.Table,
        .. SetCardinalityCommands.Table,
        .. KeyCommands.Table,
        .. DumpCommands.Table,
        .. ListCommands.Table,
        .. BlockingListCommands.Table,
        .. ListMoveManyCommands.Table,
        .. ExpiryCommands.Table,
        .. KeyspaceCommands.Table,
        .. SortedSetCommands.Table,
        .. BlockingSortedSetCommands.Table,
        .. SortedSetMergeCommands.Table,
        .. SortCommands.Table,
        .. GeoCommands.Table,
        .. SortedSetPopCommands.Table,
        .. SortedSetRangeCommands.Table,
        .. SortedSetSampleCommands.Table,
        .. StreamCommands.Table,
        .. StreamClaimCommands.Table,
        .. StreamDeletionCommands.Table,
        .. StreamGroupCommands.Table,
        .. StreamInfoCommands.Table,
        .. StreamProducerCommands.Table,
        .. StreamReadCommands.Table,
        .. StreamReleaseCommands.Table,
    ];
}
