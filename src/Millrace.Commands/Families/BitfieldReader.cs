// The arguments of BITFIELD, read step by step:
//
//     GET type offset | SET type offset value | INCRBY type offset increment | OVERFLOW (WRAP | SAT | FAIL)
//
//     type      i1 to i64, u1 to u63
//     offset    the number of a bit, or #n: n times the width of the type
//
// OVERFLOW holds for the steps behind it. Reading allocates nothing, so the handler reads twice: once to know that all
// is well and how long the string has to be, and once to do it.
// Source: Redis 7.2 documentation, "BITFIELD".

using Millrace.Engine.Values;
using Millrace.Resp;

namespace Millrace.Commands.Families;

/// <summary>What a step of BITFIELD does.</summary>
public enum BitfieldAction
{
    /// <summary>Reads a field.</summary>
    Get,

    /// <summary>Sets a field and returns what it was.</summary>
    Set,

    /// <summary>Adds to a field and returns what it is.</summary>
    IncrBy,
}

/// <summary>What happens to a number that a field cannot hold.</summary>
public enum BitfieldOverflow
{
    /// <summary>Its lowest bits are stored.</summary>
    Wrap,

    /// <summary>The nearest number that can be held is stored.</summary>
    Saturate,

    /// <summary>Nothing is stored, and the answer is null.</summary>
    Fail,
}

/// <summary>A step of BITFIELD.</summary>
/// <param name="Action">What it does.</param>
/// <param name="IsSigned">Whether the field holds numbers in two's complement.</param>
/// <param name="Bits">The width of the field: 1 to 64, or to 63 without a sign.</param>
/// <param name="Offset">The number of the field's first bit.</param>
/// <param name="Number">The value or the increment.</param>
/// <param name="Overflow">What happens to a number that does not fit.</param>
public readonly record struct BitfieldStep(
    BitfieldAction Action, bool IsSigned, int Bits, long Offset, long Number, BitfieldOverflow Overflow)
{
    /// <summary>The bytes that a string must have to hold the field.</summary>
    public int NeededBytes => (int)(((Offset + Bits - 1) / 8) + 1);
}

/// <summary>Reads the steps of BITFIELD one by one.</summary>
public ref struct BitfieldReader
{
    private const int BitsPerByte = 8;
    private const int FirstStep = 2;
    private const int WidestField = 64;

    private readonly Args _args;
    private readonly long _maxBytes;
    private int _at = FirstStep;
    private BitfieldOverflow _overflow;

    /// <summary>A reader of a request.</summary>
    /// <param name="args">The request: name, key, steps.</param>
    /// <param name="maxBytes">Where a field must not begin any more; at most <see cref="StringValue.MaxBytes"/> less
    /// the width of one.</param>
    public BitfieldReader(Args args, long maxBytes)
    {
        _args = args;
        _maxBytes = maxBytes;
    }

    /// <summary>The error for an offset that is none.</summary>
    public static ReadOnlySpan<byte> OffsetError => "ERR bit offset is not an integer or out of range"u8;

    /// <summary>What is wrong with the step that could not be read; empty at the end of the request.</summary>
    public ReadOnlySpan<byte> Error { get; private set; }

    /// <summary>Where bits of strings end for a caller, in bytes: the server's limit, or that of a string less the room
    /// that a field needs which begins there.</summary>
    public static long MaxBytes(Caller caller) =>
        Math.Min(caller.MaxBulkLength, StringValue.MaxBytes - (WidestField / BitsPerByte) - 1);

    /// <summary>Reads the number of a bit.</summary>
    /// <param name="text">The client's word.</param>
    /// <param name="width">With a number over 0, <c>#n</c> stands for n times as many bits.</param>
    /// <param name="maxBytes">The limit of strings.</param>
    /// <param name="offset">The number of the bit.</param>
    public static bool TryOffset(ReadOnlySpan<byte> text, int width, long maxBytes, out long offset)
    {
        var counts = width > 0 && text is [(byte)'#', ..];
        if (!Numbers.TryParseInt64(counts ? text[1..] : text, out offset) || offset < 0) return false;
        if (counts)
        {
            if (offset > long.MaxValue / width) return false;
            offset *= width;
        }

        return offset / BitsPerByte < maxBytes;
    }

    /// <summary>Reads the next step.</summary>
    /// <param name="step">The step.</param>
    /// <returns>False at the end, and when there is an <see cref="Error"/>.</returns>
    public bool TryNext(out BitfieldStep step)
    {
        step = default;
        while (_at < _args.Count)
        {
            var word = _args[_at];
            var behind = _args.Count - _at - 1;
            if (behind >= 2 && Words.Equal(word, "GET"u8)) return TryStep(BitfieldAction.Get, out step);
            if (behind >= 3 && Words.Equal(word, "SET"u8)) return TryStep(BitfieldAction.Set, out step);
            if (behind >= 3 && Words.Equal(word, "INCRBY"u8)) return TryStep(BitfieldAction.IncrBy, out step);
            if (behind < 1 || !Words.Equal(word, "OVERFLOW"u8)) return Fail(ErrorTexts.Syntax);
            if (!TryOverflow(_args[_at + 1])) return false;
            _at += 2;
        }

        return false;
    }

    private bool TryStep(BitfieldAction action, out BitfieldStep step)
    {
        step = default;
        if (!TryType(_args[_at + 1], out var isSigned, out var bits))
        {
            return Fail(
                "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."u8);
        }

        if (!TryOffset(_args[_at + 2], bits, _maxBytes, out var offset)) return Fail(OffsetError);
        var number = 0L;
        if (action != BitfieldAction.Get && !Numbers.TryParseInt64(_args[_at + 3], out number))
            return Fail(ErrorTexts.NotAnInteger);
        step = new BitfieldStep(action, isSigned, bits, offset, number, _overflow);
        _at += action == BitfieldAction.Get ? 3 : 4;
        return true;
    }

    private bool TryOverflow(ReadOnlySpan<byte> word)
    {
        if (Words.Equal(word, "WRAP"u8)) _overflow = BitfieldOverflow.Wrap;
        else if (Words.Equal(word, "SAT"u8)) _overflow = BitfieldOverflow.Saturate;
        else if (Words.Equal(word, "FAIL"u8)) _overflow = BitfieldOverflow.Fail;
        else return Fail("ERR Invalid OVERFLOW type specified"u8);
        return true;
    }

    private bool Fail(ReadOnlySpan<byte> error)
    {
        Error = error;
        _at = _args.Count;
        return false;
    }

    // As in Redis the word ends at a NUL.
    private static bool TryType(ReadOnlySpan<byte> word, out bool isSigned, out int bits)
    {
        bits = 0;
        isSigned = word is [(byte)'i', ..];
        if (!isSigned && word is not [(byte)'u', ..]) return false;
        var digits = ErrorTexts.Quotable(word[1..], word.Length - 1);
        if (!Numbers.TryParseInt64(digits, out var number)) return false;
        if (number < 1 || number > (isSigned ? WidestField : WidestField - 1)) return false;
        bits = (int)number;
        return true;
    }
}
