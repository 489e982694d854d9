// Directives of replication and of the cluster. Neither exists yet: turning them on is refused, and so is what promises
// something about access, limits or durability of a replica, and everything about a cluster. Tuning a replication that
// does not run changes nothing.

namespace Millrace.Server.Config.Directives;

/// <summary>Directives of replication and cluster.</summary>
internal static class ReplicationDirectives
{
    private const string NoReplication = "replication is not available yet";
    private const string NoCluster = "cluster mode is not available yet";

    internal static IEnumerable<Directive> Replication() =>
    [
        new("replicaof", new ReplicaOfType(), "")
        {
            Alias = "slaveof",
            NotYet = NoReplication,
            Flags = DirectiveFlags.Immutable,
        },
        new("min-replicas-to-write", Forms.Count, "0") { Alias = "min-slaves-to-write", NotYet = NoReplication },
        new("min-replicas-max-lag", Forms.Count, "10") { Alias = "min-slaves-max-lag", NotYet = NoReplication },
        Promise("replica-serve-stale-data", Forms.YesNo, "yes", "slave-serve-stale-data"),
        Promise("replica-read-only", Forms.YesNo, "yes", "slave-read-only"),
        Tuning("replica-lazy-flush", Forms.YesNo, "no", "slave-lazy-flush"),
        Promise("replica-ignore-maxmemory", Forms.YesNo, "yes", "slave-ignore-maxmemory"),
        Promise("replica-ignore-disk-write-errors", Forms.YesNo, "no"),
        Promise("replica-announced", Forms.YesNo, "yes"),
        Promise("replica-announce-ip", Forms.OptionalText, "", "slave-announce-ip"),
        Promise("replica-announce-port", Forms.Port, "0", "slave-announce-port"),
        Tuning("replica-priority", Forms.Count, "100", "slave-priority"),
        Tuning("repl-timeout", Forms.Positive, "60"),
        Tuning("repl-ping-replica-period", Forms.Positive, "10", "repl-ping-slave-period"),
        Tuning("repl-disable-tcp-nodelay", Forms.YesNo, "no"),
        Tuning("repl-diskless-sync", Forms.YesNo, "yes"),
        Tuning("repl-diskless-sync-delay", Forms.Count, "5"),
        Tuning("repl-diskless-sync-max-replicas", Forms.Count, "0"),
        new("repl-diskless-load", new ChoiceType("disabled", "on-empty-db", "swapdb"), "disabled")
        {
            WithoutMeaning = NoReplication,
            Flags = DirectiveFlags.NotWhileLoading,
        },
        Tuning("repl-backlog-size", Forms.PositiveSize, "1mb"),
        Tuning("repl-backlog-ttl", Forms.LongCount, "3600"),
        Tuning("propagation-error-behavior", new ChoiceType("ignore", "panic", "panic-on-replicas"), "ignore"),
    ];

    internal static IEnumerable<Directive> Cluster() =>
    [
        new("cluster-enabled", Forms.YesNo, "no") { NotYet = NoCluster, Flags = DirectiveFlags.Immutable },
        Node("cluster-config-file", Forms.Text, "nodes.conf", DirectiveFlags.Immutable),
        Node("cluster-port", Forms.Port, "0", DirectiveFlags.Immutable),
        Node("cluster-node-timeout", Forms.LongCount, "15000"),
        Node("cluster-ping-interval", Forms.LongCount, "0", DirectiveFlags.Hidden),
        Node("cluster-migration-barrier", Forms.Count, "1"),
        Node("cluster-require-full-coverage", Forms.YesNo, "yes"),
        Node("cluster-allow-reads-when-down", Forms.YesNo, "no"),
        Node("cluster-allow-pubsubshard-when-down", Forms.YesNo, "yes"),
        Node("cluster-allow-replica-migration", Forms.YesNo, "yes"),
        Node("cluster-link-sendbuf-limit", Forms.Size, "0"),
        Node("cluster-announce-ip", Forms.OptionalText, ""),
        Node("cluster-announce-hostname", Forms.OptionalText, ""),
        Node("cluster-announce-human-nodename", Forms.OptionalText, ""),
        Node("cluster-announce-port", Forms.Port, "0"),
        Node("cluster-announce-tls-port", Forms.Port, "0"),
        Node("cluster-announce-bus-port", Forms.Port, "0"),
        Node(
            "cluster-preferred-endpoint-type", new ChoiceType("ip", "hostname", "unknown-endpoint"), "ip"),
        new("cluster-replica-no-failover", Forms.YesNo, "no")
        {
            Alias = "cluster-slave-no-failover",
            NotYet = NoCluster,
        },
        new("cluster-replica-validity-factor", Forms.Count, "10")
        {
            Alias = "cluster-slave-validity-factor",
            NotYet = NoCluster,
        },
    ];

    private static Directive Tuning(string name, DirectiveType type, string defaultText, string? alias = null) =>
        new(name, type, defaultText) { Alias = alias, WithoutMeaning = NoReplication };

    private static Directive Promise(string name, DirectiveType type, string defaultText, string? alias = null) =>
        new(name, type, defaultText) { Alias = alias, NotYet = NoReplication };

    private static Directive Node(
        string name, DirectiveType type, string defaultText, DirectiveFlags flags = DirectiveFlags.None) =>
        new(name, type, defaultText) { NotYet = NoCluster, Flags = flags };
}
