// The areas that a search can ask for: a circle, a box, a polygon.
//
//     bounds     degrees that enclose the area: of a polygon exactly; of a large box or circle not quite, but the cells
//                that Redis looks at are chosen by these, and what it does not find is not found here
//     window     degrees that enclose it for certain: who is outside is not measured
//     distance   whether a point is inside, and how far it is from the centre
//
// The centre of a polygon is that of its vertices on the sphere.
// Sources: Redis 7.2 documentation, "GEOSEARCH"; Valkey 9 documentation, "GEOSEARCH", for BYPOLYGON; W. R. Franklin,
// "PNPOLY", for the test whether a point is in a polygon.

using System.Buffers;
using System.Runtime.InteropServices;

namespace Millrace.Commands.Families;

/// <summary>What a search asks for.</summary>
internal enum GeoShapeKind
{
    None,
    Circle,
    Box,
    Polygon,
}

/// <summary>Degrees to all sides.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct GeoBounds(double West, double South, double East, double North);

/// <summary>
/// An area and its centre. The vertices of a polygon are in a pooled array, which <see cref="Release"/> gives back.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal struct GeoShape
{
    private GeoPoint[]? _vertices;
    private int _vertexCount;

    /// <summary>What it is.</summary>
    public GeoShapeKind Kind { get; private set; }

    /// <summary>The centre; of a polygon, once <see cref="Bounds"/> was asked for.</summary>
    public GeoPoint Centre { get; set; }

    /// <summary>Metres in the unit of its measures.</summary>
    public double Unit { get; private set; }

    /// <summary>A circle: its radius; a box: its whole width. In units.</summary>
    public double Width { get; private set; }

    /// <summary>A box: its whole height, in units.</summary>
    public double Height { get; private set; }

    private readonly ReadOnlySpan<GeoPoint> Vertices => _vertices.AsSpan(0, _vertexCount);

    /// <summary>Makes it a circle.</summary>
    public void SetCircle(double radius, double unit)
    {
        (Kind, Width, Height, Unit) = (GeoShapeKind.Circle, radius, radius, unit);
    }

    /// <summary>Makes it a box.</summary>
    public void SetBox(double width, double height, double unit)
    {
        (Kind, Width, Height, Unit) = (GeoShapeKind.Box, width, height, unit);
    }

    /// <summary>Makes it a polygon, whose vertices are to be written to what is returned.</summary>
    /// <param name="count">How many; so much memory is taken.</param>
    public Span<GeoPoint> SetPolygon(int count)
    {
        Release();
        (Kind, Unit, _vertexCount) = (GeoShapeKind.Polygon, 1, count);
        _vertices = ArrayPool<GeoPoint>.Shared.Rent(count);
        return _vertices.AsSpan(0, count);
    }

    /// <summary>Gives the memory back.</summary>
    public void Release()
    {
        if (_vertices is not null) ArrayPool<GeoPoint>.Shared.Return(_vertices);
        _vertices = null;
        _vertexCount = 0;
    }

    /// <summary>The degrees by which cells are chosen; sets the centre of a polygon.</summary>
    public GeoBounds Bounds()
    {
        if (Kind == GeoShapeKind.Polygon) return BoundsOfPolygon();
        var half = Kind == GeoShapeKind.Circle ? 1 : 2;
        var height = Unit * (Height / half);
        var width = Unit * (Width / half);
        var (longitude, latitude) = Centre;
        var up = GeoEarth.Degrees(height / GeoEarth.Radius);
        // The narrow side decides: it spans the most degrees.
        var narrow = latitude < 0 ? latitude - up : latitude + up;
        var aside = GeoEarth.Degrees(width / GeoEarth.Radius / Math.Cos(GeoEarth.Radians(narrow)));
        return new GeoBounds(longitude - aside, latitude - up, longitude + aside, latitude + up);
    }

    /// <summary>The metres from the centre by which the size of cells is chosen: to what is farthest in a circle or a
    /// box; to the farthest corner of a polygon's bounds, which may be less where they are wide.</summary>
    public readonly double Reach(GeoBounds bounds)
    {
        if (Kind == GeoShapeKind.Circle) return Width * Unit;
        if (Kind == GeoShapeKind.Box) return Math.Sqrt((Width / 2 * (Width / 2)) + (Height / 2 * (Height / 2))) * Unit;
        var origin = new GeoOrigin(Centre);
        var reach = origin.DistanceTo(new GeoPoint(bounds.West, bounds.North));
        reach = Longer(reach, origin.DistanceTo(new GeoPoint(bounds.East, bounds.North)));
        reach = Longer(reach, origin.DistanceTo(new GeoPoint(bounds.West, bounds.South)));
        return Longer(reach, origin.DistanceTo(new GeoPoint(bounds.East, bounds.South)));
    }

    /// <summary>Degrees that enclose the area for certain: all longitudes where that is hard to say.</summary>
    public readonly GeoBounds Window(GeoBounds bounds)
    {
        if (Kind == GeoShapeKind.Polygon) return bounds;
        var band = new GeoBounds(-GeoPoint.MaxLongitude, bounds.South, GeoPoint.MaxLongitude, bounds.North);
        var isCircle = Kind == GeoShapeKind.Circle;
        var up = (isCircle ? Width : Height / 2) * Unit / GeoEarth.Radius;
        var farthest = Math.Abs(GeoEarth.Radians(Centre.Latitude)) + up;
        if (!(farthest < Math.PI / 2)) return band;
        // The widest place of a circle is where a meridian touches it. A box is measured along each parallel, by the
        // shortest way between two points of it.
        var sine = isCircle
            ? Math.Sin(up) / Math.Cos(GeoEarth.Radians(Centre.Latitude))
            : Math.Sin(Math.Min(Width * Unit / (4 * GeoEarth.Radius), Math.PI / 2)) / Math.Cos(farthest);
        if (!(sine < 1)) return band;
        var aside = GeoEarth.Degrees(isCircle ? Math.Asin(sine) : 2 * Math.Asin(sine));
        var west = Centre.Longitude - aside;
        var east = Centre.Longitude + aside;
        // What goes over the 180th meridian goes on at the other side.
        return west < band.West || east > band.East ? band : band with { West = west, East = east };
    }

    /// <summary>Whether a point is in the area.</summary>
    /// <param name="origin">The centre.</param>
    /// <param name="point">The point.</param>
    /// <param name="distance">The metres from the centre to the point, when it is.</param>
    public readonly bool TryDistance(in GeoOrigin origin, GeoPoint point, out double distance)
    {
        distance = 0;
        if (Kind == GeoShapeKind.Box && !IsInBox(point)) return false;
        if (Kind == GeoShapeKind.Polygon && !IsInPolygon(point)) return false;
        distance = origin.DistanceTo(point);
        return Kind != GeoShapeKind.Circle || distance <= Width * Unit;
    }

    private readonly bool IsInBox(GeoPoint point)
    {
        if (GeoEarth.Distance(point.Latitude, Centre.Latitude) > Height * Unit / 2) return false;
        return GeoEarth.Distance(point, Centre with { Latitude = point.Latitude }) <= Width * Unit / 2;
    }

    // Counts the edges that a ray from the point to the east crosses.
    private readonly bool IsInPolygon(GeoPoint point)
    {
        var isInside = false;
        var previous = Vertices[^1];
        foreach (var vertex in Vertices)
        {
            if (vertex.Latitude > point.Latitude != previous.Latitude > point.Latitude
                && point.Longitude < ((previous.Longitude - vertex.Longitude) * (point.Latitude - vertex.Latitude)
                    / (previous.Latitude - vertex.Latitude)) + vertex.Longitude)
                isInside = !isInside;
            previous = vertex;
        }

        return isInside;
    }

    private GeoBounds BoundsOfPolygon()
    {
        var bounds = new GeoBounds(
            GeoPoint.MaxLongitude, GeoPoint.MaxLatitude, -GeoPoint.MaxLongitude, -GeoPoint.MaxLatitude);
        var (x, y, z) = (0.0, 0.0, 0.0);
        foreach (var vertex in Vertices)
        {
            bounds = new GeoBounds(
                Math.Min(bounds.West, vertex.Longitude),
                Math.Min(bounds.South, vertex.Latitude),
                Math.Max(bounds.East, vertex.Longitude),
                Math.Max(bounds.North, vertex.Latitude));
            var longitude = GeoEarth.Radians(vertex.Longitude);
            var latitude = GeoEarth.Radians(vertex.Latitude);
            x += Math.Cos(latitude) * Math.Cos(longitude);
            y += Math.Cos(latitude) * Math.Sin(longitude);
            z += Math.Sin(latitude);
        }

        Centre = new GeoPoint(
            GeoEarth.Degrees(Math.Atan2(y, x)), GeoEarth.Degrees(Math.Atan2(z, Math.Sqrt((x * x) + (y * y)))));
        return bounds;
    }

    private static double Longer(double one, double other) => other > one ? other : one;
}
