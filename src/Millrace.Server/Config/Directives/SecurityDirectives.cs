// Directives of access: passwords, protected commands and settings.

namespace Millrace.Server.Config.Directives;

/// <summary>Directives of access.</summary>
internal static class SecurityDirectives
{
    private const string NoAcl = "access control lists are not available yet";

    internal static IEnumerable<Directive> All() =>
    [
        new("requirepass", new TextType { AllowsNul = true, IsNoneWhenEmpty = true }, "")
        {
            Summary = "Password that clients must give with AUTH or HELLO; empty means none.",
            Flags = DirectiveFlags.Sensitive,
        },
        new("enable-protected-configs", Forms.ProtectedAction, "no")
        {
            Summary = "Who may change protected directives with CONFIG SET: nobody, everybody or local clients.",
            Flags = DirectiveFlags.Immutable,
        },
        new("enable-debug-command", Forms.ProtectedAction, "no")
        {
            Summary = "Who may use DEBUG: nobody, everybody or local clients.",
            Flags = DirectiveFlags.Immutable,
        },
        new("enable-module-command", Forms.ProtectedAction, "no")
        {
            WithoutMeaning = "there is no command that loads modules",
            Flags = DirectiveFlags.Immutable,
        },
        new("aclfile", Forms.Text, "") { NotYet = NoAcl, Flags = DirectiveFlags.Immutable },
        new("acl-pubsub-default", new ChoiceType("allchannels", "resetchannels"), "resetchannels") { NotYet = NoAcl },
        new("acllog-max-len", Forms.LongCount, "128") { NotYet = NoAcl },
        new("masterauth", new TextType { AllowsNul = true, IsNoneWhenEmpty = true }, "")
        {
            NotYet = "replication is not available yet",
            Flags = DirectiveFlags.Sensitive,
        },
        new("masteruser", Forms.OptionalText, "")
        {
            NotYet = "replication is not available yet",
            Flags = DirectiveFlags.Sensitive,
        },
        new("sanitize-dump-payload", new ChoiceType("no", "yes", "clients"), "no")
        {
            WithoutMeaning = "a serialized value is always checked in full",
        },
    ];
}
