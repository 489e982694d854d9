namespace Millrace.Server.PubSub;

/// <summary>Where the messages of keyspace notifications go: to whoever subscribes to their channels.</summary>
/// <remarks>Called by the loops, several at once, while they hold partitions: it copies what it keeps, posts to
/// mailboxes and never waits for a loop.</remarks>
internal interface INotificationSink
{
    /// <summary>Publishes a message. The spans are valid until it returns.</summary>
    void Publish(ReadOnlySpan<byte> channel, ReadOnlySpan<byte> message);
}

/// <summary>Nobody can subscribe.</summary>
internal sealed class NoSubscribers : INotificationSink
{
    /// <inheritdoc/>
    public void Publish(ReadOnlySpan<byte> channel, ReadOnlySpan<byte> message)
    {
    }
}
