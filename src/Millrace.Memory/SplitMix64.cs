namespace Millrace.Memory;

/// <summary>Numbers by chance from one state word; no use where an attacker must not guess.</summary>
/// <remarks>Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.</remarks>
internal static class SplitMix64
{
    /// <summary>The next 64 bits.</summary>
    internal static ulong Next(ref ulong state)
    {
        state += 0x9E3779B97F4A7C15;
        var z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
