// One connection to a server: requests go out in the order they were made, replies are paired with them in order.
//
//     SendAsync --> _outgoing --(one write at a time; what collects meanwhile goes with the next)--> socket
//                   _pending  <--(first in, first out)-- reading task <-- RespReader <-- socket
//                   Pushes    <--(RESP3 pushes, and replies that nobody asked for)--+
//
// Pipelining needs no mode: calls that do not wait for each other share a write. What belongs to no request goes to
// Pushes: RESP3 pushes, messages of a RESP2 subscriber, lines of MONITOR. Commands that have no reply of their own
// (SUBSCRIBE in RESP3, CLIENT REPLY OFF) are sent with SendOnlyAsync.
//
// Thread safety: every public method may be called from any thread. _gate guards _outgoing, _pending and _failure, and
// is never held while waiting.
// A time-out gives up on the reply, not on the connection: the late reply is dropped when it comes.

using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Millrace.Resp;

namespace Millrace.Client;

/// <summary>An asynchronous client for one connection.</summary>
public sealed class RedisClient : IAsyncDisposable, IDisposable
{
    private const int ReceiveBytes = 64 * 1024;

    private readonly Lock _gate = new();
    private readonly Socket _socket;
    private readonly Queue<PendingReply> _pending = new();
    private readonly Channel<RespValue> _pushes;
    private readonly List<byte> _raw = [];
    private RequestBuffer _outgoing = new();
    private RequestBuffer _inFlight = new();
    private bool _isWriting;
    private bool _isSubscriber;     // RESP2: arrays may be messages
    private int _rawWanted;         // pending requests that want their bytes
    private RedisClientException? _failure;
    private Task _reading = Task.CompletedTask;

    private RedisClient(ClientOptions options, Socket socket)
    {
        Options = options;
        _socket = socket;
        _pushes = Channel.CreateBounded<RespValue>(
            new BoundedChannelOptions(options.MaxQueuedPushes) { FullMode = BoundedChannelFullMode.DropOldest });
    }

    /// <summary>The options it was made with.</summary>
    public ClientOptions Options { get; }

    /// <summary>The greeting of a RESP3 connection (the reply of HELLO), else null.</summary>
    public RespValue? Greeting { get; private set; }

    /// <summary>The protocol in force: 2 or 3; follows HELLO sent through this client's options only.</summary>
    public int Protocol => Options.Protocol;

    /// <summary>What the server sent without being asked. Completed when the connection ends.</summary>
    public ChannelReader<RespValue> Pushes => _pushes.Reader;

    /// <summary>The connection works as far as is known.</summary>
    public bool IsConnected => Volatile.Read(ref _failure) is null;

    /// <summary>Connects, authenticates, switches protocol and selects the database.</summary>
    /// <param name="options">Where and how.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="RedisConnectionException">The server cannot be reached.</exception>
    /// <exception cref="RedisTimeoutException">It took longer than the connect time-out.</exception>
    /// <exception cref="RedisReplyException">The server refused the greeting.</exception>
    public static async Task<RedisClient> ConnectAsync(ClientOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        using CancellationTokenSource timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(options.ConnectTimeout);
        RedisClient? client = null;
        try
        {
            Socket socket = await OpenAsync(options, timeout.Token).ConfigureAwait(false);
            client = new RedisClient(options, socket);
            client._reading = Task.Run(client.ReadAllAsync, CancellationToken.None);
            await client.GreetAsync(timeout.Token).ConfigureAwait(false);
            RedisClient connected = client;
            client = null;
            return connected;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new RedisTimeoutException(
                $"no connection to {options.Address} within {options.ConnectTimeout.TotalMilliseconds} ms");
        }
        finally
        {
            if (client is not null) await client.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Connects to what a URI names.</summary>
    /// <param name="uri">See <see cref="ClientOptions.FromUri"/>.</param>
    /// <param name="cancellation">Gives up.</param>
    public static Task<RedisClient> ConnectAsync(string uri, CancellationToken cancellation = default) =>
        ConnectAsync(ClientOptions.FromUri(uri), cancellation);

    /// <summary>Connects and waits for it.</summary>
    /// <param name="options">Where and how.</param>
    public static RedisClient Connect(ClientOptions options) => ConnectAsync(options).GetAwaiter().GetResult();

    /// <summary>Sends a command and waits for its reply, which may be an error reply.</summary>
    /// <param name="arguments">The command's name and its arguments, as UTF-8.</param>
    public Task<RespValue> SendAsync(params ReadOnlySpan<string> arguments)
    {
        PendingReply reply = new(wantsRaw: false);
        lock (_gate)
        {
            if (Enqueue(reply)) _outgoing.Request(arguments);
        }

        return ValueOf(reply);
    }

    /// <summary>Sends a command of bytes and waits for its reply, which may be an error reply.</summary>
    /// <param name="arguments">The command's name and its arguments.</param>
    public Task<RespValue> SendAsync(params ReadOnlySpan<byte[]> arguments)
    {
        PendingReply reply = new(wantsRaw: false);
        lock (_gate)
        {
            if (Enqueue(reply)) _outgoing.Request(arguments);
        }

        return ValueOf(reply);
    }

    /// <summary>Sends a command and waits for its reply; an error reply is thrown.</summary>
    /// <param name="arguments">The command's name and its arguments, as UTF-8.</param>
    /// <exception cref="RedisReplyException">The reply is an error.</exception>
    public Task<RespValue> ExecuteAsync(params ReadOnlySpan<string> arguments) => ThrowErrorAsync(SendAsync(arguments));

    /// <summary>Sends a command, waits for its reply in this thread.</summary>
    /// <param name="arguments">The command's name and its arguments, as UTF-8.</param>
    public RespValue Send(params ReadOnlySpan<string> arguments) => SendAsync(arguments).GetAwaiter().GetResult();

    /// <summary>Sends a command and gets its reply with the exact bytes.</summary>
    /// <param name="arguments">The command's name and its arguments, as UTF-8.</param>
    public Task<RawReply> SendRawAsync(params ReadOnlySpan<string> arguments)
    {
        PendingReply reply = new(wantsRaw: true);
        lock (_gate)
        {
            if (Enqueue(reply)) _outgoing.Request(arguments);
        }

        return RawOf(reply);
    }

    /// <summary>Sends a command of bytes and gets its reply with the exact bytes.</summary>
    /// <param name="arguments">The command's name and its arguments.</param>
    public Task<RawReply> SendRawAsync(params ReadOnlySpan<byte[]> arguments)
    {
        PendingReply reply = new(wantsRaw: true);
        lock (_gate)
        {
            if (Enqueue(reply)) _outgoing.Request(arguments);
        }

        return RawOf(reply);
    }

    /// <summary>Sends prepared requests in one write and gets their replies in order, with the exact bytes.</summary>
    /// <param name="requests">What is sent; copied, so the buffer may be reused.</param>
    /// <param name="replyCount">How many replies come.</param>
    public Task<RawReply[]> SendBatchAsync(RequestBuffer requests, int replyCount)
    {
        ArgumentNullException.ThrowIfNull(requests);
        var replies = new Task<RawReply>[replyCount];
        lock (_gate)
        {
            // All or none: requests and pending replies must stay paired.
            RedisClientException? refusal = Refusal(replyCount);
            for (int i = 0; i < replyCount; i++)
            {
                PendingReply reply = new(wantsRaw: true);
                if (refusal is null) Append(reply);
                else reply.Source.SetException(refusal);
                replies[i] = RawOf(reply);
            }

            if (refusal is null)
            {
                _outgoing.Raw(requests.Bytes.Span);
                StartWriting();
            }
        }

        return Task.WhenAll(replies);
    }

    /// <summary>Sends a command that has no reply of its own; whatever the server sends for it goes to
    /// <see cref="Pushes"/>.</summary>
    /// <param name="arguments">The command's name and its arguments, as UTF-8.</param>
    /// <exception cref="RedisClientException">The connection has ended.</exception>
    public void SendOnly(params ReadOnlySpan<string> arguments)
    {
        byte[][] bytes = new byte[arguments.Length][];
        for (int i = 0; i < bytes.Length; i++) bytes[i] = System.Text.Encoding.UTF8.GetBytes(arguments[i]);
        SendOnly(bytes);
    }

    /// <summary>Sends a command of bytes that has no reply of its own; whatever the server sends for it goes to
    /// <see cref="Pushes"/>.</summary>
    /// <param name="arguments">The command's name and its arguments.</param>
    /// <exception cref="RedisClientException">The connection has ended.</exception>
    public void SendOnly(params ReadOnlySpan<byte[]> arguments)
    {
        bool isSubscription = arguments.Length > 0
            && arguments[0].Length >= 9
            && System.Text.Ascii.EqualsIgnoreCase(arguments[0].AsSpan(arguments[0].Length - 9), "subscribe"u8);
        lock (_gate)
        {
            if (_failure is not null) throw Again(_failure);
            _isSubscriber |= isSubscription;
            _outgoing.Request(arguments);
            StartWriting();
        }
    }

    /// <summary>Sends bytes as they are; replies to them go to <see cref="Pushes"/>.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <exception cref="RedisClientException">The connection has ended.</exception>
    public void SendBytes(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            if (_failure is not null) throw Again(_failure);
            _outgoing.Raw(bytes);
            StartWriting();
        }
    }

    /// <summary>Closes the connection; pending replies fail.</summary>
    public void Dispose()
    {
        Fail(new RedisConnectionException("the client was closed"));
        _socket.Dispose();
    }

    /// <summary>Closes the connection and waits until its reading task has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        Dispose();
        await _reading.ConfigureAwait(false);
    }

    private static async Task<Socket> OpenAsync(ClientOptions options, CancellationToken cancellation)
    {
        Socket socket = options.UnixSocketPath is null
            ? new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
            : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            EndPoint target = options.UnixSocketPath is null
                ? new DnsEndPoint(options.Host, options.Port)
                : new UnixDomainSocketEndPoint(options.UnixSocketPath);
            await socket.ConnectAsync(target, cancellation).ConfigureAwait(false);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();

            // The runtime reports a missing socket file as an address that is not available.
            bool isMissing = options.UnixSocketPath is not null && !File.Exists(options.UnixSocketPath);
            string reason = isMissing ? "No such file or directory" : e.Message;
            throw new RedisConnectionException($"Could not connect to Redis at {options.Address}: {reason}", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task GreetAsync(CancellationToken cancellation)
    {
        ClientOptions o = Options;
        if (o.Protocol == 3)
        {
            List<string> hello = ["HELLO", "3"];
            if (o.Password is not null) hello.AddRange(["AUTH", o.User ?? "default", o.Password]);
            if (o.ClientName is not null) hello.AddRange(["SETNAME", o.ClientName]);
            Greeting = await GreetAsync([.. hello], cancellation).ConfigureAwait(false);
        }
        else
        {
            if (o.Password is not null)
            {
                string[] auth = o.User is null ? ["AUTH", o.Password] : ["AUTH", o.User, o.Password];
                await GreetAsync(auth, cancellation).ConfigureAwait(false);
            }

            if (o.ClientName is not null)
                await GreetAsync(["CLIENT", "SETNAME", o.ClientName], cancellation).ConfigureAwait(false);
        }

        if (o.Database == 0) return;
        string database = o.Database.ToString(System.Globalization.CultureInfo.InvariantCulture);
        await GreetAsync(["SELECT", database], cancellation).ConfigureAwait(false);
    }

    private async Task<RespValue> GreetAsync(string[] command, CancellationToken cancellation)
    {
        RespValue reply = await SendAsync(command).WaitAsync(cancellation).ConfigureAwait(false);
        return reply.IsError ? throw new RedisReplyException(reply) : reply;
    }

    /// <summary>Requires: _gate is held. False: the reply has failed already and nothing is to be sent.</summary>
    private bool Enqueue(PendingReply reply)
    {
        RedisClientException? refusal = Refusal(1);
        if (refusal is not null)
        {
            reply.Source.SetException(refusal);
            return false;
        }

        Append(reply);
        StartWriting();
        return true;
    }

    /// <summary>Requires: _gate is held. Why that many more requests cannot be sent, or null.</summary>
    private RedisClientException? Refusal(int requests)
    {
        if (_failure is not null) return Again(_failure);
        return _pending.Count + requests > Options.MaxPendingRequests
            ? new RedisClientException($"more than {Options.MaxPendingRequests} requests would wait for replies")
            : null;
    }

    private void Append(PendingReply reply)
    {
        _pending.Enqueue(reply);
        if (reply.WantsRaw) _rawWanted++;
    }

    /// <summary>Requires: _gate is held. The write begins on another thread, after the gate is free.</summary>
    private void StartWriting()
    {
        if (_isWriting) return;
        _isWriting = true;
        _ = Task.Run(WriteAllAsync);
    }

    private async Task WriteAllAsync()
    {
        try
        {
            while (true)
            {
                lock (_gate)
                {
                    _inFlight.Clear();
                    if (_outgoing.Length == 0 || _failure is not null)
                    {
                        _isWriting = false;
                        return;
                    }

                    (_outgoing, _inFlight) = (_inFlight, _outgoing);
                }

                ReadOnlyMemory<byte> left = _inFlight.Bytes;
                while (left.Length > 0)
                {
                    int sent = await _socket.SendAsync(left, SocketFlags.None).ConfigureAwait(false);
                    left = left[sent..];
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The reading task learns of it too, and may still find the server's last words in the socket.
            lock (_gate) _isWriting = false;
        }
    }

    private async Task ReadAllAsync()
    {
        try
        {
            RespReader reader = new(Options.ReplyLimits);
            byte[] buffer = new byte[ReceiveBytes];
            int filled = 0;
            while (true)
            {
                if (filled == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
                Memory<byte> free = buffer.AsMemory(filled);
                int received = await _socket.ReceiveAsync(free, SocketFlags.None).ConfigureAwait(false);
                if (received == 0)
                {
                    Fail(new RedisConnectionException("Server closed the connection"));
                    return;
                }

                filled += received;
                int used = TakeReplies(reader, buffer.AsSpan(0, filled));
                if (used < 0)
                {
                    Fail(new RedisProtocolException(reader.Error));
                    return;
                }

                buffer.AsSpan(used, filled - used).CopyTo(buffer);
                filled -= used;
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Fail(new RedisConnectionException($"the connection to {Options.Address} broke: {e.Message}", e));
        }
        finally
        {
            _socket.Dispose();
        }
    }

    /// <summary>Gives out every complete reply; the bytes used, or -1 when the stream is broken.</summary>
    private int TakeReplies(RespReader reader, ReadOnlySpan<byte> unread)
    {
        int used = 0;
        while (true)
        {
            ReadStatus status = reader.Read(unread[used..], out RespValue? value, out int consumed);
            if (Volatile.Read(ref _rawWanted) > 0) _raw.AddRange(unread.Slice(used, consumed));
            used += consumed;
            if (status == ReadStatus.Incomplete) return used;
            if (status == ReadStatus.Error) return -1;
            GiveOut(value!);
            _raw.Clear();
        }
    }

    private void GiveOut(RespValue value)
    {
        PendingReply? reply = null;
        if (!IsPush(value))
        {
            lock (_gate)
            {
                if (_pending.TryDequeue(out reply) && reply.WantsRaw) _rawWanted--;
            }
        }

        byte[] raw = reply is { WantsRaw: true } ? [.. _raw] : [];
        if (reply is not null) reply.Source.TrySetResult(new RawReply(value, raw));
        else if (Options.OnPush is not null) Options.OnPush(value);
        else _pushes.Writer.TryWrite(value);
    }

    private bool IsPush(RespValue value)
    {
        if (value.Kind == RespKind.Push) return true;
        if (!_isSubscriber || value.Kind != RespKind.Array) return false;
        if (value.Items is not [{ Kind: RespKind.Bulk }, ..]) return false;
        ReadOnlySpan<byte> kind = value.Items[0].Bytes.Span;
        return kind.SequenceEqual("message"u8) || kind.SequenceEqual("pmessage"u8) || kind.SequenceEqual("smessage"u8)
            || kind.EndsWith("subscribe"u8);
    }

    private void Fail(RedisClientException failure)
    {
        PendingReply[] lost;
        lock (_gate)
        {
            _failure ??= failure;
            lost = [.. _pending];
            _pending.Clear();
            _rawWanted = 0;
        }

        foreach (PendingReply reply in lost) reply.Source.TrySetException(Again(_failure));
        _pushes.Writer.TryComplete();
    }

    /// <summary>The same failure as a fresh exception: one object must not be thrown on several threads.</summary>
    private static RedisClientException Again(RedisClientException failure) => failure is RedisProtocolException
        ? new RedisProtocolException(failure.Message)
        : new RedisConnectionException(failure.Message, failure.InnerException);

    private async Task<RespValue> ValueOf(PendingReply reply) => (await RawOf(reply).ConfigureAwait(false)).Value;

    private async Task<RawReply> RawOf(PendingReply reply)
    {
        if (Options.ReplyTimeout == Timeout.InfiniteTimeSpan) return await reply.Source.Task.ConfigureAwait(false);
        try
        {
            return await reply.Source.Task.WaitAsync(Options.ReplyTimeout).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new RedisTimeoutException($"no reply within {Options.ReplyTimeout.TotalMilliseconds} ms");
        }
    }

    private static async Task<RespValue> ThrowErrorAsync(Task<RespValue> reply)
    {
        RespValue value = await reply.ConfigureAwait(false);
        return value.IsError ? throw new RedisReplyException(value) : value;
    }

    private sealed class PendingReply(bool wantsRaw)
    {
        public bool WantsRaw { get; } = wantsRaw;

        public TaskCompletionSource<RawReply> Source { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
