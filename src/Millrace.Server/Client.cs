using System.Numerics;
using System.Text;
using Millrace.Commands;
using Millrace.Engine;
using Millrace.Net;
using Millrace.Resp;
using Millrace.Server.Blocking;
using Millrace.Server.Config;
using Millrace.Server.Execution;
using Millrace.Server.PubSub;
using Millrace.Server.Tracking;
using Millrace.Server.Transactions;

namespace Millrace.Server;

/// <summary>What a client wants to see of its replies (CLIENT REPLY).</summary>
public enum ReplyMode : byte
{
    /// <summary>Every reply.</summary>
    On,

    /// <summary>None until it says ON.</summary>
    Off,

    /// <summary>Not the reply of the next command.</summary>
    SkipNext,

    /// <summary>Not the reply of the command that runs now.</summary>
    SkipCurrent,
}

/// <summary>
/// One connected client: what it has told us and what it is in the middle of.
/// </summary>
/// <remarks>
/// Belongs to the loop of its connection. Others look at it only while all loops stand still (CLIENT LIST, CLIENT
/// KILL), or own it through a mailbox. It keeps no buffer of its own: input and output belong to the connection.
/// </remarks>
public sealed class Client : Caller
{
    private Gate _gates;
    private byte _protocol = 2;
    private ClientNames _names = ClientNames.None;
    private CommandQueue? _queue;
    private BlockedRequest? _blocked;
    private byte[]? _lateReply;
    private bool _isLateSilent;
    private LoopTimer? _timer;
    private long _waitEndsUs;
    private bool _retries;

    /// <summary>A client on a new connection.</summary>
    public Client(long id, Connection connection, bool mustAuthenticate)
    {
        Id = id;
        Connection = connection;
        MayWait = true;
        RequiresAuthentication(mustAuthenticate);
    }

    /// <inheritdoc/>
    public override long Id { get; }

    /// <summary>The client's connection.</summary>
    public Connection Connection { get; }

    /// <summary>Cuts requests out of the connection's input.</summary>
    public RequestParser Parser { get; } = new();

    /// <summary>The protocol version, 2 or 3.</summary>
    public int Protocol
    {
        get => _protocol;
        set
        {
            _protocol = (byte)value;
            SettleListening();
        }
    }

    /// <summary>The name given with CLIENT SETNAME or HELLO, or empty.</summary>
    public string Name
    {
        get => _names.Client;
        set => _names = _names with { Client = value };
    }

    /// <summary>The library's name given with CLIENT SETINFO, or empty.</summary>
    public string LibraryName
    {
        get => _names.Library;
        set => _names = _names with { Library = value };
    }

    /// <summary>The library's version given with CLIENT SETINFO, or empty.</summary>
    public string LibraryVersion
    {
        get => _names.LibraryVersion;
        set => _names = _names with { LibraryVersion = value };
    }

    /// <summary>The user that the client acts as.</summary>
    public string User => "default";

    /// <summary>Whether the client has shown who it is, or need not.</summary>
    public bool IsAuthenticated => (_gates & Gate.Unauthenticated) == 0;

    /// <summary>Which replies it gets.</summary>
    public ReplyMode Replies { get; set; }

    /// <summary>Whether memory limits spare it (CLIENT NO-EVICT).</summary>
    public bool NoEvict { get; set; }

    /// <summary>The command that it ran last, or null before the first.</summary>
    public CommandSpec? LastCommand { get; set; }

    /// <summary>Whether its next request waits for a lock or a gate; unread input stays where it is
    /// meanwhile.</summary>
    public bool IsParked { get; set; }

    /// <summary>Whether its next request waits for a gate to open (CLIENT PAUSE); it is parked meanwhile.</summary>
    public bool IsPostponed { get; set; }

    /// <summary>Whether the reply to its last request comes later, and nobody has decided yet what it is; it is parked
    /// until then.</summary>
    public bool IsBlocked => _lateReply is not null || _blocked is { IsWaiting: true };

    /// <summary>Whether it is blocked and a timer ends that.</summary>
    public bool HasTimeout => IsBlocked && _timer is { IsActive: true };

    /// <summary>The request with which it waits for a key, or null.</summary>
    public BlockedRequest? Blocked => _blocked;

    /// <summary>Whether it queues what it sends (MULTI).</summary>
    public bool IsQueueing => (_gates & Gate.Queueing) != 0;

    /// <summary>What it has queued since MULTI.</summary>
    public CommandQueue Queue => _queue ??= new CommandQueue();

    /// <summary>What it is subscribed to, or null when it never was.</summary>
    internal ClientSubscriptions? Subscriptions { get; private set; }

    /// <summary>The same, made when there is none.</summary>
    internal ClientSubscriptions OwnSubscriptions => Subscriptions ??= new ClientSubscriptions();

    /// <summary>What it tracks, or null when it never did.</summary>
    internal ClientTracking? Tracking { get; private set; }

    /// <summary>The same, made when there is none.</summary>
    internal ClientTracking OwnTracking => Tracking ??= new ClientTracking(Id, Connection.Loop.Index);

    /// <summary>Whether it sees every command of all clients (MONITOR).</summary>
    public bool IsMonitor { get; internal set; }

    /// <summary>Whether it is subscribed to channels.</summary>
    public bool IsSubscribed => Subscriptions is { Count: > 0 };

    /// <summary>Whether it hears of what others do: its mail is delivered before each reply.</summary>
    public bool IsListening => (_gates & Gate.Listening) != 0;

    /// <summary>The class of its output.</summary>
    public OutputClass OutputClass => IsSubscribed ? OutputClass.PubSub : OutputClass.Normal;

    /// <summary>What it watches, or null.</summary>
    public Watcher? Watcher { get; private set; }

    /// <summary>How often the request that is next has failed to get its locks.</summary>
    public int LockTries { get; set; }

    /// <summary>The parked request in the form of the protocol, when it was not sent in that form (inline).</summary>
    public byte[]? ParkedRequest { get; set; }

    /// <summary>The gates that are closed for this client alone.</summary>
    public Gate Gates => _gates;

    /// <summary>Whether the client is to be closed: nothing of what it sends is looked at any more.</summary>
    public bool IsClosing => (_gates & Gate.Closing) != 0;

    /// <summary>Since when its output has been over the soft limit, in microseconds of the loop's clock; 0: it is
    /// not.</summary>
    public long OverSoftLimitSinceUs { get; set; }

    /// <summary>Bytes that it has queued: they count as unread input.</summary>
    public int QueuedBytes => _queue?.Bytes ?? 0;

    /// <summary>Bytes of memory that its queue holds.</summary>
    public int QueueHeldBytes => _queue?.HeldBytes ?? 0;

    /// <summary>What runs its requests; set by the first one.</summary>
    internal Executor? Executor { get; set; }

    /// <inheritdoc/>
    public override void BeginUnit(Unit unit, ulong partitions)
    {
        base.BeginUnit(unit, partitions);
        Executor?.Effects.Prepare(unit);
    }

    /// <inheritdoc/>
    public override void EndUnit(Unit unit)
    {
        Executor?.Effects.AppendRemovals(unit);
        if (unit.RecordsRemovals) Executor?.NotePosition();
        unit.End();
    }

    /// <summary>Queues what it sends from now on.</summary>
    internal void BeginTransaction() => _gates |= Gate.Queueing;

    /// <summary>Forgets what was queued and runs requests again.</summary>
    internal void EndTransaction()
    {
        _gates &= ~Gate.Queueing;
        _queue?.Clear();
    }

    /// <summary>Watches a key. Requires: <paramref name="unit"/> holds its partition.</summary>
    internal void Watch(Unit unit, in Key key) => (Watcher ??= new Watcher()).Add(unit, key);

    /// <summary>Watches nothing any more. Requires: the partitions of <see cref="Watcher"/> are held.</summary>
    internal void Unwatch(Keyspace keyspace)
    {
        if (Watcher is not { } watcher) return;
        for (var rest = watcher.Partitions; rest != 0; rest &= rest - 1)
            watcher.Forget(keyspace[BitOperations.TrailingZeroCount(rest)], keyspace);
        Watcher = null;
    }

    /// <summary>Takes the watcher away; its watches stay until somebody takes them out.</summary>
    internal Watcher? TakeWatcher()
    {
        var watcher = Watcher;
        Watcher = null;
        return watcher;
    }

    /// <summary>Has its gates follow what it is subscribed to, what it tracks and which protocol it speaks.</summary>
    internal void SettleListening()
    {
        TracksAs = Tracking is { TracksReads: true } ? Tracking.Word : 0;
        _gates &= ~(Gate.Subscribed | Gate.Listening);
        if (IsSubscribed && Protocol == 2) _gates |= Gate.Subscribed;
        if (IsSubscribed || IsMonitor || Tracking is { IsOn: true }) _gates |= Gate.Listening;
    }

    /// <summary>A command of the listening client has run: CLIENT CACHING counted for it.</summary>
    internal void EndCaching()
    {
        if (Tracking is not { IsCachingSaid: true } tracking || IsQueueing) return;
        if (LastCommand?.Container?.Name is "client") return;
        tracking.IsCachingSaid = false;
        SettleListening();
    }

    /// <summary>Demands or waives authentication.</summary>
    public void RequiresAuthentication(bool demanded) =>
        _gates = demanded ? _gates | Gate.Unauthenticated : _gates & ~Gate.Unauthenticated;

    /// <summary>Closes the connection once the replies so far have left; what the client still sends is
    /// ignored.</summary>
    public void CloseAfterReplies()
    {
        _gates |= Gate.Closing;
        Connection.CloseAfterFlush();
    }

    /// <summary>Closes the connection at once; replies that have not left are dropped, and nobody serves it any
    /// more.</summary>
    public void CloseNow()
    {
        _gates |= Gate.Closing;
        _blocked?.TryEnd(out _);
        Connection.CloseNow();
    }

    /// <summary>
    /// Sends the reply to the running command later and takes no request before. The handler writes nothing.
    /// </summary>
    /// <param name="delayMs">How much later; 0: never, until the client leaves or is unblocked.</param>
    /// <param name="reply">The reply in protocol form.</param>
    public void ReplyLater(long delayMs, byte[] reply)
    {
        IsParked = true;
        _lateReply = reply;
        _isLateSilent = Replies != ReplyMode.On;
        if (delayMs > 0) StartTimer(delayMs);
    }

    /// <summary>Sends a reply in the place of the one that was to come later, unless that has been sent or the client
    /// is gone.</summary>
    /// <param name="late">What was handed to <see cref="ReplyLater"/>.</param>
    /// <param name="reply">The reply in protocol form.</param>
    internal void ReplyInstead(byte[] late, ReadOnlySpan<byte> reply)
    {
        if (ReferenceEquals(_lateReply, late)) EndLate(reply);
    }

    /// <summary>Whether it waits with that reply. Any thread; it may be a moment old.</summary>
    internal bool WaitsWith(byte[] late) => ReferenceEquals(Volatile.Read(ref _lateReply), late);

    /// <summary>Takes no request until the one that waits has its reply.</summary>
    internal void Block(BlockedRequest request)
    {
        IsParked = true;
        _blocked = request;
    }

    /// <summary>Ends the wait when so much time has passed.</summary>
    internal void StartTimer(long delayMs)
    {
        _timer ??= Connection.Loop.CreateTimer(static timer => ((Client)timer.State!).TimeOver(timer), this);
        _timer.Start(delayMs);
    }

    /// <summary>Begins to wait for a key.</summary>
    /// <param name="timeoutMs">For how long; 0: for ever.</param>
    /// <param name="retryMs">After how long the request runs again in any case; 0: not at all.</param>
    internal void StartWait(long timeoutMs, long retryMs)
    {
        var nowUs = Connection.Loop.NowUs;
        _waitEndsUs = timeoutMs > 0 && timeoutMs < (long.MaxValue - nowUs) / 1000
            ? nowUs + (timeoutMs * 1000) : long.MaxValue;
        _retries = retryMs > 0;
        StartTimer(!_retries ? timeoutMs : timeoutMs > 0 ? Math.Min(timeoutMs, retryMs) : retryMs);
    }

    /// <summary>The request has been served, on whatever loop.</summary>
    internal void Served(BlockedRequest request)
    {
        if (!ReferenceEquals(_blocked, request)) return;
        _blocked = null;
        CommandsRun++;
        if (request.LogPosition > 0) Connection.Output.Hold(request.LogPosition, request.LogPosition);
        GoOn(request.Reply, request.IsSilent);
    }

    /// <summary>Ends the wait before its time (CLIENT UNBLOCK). All loops stand still.</summary>
    /// <param name="isError">Answer with an error rather than as if the time were over.</param>
    /// <returns>False when it does not wait for anything that can be ended.</returns>
    internal bool TryUnblock(bool isError)
    {
        if (_lateReply is not { } late) return _blocked is { } request && TryEndWait(request, isError, out _);
        if (isError && LastCommand is { } command) Executor!.CountUnblocked(command);
        EndLate(isError ? Unblocked : late);
        return true;
    }

    /// <summary>Takes the request away that waits for a key: the client is gone.</summary>
    internal BlockedRequest? TakeBlocked()
    {
        _timer?.Cancel();
        _lateReply = null;
        var request = _blocked;
        _blocked = null;
        return request;
    }

    private void TimeOver(LoopTimer timer)
    {
        const int UndecidedMs = 1;
        if (_lateReply is { } late) EndLate(late);
        else if (_blocked is not { } request) return;
        else if (_retries && Connection.Loop.NowUs < _waitEndsUs) Retry(timer, request);
        else if (!TryEndWait(request, isError: false, out var isInService) && isInService) timer.Start(UndecidedMs);
    }

    // When it has been served the reply comes by mail, and ends the timer.
    private void Retry(LoopTimer timer, BlockedRequest request)
    {
        var retryMs = Executor!.Retry(request);
        var leftMs = ((_waitEndsUs - Connection.Loop.NowUs) / 1000) + 1;
        timer.Start(Math.Min(retryMs, leftMs));
    }

    private void EndLate(ReadOnlySpan<byte> reply)
    {
        _lateReply = null;
        GoOn(reply, _isLateSilent);
    }

    private bool TryEndWait(BlockedRequest request, bool isError, out bool isInService)
    {
        if (!request.TryEnd(out isInService)) return false;
        _blocked = null;
        CommandsRun++;
        Executor!.EndWait(request, isError);
        var none = request.Protocol == 3 ? "_\r\n"u8 : "*-1\r\n"u8;
        GoOn(isError ? Unblocked : none, request.IsSilent);
        return true;
    }

    private void GoOn(ReadOnlySpan<byte> reply, bool isSilent)
    {
        _timer?.Cancel();
        IsParked = false;
        if (IsClosing || !Connection.IsOpen) return;
        if (!isSilent) Connection.Output.Append(reply);
        Connection.Loop.MarkReady(Connection);
    }

    /// <summary>Back to the state of a fresh connection, as RESET says.</summary>
    /// <param name="mustAuthenticate">Whether it has to show again who it is.</param>
    /// <param name="keyspace">All keys; the partitions of what it watches are held.</param>
    public void Reset(bool mustAuthenticate, Keyspace keyspace)
    {
        EndTransaction();
        Unwatch(keyspace);
        Database = 0;
        Protocol = 2;
        if (Name.Length > 0) Name = "";
        Replies = ReplyMode.On;
        NoEvict = false;
        NoTouch = false;
        RequiresAuthentication(mustAuthenticate);
    }

    private static ReadOnlySpan<byte> Unblocked => "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"u8;

    /// <summary>Whether a name, library name or version has only characters that CLIENT LIST can show.</summary>
    public static bool IsPrintable(ReadOnlySpan<byte> text) => !text.ContainsAnyExceptInRange((byte)'!', (byte)'~');

    /// <summary>The text of an argument that passed <see cref="IsPrintable"/>.</summary>
    public static string TextOf(ReadOnlySpan<byte> text) => Encoding.ASCII.GetString(text);

    // What a client has called itself and its library. Those that have not, most of them, share one.
    private sealed record ClientNames(string Client, string Library, string LibraryVersion)
    {
        public static ClientNames None { get; } = new("", "", "");
    }
}
