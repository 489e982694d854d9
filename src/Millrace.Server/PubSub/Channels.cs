using System.Diagnostics.CodeAnalysis;
using Millrace.Engine;
using Millrace.Server.Tracking;

namespace Millrace.Server.PubSub;

/// <summary>
/// All channels, patterns, shard channels and prefixes of keys with subscribers, and the way of a message to them.
/// </summary>
/// <remarks>
/// <code>
///   PUBLISH --lock of the channel's shard--> topics --one letter per loop with subscribers--> mailbox --> FanOut
/// </code>
/// Names are cut into shards by their hash, each with a lock; patterns and prefixes concern all of them, so who changes
/// these takes all locks, ascending. A message is posted while its shard is locked: subscribers on all loops see the
/// messages of one channel in one order, and a subscription that begins or ends does so between two of them. Each
/// beginning and end has a moment of its own, which letters carry as well (<see cref="Subscription.IsOwed"/>).
/// Order of locks: after the partitions, before mailboxes. Publishing is O(subscribers' loops + patterns).
/// Source: Redis 7.2 documentation, "Redis Pub/Sub".
/// </remarks>
public sealed class Channels
{
    private const int ShardsForLoops = 16;
    private const int MostKeptBytes = 256;

    private readonly Shard[] _shards;
    private readonly PatternList _patterns = new();
    private readonly Dictionary<byte[], Topic> _patternsByName;
    private readonly Dictionary<byte[], Topic> _prefixes;
    private readonly Keyspace _keyspace;
    private readonly int _loops;
    private readonly FanOut[] _fanOuts;
    private readonly LettersUnderWay _underWay;
    private long _moment;
    private int _channelCount;
    private int _patternCount;
    private int _shardChannelCount;

    /// <summary>The channels of a server with so many loops.</summary>
    /// <param name="keyspace">Hashes the names.</param>
    /// <param name="loops">How many loops there are.</param>
    /// <param name="gates">One of them closes while too much is under way.</param>
    public Channels(Keyspace keyspace, int loops, Gates gates)
    {
        _underWay = new LettersUnderWay(gates);
        _keyspace = keyspace;
        _loops = loops;
        _fanOuts = new FanOut[loops];
        var names = new NameComparer(keyspace);
        _patternsByName = new Dictionary<byte[], Topic>(names);
        _prefixes = new Dictionary<byte[], Topic>(names);
        _shards = new Shard[loops > 1 ? ShardsForLoops : 1];
        for (var i = 0; i < _shards.Length; i++) _shards[i] = new Shard(names);
    }

    /// <summary>Channels with subscribers. Any thread.</summary>
    public int ChannelCount => Volatile.Read(ref _channelCount);

    /// <summary>Patterns with subscribers. Any thread.</summary>
    public int PatternCount => Volatile.Read(ref _patternCount);

    /// <summary>Shard channels with subscribers. Any thread.</summary>
    public int ShardChannelCount => Volatile.Read(ref _shardChannelCount);

    /// <summary>What is on its way to clients.</summary>
    internal LettersUnderWay UnderWay => _underWay;

    /// <summary>Takes in what delivers on a loop, before anything runs.</summary>
    internal void Attach(FanOut fanOut, int loop) => _fanOuts[loop] = fanOut;

    /// <summary>Publishes a message. Any loop.</summary>
    /// <param name="kind">Channel or Shard.</param>
    /// <param name="name">The channel.</param>
    /// <param name="message">The message; it is copied.</param>
    /// <param name="loop">The index of the loop that calls.</param>
    /// <returns>How many subscriptions it goes to.</returns>
    public long Publish(TopicKind kind, ReadOnlySpan<byte> name, ReadOnlySpan<byte> message, int loop)
    {
        var isShard = kind == TopicKind.Shard;
        if (isShard ? ShardChannelCount == 0 : ChannelCount == 0 && PatternCount == 0) return 0;
        var hash = _keyspace.HashOf(name);
        var shard = ShardOf(hash);
        lock (shard.Sync)
        {
            TryFind(kind, name, hash, out var topic);
            var matches = isShard ? shard.None : shard.Match(_patterns, name);
            var receivers = topic?.Subscribers ?? 0L;
            foreach (var pattern in matches) receivers += pattern.Subscribers;
            if (receivers == 0) return 0;
            for (var to = 0; to < _loops; to++) Post(topic, matches, name, message, loop, to);
            return receivers;
        }
    }

    /// <summary>Subscribes a client. On its loop.</summary>
    /// <returns>False when it is subscribed already.</returns>
    internal bool Subscribe(Client client, TopicKind kind, ReadOnlySpan<byte> name)
    {
        var mine = client.OwnSubscriptions;
        var hash = _keyspace.HashOf(name);
        using var held = Lock(kind, hash);
        if (!TryFind(kind, name, hash, out var topic)) topic = AddTopic(kind, name.ToArray(), hash);
        if (mine.Find(topic) is not null) return false;
        topic.CountBegin(client.Connection.Loop.Index);
        mine.Add(new Subscription(topic, client, Interlocked.Increment(ref _moment)));
        return true;
    }

    /// <summary>Ends a client's subscription. On its loop. What was published before is delivered until
    /// <see cref="ClientSubscriptions.ForgetEnded"/>.</summary>
    /// <returns>False when there was none.</returns>
    internal bool Unsubscribe(Client client, TopicKind kind, ReadOnlySpan<byte> name)
    {
        if (client.Subscriptions is not { } mine) return false;
        var hash = _keyspace.HashOf(name);
        using var held = Lock(kind, hash);
        if (!TryFind(kind, name, hash, out var topic) || mine.Find(topic) is not { } subscription) return false;
        End(mine, subscription);

        // Of a transaction that subscribed as well nobody can tell what came in between: it is owed nothing.
        if (!ReferenceEquals(_fanOuts[subscription.Loop].Origin, client)) mine.ForgetEnded();
        return true;
    }

    /// <summary>Ends all subscriptions of a client that is gone or begins anew, and delivers nothing more to it. On its
    /// loop, or while all loops stand still.</summary>
    internal void Leave(Client client)
    {
        if (client.Subscriptions is not { } mine) return;
        Leave(mine, TopicKind.Channel);
        Leave(mine, TopicKind.Pattern);
        Leave(mine, TopicKind.Shard);
        Leave(mine, TopicKind.Prefix);
        mine.ForgetEnded();
    }

    /// <summary>Ends a client's subscriptions to prefixes. On its loop.</summary>
    internal void LeavePrefixes(Client client)
    {
        if (client.Subscriptions is { } mine) Leave(mine, TopicKind.Prefix);
    }

    /// <summary>Posts keys that a unit has touched to the clients of their prefixes. Called while the unit holds its
    /// partitions.</summary>
    internal void Broadcast(TouchedKeys touched, Invalidator from)
    {
        if (_keyspace.Tracking.Prefixes == 0) return;
        lock (_shards[0].Sync)
        {
            foreach (var prefix in _prefixes.Values)
            {
                for (var to = 0; to < _loops; to++)
                {
                    if (prefix.LiveOn(to) > 0) Post(prefix, touched, from, to);
                }
            }
        }
    }

    /// <summary>How many clients are subscribed to a channel or shard channel by its name. Any loop.</summary>
    public int CountSubscribers(TopicKind kind, ReadOnlySpan<byte> name)
    {
        var hash = _keyspace.HashOf(name);
        using var held = Lock(kind, hash);
        return TryFind(kind, name, hash, out var topic) ? topic.Subscribers : 0;
    }

    /// <summary>The names of channels or shard channels, in no order. Any loop. O(channels).</summary>
    /// <param name="kind">Channel or Shard.</param>
    /// <param name="pattern">Only those that match it; empty: all.</param>
    public List<byte[]> Names(TopicKind kind, ReadOnlySpan<byte> pattern)
    {
        List<byte[]> names = [];
        foreach (var shard in _shards)
        {
            lock (shard.Sync)
            {
                foreach (var name in shard.Of(kind).Keys)
                {
                    if (pattern.IsEmpty || Glob.Matches(pattern, name)) names.Add(name);
                }
            }
        }

        return names;
    }

    private void Post(
        Topic? topic, List<Topic> matches, ReadOnlySpan<byte> name, ReadOnlySpan<byte> message, int from, int to)
    {
        var channel = topic?.LiveOn(to) > 0 ? topic : null;
        Publication? letter = channel is null ? null : _fanOuts[from].Letters.Take();
        foreach (var pattern in matches)
        {
            if (pattern.LiveOn(to) == 0) continue;
            letter ??= _fanOuts[from].Letters.Take();
            letter.Patterns.Add(pattern);
        }

        if (letter is null) return;
        letter.Fill(_fanOuts[to], channel, name, message, Volatile.Read(ref _moment), _fanOuts[from].Origin);
        letter.Send(_fanOuts[to].Loop, _underWay);
    }

    private void Post(Topic prefix, TouchedKeys touched, Invalidator from, int to)
    {
        Invalidation? letter = null;
        for (var i = 0; i < touched.Count; i++)
        {
            if (touched.TrackerCount(i) > 0 || !touched.Key(i).StartsWith(prefix.Name)) continue;
            letter ??= from.Take(to);
            letter.AddOnce(touched.Key(i), touched.IsOwn(i));
        }

        if (letter is null) return;
        letter.Prefix = prefix;
        letter.Moment = Volatile.Read(ref _moment);
        letter.Send(letter.Target.Loop, _underWay);
    }

    private void Leave(ClientSubscriptions mine, TopicKind kind)
    {
        foreach (var topic in mine.Of(kind).ToArray())
        {
            using var held = Lock(kind, topic.Hash);
            End(mine, mine.Find(topic)!);
        }
    }

    private void End(ClientSubscriptions mine, Subscription subscription)
    {
        var topic = subscription.Topic;
        subscription.End(Interlocked.Increment(ref _moment));
        topic.CountEnd(subscription.Loop);
        mine.End(subscription);
        if (topic.Subscribers == 0) RemoveTopic(topic);
    }

    private bool TryFind(TopicKind kind, ReadOnlySpan<byte> name, ulong hash, [NotNullWhen(true)] out Topic? topic)
    {
        return TopicsOf(kind, hash).GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out topic);
    }

    private Topic AddTopic(TopicKind kind, byte[] name, ulong hash)
    {
        var topic = new Topic(kind, name, hash, _loops);
        TopicsOf(kind, hash).Add(name, topic);
        if (kind == TopicKind.Pattern) _patterns.Add(topic);
        Count(kind, 1);
        return topic;
    }

    private void RemoveTopic(Topic topic)
    {
        TopicsOf(topic.Kind, topic.Hash).Remove(topic.Name);
        if (topic.Kind == TopicKind.Pattern) _patterns.Remove(topic);
        Count(topic.Kind, -1);
    }

    private void Count(TopicKind kind, int change)
    {
        if (kind == TopicKind.Channel) Interlocked.Add(ref _channelCount, change);
        else if (kind == TopicKind.Pattern) Interlocked.Add(ref _patternCount, change);
        else if (kind == TopicKind.Shard) Interlocked.Add(ref _shardChannelCount, change);
        else _keyspace.Tracking.AddPrefix(change);
    }

    private int IndexOf(ulong hash) => (int)(hash >> 32) & (_shards.Length - 1);

    private Shard ShardOf(ulong hash) => _shards[IndexOf(hash)];

    private Dictionary<byte[], Topic> TopicsOf(TopicKind kind, ulong hash)
    {
        if (kind == TopicKind.Pattern) return _patternsByName;
        return kind == TopicKind.Prefix ? _prefixes : ShardOf(hash).Of(kind);
    }

    private Held Lock(TopicKind kind, ulong hash) => kind is TopicKind.Pattern or TopicKind.Prefix
        ? new Held(_shards)
        : new Held(new ReadOnlySpan<Shard>(in _shards[IndexOf(hash)]));

    // Names with one hash are in one shard.
    private sealed class Shard(NameComparer names)
    {
        private readonly Dictionary<byte[], Topic> _channels = new(names);
        private readonly Dictionary<byte[], Topic> _shardChannels = new(names);
        private readonly List<Topic> _matches = [];
        private readonly byte[] _matched = new byte[MostKeptBytes]; // the channel of the last message
        private int _matchedLength;
        private long _version = -1; // of the patterns that it was matched with

        /// <summary>Guards the topics of the shard, their counts, and all patterns.</summary>
        public object Sync { get; } = new();

        /// <summary>No patterns, such as match a shard channel.</summary>
        public List<Topic> None { get; } = [];

        /// <summary>The patterns that match a channel, until the next call. Many a message goes to the channel of the
        /// one before.</summary>
        public List<Topic> Match(PatternList patterns, ReadOnlySpan<byte> name)
        {
            if (patterns.Count == 0) return None;
            if (_version == patterns.Version && name.SequenceEqual(_matched.AsSpan(0, _matchedLength))) return _matches;
            _matches.Clear();
            patterns.Match(name, _matches);
            _matchedLength = Math.Min(name.Length, MostKeptBytes);
            name[.._matchedLength].CopyTo(_matched);
            _version = name.Length > MostKeptBytes ? -1 : patterns.Version;
            return _matches;
        }

        public Dictionary<byte[], Topic> Of(TopicKind kind) =>
            kind == TopicKind.Channel ? _channels : _shardChannels;
    }

    // Shards that are locked, ascending, until the end of a block.
    private readonly ref struct Held
    {
        private readonly ReadOnlySpan<Shard> _shards;

        public Held(ReadOnlySpan<Shard> shards)
        {
            _shards = shards;
            foreach (var shard in shards) Monitor.Enter(shard.Sync);
        }

        public void Dispose()
        {
            foreach (var shard in _shards) Monitor.Exit(shard.Sync);
        }
    }

    // Names by their bytes, hashed with the keyspace's seed, so that nobody can choose names that collide.
    private sealed class NameComparer(Keyspace keyspace)
        : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => (int)keyspace.HashOf(obj);

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate) => (int)keyspace.HashOf(alternate);

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
