// The options of INCREX, in any order behind the key:
//
//     [BYINT integer | BYFLOAT number] [LBOUND bound] [UBOUND bound] [SATURATE]
//     [EX seconds | PX milliseconds | EXAT unix-seconds | PXAT unix-milliseconds | PERSIST] [ENX]
//
// What the bounds are depends on what is added, which may come behind them: they are read as numbers later.
// Source: Redis 8.8 documentation, "INCREX".

using Millrace.Resp;

namespace Millrace.Commands.Families;

/// <summary>The options of one INCREX.</summary>
internal struct IncrementOptions
{
    private int _incrementAt;
    private int _lowerAt;
    private int _upperAt;

    /// <summary>Whether floating-point numbers are added.</summary>
    public bool IsFloat { get; private set; }

    /// <summary>Whether a result beyond a bound becomes the bound; otherwise nothing happens.</summary>
    public bool Saturates { get; private set; }

    /// <summary>Whether a deadline is set only where there is none.</summary>
    public bool OnlyWithoutDeadline { get; private set; }

    /// <summary>What becomes of the deadline.</summary>
    public ExpiryOption Expiry { get; private set; }

    /// <summary>Reads the words; writes the error and returns false when they make no sense.</summary>
    public static bool TryRead(in Call call, out IncrementOptions options)
    {
        options = default;
        var isRight = true;
        for (var at = 2; isRight && at < call.Args.Count; at++) isRight = options.TryTake(call, ref at);
        if (isRight && (!options.OnlyWithoutDeadline || options.Expiry.HasDeadline)) return true;
        call.Reply.Error(ErrorTexts.Syntax);
        return false;
    }

    /// <summary>The integers that were given, or what stands for them; writes the error when they are none.</summary>
    public readonly bool TryIntegers(in Call call, out long increment, out long lower, out long upper)
    {
        (increment, lower, upper) = (1, long.MinValue, long.MaxValue);
        if (_incrementAt > 0 && !call.TryInteger(_incrementAt, out increment)) return false;
        if (_lowerAt > 0 && !call.TryInteger(_lowerAt, out lower)) return false;
        if (_upperAt > 0 && !call.TryInteger(_upperAt, out upper)) return false;
        return AreBounds(call, lower <= upper);
    }

    /// <summary>The numbers that were given, or what stands for them; writes the error when they are none.</summary>
    public readonly bool TryNumbers(
        in Call call, out LongDouble increment, out LongDouble lower, out LongDouble upper)
    {
        upper = LongDouble.MaxValue;
        lower = upper.Negated();
        var areNumbers = LongDouble.TryParse(call.Args[_incrementAt], out increment)
            && (_lowerAt == 0 || LongDouble.TryParse(call.Args[_lowerAt], out lower))
            && (_upperAt == 0 || LongDouble.TryParse(call.Args[_upperAt], out upper));
        if (areNumbers) return AreBounds(call, lower.CompareTo(upper) <= 0);
        call.Reply.Error(ErrorTexts.NotAFloat);
        return false;
    }

    private readonly bool AreBounds(in Call call, bool isInOrder)
    {
        if (isInOrder || _lowerAt == 0 || _upperAt == 0) return true;
        call.Reply.Error("ERR LBOUND can't be greater than UBOUND"u8);
        return false;
    }

    private bool TryTake(in Call call, ref int at)
    {
        var word = call.Args[at];
        if (Words.Equal(word, "SATURATE"u8)) return Saturates = true;
        if (Words.Equal(word, "ENX"u8)) return OnlyWithoutDeadline = true;
        if (Words.Equal(word, "LBOUND"u8)) return TryTakeNumber(call, ref at, ref _lowerAt);
        if (Words.Equal(word, "UBOUND"u8)) return TryTakeNumber(call, ref at, ref _upperAt);
        var isFloat = Words.Equal(word, "BYFLOAT"u8);
        if (isFloat || Words.Equal(word, "BYINT"u8))
        {
            IsFloat = isFloat;
            return TryTakeNumber(call, ref at, ref _incrementAt);
        }

        var kind = ExpiryOption.KindOf(word);
        if (kind is ExpiryKind.None or ExpiryKind.Keep) return false;
        var expiry = Expiry;
        var isTaken = expiry.TryTake(call, kind, ref at);
        Expiry = expiry;
        return isTaken;
    }

    // Each may be given once.
    private static bool TryTakeNumber(in Call call, ref int at, ref int place)
    {
        if (place > 0 || at + 1 >= call.Args.Count) return false;
        place = ++at;
        return true;
    }
}
