using System.Buffers.Binary;
using Millrace.Engine;
using Millrace.Engine.Codec;
using Millrace.Memory;

namespace Millrace.Persistence.Rdb;

/// <summary>
/// Reads an RDB file of versions 1 to 12, or of Valkey's version 80, and hands its records to a sink.
/// </summary>
/// <remarks>
/// <code>
///   magic -> ( record ) ... -> End -> checksum, since version 5
///
///   record   Aux, Function, Database, Resize, SlotInfo                handed over, or passed over
///            DeadlineMs, DeadlineSeconds, Idle, Frequency             kept for the key that follows
///            type, name, value                                        handed over with what was kept
/// </code>
/// Nothing that the file says is believed: lengths are compared with what can still come before memory is taken, and a
/// record may take no more memory than the sink says. Keys have been handed over when the checksum is found to be
/// wrong: whoever cannot live with that gives up everything when <see cref="Read"/> says so. Nothing throws, whatever
/// the bytes are. One use, by one thread; <see cref="Position"/> by any.
/// Source: docs/formats/rdb.md.
/// </remarks>
public sealed class RdbReader
{
    /// <summary>The longest name and the longest value of something about the file that is handed over.</summary>
    public const int MaxAuxBytes = 1024;

    private const int FirstVersionWithChecksum = 5;
    private const int MillisecondsPerSecond = 1000;
    private const int SlotNumbers = 3;

    private readonly RdbInput _input;
    private readonly IRdbSink _sink;
    private readonly Heap _scratch;
    private readonly bool _verifies;
    private TextRoom _name;
    private TextRoom _value;
    private RdbMagic _magic;
    private int _database;
    private long _deadlineMs;
    private long _idleSeconds;
    private int _frequency;
    private long _recordAt;

    /// <summary>A reader of one file.</summary>
    /// <param name="input">The file.</param>
    /// <param name="sink">What takes it.</param>
    /// <param name="scratch">Lends memory for names and for texts in the making. Nobody else uses it until the reading
    /// is over; a heap of one's own, or that of a partition that is held.</param>
    /// <param name="verifies">Whether a checksum that is there is compared.</param>
    public RdbReader(RdbInput input, IRdbSink sink, Heap scratch, bool verifies)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(sink);
        ArgumentNullException.ThrowIfNull(scratch);
        _input = input;
        _sink = sink;
        _scratch = scratch;
        _verifies = verifies;
    }

    /// <summary>Where the record begins that is being read, in bytes from the beginning of the file.</summary>
    public long Position => Volatile.Read(ref _recordAt);

    /// <summary>Reads the file up to the end of its RDB part.</summary>
    public RdbOutcome Read()
    {
        var reader = new ValueReader(_input, _scratch);
        var isVerified = false;
        var fault = ReadMagic(ref reader);
        ForgetKey();
        if (fault.IsNone) fault = ReadRecords(ref reader);
        if (fault.IsNone) fault = ReadChecksum(ref reader, out isVerified);
        _name.Dispose();
        _value.Dispose();
        return new RdbOutcome(fault, _magic, PositionWith(reader.Left), isVerified);
    }

    private RdbFault ReadMagic(scoped ref ValueReader reader)
    {
        Span<byte> bytes = stackalloc byte[RdbMagic.Bytes];
        if (!reader.TryBytes(bytes)) return Unreadable(ref reader, "");
        if (!RdbMagic.TryRead(bytes, out _magic))
            return Fault(RdbFaultKind.Signature, "Wrong signature trying to load DB from file");
        var isKnown = _magic.IsOfValkey
            ? _magic.Version == RdbMagic.VersionOfValkey
            : _magic.Version is >= 1 and <= RdbFormat.LatestVersion;
        if (isKnown) return default;
        var name = _magic.IsOfValkey ? "Valkey RDB" : "RDB";
        return Fault(RdbFaultKind.Version, $"Can't handle {name} format version {_magic.Version}");
    }

    private RdbFault ReadRecords(scoped ref ValueReader reader)
    {
        while (true)
        {
            Volatile.Write(ref _recordAt, PositionWith(reader.Left));
            reader.BeginValue(_sink.MostBytes);
            if (!reader.TryByte(out var code)) return Unreadable(ref reader, "");
            if ((RdbOpcode)code == RdbOpcode.End) return default;
            var fault = code >= (int)RdbOpcode.SlotImport
                ? ReadRecord((RdbOpcode)code, ref reader)
                : ReadKey(code, ref reader);
            if (!fault.IsNone) return fault;
        }
    }

    private RdbFault ReadRecord(RdbOpcode opcode, scoped ref ValueReader reader)
    {
        switch (opcode)
        {
            case RdbOpcode.DeadlineMs or RdbOpcode.DeadlineSeconds or RdbOpcode.Idle or RdbOpcode.Frequency:
                return ReadOfNextKey(opcode, ref reader);
            case RdbOpcode.Database:
                return ReadDatabase(ref reader);
            case RdbOpcode.Resize:
                if (!reader.TryLength(out var keys) || !reader.TryLength(out var deadlines))
                    return Unreadable(ref reader, "sizes of a database");
                _sink.Resize(_database, keys, deadlines);
                return default;
            case RdbOpcode.SlotInfo:
                for (var i = 0; i < SlotNumbers; i++)
                {
                    if (!reader.TryLength(out _)) return Unreadable(ref reader, "sizes of a slot");
                }

                return default;
            case RdbOpcode.Aux:
                return ReadAux(ref reader);
            case RdbOpcode.Function:
                if (!reader.TryReadText(ref _value, out var code))
                    return Unreadable(ref reader, "library of functions");
                return _sink.Function(code) is { } refused
                    ? Fault(RdbFaultKind.Function, "Failed loading library, " + refused)
                    : default;
            case RdbOpcode.FunctionEarly:
                return Fault(RdbFaultKind.Record, "Pre-release function format not supported.");
            case RdbOpcode.ModuleAux:
                if (!reader.TryLength(out var id)) return Unreadable(ref reader, "AUX data of a module");
                return Fault(
                    RdbFaultKind.Module,
                    "The RDB file contains AUX module data I can't load: no matching module '" + ModuleName.Of(id)
                    + "'");
            default:
                return Fault(RdbFaultKind.Record, $"Unknown RDB opcode {(int)opcode}");
        }
    }

    // What is too long for anything that is known is passed over as it is stored.
    private RdbFault ReadAux(scoped ref ValueReader reader)
    {
        var isRight = TryReadAuxText(ref reader, ref _name, out var hasName, out var name);
        ReadOnlySpan<byte> value = default;
        var hasValue = false;
        isRight = isRight && TryReadAuxText(ref reader, ref _value, out hasValue, out value);
        if (!isRight) return Unreadable(ref reader, "AUX field");
        if (hasName && hasValue) _sink.Aux(name, value);
        return default;
    }

    private static bool TryReadAuxText(
        scoped ref ValueReader reader, scoped ref TextRoom room, out bool isShort, out ReadOnlySpan<byte> view)
    {
        view = default;
        isShort = false;
        if (!reader.TryText(out var text)) return false;
        isShort = text.Length <= MaxAuxBytes;
        return isShort ? reader.TryView(text, ref room, out view) : reader.TrySkip(text);
    }

    private RdbFault ReadOfNextKey(RdbOpcode opcode, scoped ref ValueReader reader)
    {
        bool isThere;
        switch (opcode)
        {
            case RdbOpcode.DeadlineMs:
                isThere = reader.TryInt64(out var milliseconds);
                _deadlineMs = Math.Max(milliseconds, 0);
                break;
            case RdbOpcode.DeadlineSeconds:
                Span<byte> seconds = stackalloc byte[sizeof(int)];
                isThere = reader.TryBytes(seconds);
                var deadline = (long)BinaryPrimitives.ReadInt32LittleEndian(seconds) * MillisecondsPerSecond;
                _deadlineMs = Math.Max(deadline, 0);
                break;
            case RdbOpcode.Idle:
                isThere = reader.TryLength(out var idle);
                _idleSeconds = (long)Math.Min(idle, int.MaxValue);
                break;
            default:
                isThere = reader.TryByte(out var frequency);
                _frequency = frequency;
                break;
        }

        return isThere ? default : Unreadable(ref reader, "what belongs to the next key");
    }

    private RdbFault ReadDatabase(scoped ref ValueReader reader)
    {
        if (!reader.TryLength(out var database)) return Unreadable(ref reader, "number of a database");
        if (database >= (ulong)_sink.Databases)
        {
            return Fault(
                RdbFaultKind.Database,
                $"Data file was created with a server configured to handle more than {_sink.Databases} databases");
        }

        _database = (int)database;
        return default;
    }

    private RdbFault ReadKey(int code, scoped ref ValueReader reader)
    {
        if (!TryType(code, out var type)) return Fault(RdbFaultKind.Record, $"Unknown RDB encoding type {code}");
        if (!reader.TryReadText(ref _name, out var name)) return Unreadable(ref reader, "name of a key");
        if (name.Length > Entry.MaxKeyBytes) return Fault(RdbFaultKind.Record, "The name of a key is too long");
        if (type == RdbType.None) return ReadModuleValue(name, ref reader);
        var key = new RdbKey(_database, name, type)
        {
            DeadlineMs = _deadlineMs, IdleSeconds = _idleSeconds, Frequency = _frequency, Offset = _recordAt,
        };
        var taking = _sink.Take(key, ref reader);
        ForgetKey();
        if (taking == RdbTaking.Taken) return default;
        if (taking == RdbTaking.Duplicate) return KeyFault.Duplicate(key);
        if (taking == RdbTaking.Stopped) return Fault(RdbFaultKind.Stopped, "Given up");

        // Servers of long ago have written collections without members; such a key is passed over, as Redis does.
        if (reader.HasNoMembers) return default;
        var fault = Unreadable(ref reader, KeyFault.ValueOf(key));
        return fault.Kind == RdbFaultKind.Record ? fault with { Detail = IntegrityText.Of(key.Type) } : fault;
    }

    private RdbFault ReadModuleValue(scoped ReadOnlySpan<byte> name, scoped ref ValueReader reader)
    {
        if (!reader.TryLength(out var id)) return Unreadable(ref reader, "value of a module");
        return Fault(
            RdbFaultKind.Module,
            "The RDB file contains module data I can't load: no matching module type '" + ModuleName.Of(id)
            + "' (key '" + ShownText.Of(name) + "')");
    }

    // None: a module's.
    private bool TryType(int code, out RdbType type)
    {
        const int ModuleEarly = 6;
        const int Module = 7;
        type = (RdbType)code;
        if (code is ModuleEarly or Module) type = RdbType.None;
        if (!_magic.IsOfValkey) return code is >= 0 and <= 7 or >= 9 and <= (int)RdbType.HashDeadlinesListpack;
        if (type == RdbType.HashDeadlinesEarly) type = RdbType.HashDeadlinesOfValkey;
        return code is >= 0 and <= 7 or >= 9 and <= (int)RdbType.HashDeadlinesEarly;
    }

    private RdbFault ReadChecksum(scoped ref ValueReader reader, out bool isVerified)
    {
        isVerified = false;
        if (!_magic.IsOfValkey && _magic.Version < FirstVersionWithChecksum) return default;
        var expected = _input.ChecksumWithout((int)(reader.Left - _input.Left));
        if (!reader.TryInt64(out var bits)) return Unreadable(ref reader, "");
        var found = (ulong)bits;
        isVerified = _verifies && found != 0;
        return !isVerified || found == expected
            ? default
            : Fault(RdbFaultKind.Checksum, $"Wrong RDB checksum expected: ({expected:x}) but got ({found:x})");
    }

    private void ForgetKey() => (_deadlineMs, _idleSeconds, _frequency) = (-1, -1, -1);

    // Where somebody is for whom so many bytes are left.
    private long PositionWith(long left) => _input.Given - (left - _input.Left);

    private RdbFault Unreadable(scoped ref ValueReader reader, string what)
    {
        if (_input.Fault is { } reason) return Fault(RdbFaultKind.Disk, "Error reading the RDB file: " + reason);
        if (reader.EndsEarly) return Fault(RdbFaultKind.EndsEarly, "Unexpected EOF reading RDB file");
        return reader.IsTooLarge
            ? Fault(RdbFaultKind.Memory, KeyFault.TooLarge(what))
            : Fault(RdbFaultKind.Record, KeyFault.Invalid(what));
    }

    private RdbFault Fault(RdbFaultKind kind, string text) => new(kind, text, _recordAt);
}
