// PUBLISH SUBSCRIBE PSUBSCRIBE and their kin: messages to whoever listens, kept nowhere.
//
//     SUBSCRIBE PSUBSCRIBE SSUBSCRIBE          one acknowledgement per name: (word, name, subscriptions left)
//     UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE    the same; without names for all of the kind
//     PUBLISH SPUBLISH                         how many subscriptions the message goes to
//     PUBSUB                                   who listens
//
// Acknowledgements are pushes in RESP3 and arrays in RESP2, and are sent whatever CLIENT REPLY says. The subscriptions
// left count channels and patterns together, shard channels apart. Whoever is subscribed to nothing cannot unsubscribe.
// Source: Redis 7.2 documentation, "Redis Pub/Sub" and the commands' pages; NOSUB: Valkey 8.1 and later.

using Millrace.Commands;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Server.PubSub;

/// <summary>The commands of publish/subscribe.</summary>
public sealed class PubSubCommands(Channels channels)
{
    private const CommandFlags Subscribing = CommandFlags.PubSub | NoScript | Loading | Stale;

    private readonly Channels _channels = channels;

    /// <summary>The family's commands.</summary>
    public IEnumerable<CommandSpec> All() =>
    [
        Listening("psubscribe", -2, PSubscribe, "2.0.0", "pattern...",
            "Subscribes to all channels that match patterns.",
            "O(N) where N is the number of patterns."),
        new("publish", 3, Publish)
        {
            Flags = CommandFlags.PubSub | Loading | Stale | Fast | MayReplicate,
            Categories = AclCategories.PubSub,
            Syntax = "channel:string message:string",
            Summary = "Sends a message to the subscribers of a channel.",
            Since = "2.0.0",
            Complexity = "O(N+M) where N is the number of subscribers and M is the number of subscribed patterns.",
            Group = "pubsub",
        },
        PubSubContainer(),
        Listening("punsubscribe", -1, PUnsubscribe, "2.0.0", "[pattern...]",
            "Ends subscriptions to patterns, or all of them.",
            "O(N) where N is the number of patterns."),
        new("spublish", 3, SPublish)
        {
            Flags = CommandFlags.PubSub | Loading | Stale | Fast | MayReplicate,
            Categories = AclCategories.PubSub,
            Keys = [KeySpec.One(KeyFlags.NotKey)],
            Syntax = "shardchannel:string message:string",
            Summary = "Sends a message to the subscribers of a shard channel.",
            Since = "7.0.0",
            Complexity = "O(N) where N is the number of subscribers.",
            Group = "pubsub",
        },
        Listening("ssubscribe", -2, SSubscribe, "7.0.0", "shardchannel...",
            "Subscribes to shard channels.",
            "O(N) where N is the number of shard channels.",
            KeySpec.Rest(KeyFlags.NotKey)),
        Listening("subscribe", -2, Subscribe, "2.0.0", "channel...",
            "Subscribes to channels.",
            "O(N) where N is the number of channels."),
        Listening("sunsubscribe", -1, SUnsubscribe, "7.0.0", "[shardchannel...]",
            "Ends subscriptions to shard channels, or all of them.",
            "O(N) where N is the number of shard channels.",
            KeySpec.Rest(KeyFlags.NotKey)),
        Listening("unsubscribe", -1, Unsubscribe, "2.0.0", "[channel...]",
            "Ends subscriptions to channels, or all of them.",
            "O(N) where N is the number of channels."),
    ];

    private CommandSpec PubSubContainer() => new("pubsub", -2, null)
    {
        Summary = "A container for commands about publish/subscribe.",
        Since = "2.8.0",
        Complexity = "Depends on subcommand.",
        Group = "pubsub",
        Subcommands =
        [
            Asking("channels", -2, ListChannels, "2.8.0", "[pattern]", "Returns the channels that have subscribers.",
                "O(N) where N is the number of channels."),
            new("help", 2, Help)
            {
                Flags = Loading | Stale,
                Summary = "Returns a short text about the subcommands.",
                Since = "6.2.0",
                Complexity = "O(1)",
                Group = "pubsub",
            },
            Asking("numpat", 2, NumPat, "2.8.0", "", "Returns how many different patterns have subscribers.", "O(1)"),
            Asking("numsub", -2, NumSub, "2.8.0", "[channel:string...]",
                "Returns how many subscribers channels have, patterns not counted.",
                "O(N) where N is the number of named channels."),
            Asking("shardchannels", -2, ListShardChannels, "7.0.0", "[pattern]",
                "Returns the shard channels that have subscribers.",
                "O(N) where N is the number of shard channels."),
            Asking("shardnumsub", -2, ShardNumSub, "7.0.0", "[shardchannel:string...]",
                "Returns how many subscribers shard channels have.",
                "O(N) where N is the number of named shard channels."),
        ],
    };

    private static CommandSpec Listening(
        string name, int arity, CommandHandler handler, string since, string syntax, string summary, string complexity,
        KeySpec? keys = null) =>
        new(name, arity, handler)
        {
            Flags = Subscribing,
            Categories = AclCategories.PubSub,
            RunsWhileSubscribed = true,
            Keys = keys is null ? [] : [keys],
            Syntax = syntax,
            Summary = summary,
            Since = since,
            Complexity = complexity,
            Group = "pubsub",
        };

    private static CommandSpec Asking(
        string name, int arity, CommandHandler handler, string since, string syntax, string summary,
        string complexity) =>
        new(name, arity, handler)
        {
            Flags = CommandFlags.PubSub | Loading | Stale,
            Categories = AclCategories.PubSub,
            Syntax = syntax,
            Summary = summary,
            Since = since,
            Complexity = complexity,
            Group = "pubsub",
        };

    private void PSubscribe(ref Call call) => Begin(ref call, TopicKind.Pattern, "psubscribe"u8);

    private void Publish(ref Call call) => Send(ref call, TopicKind.Channel);

    private void PUnsubscribe(ref Call call) => End(ref call, TopicKind.Pattern, "punsubscribe"u8);

    private void SPublish(ref Call call) => Send(ref call, TopicKind.Shard);

    private void SSubscribe(ref Call call) => Begin(ref call, TopicKind.Shard, "ssubscribe"u8);

    private void Subscribe(ref Call call) => Begin(ref call, TopicKind.Channel, "subscribe"u8);

    private void SUnsubscribe(ref Call call) => End(ref call, TopicKind.Shard, "sunsubscribe"u8);

    private void Unsubscribe(ref Call call) => End(ref call, TopicKind.Channel, "unsubscribe"u8);

    private void ListChannels(ref Call call) => WriteNames(ref call, TopicKind.Channel);

    private static void Help(ref Call call) => HelpText.Write(
        call.Reply,
        "PUBSUB",
        [
            "CHANNELS [<pattern>]", "The channels that have subscribers and match a pattern (default: '*').",
            "NUMPAT", "How many different patterns have subscribers.",
            "NUMSUB [<channel> ...]", "How many subscribers channels have, patterns not counted.",
            "SHARDCHANNELS [<pattern>]", "The shard channels that have subscribers and match a pattern (default: '*').",
            "SHARDNUMSUB [<shardchannel> ...]", "How many subscribers shard channels have.",
        ]);

    private void NumPat(ref Call call) => call.Reply.Integer(_channels.PatternCount);

    private void NumSub(ref Call call) => WriteCounts(ref call, TopicKind.Channel);

    private void ListShardChannels(ref Call call) => WriteNames(ref call, TopicKind.Shard);

    private void ShardNumSub(ref Call call) => WriteCounts(ref call, TopicKind.Shard);

    private void Begin(ref Call call, TopicKind kind, ReadOnlySpan<byte> word)
    {
        var client = call.Client();
        for (var i = 1; i < call.Args.Count; i++)
        {
            _channels.Subscribe(client, kind, call.Args[i]);
            Acknowledge(ref call, kind, word, call.Args[i], isNamed: true);
        }

        client.SettleListening();
    }

    private void End(ref Call call, TopicKind kind, ReadOnlySpan<byte> word)
    {
        var client = call.Client();
        if (!client.IsSubscribed)
        {
            ErrorTexts.WriteQuoting(
                call.Reply, "NOSUB '"u8, call.Spec.NameBytes, "' command executed not in subscribed mode"u8);
            return;
        }

        if (call.Args.Count > 1) EndNamed(ref call, kind, word);
        else if (client.Subscriptions!.CountOf(kind) == 0) Acknowledge(ref call, kind, word, default, isNamed: false);
        else EndAll(ref call, kind, word);
        client.SettleListening();
    }

    private void EndNamed(ref Call call, TopicKind kind, ReadOnlySpan<byte> word)
    {
        for (var i = 1; i < call.Args.Count; i++)
        {
            _channels.Unsubscribe(call.Client(), kind, call.Args[i]);
            Acknowledge(ref call, kind, word, call.Args[i], isNamed: true);
        }
    }

    private void EndAll(ref Call call, TopicKind kind, ReadOnlySpan<byte> word)
    {
        var client = call.Client();
        foreach (var topic in client.Subscriptions!.Of(kind).ToArray())
        {
            _channels.Unsubscribe(client, kind, topic.Name);
            Acknowledge(ref call, kind, word, topic.Name, isNamed: true);
        }
    }

    private static void Acknowledge(
        ref Call call, TopicKind kind, ReadOnlySpan<byte> word, ReadOnlySpan<byte> name, bool isNamed)
    {
        var (reply, mine) = (call.Reply, call.Client().Subscriptions!);
        var wasMuted = reply.Muted;
        reply.Muted = false;
        reply.Push(3);
        reply.Bulk(word);
        if (isNamed) reply.Bulk(name);
        else reply.Null();
        reply.Integer(kind == TopicKind.Shard
            ? mine.CountOf(kind)
            : mine.CountOf(TopicKind.Channel) + mine.CountOf(TopicKind.Pattern));
        reply.Muted = wasMuted;
    }

    // What the unit has told of keys before comes before.
    private void Send(ref Call call, TopicKind kind)
    {
        if (!call.Unit.Notifications.IsEmpty) call.Unit.Notifications.Post();
        var loop = call.Client().Connection.Loop.Index;
        call.Reply.Integer(_channels.Publish(kind, call.Args[1], call.Args[2], loop));
    }

    private void WriteNames(ref Call call, TopicKind kind)
    {
        if (call.Args.Count > 3)
        {
            ErrorTexts.WriteSubcommandSyntax(call.Reply, call.Args[1], "PUBSUB"u8);
            return;
        }

        var isForAll = call.Args.Count == 2 || Engine.Glob.MatchesAll(call.Args[2]);
        var names = _channels.Names(kind, isForAll ? default : call.Args[2]);
        call.Reply.Array(names.Count);
        foreach (var name in names) call.Reply.Bulk(name);
    }

    private void WriteCounts(ref Call call, TopicKind kind)
    {
        call.Reply.Array(2L * (call.Args.Count - 2)); // in RESP3, too
        for (var i = 2; i < call.Args.Count; i++)
        {
            call.Reply.Bulk(call.Args[i]);
            call.Reply.Integer(_channels.CountSubscribers(kind, call.Args[i]));
        }
    }
}
