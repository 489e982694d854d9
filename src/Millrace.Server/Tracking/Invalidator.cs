using Millrace.Engine;
using Millrace.Net;
using Millrace.Server.PubSub;

namespace Millrace.Server.Tracking;

/// <summary>
/// Tells clients of one loop that keys have changed, and all loops of what the units of this one have touched.
/// </summary>
/// <remarks>
/// <code>
///   unit ends --Tell: one letter per loop that has to know--> mailbox --Deliver--> push, or message to a redirect
/// </code>
/// A letter is posted while the unit holds its partitions, so whoever reads a new value afterwards has the letter in
/// its loop's mailbox, which is emptied before the reply leaves (<see cref="PushWriter"/>). One per loop.
/// Source: Redis 7.2 documentation, "Client-side caching".
/// </remarks>
internal sealed class Invalidator(FanOut fanOut, PushWriter pushes, Channels channels, Invalidators all)
    : TouchListener
{
    private const int FrameBytes = 128;  // headers of the message
    private const int PerKeyBytes = 32;  // headers of a key

    private readonly LetterBox<Invalidation> _letters = new();
    private readonly Invalidation?[] _open = new Invalidation?[all.Count]; // per loop, while a unit is told
    private readonly Redirection?[] _redirections = new Redirection?[all.Count]; // per loop, of what is being delivered
    private Pushes _forms; // of what is being delivered

    /// <summary>The loop.</summary>
    public EventLoop Loop => fanOut.Loop;

    /// <summary>The loop's clients. Set before anything runs.</summary>
    public required IReadOnlyDictionary<long, Client> Clients { get; init; }

    /// <inheritdoc/>
    public override void Tell(TouchedKeys touched)
    {
        if (touched.IsFlushed)
        {
            for (var to = 0; to < _open.Length; to++) LetterTo(to).IsFlush = true;
            PostOpen();
        }

        for (var i = 0; i < touched.Count; i++) TellTrackers(touched, i);
        PostOpen();
        channels.Broadcast(touched, this);
    }

    /// <summary>A letter to fill.</summary>
    public Invalidation Take(int loop)
    {
        var letter = _letters.Take();
        letter.Target = all[loop];
        letter.Origin = fanOut.Origin;
        return letter;
    }

    /// <summary>Delivers a letter of any loop. O(keys * clients).</summary>
    public void Deliver(Invalidation letter)
    {
        pushes.BeginLetter();
        if (letter.IsFlush) DeliverFlush(letter);
        else if (letter.Prefix is { } prefix) DeliverPrefix(letter, prefix);
        else DeliverTracked(letter);
        PostRedirections();
        letter.Clear();
        _letters.Keep(letter);
    }

    /// <summary>A letter of another kind begins (<see cref="PushWriter.BeginLetter"/>).</summary>
    public void BeginLetter() => pushes.BeginLetter();

    /// <summary>Delivers what clients of another loop had redirected to clients of this one.</summary>
    public void Deliver(Redirection letter)
    {
        pushes.BeginLetter();
        _forms = default;
        foreach (var (tracker, redirect) in letter.Clients)
        {
            if (Clients.TryGetValue(redirect, out var client) && !client.IsClosing)
                SendTo(client, isRedirected: true, new KeyList(letter.Keys), origin: null);
            else
                new BrokenRedirection(letter.From, tracker).Send(letter.From.Loop, channels.UnderWay);
        }
    }

    /// <summary>The client that a client has named for its invalidations is gone.</summary>
    public void TellBroken(long trackerId)
    {
        if (!Clients.TryGetValue(trackerId, out var client) || client.Tracking is not { IsOn: true } tracking) return;
        tracking.IsRedirectBroken = true;
        if (client.Protocol != 3) return;
        var writer = pushes.Begin(FrameBytes, protocol: 3);
        writer.Push(2);
        writer.Bulk("tracking-redir-broken"u8);
        writer.Integer(tracking.RedirectId);
        pushes.Send(client, pushes.End(), origin: null);
    }

    private void TellTrackers(TouchedKeys touched, int index)
    {
        for (var i = 0; i < touched.TrackerCount(index); i++)
        {
            var tracker = touched.Tracker(index, i);
            var letter = LetterTo(ClientTracking.LoopOf(tracker));
            var isNew = letter.Count == 0 || !letter.Key(letter.Count - 1).SequenceEqual(touched.Key(index));
            if (isNew || letter.IsOwn(letter.Count - 1) != touched.IsOwn(index))
                letter.Add(touched.Key(index), touched.IsOwn(index));
            letter.AddClient(ClientTracking.IdOf(tracker));
        }
    }

    private Invalidation LetterTo(int loop) => _open[loop] ??= Take(loop);

    private void PostOpen()
    {
        for (var to = 0; to < _open.Length; to++)
        {
            if (_open[to] is not { } letter) continue;
            _open[to] = null;
            letter.Send(letter.Target.Loop, channels.UnderWay);
        }
    }

    private void DeliverFlush(Invalidation letter)
    {
        _forms = default;
        foreach (var client in Clients.Values)
        {
            if (client.Tracking is { IsOn: true }) Send(client, default, letter.Origin);
        }
    }

    private void DeliverTracked(Invalidation letter)
    {
        for (var i = 0; i < letter.Count; i++)
        {
            BeginKeys();
            foreach (var id in letter.Clients(i))
            {
                if (!Clients.TryGetValue(id, out var client)) continue;
                if (client.Tracking is not { IsOn: true, IsBroadcast: false } tracking) continue;
                if (letter.IsOwn(i) && tracking.Has(TrackingModes.NoLoop) && ReferenceEquals(client, letter.Origin))
                    continue;
                Send(client, new KeyList(letter, i), letter.Origin);
            }
        }
    }

    private void DeliverPrefix(Invalidation letter, Topic prefix)
    {
        if (prefix.On(Loop) is not { } subscriptions) return;
        _forms = default;
        foreach (var one in subscriptions)
        {
            if (!one.IsOwed(letter.Moment) || one.Client.Tracking is not { IsOn: true } tracking) continue;
            var leavesOutOwn = tracking.Has(TrackingModes.NoLoop) && ReferenceEquals(one.Client, letter.Origin);
            if (!leavesOutOwn) Send(one.Client, new KeyList(letter), letter.Origin);
            else SendOthers(one.Client, letter);
        }
    }

    // What the client has not done itself: time, mostly.
    private void SendOthers(Client client, Invalidation letter)
    {
        var keys = new KeyList(letter) { LeavesOutOwn = true };
        if (keys.Count == 0) return;
        var forms = _forms;
        BeginKeys();
        Send(client, keys, letter.Origin);
        BeginKeys();
        _forms = forms;
    }

    private void Send(Client client, in KeyList keys, Client? origin)
    {
        var tracking = client.Tracking!;
        if (tracking.RedirectId == 0)
        {
            SendTo(client, isRedirected: false, keys, origin);
        }
        else if (tracking.RedirectLoop != Loop.Index)
        {
            ref var letter = ref _redirections[tracking.RedirectLoop];
            letter ??= new Redirection(all[tracking.RedirectLoop], this, keys.ToArray());
            letter.Add(client.Id, tracking.RedirectId);
        }
        else if (Clients.TryGetValue(tracking.RedirectId, out var redirect) && !redirect.IsClosing)
        {
            SendTo(redirect, isRedirected: true, keys, origin);
        }
        else
        {
            TellBroken(client.Id);
        }
    }

    // What follows is about other keys.
    private void BeginKeys()
    {
        _forms = default;
        PostRedirections();
    }

    private void PostRedirections()
    {
        for (var to = 0; to < _redirections.Length; to++)
        {
            if (_redirections[to] is not { } letter) continue;
            _redirections[to] = null;
            letter.Send(all[to].Loop, channels.UnderWay);
        }
    }

    // In RESP2 only a subscriber can be told, and only when another client has named it.
    private void SendTo(Client client, bool isRedirected, in KeyList keys, Client? origin)
    {
        if (client.Protocol != 3 && !(isRedirected && client.IsSubscribed)) return;
        ref var push = ref _forms.In(client.Protocol);
        push ??= Write(client.Protocol, keys);
        pushes.Send(client, push.Value, origin);
    }

    private Push Write(int protocol, in KeyList keys)
    {
        var writer = pushes.Begin(checked(FrameBytes + keys.Bytes + (keys.Count * PerKeyBytes)), protocol);
        if (protocol == 3)
        {
            writer.Push(2);
            writer.Bulk("invalidate"u8);
        }
        else
        {
            writer.Array(3);
            writer.Bulk("message"u8);
            writer.Bulk("__redis__:invalidate"u8);
        }

        keys.Write(writer);
        return pushes.End();
    }
}

/// <summary>What makes stale on each loop, by the loop's index. Filled before anything runs.</summary>
internal sealed class Invalidators(int loops)
{
    private readonly Invalidator[] _all = new Invalidator[loops];

    /// <summary>How many loops there are.</summary>
    public int Count => _all.Length;

    /// <summary>That of a loop.</summary>
    public Invalidator this[int loop]
    {
        get => _all[loop];
        set => _all[loop] = value;
    }
}
