using Millrace.Commands;
using Millrace.Engine;
using Millrace.Net;
using Millrace.Resp;
using Millrace.Server.Observability;

namespace Millrace.Server.Blocking;

/// <summary>
/// A blocking command that found nothing, with all that running it again takes: whoever makes one of its keys ready
/// runs it within his own unit and posts the reply to the client's loop.
/// </summary>
/// <remarks>
/// The serving loop uses the record and nothing of its client but the address of the client's loop, which never
/// changes. Made by the client's loop; the serving loop writes the reply, what the command asks of its caller and that
/// the wait is over, all under the lock of a partition that it waits in; only the client's loop changes anything else.
/// </remarks>
public sealed class BlockedRequest : Waiter, IRequestTrail
{
    private const int MostBusyTries = 4; // 16 ms

    private readonly byte[] _bytes;
    private readonly Slice[] _slices;
    private readonly KeyAt[] _keys;
    private int _busyTries; // of its own loop, one after the other

    /// <summary>The record of a call that asked to wait (<see cref="Caller.Wait"/>).</summary>
    /// <param name="client">Who waits.</param>
    /// <param name="call">The call; its arguments are copied, or what they meant when it began to wait.</param>
    /// <param name="wait">What it waits for.</param>
    /// <param name="partitions">The partitions of all its keys.</param>
    public BlockedRequest(Client client, in Call call, KeyWait wait, ulong partitions)
        : base(client.Database, wait.Type, wait.MindsLoss)
    {
        Client = client;
        Spec = call.Spec;
        Protocol = client.Protocol;
        IsSilent = client.Replies != ReplyMode.On;
        Partitions = partitions;
        RetryMs = wait.RetryMs;
        Caller = new WaitingCaller(client);
        _keys = call.Keys.ToArray();
        _slices = new Slice[call.Args.Count];
        var length = 0;
        for (var i = 0; i < _slices.Length; i++)
        {
            _slices[i] = new Slice(length, ArgumentOf(call, wait, i).Length);
            length += _slices[i].Length;
        }

        _bytes = new byte[length];
        for (var i = 0; i < _slices.Length; i++) ArgumentOf(call, wait, i).CopyTo(_bytes.AsSpan(_slices[i].Offset));
    }

    /// <summary>Who waits. For its own loop, and for what never changes of it.</summary>
    public Client Client { get; }

    /// <summary>The command.</summary>
    public CommandSpec Spec { get; }

    /// <summary>The protocol version of the reply.</summary>
    public int Protocol { get; }

    /// <summary>Whether the client wants no reply to this request.</summary>
    public bool IsSilent { get; }

    /// <summary>After how many milliseconds its own loop runs it again though nothing has changed; 0: not at all.
    /// </summary>
    public long RetryMs { get; }

    /// <summary>Who calls when the command runs again.</summary>
    public Caller Caller { get; }

    /// <summary>The arguments.</summary>
    public Args Args => new(_bytes, _slices);

    /// <summary>The keys of the command.</summary>
    public ReadOnlySpan<KeyAt> Keys => _keys;

    /// <summary>Bytes of memory that the copied request takes.</summary>
    public int HeldBytes => _bytes.Length + (_slices.Length * 8) + (_keys.Length * 16);

    /// <summary>For how long its command has run so far without a reply, in ticks of the stopwatch.</summary>
    internal long RanTicks { get; set; }

    /// <summary>Up to where the log has to be safe before the reply leaves, once it has been served.</summary>
    internal long LogPosition { get; set; }

    /// <summary>The reply, once it has been served.</summary>
    public byte[] Reply { get; set; } = [];

    /// <summary>After how many milliseconds its own loop comes back that has found the partitions taken: longer each
    /// time, up to some.</summary>
    internal long NextBusyMs() => 1L << Math.Min(_busyTries++, MostBusyTries);

    /// <summary>The loop has found the partitions free.</summary>
    internal void ForgetBusy() => _busyTries = 0;

    /// <summary>A letter that brings <see cref="Reply"/> to the client. Made by the loop that served it.</summary>
    public Mail ReplyMail() => new Letter(this);

    /// <inheritdoc/>
    bool IRequestTrail.TryFind(CommandSpec command, int first, int last, out Args args)
    {
        args = Args;
        return true;
    }

    private static ReadOnlySpan<byte> ArgumentOf(in Call call, KeyWait wait, int index) =>
        wait.Fixed is not null && wait.Fixed.TryGetValue(index, out var meant) ? meant : call.Args[index];

    private sealed class Letter(BlockedRequest request) : Mail
    {
        public override void Deliver(EventLoop loop) => request.Client.Served(request);
    }

    private sealed class WaitingCaller : Caller
    {
        public WaitingCaller(Client client)
        {
            Id = client.Id;
            Database = client.Database;
            NoTouch = client.NoTouch;
            TracksAs = client.TracksAs;
            MaxBulkLength = client.MaxBulkLength;
            MayWait = true;
        }

        public override long Id { get; }
    }
}
