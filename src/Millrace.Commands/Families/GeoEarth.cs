// Distances on the earth, taken as a sphere. Clients see four digits behind the point, so each is computed in doubles,
// in the order in which Redis does it.
// Source: Redis 7.2 documentation, "GEODIST"; R. W. Sinnott, "Virtues of the Haversine" (1984).

using System.Runtime.InteropServices;

namespace Millrace.Commands.Families;

/// <summary>Angles and distances.</summary>
internal static class GeoEarth
{
    /// <summary>The radius in metres.</summary>
    public const double Radius = 6372797.560856;

    private const double DegreeInRadians = Math.PI / 180.0;

    /// <summary>Degrees as radians.</summary>
    public static double Radians(double degrees) => degrees * DegreeInRadians;

    /// <summary>Radians as degrees.</summary>
    public static double Degrees(double radians) => radians / DegreeInRadians;

    /// <summary>The metres between two points.</summary>
    public static double Distance(GeoPoint from, GeoPoint to) => new GeoOrigin(from).DistanceTo(to);

    /// <summary>The metres between two latitudes on one meridian.</summary>
    public static double Distance(double fromLatitude, double toLatitude) =>
        Radius * Math.Abs(Radians(toLatitude) - Radians(fromLatitude));
}

/// <summary>A point from which many distances are measured: what depends on it alone is computed once.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct GeoOrigin
{
    private readonly double _latitudeRadians;
    private readonly double _longitudeRadians;
    private readonly double _cosine;

    /// <summary>The origin at a point.</summary>
    public GeoOrigin(GeoPoint point)
    {
        Point = point;
        _latitudeRadians = GeoEarth.Radians(point.Latitude);
        _longitudeRadians = GeoEarth.Radians(point.Longitude);
        _cosine = Math.Cos(_latitudeRadians);
    }

    /// <summary>Where it is.</summary>
    public GeoPoint Point { get; }

    /// <summary>The metres from here to a point.</summary>
    public double DistanceTo(GeoPoint point)
    {
        var v = Math.Sin((GeoEarth.Radians(point.Longitude) - _longitudeRadians) / 2);
        if (v == 0) return GeoEarth.Distance(Point.Latitude, point.Latitude);
        var latitude = GeoEarth.Radians(point.Latitude);
        var u = Math.Sin((latitude - _latitudeRadians) / 2);
        var a = (u * u) + (_cosine * Math.Cos(latitude) * v * v);
        // Of two points that are opposite each other the sum may be a little more than 1.
        return 2.0 * GeoEarth.Radius * Math.Asin(Math.Min(Math.Sqrt(a), 1));
    }
}
