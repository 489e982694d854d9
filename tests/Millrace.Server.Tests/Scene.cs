// Scenes with several clients, as text.
//
//     a: REQUEST = reply   asks and compares              a> REQUEST   sends, waits until the client is seen blocked
//     a< reply             reads what a blocked one gets  a; REQUEST   sends
//     a~ message           reads what comes unasked       a?           nothing comes before the answer to others
//
// Clients come into being when they are first named.

namespace Millrace.Server.Tests;

internal sealed class Scene(string loops) : IDisposable
{
    private readonly Dictionary<string, Conversation> _clients = [];
    private int _blocked;

    public InProcessServer Server { get; } = new("--io-threads", loops, "--enable-debug-command", "yes");

    public Conversation this[string name] =>
        _clients.TryGetValue(name, out var client) ? client : _clients[name] = new Conversation(Server);

    public void Play(string line)
    {
        var client = this[line[..1]];
        var text = line[3..];
        switch (line[1])
        {
            case ':':
                var parts = text.Split(" = ");
                Assert.Equal(parts[1], client.Say(parts[0]));
                break;
            case '>':
                client.Send(text.Split(' '));
                if (text is not "PING") UntilBlocked(++_blocked);
                break;
            case '<':
                _blocked -= text is "PONG" ? 0 : 1;
                Assert.Equal(text, client.Read());
                break;
            case '~':
                Assert.Equal(text, client.Read());
                break;
            case ';':
                client.Send(text.Split(' '));
                break;
            default:
                UntilBlocked(_blocked);
                Assert.True(client.IsSilent());
                break;
        }
    }

    public void Leave(string name)
    {
        _clients[name].Dispose();
        _clients.Remove(name);
    }

    public void UntilBlocked(int count) => UntilInfo($"blocked_clients:{count}");

    public void UntilInfo(string line)
    {
        var deadline = Environment.TickCount64 + 20_000;
        var watcher = this["w"];
        while (!watcher.Say("INFO clients").Contains($"\r\n{line}\r\n", StringComparison.Ordinal))
            Assert.True(Environment.TickCount64 < deadline, line + " never came: " + watcher.Say("INFO clients"));
    }

    public void Dispose()
    {
        foreach (var client in _clients.Values) client.Dispose();
        Server.Dispose();
    }
}
