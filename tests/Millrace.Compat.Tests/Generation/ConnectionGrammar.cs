using static Millrace.Compat.Tests.Generation.Parts;

namespace Millrace.Compat.Tests.Generation;

/// <summary>The grammar of the Connection family.</summary>
public static class ConnectionGrammar
{
    private static readonly string[] s_names = ["app", "worker-1", "x", "", "a b", "a\nb", "\x7f", "(café)", "!~"];

    /// <summary>One form per command.</summary>
    public static IReadOnlyList<Form> Forms { get; } =
    [
        new("PING", Maybe(Value, 0.3)),
        new("ECHO", Value),
        new("AUTH", One(
            All(Literal("default"), Literal("", "secret")),
            All(Literal("nobody", ""), Literal("secret")),
            Literal("secret", ""))) { Weight = 0.6, IsFrozen = true },
        new("HELLO", Maybe(All(
            Literal("2", "3", "3", "3", "3", "1", "4", "abc", ""),
            // At most one option that fails: 7.0.15 applies options one by one, later versions none before all are read
            // (redis 7.2 helloCommand; the table tests ask for that).
            Maybe(One(
                Option("AUTH", Literal("default"), Literal("", "secret")),
                Option("AUTH", Literal("nobody"), Literal("", "secret")),
                Option("SETNAME", Literal(s_names)),
                All(Option("AUTH", Literal("default"), Literal("")), Option("SETNAME", Literal(s_names))),
                Literal("nothing", "AUTH", "SETNAME")), 0.4)), 0.9)) { Weight = 3.5, IsFrozen = true },
        new("SELECT", Database) { Weight = 2 },
        new("QUIT") { Weight = 0.6, Compose = generator => generator.Quit() },
        new("RESET") { Weight = 0.6, Compose = generator => generator.Reset() },
        new("CLIENT ID"),
        new("CLIENT GETNAME"),
        new("CLIENT SETNAME", Literal(s_names)),
        new("CLIENT INFO"),
        new("CLIENT LIST", Maybe(One(
            Option("TYPE", Literal("normal", "master", "replica", "slave", "pubsub", "NORMAL", "nothing")),
            Option("ID", Many(1, 3, Literal("999999999", "888888888"))),
            Option("ID", Literal("abc", "-1", "0", ""))), 0.5)) { IsFrozen = true },
        new("CLIENT KILL", One(
            Literal("1.2.3.4:5", "127.0.0.1:1", "abc"),
            Many(1, 2, One(
                Option("ID", Literal("999999999", "0", "-1", "abc")),
                Option("ADDR", Literal("1.2.3.4:5", "abc", "")),
                Option("LADDR", Literal("1.2.3.4:5", "abc", "")),
                Option("TYPE", Literal("pubsub", "replica", "master", "slave", "nothing")),
                Option("USER", Literal("nobody", "somebody")),
                All(Option("ID", Literal("999999999")),
                    Option("SKIPME", Literal("yes", "no", "YES", "maybe"))))))) { IsFrozen = true },
        new("CLIENT REPLY") { Compose = generator => generator.MutedReplies() },
        new("CLIENT NO-EVICT", Keyword("ON", "OFF")),
        new("CLIENT HELP") { Weight = 0.5 },
    ];
}
