using System.Text;
using Millrace.Resp;

namespace Millrace.Commands.Families;

/// <summary>
/// Writes what COMMAND DOCS says of a command: a name, and a map of texts, history, arguments and subcommands.
/// </summary>
/// <remarks>
/// Absent fields are left out. Arguments have the fields of Redis 7.2, which added <c>display_text</c>.
/// Source: Redis 7.2 documentation, "COMMAND DOCS" and "Redis command arguments".
/// </remarks>
internal static class CommandDocs
{
    /// <summary>Writes a command's full name and its documentation: one pair of a map.</summary>
    public static void Write(ReplyWriter reply, CommandSpec spec)
    {
        Text(reply, spec.FullName);
        var mark = reply.BeginDeferred();
        var fields = 4;
        Field(reply, "summary"u8, spec.Summary);
        Field(reply, "since"u8, spec.Since);
        Field(reply, "group"u8, spec.Group);
        Field(reply, "complexity"u8, spec.Complexity);
        fields += WriteStanding(reply, spec);
        fields += WriteHistory(reply, spec);
        var arguments = Syntax.Parse(spec.Syntax);
        if (arguments.Count > 0)
        {
            reply.Bulk("arguments"u8);
            WriteArguments(reply, arguments, spec.Keys);
            fields++;
        }

        if (spec.Subcommands.Length > 0)
        {
            reply.Bulk("subcommands"u8);
            reply.Map(spec.Subcommands.Length);
            foreach (var one in spec.Subcommands) Write(reply, one);
            fields++;
        }

        reply.EndDeferredMap(mark, fields);
    }

    // Whether it is meant for the system, or deprecated and in favour of what.
    private static int WriteStanding(ReplyWriter reply, CommandSpec spec)
    {
        if (spec.DeprecatedSince is null && !spec.IsForTheSystem) return 0;
        reply.Bulk("doc_flags"u8);
        reply.Set(1);
        reply.Simple(spec.DeprecatedSince is null ? "syscmd"u8 : "deprecated"u8);
        if (spec.DeprecatedSince is null) return 1;
        Field(reply, "deprecated_since"u8, spec.DeprecatedSince);
        if (spec.ReplacedBy is null) return 2;
        Field(reply, "replaced_by"u8, spec.ReplacedBy);
        return 3;
    }

    private static int WriteHistory(ReplyWriter reply, CommandSpec spec)
    {
        if (spec.History.Length == 0) return 0;
        reply.Bulk("history"u8);
        reply.Set(spec.History.Length);
        foreach (var (version, change) in spec.History)
        {
            reply.Array(2);
            Text(reply, version);
            Text(reply, change);
        }

        return 1;
    }

    private static void WriteArguments(ReplyWriter reply, IReadOnlyList<SyntaxArgument> arguments, KeySpec[] keys)
    {
        reply.Array(arguments.Count);
        foreach (var one in arguments) WriteArgument(reply, one, keys);
    }

    private static void WriteArgument(ReplyWriter reply, SyntaxArgument argument, KeySpec[] keys)
    {
        var mark = reply.BeginDeferred();
        var fields = 2;
        Field(reply, "name"u8, argument.Name);
        Field(reply, "type"u8, argument.TypeName);
        if (argument.Members.Count == 0)
        {
            Field(reply, "display_text"u8, argument.Shown ?? argument.Name);
            fields++;
        }

        if (SpecIndexOf(argument, keys) is >= 0 and var index)
        {
            reply.Bulk("key_spec_index"u8);
            reply.Integer(index);
            fields++;
        }

        if (argument.Token is not null)
        {
            Field(reply, "token"u8, argument.Token);
            fields++;
        }

        fields += WriteFlags(reply, argument);
        if (argument.Members.Count > 0)
        {
            reply.Bulk("arguments"u8);
            WriteArguments(reply, argument.Members, keys);
            fields++;
        }

        reply.EndDeferredMap(mark, fields);
    }

    // A pattern stands for keys that nobody can tell; keys in their order have the other specifications.
    private static int SpecIndexOf(SyntaxArgument argument, KeySpec[] keys)
    {
        if (argument.Type == ArgumentType.Pattern) return Array.FindIndex(keys, IsUntold);
        if (argument.KeyIndex < 0) return -1;
        var index = Math.Min(argument.KeyIndex, keys.Length - 1);
        while (index >= 0 && index + 1 < keys.Length && IsUntold(keys[index])) index++;
        return index;
    }

    private static bool IsUntold(KeySpec spec) => spec is { IsUnknown: true, Locate: null };

    private static int WriteFlags(ReplyWriter reply, SyntaxArgument argument)
    {
        var count = (argument.IsOptional ? 1 : 0) + (argument.IsMultiple ? 1 : 0) + (argument.RepeatsToken ? 1 : 0);
        if (count == 0) return 0;
        reply.Bulk("flags"u8);
        reply.Set(count);
        if (argument.IsOptional) reply.Simple("optional"u8);
        if (argument.IsMultiple) reply.Simple("multiple"u8);
        if (argument.RepeatsToken) reply.Simple("multiple_token"u8);
        return 1;
    }

    private static void Field(ReplyWriter reply, ReadOnlySpan<byte> name, string value)
    {
        reply.Bulk(name);
        Text(reply, value);
    }

    private static void Text(ReplyWriter reply, string text) => reply.Bulk(Encoding.UTF8.GetBytes(text));
}
