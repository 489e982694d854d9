using System.Buffers.Text;
using Millrace.Engine;

namespace Millrace.Server.PubSub;

/// <summary>
/// Makes messages of the events that units have collected.
/// </summary>
/// <remarks>
/// <code>
///   K   __keyspace@0__:key     message: the event's name
///   E   __keyevent@0__:event   message: the key             of one event, K comes first
/// </code>
/// A unit hands its events over before it unlocks, so the messages of a key come in the order in which it changed. One
/// per loop. Source: Redis documentation, "Keyspace notifications".
/// </remarks>
/// <param name="channels">Publishes the messages.</param>
/// <param name="loop">The index of the loop whose units they are.</param>
internal sealed class KeyspaceNotifier(Channels channels, int loop) : INotificationOutlet
{
    private const int PrefixBytes = 32; // "__keyspace@", a database's number of at most 11 digits, "__:"

    private byte[] _channel = new byte[256];

    /// <inheritdoc/>
    public void Take(in Notification notification)
    {
        var (classes, database) = (notification.Channels, notification.Database);
        if ((classes & NotifyClasses.Keyspace) != 0)
            Publish(Channel("__keyspace@"u8, database, notification.Key), notification.Name);
        if ((classes & NotifyClasses.KeyEvent) != 0)
            Publish(Channel("__keyevent@"u8, database, notification.Name), notification.Key);
        if (_channel.Length > Letter.KeptBytes) _channel = new byte[256];
    }

    private void Publish(ReadOnlySpan<byte> channel, ReadOnlySpan<byte> message) =>
        channels.Publish(TopicKind.Channel, channel, message, loop);

    private ReadOnlySpan<byte> Channel(ReadOnlySpan<byte> prefix, int database, ReadOnlySpan<byte> name)
    {
        if (_channel.Length - PrefixBytes < name.Length)
            _channel = new byte[checked((int)Math.Max(_channel.Length * 2L, PrefixBytes + (long)name.Length))];
        var channel = _channel.AsSpan();
        prefix.CopyTo(channel);
        Utf8Formatter.TryFormat(database, channel[prefix.Length..], out var digits);
        var length = prefix.Length + digits;
        "__:"u8.CopyTo(channel[length..]);
        length += 3;
        name.CopyTo(channel[length..]);
        return channel[..(length + name.Length)];
    }
}
