using System.Text;
using Millrace.Commands;
using Millrace.Engine;
using Millrace.Net;
using Millrace.Resp;
using Millrace.Server.Effects;

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
    private ClientNames _names = ClientNames.None;

    /// <summary>A client on a new connection.</summary>
    public Client(long id, Connection connection, bool mustAuthenticate)
    {
        Id = id;
        Connection = connection;
        RequiresAuthentication(mustAuthenticate);
    }

    /// <inheritdoc/>
    public override long Id { get; }

    /// <summary>The client's connection.</summary>
    public Connection Connection { get; }

    /// <summary>Cuts requests out of the connection's input.</summary>
    public RequestParser Parser { get; } = new();

    /// <summary>The protocol version, 2 or 3.</summary>
    public int Protocol { get; set; } = 2;

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

    /// <summary>Whether the reply to its last request comes later (WAIT); it is parked until then.</summary>
    public bool IsBlocked { get; private set; }

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

    /// <summary>Where the effects of units go that a handler ends itself; set by the loop's executor.</summary>
    internal EffectRecorder? Recorder { get; set; }

    /// <inheritdoc/>
    public override void BeginUnit(Unit unit, ulong partitions)
    {
        base.BeginUnit(unit, partitions);
        Recorder?.Prepare(unit);
    }

    /// <inheritdoc/>
    public override void EndUnit(Unit unit)
    {
        Recorder?.AppendRemovals(unit);
        unit.End();
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

    /// <summary>Closes the connection at once; replies that have not left are dropped.</summary>
    public void CloseNow()
    {
        _gates |= Gate.Closing;
        Connection.CloseNow();
    }

    /// <summary>
    /// Sends the reply to the running command later and takes no request before. The handler writes nothing.
    /// </summary>
    /// <param name="delayMs">How much later; 0: never, until the client leaves.</param>
    /// <param name="reply">The reply in protocol form.</param>
    public void ReplyLater(long delayMs, byte[] reply)
    {
        IsBlocked = IsParked = true;
        if (delayMs == 0) return;
        var isSilent = Replies != ReplyMode.On;
        Connection.Loop.StartTimer(delayMs, _ => Unblock(isSilent ? [] : reply));
    }

    private void Unblock(byte[] reply)
    {
        if (IsClosing || !Connection.IsOpen) return;
        IsBlocked = IsParked = false;
        Connection.Output.Append(reply);
        Connection.Loop.MarkReady(Connection);
    }

    /// <summary>Back to the state of a fresh connection, as RESET says.</summary>
    public void Reset(bool mustAuthenticate)
    {
        Database = 0;
        Protocol = 2;
        if (Name.Length > 0) Name = "";
        Replies = ReplyMode.On;
        NoEvict = false;
        NoTouch = false;
        RequiresAuthentication(mustAuthenticate);
    }

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
