// What a client does first and last: PING ECHO AUTH HELLO SELECT RESET QUIT.
//
// There is one user, `default`; it needs the password of requirepass when there is one, and accepts any otherwise.
// Source: Redis 7.2 documentation, group "connection".

using System.Security.Cryptography;
using System.Text;
using Millrace.Commands;
using Millrace.Resp;
using Millrace.Server.Config;
using Millrace.Server.Observability;
using Millrace.Server.PubSub;
using Millrace.Server.Tracking;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Server.Connections;

/// <summary>The family of connection commands, without CLIENT.</summary>
public sealed class ConnectionCommands(ServerParts parts)
{
    private const CommandFlags BeforeAuthentication = NoScript | Loading | Stale | Fast | NoAuth | AllowBusy;

    private readonly Configuration _configuration = parts.Configuration;
    private readonly Channels _channels = parts.Channels;
    private readonly Monitors _monitors = parts.Monitors;
    private readonly int _databases = parts.Keyspace.Shape.Databases;

    /// <summary>The family's commands.</summary>
    public IEnumerable<CommandSpec> All() =>
    [
        new("auth", -2, Auth)
        {
            Flags = BeforeAuthentication,
            Categories = AclCategories.Connection,
            Syntax = "[username:string] password:string",
            Secrets = static (_, index) => index > 0,
            Summary = "Shows who the connection is.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the number of passwords defined for the user",
            Group = "connection",
            History = [("6.0.0", "Added ACL style (username and password).")],
        },
        new("echo", 2, Echo)
        {
            Flags = Loading | Stale | Fast,
            Categories = AclCategories.Connection,
            Syntax = "message:string",
            Summary = "Returns its argument.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "connection",
        },
        HelloSpec(),
        PingSpec(),
        new("quit", -1, Quit)
        {
            Flags = BeforeAuthentication,
            RunsWhileSubscribed = true,
            Categories = AclCategories.Connection,
            RunsWhileQueueing = true,
            Summary = "Closes the connection.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "connection",
            DeprecatedSince = "7.2.0",
            ReplacedBy = "just closing the connection",
        },
        new("reset", 1, Reset)
        {
            Flags = BeforeAuthentication,
            RunsWhileSubscribed = true,
            Categories = AclCategories.Connection,
            Locks = LockScope.Watched,
            RunsWhileQueueing = true,
            Summary = "Makes the connection as good as new.",
            Since = "6.2.0",
            Complexity = "O(1)",
            Group = "connection",
        },
        new("select", 2, Select)
        {
            Flags = Loading | Stale | Fast,
            Categories = AclCategories.Connection,
            Syntax = "index:integer",
            Summary = "Chooses the database of the connection.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "connection",
        },
    ];

    private static CommandSpec PingSpec() => new("ping", -1, Ping)
    {
        Flags = Fast,
        RunsWhileSubscribed = true,
        TellsHealth = true,
        Categories = AclCategories.Connection,
        Syntax = "[message:string]",
        Summary = "Returns PONG, or its argument, to show that the server lives.",
        Since = "1.0.0",
        Complexity = "O(1)",
        Group = "connection",
        Tips = ["request_policy:all_shards", "response_policy:all_succeeded"],
    };

    private CommandSpec HelloSpec() => new("hello", -1, Hello)
    {
        Flags = BeforeAuthentication,
        Categories = AclCategories.Connection,
        Syntax = "[protover:integer [AUTH username:string password:string] [SETNAME clientname:string]]",
        Secrets = static (args, index) => IsWord(args, index - 1, "AUTH"u8) || IsWord(args, index - 2, "AUTH"u8),
        Summary = "Introduces both sides to each other and chooses the protocol.",
        Since = "6.0.0",
        Complexity = "O(1)",
        Group = "connection",
        History =
        [
            ("6.2.0", "`protover` made optional; when called without arguments the command reports the current "
                + "connection's context."),
        ],
    };

    // Wherever it stands: a request that is wrong is no reason to tell the password.
    private static bool IsWord(Args args, int index, ReadOnlySpan<byte> word) =>
        index > 0 && Words.Equal(args[index], word);

    private void Auth(ref Call call)
    {
        var count = call.Args.Count;
        if (count > 3)
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return;
        }

        if (count == 2 && _configuration.Settings.RequirePass.IsEmpty)
        {
            call.Reply.Error("ERR AUTH <password> called without any password configured for the default user. Are "u8
                + "you sure your configuration is correct?"u8);
            return;
        }

        if (TryAuthenticate(ref call, count == 2 ? "default"u8 : call.Args[1], call.Args[count - 1])) call.Reply.Ok();
    }

    private static void Echo(ref Call call) => call.Reply.Bulk(call.Args[1]);

    private void Hello(ref Call call)
    {
        var client = call.Client();
        var version = client.Protocol;
        if (call.Args.Count > 1 && !TryVersion(ref call, out version)) return;
        var name = default(ReadOnlySpan<byte>);
        var isNamed = false;
        var credentialsAt = 0;
        for (var i = 2; i < call.Args.Count; i++)
        {
            var following = call.Args.Count - i - 1;
            if (following >= 2 && call.Is(i, "AUTH"u8))
            {
                credentialsAt = i + 1;
                i += 2;
            }
            else if (following >= 1 && call.Is(i, "SETNAME"u8))
            {
                name = call.Args[++i];
                isNamed = true;
                if (!ClientCommands.TryName(call.Reply, name)) return;
            }
            else
            {
                ErrorTexts.WriteQuoting(call.Reply, "ERR Syntax error in HELLO option '"u8, call.Args[i], "'"u8);
                return;
            }
        }

        var user = call.Args[credentialsAt];
        if (credentialsAt > 0 && !TryAuthenticate(ref call, user, call.Args[credentialsAt + 1])) return;
        if (!client.IsAuthenticated)
        {
            call.Reply.Error("NOAUTH HELLO must be called with the client already authenticated, otherwise the "u8
                + "HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP "u8
                + "protocol version at the same time"u8);
            return;
        }

        if (isNamed) client.Name = Client.TextOf(name);
        client.Protocol = version;
        call.Reply.Protocol = version;
        WriteGreeting(call.Reply, client);
    }

    private static void Ping(ref Call call)
    {
        if (call.Args.Count > 2)
        {
            ErrorTexts.WriteArity(call.Reply, call.Spec);
        }
        else if ((call.Client().Gates & Gate.Subscribed) != 0)
        {
            // A subscriber that speaks RESP2 must be able to tell it from a message.
            call.Reply.Array(2);
            call.Reply.Bulk("pong"u8);
            call.Reply.Bulk(call.Args.Count == 2 ? call.Args[1] : default);
        }
        else if (call.Args.Count == 2) call.Reply.Bulk(call.Args[1]);
        else call.Reply.Simple("PONG"u8);
    }

    private static void Quit(ref Call call)
    {
        call.Reply.Ok();
        call.Client().CloseAfterReplies();
    }

    // The reply is seen even where replies were switched off: that switch is reset as well.
    private void Reset(ref Call call)
    {
        TrackingCommands.End(call.Client(), _channels, call.Unit.Keyspace.Tracking);
        _channels.Leave(call.Client());
        _monitors.End(call.Client());
        call.Client().Reset(_configuration.Settings.RequirePass.Length > 0, call.Unit.Keyspace);
        call.Reply.Protocol = 2;
        call.Reply.Muted = false;
        call.Reply.Simple("RESET"u8);
    }

    private void Select(ref Call call)
    {
        if (!call.TryInteger(1, out var index)) return;
        if (index is < int.MinValue or > int.MaxValue)
        {
            call.Reply.Error("ERR value is out of range, value must between -2147483648 and 2147483647"u8);
        }
        else if (index < 0 || index >= _databases)
        {
            call.Reply.Error(ErrorTexts.DatabaseOutOfRange);
        }
        else
        {
            call.Caller.Database = (int)index;
            call.Reply.Ok();
        }
    }

    private static bool TryVersion(ref Call call, out int version)
    {
        version = 0;
        if (!Numbers.TryParseInt64(call.Args[1], out var wanted))
        {
            call.Reply.Error("ERR Protocol version is not an integer or out of range"u8);
            return false;
        }

        if (wanted is not (2 or 3))
        {
            call.Reply.Error("NOPROTO unsupported protocol version"u8);
            return false;
        }

        version = (int)wanted;
        return true;
    }

    // Digests are compared, so that the time taken tells nothing of the password or its length.
    private bool TryAuthenticate(ref Call call, ReadOnlySpan<byte> user, ReadOnlySpan<byte> password)
    {
        var expected = _configuration.Settings.RequirePass.Span;
        var isRight = expected.IsEmpty
            || CryptographicOperations.FixedTimeEquals(SHA256.HashData(expected), SHA256.HashData(password));
        if (isRight && user.SequenceEqual("default"u8))
        {
            call.Client().RequiresAuthentication(false);
            return true;
        }

        call.Reply.Error("WRONGPASS invalid username-password pair or user is disabled."u8);
        return false;
    }

    private static void WriteGreeting(ReplyWriter reply, Client client)
    {
        reply.Map(7);
        reply.Bulk("server"u8);
        reply.Bulk("redis"u8);
        reply.Bulk("version"u8);
        reply.Bulk(Encoding.ASCII.GetBytes(MillraceServer.RedisVersion));
        reply.Bulk("proto"u8);
        reply.Integer(client.Protocol);
        reply.Bulk("id"u8);
        reply.Integer(client.Id);
        reply.Bulk("mode"u8);
        reply.Bulk("standalone"u8);
        reply.Bulk("role"u8);
        reply.Bulk("master"u8);
        reply.Bulk("modules"u8);
        reply.Array(0);
    }
}
