// DEBUG: tools for tests and for those who look for faults.
//
// One command, as with Redis: its subcommands are not listed, and an unknown one and a wrong number of arguments have
// one error. It is refused unless enable-debug-command allows it. It runs while all loops stand still: SLEEP has to
// stall the whole server, and the others need not be fast.
// Source: redis-server 7.0.15, "DEBUG HELP" and its replies.

using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Millrace.Commands;
using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Resp;
using Millrace.Server.Config;
using Millrace.Server.Persistence;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Server.Observability;

/// <summary>The DEBUG command.</summary>
public sealed class DebugCommand(ServerParts parts)
{
    /// <summary>What DEBUG LOG writes of a message, as long as a line of Redis's log.</summary>
    private const int MaxLoggedBytes = 1024;

    // What DEBUG POPULATE asks for besides each value, so that it stops before the reserve is touched.
    private const int RoomPerKey = 64 * 1024;

    private readonly ServerParts _parts = parts;

    /// <summary>The family's commands.</summary>
    public IEnumerable<CommandSpec> All() =>
    [
        new("debug", -2, Debug)
        {
            Flags = CommandFlags.Admin | CommandFlags.NoScript | CommandFlags.Loading | CommandFlags.Stale,
            Locks = LockScope.Quiesced,
            IsForTheSystem = true,
            Summary = "A container for debugging commands.",
            Since = "1.0.0",
            Complexity = "Depends on subcommand.",
            Group = "server",
        },
    ];

    private void Debug(ref Call call)
    {
        if (!IsAllowed(call.Client()))
        {
            call.Reply.Error("ERR DEBUG command not allowed. If the enable-debug-command option is set to "u8
                + "\"local\", you can run it from a local connection, otherwise you need to set this option in the "u8
                + "configuration file, and then restart the server."u8);
            return;
        }

        var count = call.Args.Count;
        if (count == 2 && call.Is(1, "HELP"u8)) Help(ref call);
        else if (count == 3 && call.Is(1, "LISTPACK"u8)) DebugLists.Listpack(ref call, _parts);
        else if (TryDebugKeyspace(ref call, count)) return;
        else if (count == 3 && call.Is(1, "AOF-FLUSH-SLEEP"u8)) SetFlushSleep(ref call);
        else if (count == 2 && call.Is(1, "CONFIG-REWRITE-FORCE-ALL"u8)) RewriteConfiguration(ref call);
        else if (count == 3 && call.Is(1, "DICT-RESIZING"u8)) call.Reply.Ok();
        else if (count == 3 && call.Is(1, "LOG"u8)) Log(ref call);
        else if (count == 3 && call.Is(1, "OBJECT"u8)) Object(ref call);
        else if (count == 3 && call.Is(1, "PAUSE-CRON"u8)) PauseCron(ref call);
        else if (count is >= 3 and <= 5 && call.Is(1, "POPULATE"u8)) Populate(ref call);
        else if (count == 3 && call.Is(1, "PROTOCOL"u8)) DebugProtocol.Write(ref call);
        else if (count == 3 && call.Is(1, "QUICKLIST-PACKED-THRESHOLD"u8)) DebugLists.SetPlainBytes(ref call, _parts);
        else if (count == 3 && call.Is(1, "SET-ACTIVE-EXPIRE"u8)) SetActiveExpire(ref call);
        else if (count == 3 && call.Is(1, "SET-SKIP-CHECKSUM-VALIDATION"u8)) SetSkipChecksums(ref call);
        else if (count == 3 && call.Is(1, "SLEEP"u8)) Sleep(ref call);
        else if (count == 4 && call.Is(1, "STRINGMATCH-LEN"u8)) StringMatchLen(ref call);
        else
        {
            ErrorTexts.WriteSubcommandSyntax(call.Reply, call.Args[1], "DEBUG"u8);
        }
    }

    private bool TryDebugKeyspace(ref Call call, int count)
    {
        CommandHandler? handler = null;
        if (call.Is(1, "RELOAD"u8)) handler = Reload;
        if (count == 2 && call.Is(1, "LOADAOF"u8)) handler = LoadAof;
        if (count == 2 && call.Is(1, "DIGEST"u8)) handler = DebugKeyspace.Digest;
        else if (call.Is(1, "DIGEST-VALUE"u8)) handler = DebugKeyspace.DigestValue;
        else if (count is 3 or 4 && call.Is(1, "HTSTATS"u8)) handler = DebugKeyspace.TableStats;
        else if (count is 3 or 4 && call.Is(1, "HTSTATS-KEY"u8)) handler = DebugKeyspace.TableStatsOfKey;
        if (handler is null) return false;
        SaveCommands.HoldAll(call.Unit);
        handler(ref call);
        return true;
    }

    private bool IsAllowed(Client client) => _parts.Configuration.Settings.DebugCommand switch
    {
        ProtectedAction.Yes => true,
        ProtectedAction.Local => client.Connection is { IsLoopback: true } or { IsUnixSocket: true },
        _ => false,
    };

    private static void Help(ref Call call) => HelpText.Write(
        call.Reply,
        "DEBUG",
        [
            "AOF-FLUSH-SLEEP <microsec>", "Sleep before each write to the append-only file.",
            "CONFIG-REWRITE-FORCE-ALL", "CONFIG REWRITE with all directives, those at their defaults, too.",
            "DICT-RESIZING <0|1>", "Accepted without a meaning: tables here grow by parts and never resize as a whole.",
            "DIGEST", "A digest of all data, equal for equal data.",
            "DIGEST-VALUE <key> [<key> ...]", "A digest of each value, equal for equal values.",
            "HTSTATS <dbid> [full]", "How full the tables of a database are.",
            "HTSTATS-KEY <key> [full]", "The same of the table that a large collection is stored in.",
            "LISTPACK <key>", "Write the elements of a listpack to the server's log.",
            "LOADAOF", "Write out the append-only file, remove all data, and load it from there.",
            "LOG <message>", "Write <message> to the server's log.",
            "OBJECT <key>", "How the value of a key is stored.",
            "PAUSE-CRON <0|1>", "Stop the work that is done once a second, or go on with it.",
            "POPULATE <count> [<prefix>] [<size>]",
            "Make <count> string keys named key:<num>, or <prefix>:<num>, that are not there yet.\nThey are not "
                + "propagated.",
            "PROTOCOL <type>",
            "Reply with a value of the type: string, integer, double, bignum, null, array, set,\nmap, attrib, push, "
                + "verbatim, true, false.",
            "QUICKLIST-PACKED-THRESHOLD <size>",
            "From which length on an element of a list has a chunk of its own, below 4gb.\n0: when it is longer than a "
                + "chunk may be.",
            "RELOAD [MERGE] [NOFLUSH] [NOSAVE]",
            "Save all data, remove it, and load it again.\nMERGE: keys of the file replace those that are there.\n"
                + "NOFLUSH: do not remove data before. A key that is there already is an error, unless MERGE.\n"
                + "NOSAVE: load the file that is there.",
            "SET-ACTIVE-EXPIRE <0|1>", "Leave expired keys alone until somebody asks for them, or remove them again.",
            "SET-SKIP-CHECKSUM-VALIDATION <0|1>", "Do not compare checksums of RDB files and of RESTORE, or do again.",
            "SLEEP <seconds>", "Stall the whole server. Decimals allowed.",
            "STRINGMATCH-LEN <pattern> <string>", "1 when the glob pattern matches the string, otherwise 0.",
        ]);

    private void RewriteConfiguration(ref Call call)
    {
        string? fault = _parts.Configuration.FilePath is null
            ? "The server is running without a config file"
            : ConfigRewrite.ToDisk(_parts.Configuration, everything: true);
        if (fault is null) call.Reply.Ok();
        else call.Reply.Error(Encoding.UTF8.GetBytes($"ERR CONFIG-REWRITE-FORCE-ALL failed: {fault}"));
    }

    private void Log(ref Call call)
    {
        var message = ErrorTexts.Quotable(call.Args[2], MaxLoggedBytes);
        _parts.Journal.Warning("DEBUG LOG: " + Encoding.UTF8.GetString(message));
        call.Reply.Ok();
    }

    private void Object(ref Call call)
    {
        var key = Hold(ref call, _parts, call.Args[2]);
        var entry = call.Unit.Find(key, Access.Peek);
        if (entry.IsMissing)
        {
            call.Reply.Error(ErrorTexts.NoSuchKey);
            return;
        }

        var encoding = Encoding.ASCII.GetString(Value.EncodingName(entry));
        var idle = AccessClock.IdleMs(entry.AccessClock, call.Unit.NowMs) / 1000;
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"Value at:0x{entry.Block.Value:x} refcount:1 encoding:{encoding} "
                + $"serializedlength:{SerializedLength(entry)} lru:{entry.AccessClock} lru_seconds_idle:{idle}");
        call.Reply.Simple(Encoding.ASCII.GetBytes(text + QuicklistFields(entry)));
    }

    // As the C servers end the line for a list that is no listpack.
    private string QuicklistFields(in Entry entry)
    {
        if (entry.Type != ValueType.List) return "";
        var (chunks, bytes) = ListValue.Chunks(entry);
        if (chunks == 0) return "";
        var encodings = _parts.Configuration.Settings.Encodings;
        var average = (double)ListValue.Length(entry) / chunks;
        var isCompressed = encodings.ListCompressDepth == 0 ? 0 : 1;
        return string.Create(
            CultureInfo.InvariantCulture,
            $" ql_nodes:{chunks} ql_avg_node:{average:F2} ql_listpack_max:{encodings.ListChunk} "
                + $"ql_compressed:{isCompressed} ql_uncompressed_size:{bytes}");
    }

    private void PauseCron(ref Call call)
    {
        _parts.PeriodicWork.IsPaused = LeadingNumber(call.Args[2]) != 0;
        call.Reply.Ok();
    }

    // Not a change in the sense of the effect log: as with Redis, replicas and logs do not learn of these keys.
    private void Populate(ref Call call)
    {
        if (!call.TryPositive(2, out var count)) return;
        var size = 0L;
        if (call.Args.Count > 4 && !call.TryPositive(4, out size)) return;
        if (size > Math.Min(call.Caller.MaxBulkLength, StringValue.MaxBytes))
        {
            call.Reply.Error(ErrorTexts.StringTooLong);
            return;
        }

        var prefix = call.Args.Count > 3 ? call.Args[3] : "key"u8;
        var name = new byte[prefix.Length + 1 + Numbers.MaxInt64Bytes];
        prefix.CopyTo(name);
        name[prefix.Length] = (byte)':';
        Span<byte> text = stackalloc byte["value:"u8.Length + Numbers.MaxInt64Bytes];
        "value:"u8.CopyTo(text);
        var padded = new byte[size];
        SaveCommands.HoldAll(call.Unit);
        for (var i = 0L; i < count; i++)
        {
            var digits = Numbers.FormatInt64(i, name.AsSpan(prefix.Length + 1));
            Numbers.FormatInt64(i, text["value:"u8.Length..]);
            var value = text[..("value:"u8.Length + digits)];
            var bytes = name.AsSpan(0, prefix.Length + 1 + digits);
            var key = new Key(call.Caller.Database, _parts.Keyspace.HashOf(bytes), bytes);
            if (!call.Unit.Find(key, Access.Peek).IsMissing) continue;
            if (size > 0)
            {
                var kept = (int)Math.Min(size, value.Length);
                value[..kept].CopyTo(padded);
                value = padded;
            }

            if (!call.HasRoomFor(value.Length + RoomPerKey)) return;
            StringValue.SetBytes(call.Unit, key, default, value, -1);
            call.Unit.Changed(key);     // whoever watches the key hears of it, but it is not counted, nor propagated
            call.Unit.ChangedMany(-1);
        }

        call.Reply.Ok();
    }

    private void SetActiveExpire(ref Call call)
    {
        _parts.ActiveExpiry.IsEnabled = LeadingNumber(call.Args[2]) != 0;
        call.Reply.Ok();
    }

    private void SetSkipChecksums(ref Call call)
    {
        _parts.Keyspace.VerifiesChecksums = LeadingNumber(call.Args[2]) == 0;
        call.Reply.Ok();
    }

    private void Reload(ref Call call) => DebugReload.Run(ref call, _parts.Snapshots, _parts.Loading);

    private void LoadAof(ref Call call) => DebugReload.LoadAof(ref call, _parts.AppendOnly, _parts.Loading);

    private void SetFlushSleep(ref Call call)
    {
        if (_parts.AppendOnly.Journal is { } journal)
            journal.FlushSleepMicroseconds = Math.Max(LeadingNumber(call.Args[2]), 0);
        call.Reply.Ok();
    }

    private static void Sleep(ref Call call)
    {
        var text = call.Args[2];
        if (!Utf8Parser.TryParse(text, out double seconds, out _) || double.IsNaN(seconds)) seconds = 0;
        Thread.Sleep((int)Math.Clamp(seconds * 1000, 0, int.MaxValue));
        call.Reply.Ok();
    }

    private static void StringMatchLen(ref Call call) =>
        call.Reply.Integer(Glob.MatchesAll(call.Args[2]) || Glob.Matches(call.Args[2], call.Args[3]) ? 1 : 0);

    // The unit began without partitions; all loops stand still, so they can be had at once.
    internal static Key Hold(ref Call call, ServerParts parts, ReadOnlySpan<byte> name)
    {
        SaveCommands.HoldAll(call.Unit);
        return new Key(call.Caller.Database, parts.Keyspace.HashOf(name), name);
    }

    // Like C's atoi: what does not begin with a number is 0.
    private static int LeadingNumber(ReadOnlySpan<byte> text) =>
        Utf8Parser.TryParse(text, out int number, out _) ? number : 0;

    // Bytes of the value in an RDB file without compression (RDB format, "String encoding").
    private static long SerializedLength(in Entry entry)
    {
        const int longestNumber = 11;
        if (entry.Type != ValueType.String) return 0;
        Span<byte> scratch = stackalloc byte[StringValue.ScratchBytes];
        var text = StringValue.Read(entry, scratch);
        if (text.Length <= longestNumber && Numbers.TryParseInt64(text, out var number))
        {
            if (number is >= sbyte.MinValue and <= sbyte.MaxValue) return 2;
            if (number is >= short.MinValue and <= short.MaxValue) return 3;
            if (number is >= int.MinValue and <= int.MaxValue) return 5;
        }

        return text.Length + (text.Length < 64 ? 1 : text.Length < 16384 ? 2 : 5);
    }
}
