using System.Text;
using Millrace.Resp;

namespace Millrace.Commands;

/// <summary>Runs a command: reads its arguments, works on the unit, writes exactly one reply.</summary>
public delegate void CommandHandler(ref Call call);

/// <summary>Whether an argument of a request is a secret, a password for example: nobody else sees it.</summary>
/// <param name="args">The request, well-formed or not.</param>
/// <param name="index">The argument.</param>
public delegate bool SecretTest(Args args, int index);

/// <summary>
/// A command, declared once. Dispatch, COMMAND and its subcommands, ACL categories, key extraction, locking and the
/// command reference are derived from it.
/// </summary>
public sealed class CommandSpec
{
    private int _longestShort;
    private readonly CommandSpec[] _subcommands = [];

    /// <summary>Declares a command or a subcommand.</summary>
    /// <param name="name">Lower case, without the container's name.</param>
    /// <param name="arity">The exact number of arguments with the name(s), or minus the least number.</param>
    /// <param name="handler">What runs it; null for a container whose subcommands do.</param>
    public CommandSpec(string name, int arity, CommandHandler? handler)
    {
        Name = name;
        NameBytes = Encoding.ASCII.GetBytes(name);
        Arity = arity;
        Handler = handler;
    }

    /// <summary>The name in lower case, without the container's.</summary>
    public string Name { get; }

    /// <summary>The name's bytes.</summary>
    public byte[] NameBytes { get; }

    /// <summary>The full name: <c>get</c>, <c>client|list</c>.</summary>
    public string FullName => Container is null ? Name : Container.Name + "|" + Name;

    /// <summary>The exact number of arguments with the name(s), or minus the least number.</summary>
    public int Arity { get; }

    /// <summary>What runs it; null for a container that always needs a subcommand.</summary>
    public CommandHandler? Handler { get; }

    /// <summary>What it is and may do.</summary>
    public CommandFlags Flags { get; init; }

    /// <summary>Its ACL categories beyond those that follow from the flags.</summary>
    public AclCategories Categories { get; init; }

    /// <summary>Where its keys are.</summary>
    public KeySpec[] Keys { get; init; } = [];

    /// <summary>Which partitions its unit holds.</summary>
    public LockScope Locks { get; init; }

    /// <summary>Whether it runs at once even when the connection queues commands (EXEC, DISCARD).</summary>
    public bool RunsWhileQueueing { get; init; }

    /// <summary>Whether a subscriber may send it though it speaks RESP2 (SUBSCRIBE, PING, ...).</summary>
    public bool RunsWhileSubscribed { get; init; }

    /// <summary>Whether it is refused like a write while data cannot be kept, so that whoever watches the server hears
    /// of that (PING).</summary>
    public bool TellsHealth { get; init; }

    /// <summary>Whether it stores arguments whole: large ones are copied before its unit begins then
    /// (<see cref="LargeValues"/>).</summary>
    public bool StoresWhole { get; init; }

    /// <summary>How many times of what its keys hold together it may make, for a while or for good, however short the
    /// request; 0: what it makes is bounded by the request (<see cref="LargeValues.TryAdmit"/>), or it asks for room
    /// itself.</summary>
    public int CopiesOfKeys { get; init; }

    /// <summary>Whether it takes a little memory each time though <c>maxmemory</c> does not stop it, as Redis has it
    /// (EXPIRE): it is refused when many of its kind have used up the reserve for them.</summary>
    public bool TakesReserve { get; init; }

    /// <summary>Whether it is asked, however short the request, if there is room for what it makes
    /// (<see cref="CopiesOfKeys"/>, <see cref="TakesReserve"/>).</summary>
    public bool NeedsRoom => CopiesOfKeys != 0 || TakesReserve;

    /// <summary>Which argument names a member of the collection at its only key (a field, a member), so that it can be
    /// fetched ahead; 0: none.</summary>
    public int MemberAt { get; init; }

    /// <summary>Which arguments are secrets; null: none is.</summary>
    public SecretTest? Secrets { get; init; }

    /// <summary>The arguments in the notation of <see cref="Syntax"/>, without the name.</summary>
    public string Syntax { get; init; } = "";

    /// <summary>One sentence of what it does.</summary>
    public required string Summary { get; init; }

    /// <summary>The version of Redis that brought it.</summary>
    public required string Since { get; init; }

    /// <summary>Its cost.</summary>
    public required string Complexity { get; init; }

    /// <summary>With how many arguments, the name(s) included, a fast command is still short (<see cref="IsShort"/>),
    /// when those are more than it must have.</summary>
    public int ShortArgs { get; init; }

    /// <summary>The functional group of COMMAND DOCS: string, generic, connection, server, ...</summary>
    public required string Group { get; init; }

    /// <summary>What changed since it came, as (version, change).</summary>
    public (string Version, string Change)[] History { get; init; } = [];

    /// <summary>Hints for clients and proxies (Redis documentation, "Command tips").</summary>
    public string[] Tips { get; init; } = [];

    /// <summary>Since when it is deprecated, or null.</summary>
    public string? DeprecatedSince { get; init; }

    /// <summary>What to use instead of a deprecated command, or null.</summary>
    public string? ReplacedBy { get; init; }

    /// <summary>Whether it is meant for the system and its tests rather than for applications (doc flag
    /// <c>syscmd</c>).</summary>
    public bool IsForTheSystem { get; init; }

    /// <summary>The container, for a subcommand.</summary>
    public CommandSpec? Container { get; private set; }

    /// <summary>Its subcommands; empty for a plain command.</summary>
    public CommandSpec[] Subcommands
    {
        get => _subcommands;
        init
        {
            _subcommands = value;
            foreach (var one in value) one.Container = this;
        }
    }

    /// <summary>The position in the table: counters are kept by it. Set by <see cref="CommandTable"/>.</summary>
    public int Id { get; private set; } = -1;

    /// <summary>The argument that is its only key, when it always has exactly one at a fixed place; 0 otherwise.
    /// Computed like <see cref="StoppedBy"/>.</summary>
    public int OnlyKey { get; private set; }

    /// <summary>Whether it may change the keyspace, be it only what a read keeps for later (PFCOUNT). Computed like
    /// <see cref="StoppedBy"/>.</summary>
    public bool IsWrite { get; private set; }

    /// <summary>The gates that stop it when they are closed. Computed once: the table asks when it takes the command
    /// in. That of loading stops what takes partitions as well, though it may run (<see cref="RunsWhileLoading"/>): it
    /// must not meet those who load.</summary>
    public Gate StoppedBy { get; private set; }

    /// <summary>Whether it may run while a data file is loading.</summary>
    public bool RunsWhileLoading => (Flags & CommandFlags.Loading) != 0;

    /// <summary>All ACL categories, those that follow from the flags included.</summary>
    public AclCategories AllCategories
    {
        get
        {
            var all = Categories;
            if ((Flags & CommandFlags.Write) != 0) all |= AclCategories.Write;
            if ((Flags & CommandFlags.ReadOnly) != 0 && (all & AclCategories.Scripting) == 0) all |= AclCategories.Read;
            if ((Flags & CommandFlags.Admin) != 0) all |= AclCategories.Admin | AclCategories.Dangerous;
            if ((Flags & CommandFlags.PubSub) != 0) all |= AclCategories.PubSub;
            if ((Flags & CommandFlags.Blocking) != 0) all |= AclCategories.Blocking;
            return all | ((Flags & CommandFlags.Fast) != 0 ? AclCategories.Fast : AclCategories.Slow);
        }
    }

    /// <summary>Takes the command into a table: its number there, and what is computed from its flags.</summary>
    internal void Number(int id)
    {
        Id = id;
        var gates = Gate.AllPaused | Gate.Closing;
        if ((Flags & CommandFlags.NoAuth) == 0) gates |= Gate.Unauthenticated;
        var takesPartitions = Keys.Length > 0 || Locks is not (LockScope.Keys or LockScope.Quiesced);
        if (!RunsWhileLoading || takesPartitions) gates |= Gate.Loading;
        if ((Flags & (CommandFlags.Write | CommandFlags.MayReplicate)) != 0) gates |= Gate.WritesPaused;
        if ((Flags & (CommandFlags.Write | CommandFlags.MayReplicate)) != 0) gates |= Gate.LogBehind | Gate.LogBroken;
        if (TellsHealth) gates |= Gate.LogBroken | Gate.NotDurable;
        if (!RunsWhileQueueing) gates |= Gate.Queueing;
        if (!RunsWhileSubscribed) gates |= Gate.Subscribed;
        if ((Flags & CommandFlags.DenyOom) != 0) gates |= Gate.OverMemory;
        IsWrite = (Flags & (CommandFlags.Write | CommandFlags.MayReplicate)) != 0;
        if (IsWrite || Keys.Length > 0 || (Flags & CommandFlags.PubSub) != 0) gates |= Gate.TooMuchMail;
        if (IsWrite) gates |= Gate.SnapshotBehind | Gate.NotDurable;
        StoppedBy = gates;
        if (Keys is [{ IsFixed: true, LastKey: 0 } only]) OnlyKey = only.BeginIndex;
        var isConstant = Complexity.StartsWith("O(1)", StringComparison.Ordinal);
        var isFast = isConstant || (Flags & CommandFlags.Fast) != 0;
        _longestShort = Complexity == "O(1)" ? int.MaxValue : isFast ? Math.Max(Math.Abs(Arity), ShortArgs) : 0;
    }

    /// <summary>Whether a call with so many arguments, the name(s) included, costs so little whatever the data that a
    /// run of equal ones may be timed as one: always, or when it has no more than it must (SADD of one
    /// member).</summary>
    public bool IsShort(int count) => count <= _longestShort;

    /// <summary>Whether this many arguments, the name(s) included, are right.</summary>
    public bool AcceptsCount(int count) => Arity >= 0 ? count == Arity : count >= -Arity;

    /// <summary>The subcommand of a name in any case, or null.</summary>
    public CommandSpec? FindSubcommand(ReadOnlySpan<byte> name)
    {
        foreach (var one in _subcommands)
        {
            if (Words.Equal(name, one.NameBytes)) return one;
        }

        return null;
    }
}
