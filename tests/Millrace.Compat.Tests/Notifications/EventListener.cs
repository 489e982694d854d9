using System.Globalization;
using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Notifications;

/// <summary>
/// Subscribes to a server's keyspace notifications and gives what has come up to a moment: a message that it publishes
/// itself, on a channel of its own, stands behind all that were published before. Not thread-safe.
/// </summary>
public sealed class EventListener : IDisposable
{
    private const string Fence = "fence";
    private readonly RawConnection _commands;
    private readonly RawConnection _subscriber;
    private int _fences;

    /// <summary>Turns all classes of events on and subscribes.</summary>
    public EventListener(int port)
    {
        _commands = new RawConnection(port);
        _subscriber = new RawConnection(port);
        _commands.Call("CONFIG", "SET", "notify-keyspace-events", "KEAmn");
        _subscriber.Call("SUBSCRIBE", Fence);
        _subscriber.Call("PSUBSCRIBE", "__key*__:*");
    }

    /// <summary>The messages since the last call, as <c>channel message</c>.</summary>
    public IReadOnlyList<string> Take()
    {
        string mark = (++_fences).ToString(CultureInfo.InvariantCulture);
        _commands.Call("PUBLISH", Fence, mark);
        var messages = new List<string>();
        while (true)
        {
            ReplyValue message = ReplyValue.Parse(_subscriber.ReadReply());
            string text = $"{message.Items[^2].Text} {message.Items[^1].Text}";
            if (string.Equals(message.Items[0].Text, "message", StringComparison.Ordinal))
            {
                Assert.Equal($"{Fence} {mark}", text);
                return messages;
            }
            messages.Add(text);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _commands.Dispose();
        _subscriber.Dispose();
    }
}
