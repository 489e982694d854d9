// CLIENT: what the server knows of its clients, and what a client may change of itself.
//
// LIST and KILL look at clients of all loops and therefore run while all loops stand still; the other subcommands touch
// the calling client alone. PAUSE, UNPAUSE and UNBLOCK are in ClientWaiting, those about tracking in TrackingCommands.
// Source: Redis 7.2 documentation, "CLIENT" and its subcommands; conditions: ClientFilter.

using System.Text;
using Millrace.Commands;
using Millrace.Resp;
using Millrace.Server.PubSub;
using Millrace.Server.Tracking;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Server.Connections;

/// <summary>The CLIENT family.</summary>
public sealed class ClientCommands(ClientRegistry registry, ClientPause pause, Channels channels)
{
    private const CommandFlags Usual = NoScript | Loading | Stale;
    private const string OfClients = "O(N) where N is the number of client connections";

    /// <summary>The longest name of a client, of its library or of that library's version, in bytes.</summary>
    internal const int MaxNameBytes = 64 * 1024;

    /// <summary>The most characters that CLIENT LIST may return. Lines have a longest length, so that one line more
    /// than this is still far below what a text can have.</summary>
    private const int MaxListLength = 128 * 1024 * 1024;

    private static readonly string[] Changing = ["nondeterministic_output"];

    // The conditions of Valkey 9.0.
    private static readonly string[] LaterConditions =
    [
        "NAME name:string", "IDLE idle:integer", "FLAGS flags:string", "LIB-NAME lib-name:string",
        "LIB-VER lib-ver:string", "DB db:integer", "IP ip:string", "NOT-ID not-client-id:integer...",
        "NOT-TYPE (NORMAL | MASTER | REPLICA | PUBSUB)", "NOT-USER not-username:string", "NOT-ADDR not-addr:string",
        "NOT-LADDR not-laddr:string", "NOT-NAME not-name:string", "NOT-FLAGS not-flags:string",
        "NOT-LIB-NAME not-lib-name:string", "NOT-LIB-VER not-lib-ver:string", "NOT-DB not-db:integer",
        "NOT-IP not-ip:string",
    ];

    private readonly ClientRegistry _registry = registry;
    private readonly Channels _channels = channels;
    private readonly ClientWaiting _waiting = new(registry, pause);
    private readonly TrackingCommands _tracking = new(registry, channels);

    /// <summary>The family's commands.</summary>
    public IEnumerable<CommandSpec> All() =>
    [
        new("client", -2, null)
        {
            Summary = "A container for client connection commands.",
            Since = "2.4.0",
            Complexity = "Depends on subcommand.",
            Group = "connection",
            Subcommands =
            [
                TrackingCommands.CachingSpec(),
                Own("getname", 2, GetName, "2.6.9", "", "Returns the name of the connection."),
                TrackingCommands.GetRedirSpec(),
                new("help", 2, Help)
                {
                    Flags = Loading | Stale,
                    Categories = AclCategories.Connection,
                    Summary = "Returns a short text about the subcommands.",
                    Since = "5.0.0",
                    Complexity = "O(1)",
                    Group = "connection",
                },
                Own("id", 2, Id, "5.0.0", "", "Returns the number of the connection, which is never given twice."),
                Own("info", 2, Info, "6.2.0", "", "Returns what is known of the connection.", Changing),
                KillSpec(),
                ListSpec(),
                new("no-evict", 3, NoEvict)
                {
                    Flags = Admin | Usual,
                    Categories = AclCategories.Connection,
                    Syntax = "(ON | OFF)",
                    Summary = "Spares the connection when memory for clients runs out.",
                    Since = "7.0.0",
                    Complexity = "O(1)",
                    Group = "connection",
                },
                Own("no-touch", 3, NoTouch, "7.2.0", "(ON | OFF)",
                    "Makes reads of the connection leave the age of keys alone."),
                _waiting.PauseSpec(),
                Own("reply", 3, Reply, "3.2.0", "(ON | OFF | SKIP)", "Tells whether the connection wants replies."),
                Own(
                    "setinfo", 4, SetInfo, "7.2.0", "(LIB-NAME libname:string | LIB-VER libver:string)",
                    "Names the client library of the connection.",
                    ["request_policy:all_nodes", "response_policy:all_succeeded"]),
                Own("setname", 3, SetName, "2.6.9", "connection-name:string", "Names the connection."),
                _tracking.TrackingSpec(),
                TrackingCommands.TrackingInfoSpec(),
                _waiting.UnblockSpec(),
                _waiting.UnpauseSpec(),
            ],
        },
    ];

    /// <summary>Judges a client's name; writes an error when CLIENT LIST could not show it.</summary>
    internal static bool TryName(ReplyWriter reply, ReadOnlySpan<byte> name) => TryName(reply, "Client names"u8, name);

    private CommandSpec KillSpec() => new("kill", -3, Kill)
    {
        Flags = Admin | Usual,
        Categories = AclCategories.Connection,
        Locks = LockScope.Quiesced,
        Syntax = "(ip:port:string | ([ID client-id:integer] | "
            + "[TYPE (NORMAL | MASTER | SLAVE | REPLICA | PUBSUB)]"
            + " | [USER username:string] | [ADDR ip:port:string] | [LADDR ip:port:string]"
            + " | [SKIPME (YES | NO)] | [MAXAGE maxage:integer]"
            + string.Concat(LaterConditions.Select(static one => $" | [{one}]")) + ")...)",
        Summary = "Closes connections.",
        Since = "2.4.0",
        Complexity = OfClients,
        Group = "connection",
        History =
        [
            ("2.8.12", "Added new filter format."),
            ("2.8.12", "`ID` option."),
            ("3.2.0", "Added `master` type in for `TYPE` option."),
            ("5.0.0", "Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward "
                + "compatibility."),
            ("6.2.0", "`LADDR` option."),
            ("7.4.0", "`MAXAGE` option."),
        ],
    };

    private CommandSpec ListSpec() => new("list", -2, List)
    {
        Flags = Admin | Usual,
        Categories = AclCategories.Connection,
        Locks = LockScope.Quiesced,
        Syntax = "[TYPE (NORMAL | MASTER | REPLICA | PUBSUB)] [ID client-id:integer...] [USER username:string]"
            + " [ADDR ip:port:string] [LADDR ip:port:string] [SKIPME (YES | NO)] [MAXAGE maxage:integer]"
            + string.Concat(LaterConditions.Select(static one => $" [{one}]")),
        Summary = "Returns what is known of all connections, or of some.",
        Since = "2.4.0",
        Complexity = OfClients,
        Group = "connection",
        History =
        [
            ("2.8.12", "Added unique client `id` field."),
            ("5.0.0", "Added optional `TYPE` filter."),
            ("6.0.0", "Added `user` field."),
            ("6.2.0", "Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` "
                + "filter."),
            ("7.0.0", "Added `resp`, `multi-mem`, `rbs` and `rbp` fields."),
            ("7.0.3", "Added `ssub` field."),
            ("7.2.0", "Added `lib-name` and `lib-ver` fields."),
            ("7.4.0", "Added `watch` field."),
            ("8.0.0", "Added `io-thread` field."),
        ],
        Tips = Changing,
    };

    /// <summary>A subcommand that works on the calling client alone.</summary>
    internal static CommandSpec Own(
        string name, int arity, CommandHandler handler, string since, string syntax, string summary,
        string[]? tips = null) =>
        new(name, arity, handler)
        {
            Flags = Usual,
            Categories = AclCategories.Connection,
            Syntax = syntax,
            Summary = summary,
            Since = since,
            Complexity = "O(1)",
            Group = "connection",
            Tips = tips ?? [],
        };

    private static void GetName(ref Call call)
    {
        var name = call.Client().Name;
        if (name.Length == 0) call.Reply.Null();
        else call.Reply.Bulk(Encoding.ASCII.GetBytes(name));
    }

    private static void Help(ref Call call) => HelpText.Write(
        call.Reply,
        "CLIENT",
        [
            "CACHING (YES|NO)", "Say whether keys of the next command are tracked (OPTIN and OPTOUT).",
            "GETNAME", "The name of this connection.",
            "GETREDIR", "The number of the connection that gets the invalidations of this one.",
            "ID", "The number of this connection.",
            "INFO", "What is known of this connection.",
            "KILL <ip:port>", "Close the connection from that address.",
            "KILL <option> <value> [<option> <value> [...]]",
            "Close the connections that meet all conditions:\n"
            + "* ADDR (<ip:port>|<unixsocket>:0)\n  They come from this address.\n"
            + "* IP <ip>\n  They come from this address, whatever the port.\n"
            + "* LADDR (<ip:port>|<unixsocket>:0)\n  They came in at this address.\n"
            + "* ID <client-id> [<client-id> ...]\n  They have one of these numbers.\n"
            + "* TYPE (NORMAL|MASTER|REPLICA|PUBSUB)\n  They are of this kind.\n"
            + "* USER <username>\n  They act as this user.\n"
            + "* NAME <name>, LIB-NAME <name>, LIB-VER <version>\n  They, or their library, call themselves so.\n"
            + "* DB <index>\n  They have chosen this database.\n"
            + "* FLAGS <flags>\n  They have all of these flags of the list.\n"
            + "* SKIPME (YES|NO)\n  Spare this connection (default: yes).\n"
            + "* MAXAGE <seconds>\n  They are at least this old.\n"
            + "* IDLE <seconds>\n  They have been silent for at least as long.\n"
            + "NOT- in front of an option (but the last three) means those that do not meet it.",
            "LIST [<option> <value> [...]]",
                "What is known of connections; options as for KILL, SKIPME being no without it.",
            "NO-EVICT (ON|OFF)", "Spare this connection when memory for clients runs out.",
            "NO-TOUCH (ON|OFF)", "Let reads of this connection leave the age of keys alone.",
            "PAUSE <timeout> [WRITE|ALL]", "Let commands wait for so many milliseconds, or only those that write.",
            "REPLY (ON|OFF|SKIP)", "Choose which replies this connection gets.",
            "SETINFO (LIB-NAME|LIB-VER) <value>", "Name the client library of this connection.",
            "SETNAME <name>", "Name this connection.",
            "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]\n         [OPTIN] [OPTOUT] [NOLOOP]",
                "Tell this connection when keys change that it may keep copies of.",
            "TRACKINGINFO", "How this connection tracks keys.",
            "UNBLOCK <client-id> [TIMEOUT|ERROR]",
                "End the waiting of a connection, as if its time were over or with an error.",
            "UNPAUSE", "Let the commands go on that PAUSE made wait.",
        ]);

    private static void Id(ref Call call) => call.Reply.Integer(call.Client().Id);

    private static void Info(ref Call call)
    {
        var client = call.Client();
        var text = new StringBuilder();
        ClientLine.Append(text, client, call.Spec.FullName, client.Connection.Loop.NowUs);
        WriteLines(call.Reply, text.Append('\n'));
    }

    private void Kill(ref Call call)
    {
        var caller = call.Client();
        var isOldForm = call.Args.Count == 3;
        var filter = isOldForm ? ClientFilter.From(call.Args[2]) : ClientFilter.Read(call, isList: false);
        if (filter is null) return;
        var killed = 0;
        foreach (var client in _registry.Clients())
        {
            if (!filter.Matches(client, caller)) continue;
            if (ReferenceEquals(client, caller)) client.CloseAfterReplies();
            else CloseNow(client);
            killed++;
        }

        if (!isOldForm) call.Reply.Integer(killed);
        else if (killed > 0) call.Reply.Ok();
        else call.Reply.Error("ERR No such client"u8);
    }

    // Its loop takes leave of it only later: whoever publishes after this reply must not count it any more.
    private void CloseNow(Client client)
    {
        client.CloseNow();
        _channels.Leave(client);
    }

    private void List(ref Call call)
    {
        var caller = call.Client();
        if (ClientFilter.Read(call, isList: true) is not { } filter) return;
        var text = new StringBuilder();
        foreach (var client in filter.Ids is { } ids ? Find(ids) : _registry.Clients())
        {
            if (!filter.Matches(client, caller)) continue;
            var command = ReferenceEquals(client, caller) ? call.Spec : client.LastCommand;
            ClientLine.Append(text, client, command?.FullName, caller.Connection.Loop.NowUs);
            text.Append('\n');
            if (text.Length <= MaxListLength) continue;
            call.Reply.Error("ERR the list of clients is too long"u8);
            return;
        }

        WriteLines(call.Reply, text);
    }

    // Who is asked for by id comes in the order of the ids, and as often.
    private IEnumerable<Client> Find(IReadOnlyList<long> ids)
    {
        foreach (var id in ids)
        {
            if (_registry.Find(id) is { } client) yield return client;
        }
    }

    private static void NoEvict(ref Call call)
    {
        if (TryOnOff(ref call, out var isOn)) call.Client().NoEvict = isOn;
    }

    private static void NoTouch(ref Call call)
    {
        if (TryOnOff(ref call, out var isOn)) call.Caller.NoTouch = isOn;
    }

    // What is muted is decided before a command runs; ON must undo it for its own reply.
    private static void Reply(ref Call call)
    {
        var client = call.Client();
        if (call.Is(2, "ON"u8))
        {
            client.Replies = ReplyMode.On;
            call.Reply.Muted = false;
            call.Reply.Ok();
        }
        else if (call.Is(2, "OFF"u8))
        {
            client.Replies = ReplyMode.Off;
        }
        else if (call.Is(2, "SKIP"u8))
        {
            if (client.Replies != ReplyMode.Off) client.Replies = ReplyMode.SkipNext;
        }
        else
        {
            call.Reply.Error(ErrorTexts.Syntax);
        }
    }

    private static void SetInfo(ref Call call)
    {
        var option = call.Args[2];
        var isName = Words.Equal(option, "LIB-NAME"u8);
        if (!isName && !Words.Equal(option, "LIB-VER"u8))
        {
            ErrorTexts.WriteQuoting(call.Reply, "ERR Unrecognized option '"u8, option, "'"u8);
            return;
        }

        if (!TryName(call.Reply, option, call.Args[3])) return;
        if (isName) call.Client().LibraryName = Client.TextOf(call.Args[3]);
        else call.Client().LibraryVersion = Client.TextOf(call.Args[3]);
        call.Reply.Ok();
    }

    private static void SetName(ref Call call)
    {
        if (!TryName(call.Reply, call.Args[2])) return;
        call.Client().Name = Client.TextOf(call.Args[2]);
        call.Reply.Ok();
    }

    private static bool TryName(ReplyWriter reply, ReadOnlySpan<byte> what, ReadOnlySpan<byte> name)
    {
        if (name.Length > MaxNameBytes)
        {
            ErrorTexts.WriteQuoting(reply, "ERR "u8, what, " cannot be longer than 65536 bytes."u8);
            return false;
        }

        if (Client.IsPrintable(name)) return true;
        ErrorTexts.WriteQuoting(
            reply, "ERR "u8, what, " cannot contain spaces, newlines or special characters."u8);
        return false;
    }

    private static bool TryOnOff(ref Call call, out bool isOn)
    {
        isOn = call.Is(2, "ON"u8);
        var isKnown = isOn || call.Is(2, "OFF"u8);
        if (isKnown) call.Reply.Ok();
        else call.Reply.Error(ErrorTexts.Syntax);
        return isKnown;
    }

    private static void WriteLines(ReplyWriter reply, StringBuilder lines)
    {
        var bytes = new byte[lines.Length];
        var length = 0;
        foreach (var chunk in lines.GetChunks()) length += Encoding.Latin1.GetBytes(chunk.Span, bytes.AsSpan(length));
        reply.Verbatim("txt"u8, bytes);
    }
}
