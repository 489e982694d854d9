using System.Globalization;

namespace Millrace.Server.Config;

/// <summary>A snapshot is taken when so many changes were made and so many seconds have passed: the directive
/// <c>save</c>.</summary>
/// <param name="Seconds">Since the last snapshot.</param>
/// <param name="Changes">Since the last snapshot.</param>
public readonly record struct SavePoint(int Seconds, int Changes)
{
    /// <summary>The save points of the directive's text: pairs of numbers.</summary>
    public static IReadOnlyList<SavePoint> FromText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var points = new SavePoint[words.Length / 2];
        for (var i = 0; i < points.Length; i++)
        {
            points[i] = new SavePoint(
                int.Parse(words[2 * i], CultureInfo.InvariantCulture),
                int.Parse(words[(2 * i) + 1], CultureInfo.InvariantCulture));
        }

        return points;
    }
}
