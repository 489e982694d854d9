using Millrace.Net;

namespace Millrace.Server.PubSub;

/// <summary>What one can subscribe to.</summary>
public enum TopicKind
{
    /// <summary>A channel (SUBSCRIBE).</summary>
    Channel,

    /// <summary>All channels whose name matches a pattern (PSUBSCRIBE).</summary>
    Pattern,

    /// <summary>A shard channel (SSUBSCRIBE): channels of their own, which patterns do not see.</summary>
    Shard,

    /// <summary>All changes of keys with a prefix (CLIENT TRACKING BCAST).</summary>
    Prefix,
}

/// <summary>
/// A channel, a pattern, a shard channel or a prefix of keys that somebody is subscribed to.
/// </summary>
/// <remarks>
/// <code>
///   _live[loop]          how many subscriptions of the loop's clients count: what PUBLISH adds up
///   _subscribers[loop]   those, and those that have ended and are still owed what was published before
/// </code>
/// The counts are read and written under the locks of <see cref="Channels"/>; a loop's list belongs to that loop alone.
/// It is forgotten when the last subscription ends; letters under way keep it until they are delivered.
/// </remarks>
internal sealed class Topic(TopicKind kind, byte[] name, ulong hash, int loops)
{
    private readonly int[] _live = new int[loops];
    private readonly List<Subscription>?[] _subscribers = new List<Subscription>?[loops];

    /// <summary>What it is.</summary>
    public TopicKind Kind => kind;

    /// <summary>Its name: the channel's, or the pattern.</summary>
    public byte[] Name => name;

    /// <summary>The hash of the name.</summary>
    public ulong Hash => hash;

    /// <summary>How many subscriptions there are, on all loops.</summary>
    public int Subscribers { get; private set; }

    /// <summary>A pattern's place in <see cref="PatternList"/>.</summary>
    public int Place { get; set; } = -1;

    /// <summary>How many subscriptions the clients of a loop have.</summary>
    public int LiveOn(int loop) => _live[loop];

    /// <summary>The loop's subscriptions, ended ones included. On that loop.</summary>
    public List<Subscription>? On(EventLoop loop) => _subscribers[loop.Index];

    /// <summary>Counts a subscription that begins. Under the lock.</summary>
    public void CountBegin(int loop)
    {
        _live[loop]++;
        Subscribers++;
    }

    /// <summary>Counts a subscription that has ended. Under the lock.</summary>
    public void CountEnd(int loop)
    {
        _live[loop]--;
        Subscribers--;
    }

    /// <summary>Takes a subscription into its loop's list. On that loop.</summary>
    public void Add(Subscription subscription)
    {
        var list = _subscribers[subscription.Loop] ??= [];
        subscription.Place = list.Count;
        list.Add(subscription);
    }

    /// <summary>Takes a subscription out of its loop's list; another one takes its place. On that loop, and not while
    /// the list is walked.</summary>
    public void Remove(Subscription subscription)
    {
        var list = _subscribers[subscription.Loop]!;
        var last = list[^1];
        list[subscription.Place] = last;
        last.Place = subscription.Place;
        list.RemoveAt(list.Count - 1);
    }
}

/// <summary>One client's subscription to one topic.</summary>
/// <remarks>
/// It is owed what was published while it lasted: <c>BeganAt &lt;= moment &lt; EndedAt</c>, in moments of
/// <see cref="Channels"/>. So a message that is under way when the client unsubscribes is delivered before the
/// acknowledgement, and one that was published afterwards is not, whatever else the loop's mailbox holds.
/// </remarks>
internal sealed class Subscription(Topic topic, Client client, long beganAt)
{
    private long _endedAt = long.MaxValue;

    /// <summary>To what.</summary>
    public Topic Topic => topic;

    /// <summary>Whose.</summary>
    public Client Client => client;

    /// <summary>The index of the client's loop.</summary>
    public int Loop => client.Connection.Loop.Index;

    /// <summary>Its place in the loop's list.</summary>
    public int Place { get; set; }

    /// <summary>Whether the command that its client runs now has begun it.</summary>
    public bool IsFresh { get; set; }

    /// <summary>It counts for nothing published from this moment on.</summary>
    public void End(long moment) => _endedAt = moment;

    /// <summary>Whether it is owed what was published at a moment.</summary>
    public bool IsOwed(long moment) => beganAt <= moment && moment < _endedAt;
}
