// Random numbers for the commands that choose something. They come from the unit's own cheap generator.

using Millrace.Engine;

namespace Millrace.Commands.Families;

/// <summary>Draws random numbers.</summary>
internal static class RandomDraw
{
    /// <summary>64 random bits.</summary>
    public static ulong Word(Unit unit) => ((ulong)unit.NextRandom() << 32) | unit.NextRandom();

    /// <summary>A number from 0 to below <paramref name="limit"/>, each with the same chance (but for 2^-64 of the
    /// limit).</summary>
    public static long Below(Unit unit, long limit) => (long)Math.BigMul(Word(unit), (ulong)limit, out _);
}
