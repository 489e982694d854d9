// Directives of the process: files, logging, supervision, timing, statistics.

namespace Millrace.Server.Config.Directives;

/// <summary>Directives of the process.</summary>
internal static class GeneralDirectives
{
    private const int LeastHz = 1;
    private const int MostHz = 500;
    private const string NoTitle = "the process title is not changed";

    internal static IEnumerable<Directive> Process(string currentDirectory) =>
    [
        new("daemonize", Forms.YesNo, "no")
        {
            Summary = "Run in the background.",
            Flags = DirectiveFlags.Immutable,
        },
        new("supervised", new ChoiceType("upstart", "systemd", "auto", "no"), "no")
        {
            Summary = "Tell a supervisor when the server is ready and when it stops.",
            Flags = DirectiveFlags.Immutable,
        },
        new("pidfile", Forms.OptionalText, "")
        {
            Summary = "File that holds the process id while the server runs.",
            Flags = DirectiveFlags.Immutable,
        },
        new("dir", new DirectoryType(), currentDirectory)
        {
            Summary = "Working directory; relative paths of other directives start here.",
            DefaultIs = "where the server was started",
            Rewriting = RewriteRule.Always,
            Flags = DirectiveFlags.Protected | DirectiveFlags.NotWhileLoading,
        },
        new("always-show-logo", Forms.YesNo, "no")
        {
            Summary = "Print the start-up banner although the log does not go to a terminal.",
            Flags = DirectiveFlags.Immutable,
        },
        new("databases", Forms.Positive, "16")
        {
            Summary = "Number of databases.",
            Flags = DirectiveFlags.Immutable,
        },
        new("set-proc-title", Forms.YesNo, "yes") { WithoutMeaning = NoTitle, Flags = DirectiveFlags.Immutable },
        new("proc-title-template", new TitleTemplateType(), "{title} {listen-addr} {server-mode}")
        {
            WithoutMeaning = NoTitle,
        },
        new("locale-collate", Forms.Text, "") { WithoutMeaning = "texts are compared byte by byte" },
        new(
            "oom-score-adj",
            new ChoiceType("no", "yes", "relative", "absolute") { Synonym = ("relative", "yes") },
            "no")
        {
            Summary = "Whether the kernel's out-of-memory score of the process is set, and relative to what it was.",
        },
        new("oom-score-adj-values", new OomScoresType(), "0 200 800")
        {
            Summary = "The score that oom-score-adj sets; the second and third have no process here.",
        },
        new("disable-thp", Forms.YesNo, "yes")
        {
            WithoutMeaning = "huge pages do no harm to a server that never forks",
            Flags = DirectiveFlags.Immutable,
        },
        Cpus("server_cpulist"),
        Cpus("bio_cpulist"),
        Cpus("aof_rewrite_cpulist"),
        Cpus("bgsave_cpulist"),
        new("ignore-warnings", Forms.Text, "") { WithoutMeaning = "there is no warning that stops the start" },
    ];

    internal static IEnumerable<Directive> Logging() =>
    [
        new("loglevel", new ChoiceType("debug", "verbose", "notice", "warning", "nothing"), "notice")
        {
            Summary = "The least important lines that are logged.",
        },
        new("logfile", Forms.Text, "")
        {
            Summary = "File that log lines are appended to; empty means standard output.",
            Flags = DirectiveFlags.Immutable,
        },
        new("syslog-enabled", Forms.YesNo, "no")
        {
            Summary = "Log lines go to the system's log, too.",
            Flags = DirectiveFlags.Immutable,
        },
        new("syslog-ident", Forms.Text, "redis")
        {
            Summary = "The name that lines in the system's log carry.",
            Flags = DirectiveFlags.Immutable,
        },
        new(
            "syslog-facility",
            new ChoiceType("user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"),
            "local0")
        {
            Summary = "The facility of lines in the system's log.",
            Flags = DirectiveFlags.Immutable,
        },
        new("crash-log-enabled", Forms.YesNo, "yes") { Summary = "A crash writes a report to the log." },
        new("crash-memcheck-enabled", Forms.YesNo, "yes") { WithoutMeaning = "no memory test follows a crash" },
        new("use-exit-on-panic", Forms.YesNo, "no")
        {
            WithoutMeaning = "a fault always ends the process with a report",
            Flags = DirectiveFlags.Hidden,
        },
        new("hide-user-data-from-log", Forms.YesNo, "no")
        {
            WithoutMeaning = "keys and values are never logged",
            Flags = DirectiveFlags.Hidden,
        },
        new("enable-debug-assert", Forms.YesNo, "no")
        {
            WithoutMeaning = "assertions are chosen when the server is built",
            Flags = DirectiveFlags.Hidden | DirectiveFlags.Immutable,
        },
        new("watchdog-period", Forms.Count, "0")
        {
            WithoutMeaning = "there is no software watchdog",
            Flags = DirectiveFlags.Hidden,
        },
    ];

    internal static IEnumerable<Directive> Timing() =>
    [
        new("hz", new IntegerType(0, int.MaxValue) { ClampLow = LeastHz, ClampHigh = MostHz }, "10")
        {
            Summary = "How often a second background work runs, 1 to 500.",
        },
        new("dynamic-hz", Forms.YesNo, "yes") { WithoutMeaning = "background work is spread over the event loops" },
        new("shutdown-timeout", Forms.Count, "10")
        {
            WithoutMeaning = "there are no replicas that a shutdown could wait for",
        },
        new("shutdown-on-sigint", new ShutdownFlagsType(), "default") { Summary = "How SIGINT shuts down." },
        new("shutdown-on-sigterm", new ShutdownFlagsType(), "default") { Summary = "How SIGTERM shuts down." },
        new("busy-reply-threshold", Forms.LongCount, "5000")
        {
            Alias = "lua-time-limit",
            WithoutMeaning = "scripts are not available yet, and no other command can be interrupted",
        },
    ];

    internal static IEnumerable<Directive> Statistics() =>
    [
        new("latency-tracking", Forms.YesNo, "yes")
        {
            Summary = "Whether each command's run times are counted in a histogram (LATENCY HISTOGRAM).",
        },
        new("latency-tracking-info-percentiles", new PercentilesType(), "50 99 99.9")
        {
            Summary = "The percentiles of run times that INFO latencystats shows.",
            Rewriting = RewriteRule.Always,
        },
        new("latency-monitor-threshold", Forms.LongCount, "0")
        {
            Summary = "Milliseconds from which on an event is kept for LATENCY; 0 keeps none.",
        },
        new("slowlog-log-slower-than", new IntegerType(-1, long.MaxValue), "10000")
        {
            Summary = "Microseconds beyond which a command goes to the slow log; 0 logs all, -1 none.",
        },
        new("slowlog-max-len", Forms.LongCount, "128") { Summary = "How many commands the slow log keeps." },
        new("notify-keyspace-events", new EventClassesType(), "")
        {
            Summary = "The classes of keyspace events that are published, a letter each; empty: none.",
        },
        new("tracking-table-max-keys", Forms.LongCount, "1000000")
        {
            Summary = "How many keys client tracking remembers; 0 for no limit.",
        },
    ];

    private static Directive Cpus(string name) => new(name, Forms.OptionalText, "")
    {
        NotYet = "binding threads to processors is not available yet",
        Flags = DirectiveFlags.Immutable,
    };
}
