namespace Millrace.Commands;

/// <summary>What a command is and may do, as <c>COMMAND INFO</c> tells it (Redis documentation, "COMMAND",
/// "Flags").</summary>
[Flags]
public enum CommandFlags
{
    /// <summary>None of them.</summary>
    None = 0,

    /// <summary>May change the keyspace.</summary>
    Write = 1 << 0,

    /// <summary>Reads keys and changes nothing.</summary>
    ReadOnly = 1 << 1,

    /// <summary>Is refused when memory is used up.</summary>
    DenyOom = 1 << 2,

    /// <summary>Administers the server.</summary>
    Admin = 1 << 3,

    /// <summary>Publishes or subscribes.</summary>
    PubSub = 1 << 4,

    /// <summary>Must not be called by scripts.</summary>
    NoScript = 1 << 5,

    /// <summary>May block the client.</summary>
    Blocking = 1 << 6,

    /// <summary>May run while a data file is loading.</summary>
    Loading = 1 << 7,

    /// <summary>May run on a replica whose data may be stale.</summary>
    Stale = 1 << 8,

    /// <summary>Is not shown to MONITOR.</summary>
    SkipMonitor = 1 << 9,

    /// <summary>Is not put into the slow log.</summary>
    SkipSlowlog = 1 << 10,

    /// <summary>May run on a node that is importing the slot.</summary>
    Asking = 1 << 11,

    /// <summary>Takes constant or logarithmic time.</summary>
    Fast = 1 << 12,

    /// <summary>May run before authentication.</summary>
    NoAuth = 1 << 13,

    /// <summary>Changes no key, but may be replicated.</summary>
    MayReplicate = 1 << 14,

    /// <summary>Must not run while a file is loaded in the background.</summary>
    NoAsyncLoading = 1 << 15,

    /// <summary>Takes keys, but they may all be left out.</summary>
    NoMandatoryKeys = 1 << 16,

    /// <summary>May run while a script runs for too long.</summary>
    AllowBusy = 1 << 17,

    /// <summary>Must not be queued by MULTI.</summary>
    NoMulti = 1 << 18,

    /// <summary>Its keys cannot all be told from first, last and step.</summary>
    MovableKeys = 1 << 19,

    /// <summary>Is left out of COMMAND's lists (a container's subcommands are not affected).</summary>
    ProtectedCommand = 1 << 20,
}

/// <summary>The ACL categories (Redis documentation, "ACL", "Command categories").</summary>
[Flags]
public enum AclCategories
{
    /// <summary>None beyond those that follow from the flags.</summary>
    None = 0,

    /// <summary>@keyspace</summary>
    Keyspace = 1 << 0,

    /// <summary>@read</summary>
    Read = 1 << 1,

    /// <summary>@write</summary>
    Write = 1 << 2,

    /// <summary>@set</summary>
    Set = 1 << 3,

    /// <summary>@sortedset</summary>
    SortedSet = 1 << 4,

    /// <summary>@list</summary>
    List = 1 << 5,

    /// <summary>@hash</summary>
    Hash = 1 << 6,

    /// <summary>@string</summary>
    String = 1 << 7,

    /// <summary>@bitmap</summary>
    Bitmap = 1 << 8,

    /// <summary>@hyperloglog</summary>
    HyperLogLog = 1 << 9,

    /// <summary>@geo</summary>
    Geo = 1 << 10,

    /// <summary>@stream</summary>
    Stream = 1 << 11,

    /// <summary>@pubsub</summary>
    PubSub = 1 << 12,

    /// <summary>@admin</summary>
    Admin = 1 << 13,

    /// <summary>@fast</summary>
    Fast = 1 << 14,

    /// <summary>@slow</summary>
    Slow = 1 << 15,

    /// <summary>@blocking</summary>
    Blocking = 1 << 16,

    /// <summary>@dangerous</summary>
    Dangerous = 1 << 17,

    /// <summary>@connection</summary>
    Connection = 1 << 18,

    /// <summary>@transaction</summary>
    Transaction = 1 << 19,

    /// <summary>@scripting</summary>
    Scripting = 1 << 20,
}

/// <summary>Why a command may have to wait or be refused: one bit per reason, tested with one AND before every
/// command.</summary>
[Flags]
public enum Gate
{
    /// <summary>Nothing is closed.</summary>
    None = 0,

    /// <summary>The connection has not authenticated.</summary>
    Unauthenticated = 1 << 0,

    /// <summary>A data file is being loaded.</summary>
    Loading = 1 << 1,

    /// <summary>Writes wait until the pause ends.</summary>
    WritesPaused = 1 << 2,

    /// <summary>All commands wait until the pause ends.</summary>
    AllPaused = 1 << 3,

    /// <summary>The connection is to be closed: what it still sends is ignored.</summary>
    Closing = 1 << 4,

    /// <summary>The connection queues what it sends (MULTI): the command is kept for EXEC.</summary>
    Queueing = 1 << 5,

    /// <summary>Data takes more memory than it may: room has to be made before the command takes more. Tested before
    /// the locks only; nobody waits for it.</summary>
    OverMemory = 1 << 6,

    /// <summary>The connection speaks RESP2 and is subscribed: only what tells messages from replies may run.</summary>
    Subscribed = 1 << 7,

    /// <summary>The connection hears of what others do (messages, invalidations, MONITOR). It stops nothing: it marks
    /// clients whose mail is delivered before each reply.</summary>
    Listening = 1 << 8,

    /// <summary>Too much is on its way to clients that listen: commands that may cause more of it wait until less
    /// is. What administers the server goes on.</summary>
    TooMuchMail = 1 << 9,

    /// <summary>A snapshot cannot be written as fast as what it needs changes: writes wait until it can.</summary>
    SnapshotBehind = 1 << 10,

    /// <summary>Changes cannot be made to last, and the user has asked that none be made then: writes are refused.
    /// </summary>
    NotDurable = 1 << 11,

    /// <summary>The append-only file is behind: writes wait until it has caught up.</summary>
    LogBehind = 1 << 12,

    /// <summary>The append-only file cannot be written: writes are refused until it can.</summary>
    LogBroken = 1 << 13,
}

/// <summary>Which partitions a command's unit holds.</summary>
public enum LockScope
{
    /// <summary>Those of its keys; none for a command without keys.</summary>
    Keys,

    /// <summary>All of them: it works on the whole keyspace.</summary>
    All,

    /// <summary>None at first: the handler takes one partition at a time (SCAN, RANDOMKEY).</summary>
    Handler,

    /// <summary>None, and it runs while all other loops stand still between units (CLIENT LIST, CONFIG SET).</summary>
    Quiesced,

    /// <summary>Those of the keys that the connection watches (UNWATCH, DISCARD).</summary>
    Watched,

    /// <summary>Those of the keys that the connection watches and of all commands that it has queued, under
    /// quiescence when one of these needs it (EXEC).</summary>
    Transaction,
}
