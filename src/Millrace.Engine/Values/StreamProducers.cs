using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>For how long a stream knows what its producers have sent (<c>stream-idmp-duration</c>,
/// <c>stream-idmp-maxsize</c>).</summary>
/// <param name="DurationSeconds">How long a message is known.</param>
/// <param name="MaxSize">How many messages of each producer are.</param>
public readonly record struct ProducerLimits(long DurationSeconds, long MaxSize)
{
    /// <summary>The longest time.</summary>
    public const long MostSeconds = 86_400;

    /// <summary>The most messages.</summary>
    public const long MostMessages = 10_000;
}

/// <summary>
/// What a stream knows of the producers that name their messages, so that one that is sent again is not added again.
/// </summary>
/// <remarks>
/// <code>
///   stream header -> this header -> index of producers: name -> producer -> index of messages: name -> message
///                        |                                         |
///                        +-- oldest ... newest of all              +-- oldest ... newest of its own
///
///   header    byte  0  seconds           24  oldest message     48  messages ever added
///                   8  most messages     32  newest             56  sent again
///                  16  producers         40  messages           64  bytes of the blocks of producers and messages
///   producer  byte  0  name    8  index of messages    16  oldest    24  newest    32  messages
///   message   byte  0  name   16  ID of the entry      40  next of the producer
///                   8  producer       32  when it was added     48  next older one of all    56  next newer one
/// </code>
/// Invariants: messages stand in both lists in the order in which they were added; a producer has at least one and at
/// most as many as the limits say. Find, Add, Forget O(log n). A handle may be copied; it is used under the partition's
/// lock. The header never moves.
/// </remarks>
public readonly struct StreamProducers
{
    private const int SizeBytes = 72;
    private const int SecondsAt = 0;
    private const int MaxAt = 8;
    private const int IndexAt = 16;
    private const int OldestAt = 24;
    private const int NewestAt = 32;
    private const int CountAt = 40;
    private const int AddedAt = 48;
    private const int RepeatedAt = 56;
    private const int BytesAt = 64;

    private const int ProducerBytes = 40;
    private const int MessagesAt = 8;
    private const int OwnOldestAt = 16;
    private const int OwnNewestAt = 24;
    private const int OwnCountAt = 32;

    private const int MessageBytes = 64;
    private const int ProducerAt = 8;
    private const int IdAt = 16;
    private const int MomentAt = 32;
    private const int OwnNextAt = 40;
    private const int OlderAt = 48;
    private const int NewerAt = 56;

    private const int MostAtOnce = 64; // messages forgotten in one step

    private readonly Heap _heap;

    internal StreamProducers(Heap heap, BlockRef header)
    {
        _heap = heap;
        Header = header;
    }

    /// <summary>Whether the stream never heard of a producer, and was never told for how long to know one.</summary>
    public bool IsMissing => Header.IsNull;

    /// <summary>For how long messages are known.</summary>
    public ProducerLimits Limits => new(Words.Number(SecondsAt), Words.Number(MaxAt));

    /// <summary>How many producers are known.</summary>
    public long Count => Producers.Count;

    /// <summary>How many messages are known.</summary>
    public long MessageCount => Words.Number(CountAt);

    /// <summary>How many messages were ever added.</summary>
    public long AddedCount => Words.Number(AddedAt);

    /// <summary>How many messages were sent again.</summary>
    public long RepeatedCount => Words.Number(RepeatedAt);

    internal BlockRef Header { get; }

    /// <summary>The last moment at which the oldest message is known, in Unix milliseconds; -1: there is none.
    /// </summary>
    internal long EarliestMs => Oldest.IsNull ? -1 : LastMs(Oldest);

    /// <summary>Bytes of all that is known. O(producers).</summary>
    internal long AllocatedBytes
    {
        get
        {
            var sum = _heap.UsableSize(Header) + Words.Number(BytesAt) + Producers.AllocatedBytes;
            for (var i = 0L; i < Count; i++) sum += MessagesOf(ProducerNamed(Producers.At(i).Member)).AllocatedBytes;
            return sum;
        }
    }

    private StreamWords Words => WordsOf(Header, SizeBytes);

    private NameIndex Producers => new(_heap, Words.Reference(IndexAt));

    private BlockRef Oldest => Words.Reference(OldestAt);

    /// <summary>Finds the entry that a message became.</summary>
    /// <param name="producer">The producer's name.</param>
    /// <param name="message">The message's.</param>
    /// <param name="nowMs">The moment.</param>
    /// <param name="id">The entry, which may have been deleted since.</param>
    public bool TryFind(ReadOnlySpan<byte> producer, ReadOnlySpan<byte> message, long nowMs, out StreamId id)
    {
        var found = Find(producer, message);
        var isKnown = !found.IsNull && LastMs(found) >= nowMs;
        id = isKnown ? MessageOf(found).Id(IdAt) : default;
        return isKnown;
    }

    /// <summary>Counts a message that was sent again.</summary>
    public void CountRepeated() => Words.SetNumber(RepeatedAt, RepeatedCount + 1);

    /// <summary>Forgets messages whose time has passed, the oldest first.</summary>
    /// <returns>How many.</returns>
    internal int ForgetDue(long nowMs, int max)
    {
        var forgotten = 0;
        for (; forgotten < max && !Oldest.IsNull && LastMs(Oldest) < nowMs; forgotten++) ForgetOldest();
        return forgotten;
    }

    /// <summary>Notes what a message became. Requires: <see cref="TryFind"/> does not find it; the names are not in the
    /// heap.</summary>
    internal void Add(ReadOnlySpan<byte> producerName, ReadOnlySpan<byte> messageName, long nowMs, StreamId id)
    {
        // One whose time has passed is still there when nobody has forgotten it yet. It goes with those of its producer
        // that are before it, and others are forgotten a few at a time: there may be very many.
        if (!Find(producerName, messageName).IsNull) ForgetDue(nowMs, MostAtOnce);
        for (var one = Find(producerName, messageName); !one.IsNull; one = Find(producerName, messageName))
            Forget(ProducerOf(MessageOf(one).Reference(ProducerAt)).Reference(OwnOldestAt));
        Append(producerName, messageName, nowMs, id);
        Words.SetNumber(AddedAt, AddedCount + 1);
    }

    /// <summary>Sets for how long messages are known, if there are so few that they can be forgotten now.</summary>
    internal bool TryConfigure(ProducerLimits limits)
    {
        if (MessageCount > MostAtOnce) return false;
        while (!Oldest.IsNull) ForgetOldest();
        Words.SetNumber(SecondsAt, limits.DurationSeconds);
        Words.SetNumber(MaxAt, limits.MaxSize);
        return true;
    }

    /// <summary>What is to take its place: it knows nothing, but has the same counts.</summary>
    internal StreamProducers Successor(ProducerLimits limits)
    {
        var made = Create(_heap, limits);
        made.Words.SetNumber(AddedAt, AddedCount);
        made.Words.SetNumber(RepeatedAt, RepeatedCount);
        return made;
    }

    internal static StreamProducers Create(Heap heap, ProducerLimits limits)
    {
        var made = new StreamProducers(heap, heap.Allocate(SizeBytes));
        made.Words.Clear();
        made.Words.SetReference(IndexAt, NameIndex.Create(heap).Header);
        made.Words.SetNumber(SecondsAt, limits.DurationSeconds);
        made.Words.SetNumber(MaxAt, limits.MaxSize);
        return made;
    }

    internal StreamProducers CopyTo(Heap target)
    {
        var copy = Create(target, Limits);
        for (var one = Oldest; !one.IsNull; one = MessageOf(one).Reference(NewerAt))
        {
            var message = MessageOf(one);
            copy.Append(
                NameOf(message.Reference(ProducerAt)), NameOf(one), message.Number(MomentAt), message.Id(IdAt));
        }

        copy.Words.SetNumber(AddedAt, AddedCount);
        copy.Words.SetNumber(RepeatedAt, RepeatedCount);
        return copy;
    }

    /// <summary>Frees some messages; true when all is gone, this header included.</summary>
    internal bool FreeSome(int max)
    {
        for (var left = max; !Oldest.IsNull; left--)
        {
            if (left <= 0) return false;
            ForgetOldest();
        }

        Producers.Free();
        _heap.Free(Header);
        return true;
    }

    private StreamWords WordsOf(BlockRef block, int size) => new(_heap.Span(block, 0, size));

    private StreamWords ProducerOf(BlockRef producer) => WordsOf(producer, ProducerBytes);

    private StreamWords MessageOf(BlockRef message) => WordsOf(message, MessageBytes);

    private NameIndex MessagesOf(BlockRef producer) => new(_heap, ProducerOf(producer).Reference(MessagesAt));

    // Of a producer or a message: both begin with their name.
    private ReadOnlySpan<byte> NameOf(BlockRef block) => NameIndex.Text(_heap, NameBlockOf(block));

    private BlockRef NameBlockOf(BlockRef block) => BlockRef.FromValue(_heap.ReadHeader(block));

    private BlockRef ProducerNamed(BlockRef name) => BlockRef.FromValue(NameIndex.Word(_heap, name));

    private long LastMs(BlockRef message) => MessageOf(message).Number(MomentAt) + (Words.Number(SecondsAt) * 1000);

    private BlockRef Find(ReadOnlySpan<byte> producerName, ReadOnlySpan<byte> messageName)
    {
        var producer = Producers.Find(producerName);
        if (producer.IsNull) return default;
        var message = MessagesOf(ProducerNamed(producer)).Find(messageName);
        return message.IsNull ? default : ProducerNamed(message);
    }

    private void Append(ReadOnlySpan<byte> producerName, ReadOnlySpan<byte> messageName, long nowMs, StreamId id)
    {
        var found = Producers.Find(producerName);
        var producer = found.IsNull ? AddProducer(producerName) : ProducerNamed(found);
        var block = _heap.Allocate(MessageBytes);
        var name = MessagesOf(producer).Add(messageName, block.Value);
        CountBytes(_heap.UsableSize(block) + _heap.UsableSize(name));
        var message = MessageOf(block);
        message.Clear();
        message.SetReference(0, name);
        message.SetReference(ProducerAt, producer);
        message.SetId(IdAt, id);
        message.SetNumber(MomentAt, nowMs);
        var newest = Words.Reference(NewestAt);
        message.SetReference(OlderAt, newest);
        if (newest.IsNull) Words.SetReference(OldestAt, block);
        else MessageOf(newest).SetReference(NewerAt, block);
        Words.SetReference(NewestAt, block);
        Words.SetNumber(CountAt, MessageCount + 1);

        var own = ProducerOf(producer);
        var ownNewest = own.Reference(OwnNewestAt);
        if (ownNewest.IsNull) own.SetReference(OwnOldestAt, block);
        else MessageOf(ownNewest).SetReference(OwnNextAt, block);
        own.SetReference(OwnNewestAt, block);
        own.SetNumber(OwnCountAt, own.Number(OwnCountAt) + 1);
        if (own.Number(OwnCountAt) > Limits.MaxSize) Forget(own.Reference(OwnOldestAt));
    }

    private BlockRef AddProducer(ReadOnlySpan<byte> name)
    {
        var block = _heap.Allocate(ProducerBytes);
        var producer = ProducerOf(block);
        producer.Clear();
        producer.SetReference(MessagesAt, NameIndex.Create(_heap).Header);
        var nameBlock = Producers.Add(name, block.Value);
        ProducerOf(block).SetReference(0, nameBlock);
        CountBytes(_heap.UsableSize(block) + _heap.UsableSize(nameBlock));
        return block;
    }

    private void ForgetOldest() => Forget(Oldest);

    // The oldest message of its producer.
    private void Forget(BlockRef block)
    {
        var message = MessageOf(block);
        var (older, newer) = (message.Reference(OlderAt), message.Reference(NewerAt));
        if (older.IsNull) Words.SetReference(OldestAt, newer);
        else MessageOf(older).SetReference(NewerAt, newer);
        if (newer.IsNull) Words.SetReference(NewestAt, older);
        else MessageOf(newer).SetReference(OlderAt, older);
        Words.SetNumber(CountAt, MessageCount - 1);

        var producer = message.Reference(ProducerAt);
        var own = ProducerOf(producer);
        var next = message.Reference(OwnNextAt);
        own.SetReference(OwnOldestAt, next);
        if (next.IsNull) own.SetReference(OwnNewestAt, default);
        own.SetNumber(OwnCountAt, own.Number(OwnCountAt) - 1);
        var name = NameBlockOf(block);
        CountBytes(-_heap.UsableSize(block) - _heap.UsableSize(name));
        MessagesOf(producer).Remove(name);
        _heap.Free(block);
        if (next.IsNull) RemoveProducer(producer);
    }

    private void RemoveProducer(BlockRef producer)
    {
        var name = NameBlockOf(producer);
        CountBytes(-_heap.UsableSize(producer) - _heap.UsableSize(name));
        MessagesOf(producer).Free();
        Producers.Remove(name);
        _heap.Free(producer);
    }

    private void CountBytes(long change) => Words.SetNumber(BytesAt, Words.Number(BytesAt) + change);
}
