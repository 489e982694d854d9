// COMMAND and its subcommands: what the command table says of itself.
//
// Everything is derived from the specs. Shapes are those of redis-server 7.0: flags, categories, tips and key
// specifications are sets, a key specification and a documentation entry are maps (RESP2: arrays). The keys of a
// request are found by the same code that finds them when it runs. How documentation is written is in CommandDocs.cs.
// Source: Redis 7.2 documentation, "COMMAND" and its subcommands.

using System.Text;
using Millrace.Engine;
using Millrace.Resp;

namespace Millrace.Commands.Families;

/// <summary>The COMMAND family.</summary>
/// <param name="table">The table that the family is part of; asked when a command runs.</param>
public sealed class CommandCommands(Func<CommandTable> table)
{
    private const CommandFlags Usual = CommandFlags.Loading | CommandFlags.Stale;
    private const string OfAll = "O(N) where N is the total number of commands";

    private static readonly string[] Unordered = ["nondeterministic_output_order"];

    // In the order in which COMMAND INFO names them.
    private static readonly (CommandFlags Flag, string Name)[] FlagNames =
    [
        (CommandFlags.Write, "write"),
        (CommandFlags.ReadOnly, "readonly"),
        (CommandFlags.DenyOom, "denyoom"),
        (CommandFlags.Admin, "admin"),
        (CommandFlags.PubSub, "pubsub"),
        (CommandFlags.NoScript, "noscript"),
        (CommandFlags.Blocking, "blocking"),
        (CommandFlags.Loading, "loading"),
        (CommandFlags.Stale, "stale"),
        (CommandFlags.SkipMonitor, "skip_monitor"),
        (CommandFlags.SkipSlowlog, "skip_slowlog"),
        (CommandFlags.Asking, "asking"),
        (CommandFlags.Fast, "fast"),
        (CommandFlags.NoAuth, "no_auth"),
        (CommandFlags.NoMandatoryKeys, "no_mandatory_keys"),
        (CommandFlags.NoAsyncLoading, "no_async_loading"),
        (CommandFlags.NoMulti, "no_multi"),
        (CommandFlags.MovableKeys, "movablekeys"),
        (CommandFlags.AllowBusy, "allow_busy"),
    ];

    private static readonly (KeyFlags Flag, string Name)[] KeyFlagNames =
    [
        (KeyFlags.RO, "RO"),
        (KeyFlags.RW, "RW"),
        (KeyFlags.OW, "OW"),
        (KeyFlags.RM, "RM"),
        (KeyFlags.Access, "access"),
        (KeyFlags.Update, "update"),
        (KeyFlags.Insert, "insert"),
        (KeyFlags.Delete, "delete"),
        (KeyFlags.NotKey, "not_key"),
        (KeyFlags.Incomplete, "incomplete"),
        (KeyFlags.VariableFlags, "variable_flags"),
    ];

    private readonly Func<CommandTable> _table = table;

    /// <summary>The family's commands.</summary>
    public IEnumerable<CommandSpec> All() =>
    [
        new("command", -1, Command)
        {
            Flags = Usual,
            Categories = AclCategories.Connection,
            Summary = "Returns what there is to know of all commands.",
            Since = "2.8.13",
            Complexity = OfAll,
            Group = "server",
            Tips = Unordered,
            Subcommands =
            [
                Subcommand("count", 2, Count, "2.8.13", "O(1)", "Returns how many commands there are."),
                Subcommand(
                    "docs", -2, Docs, "7.0.0", "O(N) where N is the number of commands to look up",
                    "Returns the documentation of commands.", "[command-name:string...]", Unordered),
                Subcommand(
                    "getkeys", -4, GetKeys, "2.8.13", "O(N) where N is the number of arguments to the command",
                    "Returns the keys in a whole request.", "command:string [arg:string...]"),
                Subcommand(
                    "getkeysandflags", -4, GetKeysAndFlags, "7.0.0",
                    "O(N) where N is the number of arguments to the command",
                    "Returns the keys in a whole request, and what happens to each.", "command:string [arg:string...]"),
                Subcommand("help", 2, Help, "5.0.0", "O(1)", "Returns a short text about the subcommands."),
                Subcommand(
                    "info", -2, Info, "2.8.13", "O(N) where N is the number of commands to look up",
                    "Returns what there is to know of one, several or all commands.", "[command-name:string...]",
                    Unordered,
                    [("7.0.0", "Allowed to be called with no argument to get info on all commands.")]),
                Subcommand(
                    "list", -2, List, "7.0.0", OfAll, "Returns the names of commands.",
                    "[FILTERBY (MODULE module-name:string | ACLCAT category:string | PATTERN pattern:pattern)]",
                    Unordered),
            ],
        },
    ];

    private static CommandSpec Subcommand(
        string name, int arity, CommandHandler handler, string since, string complexity, string summary,
        string syntax = "", string[]? tips = null, (string Version, string Change)[]? history = null) =>
        new(name, arity, handler)
        {
            Flags = Usual,
            Categories = AclCategories.Connection,
            Syntax = syntax,
            Summary = summary,
            Since = since,
            Complexity = complexity,
            Group = "server",
            Tips = tips ?? [],
            History = history ?? [],
        };

    private void Command(ref Call call)
    {
        if (call.Args.Count > 1)
        {
            var name = Encoding.Latin1.GetString(call.Args[1]);
            call.Reply.Error(Encoding.Latin1.GetBytes("ERR unknown subcommand "
                + $"'{name[..Math.Min(name.Length, 128)]}'. Try COMMAND HELP."));
            return;
        }

        WriteAll(call.Reply);
    }

    private void Count(ref Call call) => call.Reply.Integer(Shown().Count);

    private void Docs(ref Call call)
    {
        if (call.Args.Count == 2)
        {
            var all = Shown();
            call.Reply.Map(all.Count);
            foreach (var one in all) CommandDocs.Write(call.Reply, one);
            return;
        }

        var mark = call.Reply.BeginDeferred();
        var count = 0;
        for (var i = 2; i < call.Args.Count; i++)
        {
            var spec = Find(call.Args[i]);
            if (spec is null) continue;
            CommandDocs.Write(call.Reply, spec);
            count++;
        }

        call.Reply.EndDeferredMap(mark, count);
    }

    private void GetKeys(ref Call call) => WriteKeys(ref call, withFlags: false);

    private void GetKeysAndFlags(ref Call call) => WriteKeys(ref call, withFlags: true);

    private static void Help(ref Call call) => HelpText.Write(
        call.Reply,
        "COMMAND",
        [
            "(no subcommand)", "All commands with what there is to know of them.",
            "COUNT", "How many commands there are.",
            "DOCS [<command-name> ...]", "The documentation of the named commands, or of all.",
            "GETKEYS <full-command>", "The keys in a whole request.",
            "GETKEYSANDFLAGS <full-command>", "The keys in a whole request, and what happens to each.",
            "INFO [<command-name> ...]", "What there is to know of the named commands, or of all.",
            "LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <glob>)]", "The names of commands.",
        ]);

    private void Info(ref Call call)
    {
        if (call.Args.Count == 2)
        {
            WriteAll(call.Reply);
            return;
        }

        call.Reply.Array(call.Args.Count - 2);
        for (var i = 2; i < call.Args.Count; i++) WriteInfo(call.Reply, Find(call.Args[i]));
    }

    private void List(ref Call call)
    {
        Func<CommandSpec, bool> isWanted = static _ => true;
        if (call.Args.Count > 2)
        {
            var isFilter = call.Args.Count == 5 && call.Is(2, "FILTERBY"u8);
            if (!isFilter || FilterOf(call.Args[3], call.Args[4]) is not { } filter)
            {
                call.Reply.Error(ErrorTexts.Syntax);
                return;
            }

            isWanted = filter;
        }

        List<CommandSpec> names = [];
        foreach (var one in Shown())
        {
            if (isWanted(one)) names.Add(one);
            names.AddRange(one.Subcommands.Where(isWanted));
        }

        call.Reply.Array(names.Count);
        foreach (var one in names) call.Reply.Bulk(Encoding.ASCII.GetBytes(one.FullName));
    }

    private List<CommandSpec> Shown()
    {
        var shown = new List<CommandSpec>();
        foreach (var one in _table().Commands)
        {
            if ((one.Flags & CommandFlags.ProtectedCommand) == 0) shown.Add(one);
        }

        return shown;
    }

    // A command's name, or a container's and a subcommand's with a bar between them.
    private CommandSpec? Find(ReadOnlySpan<byte> name)
    {
        var bar = name.IndexOf((byte)'|');
        return bar < 0 ? _table().Find(name) : _table().Find(name[..bar])?.FindSubcommand(name[(bar + 1)..]);
    }

    private static Func<CommandSpec, bool>? FilterOf(ReadOnlySpan<byte> kind, ReadOnlySpan<byte> wanted)
    {
        if (Words.Equal(kind, "MODULE"u8)) return static _ => false;
        if (Words.Equal(kind, "ACLCAT"u8))
        {
            var category = CategoryOf(wanted);
            return spec => (spec.AllCategories & category) != 0;
        }

        if (!Words.Equal(kind, "PATTERN"u8)) return null;
        var pattern = wanted.ToArray();
        return spec => Glob.MatchesAll(pattern)
            || Glob.Matches(pattern, Encoding.ASCII.GetBytes(spec.FullName), ignoresCase: true);
    }

    private void WriteKeys(ref Call call, bool withFlags)
    {
        var request = call.Args.From(2);
        var spec = _table().Find(request[0]);
        if (spec is { Subcommands.Length: > 0 }) spec = spec.FindSubcommand(request[1]);
        if (spec is null)
        {
            call.Reply.Error("ERR Invalid command specified"u8);
        }
        else if (Array.TrueForAll(spec.Keys, static one => (one.Flags & KeyFlags.NotKey) != 0))
        {
            call.Reply.Error("ERR The command has no key arguments"u8);
        }
        else if (!spec.AcceptsCount(request.Count))
        {
            call.Reply.Error("ERR Invalid number of arguments specified for command"u8);
        }
        else
        {
            WriteFound(call.Reply, spec, request, withFlags);
        }
    }

    private static void WriteFound(ReplyWriter reply, CommandSpec spec, Args request, bool withFlags)
    {
        var mark = reply.BeginDeferred();
        var count = 0;
        var isInvalid = false;
        foreach (var keys in spec.Keys)
        {
            if ((keys.Flags & KeyFlags.NotKey) != 0) continue;
            if (!keys.TryFind(request, out var first, out var last))
            {
                // Only what follows a keyword may be missing.
                isInvalid |= keys is { Keyword: null, IsUnknown: false };
                continue;
            }

            for (var i = first; i <= last; i += keys.Step, count++)
            {
                if (withFlags) reply.Array(2);
                reply.Bulk(request[i]);
                if (withFlags) WriteFlags(reply, keys.FlagsIn(request));
            }
        }

        if ((count > 0 && !isInvalid) || (spec.Flags & CommandFlags.NoMandatoryKeys) != 0)
        {
            reply.EndDeferredArray(mark, count);
            return;
        }

        reply.CancelDeferred(mark);
        reply.Error("ERR Invalid arguments specified for command"u8);
    }

    private void WriteAll(ReplyWriter reply)
    {
        var all = Shown();
        reply.Array(all.Count);
        foreach (var one in all) WriteInfo(reply, one);
    }

    private static void WriteInfo(ReplyWriter reply, CommandSpec? spec)
    {
        if (spec is null)
        {
            reply.Null();
            return;
        }

        var range = KeyRange.Of(spec.Keys);
        reply.Array(10);
        reply.Bulk(Encoding.ASCII.GetBytes(spec.FullName));
        reply.Integer(spec.Arity);
        var flags = spec.Flags | (range.IsMovable ? CommandFlags.MovableKeys : 0);
        WriteNames(reply, FlagNames.Where(one => (flags & one.Flag) != 0).Select(static one => one.Name));
        reply.Integer(range.First);
        reply.Integer(range.Last);
        reply.Integer(range.Step);
        var categories = spec.AllCategories;
        var named = CategoryNames().Where(one => (categories & one.Category) != 0);
        WriteNames(reply, named.Select(static one => "@" + one.Name));
        reply.Set(spec.Tips.Length);
        foreach (var tip in spec.Tips) reply.Bulk(Encoding.ASCII.GetBytes(tip));
        reply.Set(spec.Keys.Length);
        foreach (var keys in spec.Keys) WriteKeySpec(reply, keys);
        reply.Set(spec.Subcommands.Length);
        foreach (var one in spec.Subcommands) WriteInfo(reply, one);
    }

    private static void WriteKeySpec(ReplyWriter reply, KeySpec keys)
    {
        reply.Map(keys.Notes is null ? 3 : 4);
        if (keys.Notes is not null)
        {
            reply.Bulk("notes"u8);
            reply.Bulk(Encoding.UTF8.GetBytes(keys.Notes));
        }

        reply.Bulk("flags"u8);
        WriteFlags(reply, keys.Flags);
        if (keys.IsUnknown)
        {
            reply.Bulk("begin_search"u8);
            WriteType(reply, "unknown"u8, 0);
            reply.Bulk("find_keys"u8);
            WriteType(reply, "unknown"u8, 0);
            return;
        }

        reply.Bulk("begin_search"u8);
        WriteType(reply, keys.Keyword is null ? "index"u8 : "keyword"u8, keys.Keyword is null ? 1 : 2);
        if (keys.Keyword is null)
        {
            WriteField(reply, "index"u8, keys.BeginIndex);
        }
        else
        {
            reply.Bulk("keyword"u8);
            reply.Bulk(Encoding.ASCII.GetBytes(keys.Keyword));
            WriteField(reply, "startfrom"u8, keys.KeywordFrom);
        }

        reply.Bulk("find_keys"u8);
        WriteType(reply, keys.IsCounted ? "keynum"u8 : "range"u8, 3);
        if (keys.IsCounted)
        {
            WriteField(reply, "keynumidx"u8, keys.CountIndex);
            WriteField(reply, "firstkey"u8, keys.FirstKey);
            WriteField(reply, "keystep"u8, keys.Step);
        }
        else
        {
            WriteField(reply, "lastkey"u8, keys.LastKey);
            WriteField(reply, "keystep"u8, keys.Step);
            WriteField(reply, "limit"u8, keys.Limit);
        }
    }

    private static void WriteType(ReplyWriter reply, ReadOnlySpan<byte> type, int fields)
    {
        reply.Map(2);
        reply.Bulk("type"u8);
        reply.Bulk(type);
        reply.Bulk("spec"u8);
        reply.Map(fields);
    }

    private static void WriteField(ReplyWriter reply, ReadOnlySpan<byte> name, int value)
    {
        reply.Bulk(name);
        reply.Integer(value);
    }

    private static void WriteFlags(ReplyWriter reply, KeyFlags flags) =>
        WriteNames(reply, KeyFlagNames.Where(one => (flags & one.Flag) != 0).Select(static one => one.Name));

    private static void WriteNames(ReplyWriter reply, IEnumerable<string> names)
    {
        string[] all = [.. names];
        reply.Set(all.Length);
        foreach (var name in all) reply.Simple(Encoding.ASCII.GetBytes(name));
    }

    private static AclCategories CategoryOf(ReadOnlySpan<byte> name)
    {
        foreach (var (category, its) in CategoryNames())
        {
            if (Words.Equal(name, its)) return category;
        }

        return AclCategories.None;
    }

    private static IEnumerable<(AclCategories Category, string Name)> CategoryNames()
    {
        foreach (var category in Enum.GetValues<AclCategories>())
        {
            if (category != AclCategories.None) yield return (category, category.ToString().ToLowerInvariant());
        }
    }
}
