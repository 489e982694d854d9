// HyperLogLogs: how many different elements were added, within a percent, in 12 kB.
//
// They are strings, and a client may have written anything to one. The header and the size are looked at before any
// work (WRONGTYPE); sparse registers that are not in order are noticed by whoever walks them (INVALIDOBJ).
//
// PFCOUNT of one key keeps its estimate in the value, so it is a read that may write: it waits while writes are paused,
// counts as a change when it did keep one, and is then recorded.
// Source: Redis 7.2 documentation, "HyperLogLog", "PFADD", "PFCOUNT", "PFMERGE".

using System.Text.Unicode;
using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Memory;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands on HyperLogLogs.</summary>
public static class HyperLogLogCommands
{
    private const int MaxRunText = 16;

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("pfadd", -2, PfAdd)
        {
            ShortArgs = 3,
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.HyperLogLog,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Insert)],
            Syntax = "key [element:string]...",
            Summary = "Adds elements to a HyperLogLog, which is made if the key is missing.",
            Since = "2.8.9",
            Complexity = "O(1) for each element.",
            Group = "hyperloglog",
        },
        new("pfcount", -2, PfCount)
        {
            Flags = ReadOnly | MayReplicate,
            Categories = AclCategories.HyperLogLog,
            Keys =
            [
                KeySpec.Rest(KeyFlags.RW | KeyFlags.Access) with
                {
                    Notes = "RW because it may change the internal representation of the key,"
                        + " and propagate to replicas",
                },
            ],
            Syntax = "key...",
            Summary = "Estimates how many different elements were added to one of some HyperLogLogs.",
            Since = "2.8.9",
            Complexity = "O(1) for one key, mostly the estimate that was kept; O(N) for N keys, which are merged.",
            Group = "hyperloglog",
        },
        new("pfdebug", 3, PfDebug)
        {
            Flags = Write | DenyOom | Admin,
            Categories = AclCategories.HyperLogLog,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access, 2)],
            Syntax = "subcommand:string key",
            Summary = "Shows the registers of a HyperLogLog, their encoding, or makes them dense.",
            Since = "2.8.9",
            Complexity = "N/A",
            Group = "hyperloglog",
            IsForTheSystem = true,
        },
        new("pfmerge", -2, PfMerge)
        {
            Flags = Write | DenyOom,
            Categories = AclCategories.HyperLogLog,
            Keys =
            [
                KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Insert),
                KeySpec.Rest(KeyFlags.RO | KeyFlags.Access, 2),
            ],
            Syntax = "destkey:key [sourcekey:key]...",
            Summary = "Merges HyperLogLogs into one, as if it had been given the elements of all.",
            Since = "2.8.9",
            Complexity = "O(N) to merge N HyperLogLogs, each of which is read as a whole.",
            Group = "hyperloglog",
        },
        new("pfselftest", 1, PfSelfTest)
        {
            Flags = Admin,
            Categories = AclCategories.HyperLogLog,
            Summary = "Adds elements to a sparse and a dense HyperLogLog and compares their estimates.",
            Since = "2.8.9",
            Complexity = "N/A",
            Group = "hyperloglog",
            IsForTheSystem = true,
        },
    ];

    private static ReadOnlySpan<byte> NotOne => "WRONGTYPE Key is not a valid HyperLogLog string value."u8;

    private static ReadOnlySpan<byte> Corrupted => "INVALIDOBJ Corrupted HLL object detected"u8;

    private static void PfAdd(ref Call call)
    {
        var key = call.Key(1);
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return;
        var isNew = entry.IsMissing;
        if (isNew) entry = HyperLogLogValue.Create(call.Unit, key);
        if (!TryOpen(call, key, ref entry, out var value)) return;
        var changes = isNew ? 1L : 0;
        if (HyperLogLog.IsDense(value)) AddToDense(call, key, value, changes);
        else AddToSparse(call, key, entry, changes);
    }

    private static void PfCount(ref Call call)
    {
        if (call.Args.Count > 2)
        {
            CountMany(call);
            return;
        }

        var key = call.Key(1);
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return;
        if (entry.IsMissing)
        {
            call.Reply.Integer(0);
            return;
        }

        if (!TryOpen(call, key, ref entry, out var value)) return;
        if (!HyperLogLog.TryGetCached(value, out var cardinality))
        {
            if (!HyperLogLog.TryCount(value, out cardinality))
            {
                call.Reply.Error(Corrupted);
                return;
            }

            HyperLogLog.SetCached(value, cardinality);
            call.Unit.Changed(key);
        }

        call.Reply.Integer(cardinality);
    }

    private static void PfDebug(ref Call call)
    {
        var key = call.Key(2);
        var entry = call.Write(2);
        if (entry.IsMissing)
        {
            call.Reply.Error("ERR The specified key does not exist"u8);
            return;
        }

        if (!call.IsTypeOrMissing(entry, ValueType.String) || !TryOpen(call, key, ref entry, out var value)) return;
        var isDense = HyperLogLog.IsDense(value);
        if (call.Is(1, "GETREG"u8)) GetRegisters(call, key, entry, isDense);
        else if (call.Is(1, "DECODE"u8) && isDense) call.Reply.Error("ERR HLL encoding is not sparse"u8);
        else if (call.Is(1, "DECODE"u8)) Decode(call, entry);
        else if (call.Is(1, "ENCODING"u8)) call.Reply.Simple(isDense ? "dense"u8 : "sparse"u8);
        else if (!call.Is(1, "TODENSE"u8))
            ErrorTexts.WriteQuoting(call.Reply, "ERR Unknown PFDEBUG subcommand '"u8, call.Args[1], "'"u8);
        else if (TryMakeDense(call, key, ref entry, isDense)) call.Reply.Integer(isDense ? 0 : 1);
    }

    private static void PfMerge(ref Call call)
    {
        Span<byte> loose = stackalloc byte[HyperLogLog.Registers];
        if (!TryMerge(call, loose, out var isDense)) return;
        var key = call.Key(1);
        var entry = call.Write(1);
        if (entry.IsMissing) entry = HyperLogLogValue.Create(call.Unit, key);
        HyperLogLogValue.Raise(call.Unit, key, ref entry, loose, isDense);
        ForgetCached(call, key, entry);
        call.Unit.Changed(key);
        call.Unit.Notify(NotifyClasses.String, "pfadd"u8, key);
        call.Reply.Ok();
    }

    private static void PfSelfTest(ref Call call)
    {
        var fault = HyperLogLogSelfTest.Run(call.Unit.NextRandom64());
        if (fault.IsEmpty) call.Reply.Ok();
        else call.Reply.Error(fault);
    }

    private static bool IsValidOrMissing(in Call call, in Entry entry)
    {
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return false;
        if (entry.IsMissing || HyperLogLog.IsValid(StringValue.Read(entry, default))) return true;
        call.Reply.Error(NotOne);
        return false;
    }

    private static bool TryOpen(in Call call, in Key key, ref Entry entry, out Span<byte> value)
    {
        if (HyperLogLogValue.TryOpen(call.Unit, key, ref entry, out value)) return true;
        call.Reply.Error(NotOne);
        return false;
    }

    private static void ForgetCached(in Call call, in Key key, Entry entry)
    {
        if (HyperLogLogValue.TryOpen(call.Unit, key, ref entry, out var value)) HyperLogLog.ForgetCached(value);
    }

    private static void AddToDense(in Call call, in Key key, Span<byte> value, long changes)
    {
        for (var i = 2; i < call.Args.Count; i++)
        {
            if (HyperLogLog.AddToDense(value, HyperLogLog.Rank(call.Args[i]))) changes++;
        }

        if (changes > 0)
        {
            HyperLogLog.ForgetCached(value);
            call.Unit.Changed(key, changes);
            call.Unit.Notify(NotifyClasses.String, "pfadd"u8, key);
        }

        call.Reply.Integer(changes > 0 ? 1 : 0);
    }

    private static void AddToSparse(in Call call, in Key key, Entry entry, long changes)
    {
        for (var i = 2; i < call.Args.Count; i++)
        {
            switch (HyperLogLogValue.Add(call.Unit, key, ref entry, HyperLogLog.Rank(call.Args[i])))
            {
                case Addition.Changed:
                    changes++;
                    break;
                case Addition.Corrupted:
                    call.Reply.Error(Corrupted);
                    if (changes > 0) RecordWhole(call, key, entry, changes);
                    return;
            }
        }

        if (changes > 0)
        {
            ForgetCached(call, key, entry);
            call.Unit.Changed(key, changes);
            call.Unit.Notify(NotifyClasses.String, "pfadd"u8, key);
        }

        call.Reply.Integer(changes > 0 ? 1 : 0);
    }

    private static void CountMany(in Call call)
    {
        Span<byte> loose = stackalloc byte[HyperLogLog.Registers];
        if (TryMerge(call, loose, out _)) call.Reply.Integer(HyperLogLog.CountLoose(loose));
    }

    // Merges all keys into loose registers, which begin as zeros.
    private static bool TryMerge(in Call call, Span<byte> loose, out bool isDense)
    {
        loose.Clear();
        isDense = false;
        for (var i = 1; i < call.Args.Count; i++)
        {
            var entry = call.Read(i);
            if (!IsValidOrMissing(call, entry)) return false;
            if (entry.IsMissing) continue;
            var value = StringValue.Read(entry, default);
            isDense |= HyperLogLog.IsDense(value);
            if (HyperLogLog.TryMergeInto(value, loose)) continue;
            call.Reply.Error(Corrupted);
            return false;
        }

        return true;
    }

    // Some elements went in before one met registers that are not in order: what there is now is the effect.
    private static void RecordWhole(in Call call, in Key key, in Entry entry, long changes)
    {
        call.Unit.Changed(key, changes);
        if (!call.Effects.Begin(4)) return;
        call.Effects.Argument("SET"u8);
        call.Effects.Argument(key.Bytes);
        call.Effects.Argument(StringValue.Read(entry, default));
        call.Effects.Argument("KEEPTTL"u8);
    }

    private static bool TryMakeDense(in Call call, in Key key, ref Entry entry, bool isDense)
    {
        if (isDense) return true;
        if (!HyperLogLogValue.TryMakeDense(call.Unit, key, ref entry))
        {
            call.Reply.Error(Corrupted);
            return false;
        }

        call.Unit.Changed(key);
        return true;
    }

    private static void GetRegisters(in Call call, in Key key, Entry entry, bool isDense)
    {
        if (!TryMakeDense(call, key, ref entry, isDense)) return;
        Span<byte> loose = stackalloc byte[HyperLogLog.Registers];
        loose.Clear();
        HyperLogLog.TryMergeInto(StringValue.Read(entry, default), loose);
        call.Reply.Array(loose.Length);
        foreach (var register in loose) call.Reply.Integer(register);
    }

    // z:COUNT and Z:COUNT for short and long runs of zeros, v:VALUE,COUNT for others, in order or not.
    private static void Decode(in Call call, in Entry entry)
    {
        var value = StringValue.Read(entry, default);
        if (value.Length > HyperLogLog.MaxSparseBytes)
        {
            call.Reply.Error(Corrupted);
            return;
        }

        Span<byte> text = stackalloc byte[MaxRunText];
        var length = 0;
        for (var at = HyperLogLog.HeaderBytes; at < value.Length;) length += FormatRun(value, ref at, text);
        Span<byte> header = stackalloc byte[1 + Numbers.MaxInt64Bytes + 2];
        header[0] = (byte)'$';
        var digits = Numbers.FormatInt64(length, header[1..]);
        "\r\n"u8.CopyTo(header[(1 + digits)..]);
        call.Reply.Raw(header[..(1 + digits + 2)]);
        for (var at = HyperLogLog.HeaderBytes; at < value.Length;)
            call.Reply.Raw(text[..FormatRun(value, ref at, text)]);
        call.Reply.Raw("\r\n"u8);
    }

    // The text of a run, with a blank in front unless it is the first.
    private static int FormatRun(ReadOnlySpan<byte> value, ref int at, Span<byte> text)
    {
        var blank = at == HyperLogLog.HeaderBytes ? "" : " ";
        HyperLogLog.TryReadRun(value, ref at, out var count, out var rank, out var isLong);
        var isWhole = rank > 0
            ? Utf8.TryWrite(text, $"{blank}v:{rank},{count}", out var length)
            : Utf8.TryWrite(text, $"{blank}{(isLong ? 'Z' : 'z')}:{count}", out length);
        return isWhole ? length : 0;
    }
}
