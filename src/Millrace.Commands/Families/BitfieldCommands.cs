// BITFIELD and BITFIELD_RO: integers of any width at any bit of a string.
//
// A field is read by way of 16 bytes that begin with its first byte, as one 128-bit number, highest bit first:
//
//     bit 0         shift                shift + bits                 128
//     | other bits  | the field          | other bits, or zeros       |
//
// A request is read twice (BitfieldReader), so nothing is stored of it. Reading requests see a string that is too short
// as if zeros followed; writing ones make it long enough for all of their fields first.
// Source: Redis 7.2 documentation, "BITFIELD".

using System.Buffers.Binary;
using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands on fields of bits.</summary>
public static class BitfieldCommands
{
    private const int BitsPerByte = 8;
    private const int WindowBytes = 16;

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("bitfield", -2, Bitfield)
        {
            Flags = Write | DenyOom,
            Categories = AclCategories.Bitmap,
            Keys =
            [
                KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Update | KeyFlags.VariableFlags) with
                {
                    Notes = "This command allows both access and modification of the key",
                    Vary = FlagsOfBitfield,
                },
            ],
            Syntax = "key [GET encoding offset:integer | [OVERFLOW (WRAP | SAT | FAIL)] (SET encoding offset:integer "
                + "value:integer | INCRBY encoding offset:integer increment:integer)]...",
            Summary = "Reads, sets and adds to integers of any width within a string.",
            Since = "3.2.0",
            Complexity = "O(1) for each subcommand specified",
            Group = "bitmap",
        },
        new("bitfield_ro", -2, BitfieldRo)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Bitmap,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key [GET encoding offset:integer]...",
            Summary = "Reads integers of any width within a string.",
            Since = "6.0.0",
            Complexity = "O(1) for each subcommand specified",
            Group = "bitmap",
        },
    ];

    private static void Bitfield(ref Call call)
    {
        if (!TryMeasure(call, out var plan)) return;
        if (plan.NeededBytes == 0) Read(call, plan);
        else Change(call, plan);
    }

    private static void BitfieldRo(ref Call call)
    {
        if (!TryMeasure(call, out var plan)) return;
        if (plan.NeededBytes == 0) Read(call, plan);
        else call.Reply.Error("ERR BITFIELD_RO only supports the GET subcommand"u8);
    }

    // Steps that only read leave the key alone; what is no step may be anything.
    private static KeyFlags FlagsOfBitfield(Args request)
    {
        var at = 2;
        while (at < request.Count)
        {
            var behind = request.Count - at - 1;
            if (behind >= 2 && Words.Equal(request[at], "GET"u8)) at += 3;
            else if (behind >= 1 && Words.Equal(request[at], "OVERFLOW"u8)) at += 2;
            else return KeyFlags.RW | KeyFlags.Access | KeyFlags.Update;
        }

        return KeyFlags.RO | KeyFlags.Access;
    }

    // Reads the whole request: from here on it is known to be right.
    private static bool TryMeasure(in Call call, out Plan plan)
    {
        plan = default;
        var reader = new BitfieldReader(call.Args, BitfieldReader.MaxBytes(call.Caller));
        while (reader.TryNext(out var step))
        {
            plan.Steps++;
            if (step.Action != BitfieldAction.Get) plan.NeededBytes = Math.Max(plan.NeededBytes, step.NeededBytes);
        }

        if (reader.Error.IsEmpty) return true;
        call.Reply.Error(reader.Error);
        return false;
    }

    private static void Read(in Call call, Plan plan)
    {
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return;
        Span<byte> scratch = stackalloc byte[StringValue.ScratchBytes];
        var text = entry.IsMissing ? default : StringValue.Read(entry, scratch);
        call.Reply.Array(plan.Steps);
        var reader = new BitfieldReader(call.Args, BitfieldReader.MaxBytes(call.Caller));
        while (reader.TryNext(out var step)) call.Reply.Integer(Field(text, step));
    }

    private static void Change(in Call call, Plan plan)
    {
        var key = call.Key(1);
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return;
        if (!LargeValues.HasRoomFor(call, entry, plan.NeededBytes)) return;
        var bytes = StringValue.OpenAtLeast(call.Unit, key, entry, plan.NeededBytes, out var isGrown);
        call.Reply.Array(plan.Steps);
        var changes = 0L;
        var reader = new BitfieldReader(call.Args, BitfieldReader.MaxBytes(call.Caller));
        while (reader.TryNext(out var step))
        {
            var old = Field(bytes, step);
            if (step.Action == BitfieldAction.Get)
            {
                call.Reply.Integer(old);
                continue;
            }

            var isSet = step.Action == BitfieldAction.Set;
            if (!TryFit(step, isSet ? 0 : old, out var value))
            {
                call.Reply.Null();
                continue;
            }

            call.Reply.Integer(isSet ? old : value);
            SetField(bytes, step, value);
            if (isGrown || old != value) changes++;
        }

        // A string that has only grown, as no number did fit, is as it was for those who watch it; but the log has to
        // know, where Redis forgets it.
        if (isGrown && changes == 0) call.Unit.ChangedMany(1);
        call.Unit.Changed(key, changes);
        if (changes > 0) call.Unit.Notify(NotifyClasses.String, "setbit"u8, key);
    }

    /// <summary>The number that a field holds after a step; false when it does not fit and must not be
    /// stored.</summary>
    private static bool TryFit(BitfieldStep step, long old, out long value)
    {
        var most = (Int128.One << (step.IsSigned ? step.Bits - 1 : step.Bits)) - 1;
        var least = step.IsSigned ? -most - 1 : 0;
        // A negative number that is set without a sign is a large one, as in C.
        var number = !step.IsSigned && step.Action == BitfieldAction.Set ? (Int128)(ulong)step.Number : step.Number;
        var sum = old + number;
        value = (long)sum;
        if (sum >= least && sum <= most) return true;
        if (step.Overflow == BitfieldOverflow.Fail) return false;
        value = step.Overflow == BitfieldOverflow.Saturate
            ? (long)(sum > most ? most : least)
            : Extended((ulong)value, step);
        return true;
    }

    private static long Field(ReadOnlySpan<byte> bytes, BitfieldStep step)
    {
        Span<byte> window = stackalloc byte[WindowBytes];
        LoadWindow(bytes, step, window);
        var aside = (WindowBytes * BitsPerByte) - step.Bits - (int)(step.Offset % BitsPerByte);
        return Extended((ulong)(BinaryPrimitives.ReadUInt128BigEndian(window) >> aside), step);
    }

    // Requires: the string is long enough.
    private static void SetField(Span<byte> bytes, BitfieldStep step, long value)
    {
        Span<byte> window = stackalloc byte[WindowBytes];
        var length = LoadWindow(bytes, step, window);
        var aside = (WindowBytes * BitsPerByte) - step.Bits - (int)(step.Offset % BitsPerByte);
        var mask = ((UInt128.One << step.Bits) - 1) << aside;
        var field = ((UInt128)(ulong)value << aside) & mask;
        var all = (BinaryPrimitives.ReadUInt128BigEndian(window) & ~mask) | field;
        BinaryPrimitives.WriteUInt128BigEndian(window, all);
        window[..length].CopyTo(bytes[(int)(step.Offset / BitsPerByte)..]);
    }

    // The bytes from the field's first on, as far as the string has them; zeros behind.
    private static int LoadWindow(ReadOnlySpan<byte> bytes, BitfieldStep step, Span<byte> window)
    {
        var at = step.Offset / BitsPerByte;
        var length = (int)Math.Clamp(bytes.Length - at, 0, WindowBytes);
        if (length > 0) bytes.Slice((int)at, length).CopyTo(window);
        window[length..].Clear();
        return length;
    }

    // The lowest bits of a number as the field's type has them.
    private static long Extended(ulong bits, BitfieldStep step)
    {
        var aside = 64 - step.Bits;
        return step.IsSigned ? (long)(bits << aside) >> aside : (long)(bits << aside >> aside);
    }

    private struct Plan
    {
        public int Steps;
        public int NeededBytes; // 0: nothing is changed
    }
}
