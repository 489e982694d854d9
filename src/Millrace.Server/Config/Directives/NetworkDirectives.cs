// Directives of listening, connections and their limits, and of the event loops.

namespace Millrace.Server.Config.Directives;

/// <summary>Directives of the network.</summary>
internal static class NetworkDirectives
{
    private const int MaxBindAddresses = 16;
    private const int MaxLoops = 128;
    private const long LeastBulkLength = 1024 * 1024;

    internal static IEnumerable<Directive> Listening(string bind) =>
    [
        new("port", Forms.Port, "6379")
        {
            Summary = "TCP port to listen on; 0 listens on no TCP port.",
        },
        new("bind", new WordListType(MaxBindAddresses, "Too many bind addresses specified."), bind)
        {
            Summary = "Addresses to listen on; one with a leading - may be missing on this machine. Without a "
                + "configuration file only this machine is served; a file that does not name the directive means all "
                + "addresses, `* -::*`, as for Redis.",
            Rewriting = RewriteRule.NeverAtDefault,
        },
        new("bind-source-addr", Forms.OptionalText, "")
        {
            WithoutMeaning = "the server opens no connections of its own",
        },
        new("unixsocket", Forms.OptionalText, "")
        {
            Summary = "Path of a Unix socket to listen on.",
            Flags = DirectiveFlags.Immutable,
        },
        new("unixsocketperm", new OctalType(), "0")
        {
            Summary = "File mode of the Unix socket in octal; 0 leaves it to the umask.",
            Flags = DirectiveFlags.Immutable,
        },
        new("tcp-backlog", Forms.Count, "511")
        {
            Summary = "Length of the queue of connections that wait to be accepted.",
            Flags = DirectiveFlags.Immutable,
        },
        new("socket-mark-id", new IntegerType(0, uint.MaxValue), "0")
        {
            NotYet = "marking sockets for packet filters is not available yet",
            Flags = DirectiveFlags.Immutable,
        },
    ];

    internal static IEnumerable<Directive> Connections() =>
    [
        new("tcp-keepalive", Forms.Count, "300")
        {
            Summary = "Seconds of silence after which the system probes a client; 0 turns it off.",
        },
        new("timeout", Forms.Count, "0") { Summary = "Seconds after which an idle client is closed; 0 means never." },
        new("maxclients", new IntegerType(1, uint.MaxValue), "10000")
        {
            Summary = "How many clients may be connected at once.",
        },
        new("protected-mode", Forms.YesNo, "yes")
        {
            Summary = "Without a password, only clients of this machine are served.",
        },
        new("proto-max-bulk-len", new MemorySizeType(LeastBulkLength, long.MaxValue), "512mb")
        {
            Summary = "Longest argument that a client may send.",
        },
        new("client-query-buffer-limit", new MemorySizeType(LeastBulkLength, long.MaxValue), "1gb")
        {
            Summary = "Most unread bytes that are kept for one client.",
        },
        new(
            "client-output-buffer-limit",
            new BufferLimitsType(),
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60")
        {
            Summary = "Most unread reply bytes of a client, by class; beyond them it is closed.",
        },
        new("maxmemory-clients", new MemorySizeType(0, long.MaxValue, orPercent: true), "0")
        {
            NotYet = "limiting the memory of all clients together is not available yet",
        },
    ];

    internal static IEnumerable<Directive> Loops(int processors) =>
    [
        new("io-threads", new IntegerType(1, MaxLoops), $"{Math.Clamp(processors, 1, MaxLoops)}")
        {
            Summary = "Number of event loops; each is a thread with its own connections.",
            DefaultIs = "one per processor",
            Flags = DirectiveFlags.Immutable,
            FixedBecause = "the number of event loops is fixed when the server starts",
        },
        new("io", new ChoiceType("auto", "io_uring", "epoll", "sockets"), "auto")
        {
            Summary = "How event loops wait: io_uring or epoll on Linux, sockets elsewhere, or chosen by auto.",
            // Hidden, because clients set again what CONFIG GET * has answered, but for what is immutable in Redis.
            Flags = DirectiveFlags.Immutable | DirectiveFlags.Hidden,
            FixedBecause = "the event loops are built when the server starts",
        },
        new("io-threads-do-reads", Forms.YesNo, "no")
        {
            WithoutMeaning = "every event loop reads, runs and writes for its own clients",
        },
    ];

    internal static IEnumerable<Directive> Tls() =>
    [
        Tls("tls-port", Forms.Port, "0"),
        Tls("tls-session-cache-size", Forms.Count, "20480"),
        Tls("tls-session-cache-timeout", Forms.Count, "300"),
        Tls("tls-cluster", Forms.YesNo, "no"),
        Tls("tls-replication", Forms.YesNo, "no"),
        Tls("tls-auth-clients", new ChoiceType("no", "yes", "optional"), "yes"),
        Tls("tls-prefer-server-ciphers", Forms.YesNo, "no"),
        Tls("tls-session-caching", Forms.YesNo, "yes"),
        Tls("tls-cert-file", Forms.OptionalText, ""),
        Tls("tls-key-file", Forms.OptionalText, ""),
        Tls("tls-key-file-pass", Forms.OptionalText, "", DirectiveFlags.Sensitive),
        Tls("tls-client-cert-file", Forms.OptionalText, ""),
        Tls("tls-client-key-file", Forms.OptionalText, ""),
        Tls("tls-client-key-file-pass", Forms.OptionalText, "", DirectiveFlags.Sensitive),
        Tls("tls-dh-params-file", Forms.OptionalText, ""),
        Tls("tls-ca-cert-file", Forms.OptionalText, ""),
        Tls("tls-ca-cert-dir", Forms.OptionalText, ""),
        Tls("tls-protocols", Forms.OptionalText, ""),
        Tls("tls-ciphers", Forms.OptionalText, ""),
        Tls("tls-ciphersuites", Forms.OptionalText, ""),
    ];

    private static Directive Tls(
        string name, DirectiveType type, string defaultText, DirectiveFlags flags = DirectiveFlags.None) =>
        new(name, type, defaultText) { NotYet = "TLS is not available yet", Flags = flags };
}
