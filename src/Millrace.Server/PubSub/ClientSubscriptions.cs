namespace Millrace.Server.PubSub;

/// <summary>What one client is subscribed to. Belongs to the client's loop.</summary>
internal sealed class ClientSubscriptions
{
    private const int SubscriptionBytes = 144; // the object, its entry in a dictionary, its place in the topic's list

    private readonly Dictionary<Topic, Subscription>[] _byKind = [[], [], [], []];
    private readonly List<Subscription> _ended = [];
    private readonly List<Subscription> _fresh = []; // begun by the command that runs

    /// <summary>How many subscriptions to channels and shard channels there are, by name or by pattern.</summary>
    public int Count => CountOf(TopicKind.Channel) + CountOf(TopicKind.Pattern) + CountOf(TopicKind.Shard);

    /// <summary>The memory that they take, about; their names are the topics'.</summary>
    public long HeldBytes => (long)SubscriptionBytes * (Count + CountOf(TopicKind.Prefix) + _ended.Count);

    /// <summary>The run of messages that it was last asked for (<see cref="FanOut"/>).</summary>
    public long Run { get; set; }

    /// <summary>Whether some have ended and are still owed what was published before.</summary>
    public bool HasEnded => _ended.Count > 0;

    /// <summary>How many subscriptions of a kind there are.</summary>
    public int CountOf(TopicKind kind) => _byKind[(int)kind].Count;

    /// <summary>What it is subscribed to, of a kind.</summary>
    public Dictionary<Topic, Subscription>.KeyCollection Of(TopicKind kind) => _byKind[(int)kind].Keys;

    /// <summary>The subscription to a topic, or null.</summary>
    public Subscription? Find(Topic topic) => _byKind[(int)topic.Kind].GetValueOrDefault(topic);

    /// <summary>Takes a new subscription in.</summary>
    public void Add(Subscription subscription)
    {
        _byKind[(int)subscription.Topic.Kind].Add(subscription.Topic, subscription);
        subscription.Topic.Add(subscription);
        subscription.IsFresh = true;
        _fresh.Add(subscription);
    }

    /// <summary>A subscription has ended; what was published before is still delivered.</summary>
    public void End(Subscription subscription)
    {
        _byKind[(int)subscription.Topic.Kind].Remove(subscription.Topic);
        _ended.Add(subscription);
    }

    /// <summary>The command that began and ended subscriptions has its reply, and all mail of the time before has been
    /// delivered.</summary>
    public void Settle()
    {
        foreach (var one in _fresh) one.IsFresh = false;
        _fresh.Clear();
        ForgetEnded();
    }

    /// <summary>Forgets the ended subscriptions.</summary>
    public void ForgetEnded()
    {
        foreach (var one in _ended) one.Topic.Remove(one);
        _ended.Clear();
    }
}
