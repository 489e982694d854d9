// Strings as arrays of bits: single bits, counting, searching, bitwise operations between keys.
//
// Bit 0 is the highest bit of the first byte. What lies behind the end of a string is zero. BITFIELD is in
// BitfieldCommands, what is done to spans of bits in BitSpans.
// Source: Redis 7.2 documentation, "Bitmaps"; BITOP DIFF, DIFF1, ANDOR, ONE: Redis 8.2 documentation; BITCOUNT with a
// start alone: Valkey documentation.

using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands on bitmaps.</summary>
public static class BitmapCommands
{
    private const int BitsPerByte = 8;

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("bitcount", -2, BitCount)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Bitmap,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key [start:integer [end:integer [BYTE | BIT]]]",
            Summary = "Counts the bits that are set in a string, or in a part of it.",
            Since = "2.6.0",
            Complexity = "O(N)",
            Group = "bitmap",
            History = [("7.0.0", "BYTE and BIT.")],
        },
        new("bitop", -4, BitOp)
        {
            Flags = Write | DenyOom,
            Categories = AclCategories.Bitmap,
            Keys = [KeySpec.One(KeyFlags.OW | KeyFlags.Update, 2), KeySpec.Rest(KeyFlags.RO | KeyFlags.Access, 3)],
            Syntax = "(AND | OR | XOR | NOT | DIFF | DIFF1 | ANDOR | ONE) destkey:key key...",
            CopiesOfKeys = 2,
            Summary = "Stores the result of a bitwise operation between strings.",
            Since = "2.6.0",
            Complexity = "O(N)",
            Group = "bitmap",
            History = [("8.2.0", "DIFF, DIFF1, ANDOR and ONE.")],
        },
        new("bitpos", -3, BitPos)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Bitmap,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key bit:integer [start:integer [end:integer [BYTE | BIT]]]",
            Summary = "Finds the first bit that is set, or that is clear, in a string or in a part of it.",
            Since = "2.8.7",
            Complexity = "O(N)",
            Group = "bitmap",
            History = [("7.0.0", "BYTE and BIT.")],
        },
        new("getbit", 3, GetBit)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Bitmap,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key offset:integer",
            Summary = "Returns a bit of a string. What lies behind its end is clear.",
            Since = "2.2.0",
            Complexity = "O(1)",
            Group = "bitmap",
        },
        new("setbit", 4, SetBit)
        {
            Flags = Write | DenyOom,
            Categories = AclCategories.Bitmap,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Update)],
            Syntax = "key offset:integer value:integer",
            Summary = "Sets or clears a bit of a string, which grows as needed, and returns what it was.",
            Since = "2.2.0",
            Complexity = "O(1)",
            Group = "bitmap",
        },
    ];

    private static void BitCount(ref Call call)
    {
        if (!BitRange.TryRead(call, 2, out var range)) return;
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return;
        Span<byte> scratch = stackalloc byte[StringValue.ScratchBytes];
        var text = entry.IsMissing ? default : StringValue.Read(entry, scratch);
        var isSome = range.TryPlace(text.Length, out var first, out var last) && !range.IsReversedFromEnd;
        call.Reply.Integer(isSome ? BitSpans.CountOnes(text, first, last) : 0);
    }

    private static void BitOp(ref Call call)
    {
        var bitOperator = BitOperation.OperatorOf(call.Args[1]);
        if (bitOperator == BitOperator.None)
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return;
        }

        var count = call.Args.Count - 3;
        if (!AcceptsSources(call, bitOperator, count)) return;
        var operation = new BitOperation(bitOperator, count);
        if (!operation.TryRead(call, 3)) return;
        var key = call.Key(2);
        var target = call.Write(2);
        if (operation.Length > 0)
        {
            var draft = new StringDraft(call.Unit, key, target, !operation.Reads(target), operation.Length);
            operation.Compute(draft.Bytes);
            draft.Commit(key, target);
            call.Unit.Changed(key);
            call.Unit.Notify(NotifyClasses.String, "set"u8, key);
        }
        else if (!target.IsMissing)
        {
            call.Unit.Remove(key, target);
            call.Unit.Changed(key);
            call.Unit.Notify(NotifyClasses.Generic, "del"u8, key);
        }

        operation.Release();
        call.Reply.Integer(operation.Length);
    }

    private static void BitPos(ref Call call)
    {
        if (!call.TryInteger(2, out var bit)) return;
        if (bit is not (0 or 1))
        {
            call.Reply.Error("ERR The bit argument must be 1 or 0."u8);
            return;
        }

        if (!BitRange.TryRead(call, 3, out var range)) return;
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return;
        if (entry.IsMissing)
        {
            // A missing key is an endless row of clear bits.
            call.Reply.Integer(bit == 1 ? -1 : 0);
            return;
        }

        Span<byte> scratch = stackalloc byte[StringValue.ScratchBytes];
        var text = StringValue.Read(entry, scratch);
        if (!range.TryPlace(text.Length, out var first, out var last))
        {
            call.Reply.Integer(-1);
            return;
        }

        var at = BitSpans.Find(text, bit == 1, first, last);
        // Without an end, the row of clear bits behind the string counts as well.
        if (at < 0 && bit == 0 && !range.HasEnd) at = (long)text.Length * BitsPerByte;
        call.Reply.Integer(at);
    }

    private static void GetBit(ref Call call)
    {
        if (!TryOffset(call, 2, out var offset)) return;
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return;
        Span<byte> scratch = stackalloc byte[StringValue.ScratchBytes];
        var text = entry.IsMissing ? default : StringValue.Read(entry, scratch);
        var at = (int)(offset / BitsPerByte);
        call.Reply.Integer(at < text.Length && (text[at] & MaskOf(offset)) != 0 ? 1 : 0);
    }

    private static void SetBit(ref Call call)
    {
        if (!TryOffset(call, 2, out var offset)) return;
        if (!Numbers.TryParseInt64(call.Args[3], out var bit) || bit is not (0 or 1))
        {
            call.Reply.Error("ERR bit is not an integer or out of range"u8);
            return;
        }

        var key = call.Key(1);
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return;
        var at = (int)(offset / BitsPerByte);
        if (!LargeValues.HasRoomFor(call, entry, at + 1)) return;
        var bytes = StringValue.OpenAtLeast(call.Unit, key, entry, at + 1, out var isGrown);
        var mask = MaskOf(offset);
        var old = (bytes[at] & mask) != 0;
        call.Reply.Integer(old ? 1 : 0);
        if (old != (bit == 1)) bytes[at] ^= mask;
        else if (!isGrown) return;
        call.Unit.Changed(key);
        call.Unit.Notify(NotifyClasses.String, "setbit"u8, key);
    }

    /// <summary>Reads the number of a bit within the limit of a string; writes the error otherwise.</summary>
    private static bool TryOffset(in Call call, int argIndex, out long offset)
    {
        if (BitfieldReader.TryOffset(call.Args[argIndex], 0, BitfieldReader.MaxBytes(call.Caller), out offset))
            return true;
        call.Reply.Error(BitfieldReader.OffsetError);
        return false;
    }

    private static bool AcceptsSources(in Call call, BitOperator bitOperator, int count)
    {
        if (bitOperator == BitOperator.Not && count != 1)
            call.Reply.Error("ERR BITOP NOT must be called with a single source key."u8);
        else if (bitOperator == BitOperator.Diff && count < 2)
            call.Reply.Error("ERR BITOP DIFF must be called with at least two source keys."u8);
        else if (bitOperator == BitOperator.Diff1 && count < 2)
            call.Reply.Error("ERR BITOP DIFF1 must be called with at least two source keys."u8);
        else if (bitOperator == BitOperator.AndOr && count < 2)
            call.Reply.Error("ERR BITOP ANDOR must be called with at least two source keys."u8);
        else
            return true;
        return false;
    }

    private static byte MaskOf(long offset) => (byte)(0x80 >> (int)(offset % BitsPerByte));

    /// <summary>The part of a string that BITCOUNT and BITPOS look at: <c>[start [end [BYTE | BIT]]]</c>.</summary>
    private readonly record struct BitRange(long Start, long End, bool HasEnd, bool CountsBits)
    {
        /// <summary>Whether both ends count from the string's end, the first behind the last: nothing, even where both
        /// lie in front of the string.</summary>
        public bool IsReversedFromEnd => Start < 0 && End < 0 && Start > End;

        /// <summary>Reads the arguments from an index on; writes the error when they are no range.</summary>
        public static bool TryRead(in Call call, int from, out BitRange range)
        {
            range = new BitRange(0, -1, HasEnd: false, CountsBits: false);
            var given = call.Args.Count - from;
            if (given > 3)
            {
                call.Reply.Error(ErrorTexts.Syntax);
                return false;
            }

            if (given == 0) return true;
            if (!call.TryInteger(from, out var start)) return false;
            var countsBits = given == 3 && call.Is(from + 2, "BIT"u8);
            if (given == 3 && !countsBits && !call.Is(from + 2, "BYTE"u8))
            {
                call.Reply.Error(ErrorTexts.Syntax);
                return false;
            }

            var end = -1L;
            if (given > 1 && !call.TryInteger(from + 1, out end)) return false;
            range = new BitRange(start, end, given > 1, countsBits);
            return true;
        }

        /// <summary>The first and the last bit of the range in a string of so many bytes; false when it is
        /// empty.</summary>
        public bool TryPlace(int length, out long first, out long last)
        {
            var total = CountsBits ? (long)length * BitsPerByte : length;
            first = Math.Max(0, Start < 0 ? total + Start : Start);
            last = Math.Min(total - 1, Math.Max(0, End < 0 ? total + End : End));
            if (first > last) return false;
            if (CountsBits) return true;
            first *= BitsPerByte;
            last = (last * BitsPerByte) + BitsPerByte - 1;
            return true;
        }
    }
}
