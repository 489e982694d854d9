// Which parts of an index a search looks at: the cell of the centre and the eight around it, less those that the area
// does not reach.
//
//     +----+----+----+
//     | NW | N  | NE |      looked at in the order   centre, N, S, E, W, NE, NW, SE, SW
//     +----+----+----+      so results that nobody sorts come in it, and in each cell by score
//     | W  |    | E  |
//     +----+----+----+
//     | SW | S  | SE |
//     +----+----+----+
//
// For a circle and a box the cells are Redis's choice to the digit: where they do not cover the area, and that misses a
// point, so do we. For a polygon they are made larger until they cover it.
// Source: Redis 7.2 documentation, "GEORADIUS".

using System.Runtime.InteropServices;

namespace Millrace.Commands.Families;

/// <summary>Chooses the cells of a search.</summary>
internal static class GeoCells
{
    /// <summary>How many cells there are at most.</summary>
    public const int Most = 9;

    private const double MercatorMax = 20037726.37;

    /// <summary>Chooses them.</summary>
    /// <param name="shape">The area.</param>
    /// <param name="bounds">Its bounds.</param>
    /// <param name="cells">Room for <see cref="Most"/>.</param>
    /// <returns>How many there are.</returns>
    public static int Choose(ref GeoShape shape, GeoBounds bounds, Span<GeoCell> cells)
    {
        var isPolygon = shape.Kind == GeoShapeKind.Polygon;
        var centre = isPolygon ? NearestWithCell(shape.Centre) : shape.Centre;
        var step = StepFor(shape.Reach(bounds), centre.Latitude);
        var cell = GeoHash.CellOf(centre, step);
        var isTooSmall = cell.Beside(0, 1).North < bounds.North || cell.Beside(0, -1).South > bounds.South
            || cell.Beside(1, 0).East < bounds.East || cell.Beside(-1, 0).West > bounds.West;
        if (isTooSmall && step > 1) cell = GeoHash.CellOf(centre, --step);
        while (isPolygon && step > 1 && !Cover(cell, bounds)) cell = GeoHash.CellOf(centre, --step);
        // Two steps and more: with fewer, a neighbour is on both sides.
        var hasSouth = step < 2 || !(cell.South < bounds.South);
        var hasNorth = step < 2 || !(cell.North > bounds.North);
        var hasWest = step < 2 || !(cell.West < bounds.West);
        var hasEast = step < 2 || !(cell.East > bounds.East);
        var count = 0;
        cells[count++] = cell;
        if (hasNorth) Add(cells, ref count, cell.Beside(0, 1));
        if (hasSouth) Add(cells, ref count, cell.Beside(0, -1));
        if (hasEast) Add(cells, ref count, cell.Beside(1, 0));
        if (hasWest) Add(cells, ref count, cell.Beside(-1, 0));
        if (hasNorth && hasEast) Add(cells, ref count, cell.Beside(1, 1));
        if (hasNorth && hasWest) Add(cells, ref count, cell.Beside(-1, 1));
        if (hasSouth && hasEast) Add(cells, ref count, cell.Beside(1, -1));
        if (hasSouth && hasWest) Add(cells, ref count, cell.Beside(-1, -1));
        return count;
    }

    // The centre of a polygon around a pole is where no index reaches; and one at the very end of the world, as that of
    // many polygons around it, is behind the last cell.
    private static GeoPoint NearestWithCell(GeoPoint centre)
    {
        const double cellAtLeast = 1e-6; // degrees; the smallest is larger
        const double longitude = GeoPoint.MaxLongitude - cellAtLeast;
        const double latitude = GeoPoint.MaxLatitude - cellAtLeast;
        return new GeoPoint(
            Math.Clamp(centre.Longitude, -longitude, longitude), Math.Clamp(centre.Latitude, -latitude, latitude));
    }

    // Whether a cell and those around it cover bounds that lie within the world: where that ends no cell is needed, and
    // what is beside is at the other end. With one step they cover all of it.
    private static bool Cover(GeoCell cell, GeoBounds bounds) =>
        (cell.North >= bounds.North || cell.Beside(0, 1).North >= bounds.North)
        && (cell.South <= bounds.South || cell.Beside(0, -1).South <= bounds.South)
        && (cell.East >= bounds.East || cell.Beside(1, 0).East >= bounds.East)
        && (cell.West <= bounds.West || cell.Beside(-1, 0).West <= bounds.West);

    // Of few and large cells some are the same: those come one behind the other. The first is never taken for one.
    private static void Add(Span<GeoCell> cells, ref int count, GeoCell cell)
    {
        if (count == 1 || cells[count - 1] != cell) cells[count++] = cell;
    }

    private static int StepFor(double reach, double latitude)
    {
        if (reach == 0) return GeoHash.Steps;
        var step = 1;
        for (; reach < MercatorMax; reach *= 2) step++;
        step -= 2;
        // Towards the poles, where cells are narrow.
        if (latitude is > 66 or < -66) step -= latitude is > 80 or < -80 ? 2 : 1;
        return Math.Clamp(step, 1, GeoHash.Steps);
    }
}

/// <summary>
/// A window of the world in the bits of scores: tells without arithmetic that a score is outside. Two units larger than
/// what it was made of, to all sides.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct GeoWindow
{
    private const double Units = 1UL << GeoHash.Steps;
    private const int Margin = 2;

    private readonly ulong _west;
    private readonly ulong _east;
    private readonly ulong _south;
    private readonly ulong _north;

    /// <summary>The window of some degrees; what is no number leaves it open.</summary>
    public GeoWindow(GeoBounds bounds)
    {
        _south = Low(bounds.South, GeoPoint.MaxLatitude);
        _north = High(bounds.North, GeoPoint.MaxLatitude) & GeoHash.LatitudeBits;
        _west = Low(bounds.West, GeoPoint.MaxLongitude) << 1;
        _east = (High(bounds.East, GeoPoint.MaxLongitude) << 1) & GeoHash.LongitudeBits;
    }

    /// <summary>Whether a score's bits may be those of a point in it.</summary>
    public bool MayHold(ulong bits)
    {
        // Spread bits are ordered as the numbers that they are the bits of.
        var latitude = bits & GeoHash.LatitudeBits;
        var longitude = bits & GeoHash.LongitudeBits;
        return latitude >= _south && latitude <= _north && longitude >= _west && longitude <= _east;
    }

    /// <summary>Whether a cell may hold points of it.</summary>
    public bool MayHold(GeoCell cell)
    {
        var (first, last) = (cell.First, cell.End - 1);
        return (last & GeoHash.LatitudeBits) >= _south && (first & GeoHash.LatitudeBits) <= _north
            && (last & GeoHash.LongitudeBits) >= _west && (first & GeoHash.LongitudeBits) <= _east;
    }

    private static ulong Low(double degrees, double most)
    {
        var unit = ((degrees + most) / (2 * most) * Units) - Margin;
        return unit > 0 ? GeoHash.Spread((uint)Math.Min(unit, Units)) : 0;
    }

    private static ulong High(double degrees, double most)
    {
        var unit = ((degrees + most) / (2 * most) * Units) + Margin;
        if (!(unit < Units)) return ulong.MaxValue;
        return unit > 0 ? GeoHash.Spread((uint)unit) : 0;
    }
}
