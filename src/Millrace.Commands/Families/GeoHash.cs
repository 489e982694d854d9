// Points as scores: how members of a geospatial index lie in a sorted set.
//
// Longitude and latitude are cut into 2^26 parts each, and the bits of the two numbers are interleaved, so that points
// that are near each other mostly have scores that are near each other, and a square of the world is one range of
// scores.
//
//     bit 51 50 ... 1 0        odd bits: longitude, -180 to 180        even bits: latitude, -85.05112878 to 85.05112878
//
// A cell is a square by the first bits: STEP of each number. The arithmetic is that of Redis, in doubles and in its
// order, because clients see every digit of it.
// Source: Redis 7.2 documentation, "GEOADD"; G. M. Morton (1966) for the order, EPSG:3857 for the limits.

using System.Runtime.InteropServices;

namespace Millrace.Commands.Families;

/// <summary>A point on the earth, in degrees.</summary>
/// <param name="Longitude">From -180 to 180.</param>
/// <param name="Latitude">From -85.05112878 to 85.05112878.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct GeoPoint(double Longitude, double Latitude)
{
    /// <summary>The most a longitude can be, to either side.</summary>
    public const double MaxLongitude = 180;

    /// <summary>The most a latitude can be, to either side.</summary>
    public const double MaxLatitude = 85.05112878;

    /// <summary>Whether an index can hold it.</summary>
    public bool IsWithinLimits =>
        Longitude is >= -MaxLongitude and <= MaxLongitude && Latitude is >= -MaxLatitude and <= MaxLatitude;
}

/// <summary>A square of the world: all points whose hashes begin with the same bits.</summary>
/// <param name="Bits">The first bits, two for each step.</param>
/// <param name="Step">How many bits each coordinate has, from 1 to 26; 0: no cell.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct GeoCell(ulong Bits, int Step)
{
    private const double LongitudeScale = 2 * GeoPoint.MaxLongitude;
    private const double LatitudeScale = 2 * GeoPoint.MaxLatitude;

    /// <summary>The lowest score in it.</summary>
    public ulong First => Bits << (2 * (GeoHash.Steps - Step));

    /// <summary>The lowest score behind it.</summary>
    public ulong End => (Bits + 1) << (2 * (GeoHash.Steps - Step));

    /// <summary>The degrees at its western side.</summary>
    public double West => -GeoPoint.MaxLongitude + (Part(Bits >> 1, 0) * LongitudeScale);

    /// <summary>The degrees at its eastern side.</summary>
    public double East => -GeoPoint.MaxLongitude + (Part(Bits >> 1, 1) * LongitudeScale);

    /// <summary>The degrees at its southern side.</summary>
    public double South => -GeoPoint.MaxLatitude + (Part(Bits, 0) * LatitudeScale);

    /// <summary>The degrees at its northern side.</summary>
    public double North => -GeoPoint.MaxLatitude + (Part(Bits, 1) * LatitudeScale);

    /// <summary>The cell of the same size beside it; the world is taken as a torus.</summary>
    /// <param name="east">1: to the east, -1: to the west, 0: neither.</param>
    /// <param name="north">1: to the north, -1: to the south, 0: neither.</param>
    public GeoCell Beside(int east, int north)
    {
        var all = ulong.MaxValue >> (64 - (2 * Step));
        var longitude = Bits & GeoHash.LongitudeBits;
        var latitude = Bits & GeoHash.LatitudeBits;
        var longitudes = all & GeoHash.LongitudeBits;
        var latitudes = all & GeoHash.LatitudeBits;
        // The bits of the other coordinate are filled with ones, or zeros, so that a carry goes through them.
        if (east > 0) longitude = (longitude + latitudes + 1) & longitudes;
        else if (east < 0) longitude = ((longitude | latitudes) - (latitudes + 1)) & longitudes;
        if (north > 0) latitude = (latitude + longitudes + 1) & latitudes;
        else if (north < 0) latitude = ((latitude | longitudes) - (longitudes + 1)) & latitudes;
        return this with { Bits = longitude | latitude };
    }

    // Unsigned 32 bits: what is too large for them wraps.
    private double Part(ulong bits, uint next) => unchecked(GeoHash.Gather(bits) + next) * 1.0 / (1UL << Step);
}

/// <summary>Makes scores of points and points of scores.</summary>
internal static class GeoHash
{
    /// <summary>The bits of each coordinate in a score.</summary>
    public const int Steps = 26;

    /// <summary>The bits of the longitude.</summary>
    public const ulong LongitudeBits = 0xAAAA_AAAA_AAAA_AAAA;

    /// <summary>The bits of the latitude.</summary>
    public const ulong LatitudeBits = 0x5555_5555_5555_5555;

    /// <summary>Bytes of the text of a hash.</summary>
    public const int TextBytes = 11;

    private const double TwoTo63 = 9223372036854775808;

    private static ReadOnlySpan<byte> Alphabet => "0123456789bcdefghjkmnpqrstuvwxyz"u8;

    /// <summary>The cell of a point within the limits.</summary>
    public static GeoCell CellOf(GeoPoint point, int step) =>
        new(Interleave(point, GeoPoint.MaxLatitude, step), step);

    /// <summary>The score of a point within the limits.</summary>
    public static double ScoreOf(GeoPoint point) => CellOf(point, Steps).Bits;

    /// <summary>The middle of the smallest cell that a score stands for; of a score that is none, something within the
    /// limits.</summary>
    public static GeoPoint PointOf(double score)
    {
        var cell = new GeoCell(BitsOf(score), Steps);
        const double maxLongitude = GeoPoint.MaxLongitude;
        const double maxLatitude = GeoPoint.MaxLatitude;
        return new GeoPoint(
            Math.Clamp((cell.West + cell.East) / 2, -maxLongitude, maxLongitude),
            Math.Clamp((cell.South + cell.North) / 2, -maxLatitude, maxLatitude));
    }

    /// <summary>The bits of a score, as a 64-bit processor of Intel's kind takes a double for an unsigned
    /// integer.</summary>
    public static ulong BitsOf(double score)
    {
        if (score < TwoTo63) return unchecked((ulong)(long)score);
        return score < 2 * TwoTo63 ? (ulong)score : 0;
    }

    /// <summary>The score as the integer that clients are shown.</summary>
    public static long IntegerOf(double score) => score < TwoTo63 ? (long)score : long.MinValue;

    /// <summary>Writes the standard text of a score, as geohash.org has it: its latitudes go from -90 to 90.</summary>
    /// <param name="score">The score.</param>
    /// <param name="to">Room for <see cref="TextBytes"/>.</param>
    public static void WriteText(double score, Span<byte> to)
    {
        const int bitsOfLetter = 5;
        const double maxLatitude = 90;
        var bits = Interleave(PointOf(score), maxLatitude, Steps);
        for (var i = 0; i < TextBytes; i++)
        {
            // 52 bits are enough for ten letters; the last one has always been a 0.
            var shift = (2 * Steps) - ((i + 1) * bitsOfLetter);
            to[i] = Alphabet[shift < 0 ? 0 : (int)((bits >> shift) & 31)];
        }
    }

    /// <summary>The number of the even bits.</summary>
    public static uint Gather(ulong bits)
    {
        var x = bits & LatitudeBits;
        x = (x | (x >> 1)) & 0x3333_3333_3333_3333;
        x = (x | (x >> 2)) & 0x0F0F_0F0F_0F0F_0F0F;
        x = (x | (x >> 4)) & 0x00FF_00FF_00FF_00FF;
        x = (x | (x >> 8)) & 0x0000_FFFF_0000_FFFF;
        return (uint)(x | (x >> 16));
    }

    /// <summary>A number in the even bits.</summary>
    public static ulong Spread(uint number)
    {
        ulong x = number;
        x = (x | (x << 16)) & 0x0000_FFFF_0000_FFFF;
        x = (x | (x << 8)) & 0x00FF_00FF_00FF_00FF;
        x = (x | (x << 4)) & 0x0F0F_0F0F_0F0F_0F0F;
        x = (x | (x << 2)) & 0x3333_3333_3333_3333;
        return (x | (x << 1)) & LatitudeBits;
    }

    private static ulong Interleave(GeoPoint point, double maxLatitude, int step)
    {
        var latitude = (point.Latitude - -maxLatitude) / (maxLatitude - -maxLatitude);
        var longitude = (point.Longitude - -GeoPoint.MaxLongitude) / (2 * GeoPoint.MaxLongitude);
        latitude *= 1UL << step;
        longitude *= 1UL << step;
        return Spread((uint)latitude) | (Spread((uint)longitude) << 1);
    }
}
