// Command-line options of a benchmark: `--name value`, each taken once, and whatever nobody took is an error.

using System.Globalization;

namespace Millrace.Bench;

/// <summary>The options that are left to be taken.</summary>
internal sealed class Arguments(IEnumerable<string> args)
{
    private readonly List<string> _left = [.. args];

    /// <summary>The value of an option, or null; a usage error when it is given twice or without a value.</summary>
    public string? Text(string name)
    {
        var all = All(name);
        if (all.Count > 1) throw new UsageException(name + " is given twice");
        return all.Count == 0 ? null : all[0];
    }

    /// <summary>The values of an option that may be given several times, in their order.</summary>
    public IReadOnlyList<string> All(string name)
    {
        var values = new List<string>();
        for (var at = _left.IndexOf(name); at >= 0; at = _left.IndexOf(name))
        {
            if (at + 1 == _left.Count) throw new UsageException(name + " needs a value");
            values.Add(_left[at + 1]);
            _left.RemoveRange(at, 2);
        }

        return values;
    }

    /// <summary>A whole number within limits.</summary>
    public int Number(string name, int fallback, int min = 1, int max = int.MaxValue) =>
        Text(name) is { } text ? NumberOf(name, text, min, max) : fallback;

    /// <summary>Whole numbers separated by commas.</summary>
    public IReadOnlyList<int> Numbers(string name, IReadOnlyList<int> fallback, int min = 1, int max = int.MaxValue) =>
        Text(name) is { } text ? [.. text.Split(',').Select(one => NumberOf(name, one, min, max))] : fallback;

    /// <summary>Whether an option without a value is there.</summary>
    public bool Flag(string name) => _left.Remove(name);

    /// <summary>Ends the taking: what is left is unknown.</summary>
    public void End()
    {
        if (_left.Count > 0) throw new UsageException("unknown option " + _left[0]);
    }

    /// <summary>A whole number within limits, or a usage error that names where it stands.</summary>
    public static int NumberOf(string name, string text, int min, int max)
    {
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            throw new UsageException($"{name}: '{text}' is not a number");
        if (number < min || number > max) throw new UsageException($"{name} is from {min} to {max}, not {number}");
        return number;
    }
}

/// <summary>The command line is wrong; the message says how.</summary>
internal sealed class UsageException(string message) : Exception(message);
