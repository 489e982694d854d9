// Checks what the clients of one history of hearing have received. See HearHistory.cs for what must hold.

using System.Text;
using Millrace.Resp;

namespace Millrace.Histories.Hearing;

/// <summary>What was sent and received, and whether a correct server can have done so.</summary>
internal sealed class HearCheck(int clients)
{
    private readonly List<Request>[] _sent = [.. Enumerable.Range(0, clients).Select(static _ => new List<Request>())];
    private readonly List<byte>[] _received = [.. Enumerable.Range(0, clients).Select(static _ => new List<byte>())];
    private readonly List<Heard> _heard = [];
    private readonly List<Listening> _listening = [];

    /// <summary>A client has sent a request and has its reply.</summary>
    public void Sent(int client, string[] words, long began, long ended) =>
        _sent[client].Add(new Request(client, words, began, ended));

    /// <summary>A client has received bytes.</summary>
    public void Received(int client, byte[] bytes) => _received[client].AddRange(bytes);

    /// <summary>Throws <see cref="HistoryException"/> when no correct server can have done so.</summary>
    public void Verify()
    {
        for (var client = 0; client < _sent.Length; client++) new Reader(this, client).Read();
        CheckOrder();
        CheckComplete();
    }

    // Two messages of one channel come in the same order wherever both come.
    private void CheckOrder()
    {
        foreach (var channel in _heard.GroupBy(static one => one.Channel))
        {
            var places = channel.GroupBy(static one => one.Client)
                .Select(static one => one.Select((heard, place) => (heard.Text, place)).ToDictionary()).ToList();
            foreach (var left in places)
            {
                foreach (var right in places)
                {
                    var common = left.Keys.Where(right.ContainsKey).OrderBy(text => left[text]).ToList();
                    for (var i = 1; i < common.Count; i++)
                    {
                        if (right[common[i - 1]] > right[common[i]])
                            throw Failed($"{common[i - 1]} and {common[i]} of {channel.Key} came in two orders");
                    }
                }
            }
        }
    }

    // What was published wholly within a subscription was heard by its subscriber.
    private void CheckComplete()
    {
        var all = _heard.Select(static one => (one.Client, one.Text)).ToHashSet();
        foreach (var request in _sent.SelectMany(static one => one).Where(static one => one.Words[0] == "PUBLISH"))
        {
            foreach (var listening in _listening.Where(one => one.Channel == request.Words[1]))
            {
                var isWithin = listening.Began < request.Began && request.Ended < listening.Ended;
                if (isWithin && !all.Contains((listening.Client, request.Words[2])))
                    throw Failed($"client {listening.Client} has not heard {request.Words[2]} of {listening.Channel}");
            }
        }
    }

    private HistoryException Failed(string reason) =>
        new(reason + "\n" + string.Join('\n', _received.Select(static (bytes, client) =>
            $"client {client} received " + Encoding.ASCII.GetString([.. bytes]).Replace("\r\n", " ")))
            + "\n" + string.Join('\n', _sent.SelectMany(static one => one).OrderBy(static one => one.Began)));

    private sealed record Request(int Client, string[] Words, long Began, long Ended)
    {
        public override string ToString() => $"{Began}-{Ended} client {Client}: {string.Join(' ', Words)}";
    }

    private readonly record struct Heard(int Client, string Channel, string Text);

    private readonly record struct Listening(int Client, string Channel, long Began, long Ended);

    // Reads what one client has received, in its order, with the client's cache.
    private sealed class Reader(HearCheck check, int client)
    {
        private readonly Dictionary<string, string> _copies = [];
        private readonly Dictionary<string, long> _subscribedAt = [];
        private int _next;

        public void Read()
        {
            ReadOnlySpan<byte> rest = check._received[client].ToArray();
            while (!rest.IsEmpty)
            {
                if (new RespReader().Read(rest, out var value, out var consumed) != ReadStatus.Complete)
                    throw check.Failed($"client {client} received half a reply");
                rest = rest[consumed..];
                if (value!.Kind == RespKind.Push) TakePush(value);
                else TakeReply(check._sent[client][_next++], value);
            }

            if (_next != check._sent[client].Count) throw check.Failed($"client {client} has a reply missing");
            foreach (var (channel, began) in _subscribedAt)
                check._listening.Add(new Listening(client, channel, began, long.MaxValue));
        }

        private void TakePush(RespValue push)
        {
            var words = push.Items.Select(TextOf).ToList();
            switch (words[0])
            {
                case "invalidate":
                    foreach (var key in push.Items[1].Items) _copies.Remove(TextOf(key));
                    break;
                case "message":
                    if (!_subscribedAt.ContainsKey(words[1]))
                        throw check.Failed($"client {client} has heard {words[2]} while not subscribed to {words[1]}");
                    check._heard.Add(new Heard(client, words[1], words[2]));
                    break;
                case "subscribe":
                    _subscribedAt.TryAdd(words[1], check._sent[client][_next++].Ended);
                    break;
                case "unsubscribe":
                    var request = check._sent[client][_next++];
                    if (_subscribedAt.Remove(words[1], out var began))
                        check._listening.Add(new Listening(client, words[1], began, request.Began));
                    break;
            }
        }

        private void TakeReply(Request request, RespValue reply)
        {
            switch (request.Words[0])
            {
                case "GET":
                    TakeValue(request, request.Words[1], TextOf(reply));
                    break;
                case "MGET":
                    for (var i = 1; i < request.Words.Length; i++)
                        TakeValue(request, request.Words[i], TextOf(reply.Items[i - 1]));
                    break;
            }
        }

        // Groups are written whole: what is known of the others must be of the same writing.
        private void TakeValue(Request request, string key, string value)
        {
            foreach (var (other, copy) in _copies)
            {
                if (other[..2] == key[..2] && copy != value)
                    throw check.Failed($"client {client} keeps {other}={copy} while it reads {value} by {request}");
            }

            _copies[key] = value;
        }

        private static string TextOf(RespValue value) =>
            value.IsNull ? "(nil)" : value.Kind == RespKind.Integer ? value.Integer.ToString()
            : value.IsAggregate ? "" : Encoding.ASCII.GetString(value.Bytes.Span);
    }
}
