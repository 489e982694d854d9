using Millrace.Resp;

namespace Millrace.Commands.Families;

/// <summary>How points and distances are sent.</summary>
internal static class GeoReplies
{
    private const int PointTextBytes = 64;
    private const int DistanceTextBytes = 24;
    private const int Parts = 10_000;

    /// <summary>A point: longitude and latitude, with up to 17 digits behind the point.</summary>
    internal static void Point(ReplyWriter reply, GeoPoint point)
    {
        reply.Array(2);
        Degrees(reply, point.Longitude);
        Degrees(reply, point.Latitude);
    }

    /// <summary>A distance, with four digits behind the point.</summary>
    internal static void Distance(ReplyWriter reply, double distance)
    {
        // No distance on the earth has more than 12 digits in any unit.
        var parts = (long)Math.Round(distance * Parts, MidpointRounding.ToEven);
        Span<byte> text = stackalloc byte[DistanceTextBytes];
        var length = Numbers.FormatInt64(parts / Parts, text);
        text[length++] = (byte)'.';
        var rest = (int)(parts % Parts);
        for (var unit = Parts / 10; unit > 0; unit /= 10) text[length++] = (byte)('0' + (rest / unit % 10));
        reply.Bulk(text[..length]);
    }

    private static void Degrees(ReplyWriter reply, double degrees)
    {
        Span<byte> text = stackalloc byte[PointTextBytes];
        reply.DoubleText(text[..LongDouble.FromDouble(degrees).FormatHuman(text)]);
    }
}
