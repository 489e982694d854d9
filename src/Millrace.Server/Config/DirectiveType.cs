// The types of directives: each parses words to a value or says what is wrong, in the words that Redis uses.
//
// A type is immutable and knows nothing of the directive that uses it. Error sentences carry no prefix and no full stop
// unless Redis writes one: the configuration file and CONFIG SET frame them differently.

using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Millrace.Server.Config;

/// <summary>Parses the words of a directive.</summary>
public abstract class DirectiveType
{
    /// <summary>It takes any number of words, also none.</summary>
    public virtual bool TakesManyWords => false;

    /// <summary>What may be written, for the reference.</summary>
    public abstract string Form { get; }

    /// <summary>Parses the words after the directive's name.</summary>
    /// <param name="words">Exactly one word unless <see cref="TakesManyWords"/>.</param>
    /// <param name="current">The value in force, for types that change a part of it; null while defaults are
    /// built.</param>
    /// <param name="value">The new value.</param>
    /// <param name="error">What is wrong.</param>
    public abstract bool TryParse(
        ReadOnlySpan<string> words,
        DirectiveValue? current,
        [NotNullWhen(true)] out DirectiveValue? value,
        [NotNullWhen(false)] out string? error);

    /// <summary>The words of one CONFIG SET argument: cut at every single space when many words are taken.</summary>
    /// <param name="argument">The argument.</param>
    public string[] SplitForSet(string argument)
    {
        ArgumentNullException.ThrowIfNull(argument);
        return TakesManyWords && argument.Length > 0 ? argument.Split(' ') : [argument];
    }

    /// <summary>What a configuration file says of a value: for each line what stands behind the directive's name. No
    /// line means that the directive does not stand there at all.</summary>
    /// <param name="value">A value of this type.</param>
    public virtual IReadOnlyList<string> FileLines(DirectiveValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return [value.Text];
    }

    /// <summary>What stands behind the name to say that there is no value, for types that have such lines.</summary>
    public virtual string NoneLine => "\"\"";

    private protected static bool Fail(string reason, out DirectiveValue? value, [NotNull] out string? error)
    {
        value = null;
        error = reason;
        return false;
    }

    private protected static bool Succeed(
        string text, long number, [NotNull] out DirectiveValue? value, out string? error)
    {
        value = new DirectiveValue(text, number);
        error = null;
        return true;
    }

    /// <summary>A decimal number by Redis's string2ll rules: no plus sign, no leading zeros, no blanks.</summary>
    /// <param name="text">The text.</param>
    /// <param name="number">The number.</param>
    private protected static bool TryParseStrict(ReadOnlySpan<char> text, out long number)
    {
        number = 0;
        ReadOnlySpan<char> digits = text.Length > 0 && text[0] == '-' ? text[1..] : text;
        if (digits.Length == 0 || (digits[0] == '0' && text.Length > 1)) return false;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number)
            && digits.IndexOfAnyExceptInRange('0', '9') < 0;
    }
}

/// <summary>yes or no.</summary>
public sealed class YesNoType : DirectiveType
{
    /// <inheritdoc/>
    public override string Form => "yes | no";

    /// <inheritdoc/>
    public override bool TryParse(
        ReadOnlySpan<string> words,
        DirectiveValue? current,
        [NotNullWhen(true)] out DirectiveValue? value,
        [NotNullWhen(false)] out string? error)
    {
        if (words[0].Equals("yes", StringComparison.OrdinalIgnoreCase)) return Succeed("yes", 1, out value, out error);
        if (words[0].Equals("no", StringComparison.OrdinalIgnoreCase)) return Succeed("no", 0, out value, out error);
        return Fail("argument must be 'yes' or 'no'", out value, out error);
    }
}

/// <summary>A whole number in a range; values may be clamped to a narrower range without an error, as hz is.</summary>
public sealed class IntegerType : DirectiveType
{
    private readonly long _low;
    private readonly long _high;

    /// <summary>A number from <paramref name="low"/> to <paramref name="high"/>, both included.</summary>
    /// <param name="low">The least value.</param>
    /// <param name="high">The greatest value.</param>
    public IntegerType(long low, long high)
    {
        _low = low;
        _high = high;
    }

    /// <summary>The least value in force: smaller ones are raised to it.</summary>
    public long ClampLow { get; init; } = long.MinValue;

    /// <summary>The greatest value in force: greater ones are lowered to it.</summary>
    public long ClampHigh { get; init; } = long.MaxValue;

    /// <inheritdoc/>
    public override string Form => $"number, {_low} to {_high}";

    /// <inheritdoc/>
    public override bool TryParse(
        ReadOnlySpan<string> words,
        DirectiveValue? current,
        [NotNullWhen(true)] out DirectiveValue? value,
        [NotNullWhen(false)] out string? error)
    {
        if (!TryParseStrict(words[0], out long number))
            return Fail("argument couldn't be parsed into an integer", out value, out error);
        if (number < _low || number > _high)
            return Fail($"argument must be between {_low} and {_high} inclusive", out value, out error);
        number = Math.Clamp(number, ClampLow, ClampHigh);
        return Succeed(number.ToString(CultureInfo.InvariantCulture), number, out value, out error);
    }
}

/// <summary>A size in bytes, with units; optionally a percentage too.</summary>
public sealed class MemorySizeType : DirectiveType
{
    private const int HighestPercentage = 100;

    private readonly long _low;
    private readonly long _high;
    private readonly bool _orPercent;

    /// <summary>A size from <paramref name="low"/> to <paramref name="high"/> bytes.</summary>
    /// <param name="low">The least size.</param>
    /// <param name="high">The greatest size.</param>
    /// <param name="orPercent">A percentage up to 100 is accepted too; its number is negative.</param>
    public MemorySizeType(long low, long high, bool orPercent = false)
    {
        _low = low;
        _high = high;
        _orPercent = orPercent;
    }

    /// <inheritdoc/>
    public override string Form => _orPercent ? "size (1gb) or percentage (5%)" : "size (1gb)";

    /// <inheritdoc/>
    public override IReadOnlyList<string> FileLines(DirectiveValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return [value.Number < 0 ? value.Text : MemorySize.ToShortText(value.Number)];
    }

    /// <inheritdoc/>
    public override bool TryParse(
        ReadOnlySpan<string> words,
        DirectiveValue? current,
        [NotNullWhen(true)] out DirectiveValue? value,
        [NotNullWhen(false)] out string? error)
    {
        string text = words[0];
        if (MemorySize.TryParse(text, out ulong size))
        {
            if (size < (ulong)_low || size > (ulong)_high)
                return Fail($"argument must be between {_low} and {_high} inclusive", out value, out error);
            return Succeed(size.ToString(CultureInfo.InvariantCulture), (long)size, out value, out error);
        }

        if (!_orPercent) return Fail("argument must be a memory value", out value, out error);
        if (text.Length < 2 || text[^1] != '%' || !TryParseStrict(text.AsSpan(0, text.Length - 1), out long percent)
            || percent < 0)
            return Fail("argument must be a memory or percent value", out value, out error);
        if (percent > HighestPercentage)
            return Fail($"percentage argument must be less or equal to {HighestPercentage}", out value, out error);
        return Succeed(percent == 0 ? "0" : $"{percent}%", -percent, out value, out error);
    }
}

/// <summary>A file mode in octal.</summary>
public sealed class OctalType : DirectiveType
{
    private const int Highest = 511;

    /// <inheritdoc/>
    public override string Form => "octal number, 0 to 777";

    /// <inheritdoc/>
    public override bool TryParse(
        ReadOnlySpan<string> words,
        DirectiveValue? current,
        [NotNullWhen(true)] out DirectiveValue? value,
        [NotNullWhen(false)] out string? error)
    {
        string text = words[0];
        long number = 0;
        foreach (char c in text)
        {
            if (c is < '0' or > '7')
                return Fail("argument couldn't be parsed as an octal number", out value, out error);
            number = (number * 8) + (c - '0');
            if (number > Highest) return Fail("argument must be between 0 and 777 inclusive", out value, out error);
        }

        return Succeed(Convert.ToString(number, 8), number, out value, out error);
    }
}

/// <summary>One of a list of names. The number is the name's place in the list.</summary>
public sealed class ChoiceType : DirectiveType
{
    private readonly string[] _names;

    /// <summary>One of <paramref name="names"/>.</summary>
    /// <param name="names">The names in lower case, in the order in which errors list them.</param>
    public ChoiceType(params string[] names) => _names = names;

    /// <summary>A name that means the same as another one, which is the one that is answered.</summary>
    public (string Name, string Means)? Synonym { get; init; }

    /// <inheritdoc/>
    public override string Form => string.Join(" | ", _names);

    /// <inheritdoc/>
    public override bool TryParse(
        ReadOnlySpan<string> words,
        DirectiveValue? current,
        [NotNullWhen(true)] out DirectiveValue? value,
        [NotNullWhen(false)] out string? error)
    {
        for (int i = 0; i < _names.Length; i++)
        {
            if (!words[0].Equals(_names[i], StringComparison.OrdinalIgnoreCase)) continue;
            int place = _names[i] == Synonym?.Name ? Array.IndexOf(_names, Synonym?.Means) : i;
            return Succeed(_names[place], place, out value, out error);
        }

        return Fail(
            "argument(s) must be one of the following: " + string.Join(", ", _names), out value, out error);
    }
}

/// <summary>Any text; optionally it must be a plain file name, or must not be empty.</summary>
public sealed class TextType : DirectiveType
{
    /// <summary>The name that errors use when the text must be a file name without a directory, or null.</summary>
    public string? BaseNameOf { get; init; }

    /// <summary>What a base name names: a filename or a dirname.</summary>
    public string BaseNameKind { get; init; } = "filename";

    /// <summary>An empty text is an error (only together with <see cref="BaseNameOf"/>).</summary>
    public bool RefusesEmpty { get; init; }

    /// <summary>The text may hold NUL bytes; a path may not.</summary>
    public bool AllowsNul { get; init; }

    /// <summary>An empty text means that there is none, and then a configuration file has no line for it.</summary>
    public bool IsNoneWhenEmpty { get; init; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> FileLines(DirectiveValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return IsNoneWhenEmpty && value.Text.Length == 0 ? [] : [ConfigText.Quoted(value.Text)];
    }

    /// <inheritdoc/>
    public override string Form => BaseNameOf is null ? "text" : BaseNameKind;

    /// <inheritdoc/>
    public override bool TryParse(
        ReadOnlySpan<string> words,
        DirectiveValue? current,
        [NotNullWhen(true)] out DirectiveValue? value,
        [NotNullWhen(false)] out string? error)
    {
        string text = words[0];
        if (!AllowsNul && text.Contains('\0'))
            return Fail("argument must not contain a NUL byte", out value, out error);
        if (RefusesEmpty && text.Length == 0) return Fail($"{BaseNameOf} can't be empty", out value, out error);
        if (BaseNameOf is not null && text.AsSpan().IndexOfAny('/', '\\') >= 0)
            return Fail($"{BaseNameOf} can't be a path, just a {BaseNameKind}", out value, out error);
        return Succeed(text, 0, out value, out error);
    }
}
