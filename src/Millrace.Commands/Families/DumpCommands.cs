// DUMP and RESTORE: the value of a key as bytes, and a key made of such bytes.
//
// A payload is type, value, RDB version, checksum (docs/formats/dump.md); Millrace.Engine/Codec writes and reads it.
// Whatever a payload claims is checked before anything of it is stored: RESTORE makes the value apart, and the key
// keeps what it holds until that is complete.
// Source: Redis 7.2 documentation, "DUMP", "RESTORE".

using Millrace.Engine;
using Millrace.Engine.Codec;
using Millrace.Engine.Values;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Commands.Families;

/// <summary>DUMP, RESTORE and RESTORE-ASKING.</summary>
public static class DumpCommands
{
    private const string RestoreSyntax = "key ttl:integer serialized-value:string [REPLACE] [ABSTTL]"
        + " [IDLETIME seconds:integer] [FREQ frequency:integer]";

    private const string RestoreComplexity = "O(N*M) where N is the number of items of the value and M their average"
        + " size; O(N*M*log(N)) for a large sorted set.";

    private const int Name = 0;
    private const int Ttl = 2;
    private const int Payload = 3;
    private const int Options = 4;

    private static ReadOnlySpan<byte> BusyKey => "BUSYKEY Target key name already exists."u8;

    private static ReadOnlySpan<byte> NegativeTtl => "ERR Invalid TTL value, must be >= 0"u8;

    private static ReadOnlySpan<byte> WrongFooter => "ERR DUMP payload version or checksum are wrong"u8;

    private static ReadOnlySpan<byte> TooLong => "ERR the payload of the value would take more than 2 GB"u8;

    private static ReadOnlySpan<byte> NoForm => "ERR rdb-version has no form for the value of this key"u8;

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("dump", 2, Dump)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Keyspace,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key",
            CopiesOfKeys = 3,
            Summary = "Returns the value of a key in the form that RESTORE takes.",
            Since = "2.6.0",
            Complexity = "O(N*M) where N is the number of items of the value and M their average size.",
            Group = "generic",
            Tips = ["nondeterministic_output"],
        },
        new("restore", -4, Restore)
        {
            Flags = Write | DenyOom,
            Categories = AclCategories.Keyspace | AclCategories.Dangerous,
            Keys = [KeySpec.One(KeyFlags.OW | KeyFlags.Update)],
            Syntax = RestoreSyntax,
            Summary = "Makes a key of what DUMP has returned.",
            Since = "2.6.0",
            Complexity = RestoreComplexity,
            Group = "generic",
            History = History,
        },
        new("restore-asking", -4, Restore)
        {
            Flags = Write | DenyOom | Asking,
            Categories = AclCategories.Keyspace | AclCategories.Dangerous,
            Keys = [KeySpec.One(KeyFlags.OW | KeyFlags.Update)],
            Syntax = RestoreSyntax,
            Summary = "Makes a key of what DUMP has returned, in a slot that is being imported.",
            Since = "3.0.0",
            Complexity = RestoreComplexity,
            Group = "server",
            History = History,
            IsForTheSystem = true,
        },
    ];

    private static (string Version, string Change)[] History =>
    [
        ("3.0.0", "Added the `REPLACE` modifier."),
        ("5.0.0", "Added the `ABSTTL` modifier."),
        ("5.0.0", "Added the `IDLETIME` and `FREQ` options."),
    ];

    private static void Dump(ref Call call)
    {
        var entry = call.Read(1);
        if (entry.IsMissing)
        {
            call.Reply.Null();
            return;
        }

        var unit = call.Unit;
        var format = unit.Keyspace.Format;
        var type = ValueCodec.TypeOf(entry, format, unit.NowMs);
        if (type == RdbType.None)
        {
            call.Reply.Error(NoForm);
            return;
        }

        var heap = unit.PartitionFor(call.Key(1)).Heap;
        var encoded = unit.Encoded;
        encoded.Begin(heap, ValueCodec.ExpectedBytes(entry));
        var writer = new ValueWriter(encoded, heap, format);
        writer.Type(type);
        ValueCodec.Write(ref writer, entry, type, unit.NowMs);
        writer.End();
        encoded.Seal(format.VersionOf(type));
        if (encoded.IsTooLong) call.Reply.Error(TooLong);
        else if (encoded.IsBlob && call.Reply.TryBeginLate(encoded.Length)) encoded.Retain(unit.Retained);
        else call.Reply.Bulk(encoded.Bytes);
        encoded.Clear();
    }

    private static void Restore(ref Call call)
    {
        if (!RestoreOptions.TryRead(call, Options, out var options)) return;
        var key = call.Key(1);
        var existing = call.Write(1);
        if (!existing.IsMissing && !options.Replaces)
        {
            call.Reply.Error(BusyKey);
            return;
        }

        if (!TryReadDeadline(call, options, out var deadlineMs)) return;
        if (!TryMake(call, key, deadlineMs, out var made)) return;
        if (deadlineMs >= 0 && deadlineMs <= call.Unit.DueMs)
        {
            new ValuePlace(call.Unit, key).Drop(made);
            if (!existing.IsMissing) ExpiryCommands.RemoveAsExpired(call, key, existing);
            call.Reply.Ok();
            return;
        }

        made = call.Unit.Install(key, existing, made);
        if (!existing.IsMissing) call.Unit.Notify(NotifyClasses.New, "new"u8, key); // the old one is deleted before
        call.Unit.SetUse(made, options.IdleSeconds, options.Frequency);
        call.Unit.Changed(key);
        call.Unit.Notify(NotifyClasses.Generic, "restore"u8, key);
        if (deadlineMs >= 0 && !options.IsAbsolute) Record(call, deadlineMs);
        call.Reply.Ok();
    }

    // -1: none. Writes the error and returns false when the number is none.
    private static bool TryReadDeadline(in Call call, RestoreOptions options, out long deadlineMs)
    {
        if (!call.TryInteger(Ttl, out deadlineMs)) return false;
        if (deadlineMs < 0)
        {
            call.Reply.Error(NegativeTtl);
            return false;
        }

        if (deadlineMs > 0 && options.IsAbsolute) return true;
        if (deadlineMs == 0)
        {
            deadlineMs = -1;
            return true;
        }

        if (ExpiryOption.TryResolve(ExpiryKind.Milliseconds, deadlineMs, call.Unit.NowMs, out deadlineMs)) return true;
        ErrorTexts.WriteInvalidExpiry(call.Reply, call.Spec);
        return false;
    }

    // Writes the error and returns false, with nothing made, when the payload is none.
    private static bool TryMake(in Call call, in Key key, long deadlineMs, out Entry made)
    {
        made = default;
        if (!DumpFooter.TryOpen(call.Args[Payload], call.Unit.Keyspace.VerifiesChecksums, out var value))
        {
            call.Reply.Error(WrongFooter);
            return false;
        }

        var type = value.IsEmpty ? RdbType.None : (RdbType)value[0];
        var most = call.Unit.Keyspace.Budget.MostBytes;
        var longest = type == RdbType.String
            ? Math.Min(call.Caller.MaxBulkLength, StringValue.MaxBytes) + ValueReader.MemberBytes
            : most;
        var reader = new ValueReader(value, call.Unit.PartitionFor(key).Heap, Math.Min(most, longest));
        var place = new ValuePlace(call.Unit, key) { DeadlineMs = deadlineMs };
        var isMade = reader.TryByte(out _) && ValueCodec.TryRead(ref reader, type, place, out made);
        if (isMade && reader.Left == 0) return true;
        if (isMade) place.Drop(made);
        if (!reader.IsTooLarge) call.Reply.Error(ErrorTexts.BadPayload);
        else call.Reply.Error(longest < most ? ErrorTexts.StringTooLong : ErrorTexts.NoRoom);
        return false;
    }

    // The request with a point in time in the place of a span.
    private static void Record(in Call call, long deadlineMs)
    {
        var count = call.Args.Count;
        if (!call.Effects.Begin(count + 1)) return;
        for (var i = Name; i < count; i++)
        {
            if (i == Ttl) call.Effects.Argument(deadlineMs);
            else call.Effects.Argument(call.Args[i]);
        }

        call.Effects.Argument("ABSTTL"u8);
    }
}
