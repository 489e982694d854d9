// What a search is asked for, in the two forms that it has:
//
//     GEORADIUS key longitude latitude radius unit [option ...]          GEORADIUSBYMEMBER key member radius unit ...
//     GEOSEARCH key [option ...]                                         GEOSEARCHSTORE destination source ...
//
// In the first the area is at fixed places; in the second it is options, which may come in any order and be repeated.

using System.Diagnostics;
using System.Globalization;
using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Resp;

namespace Millrace.Commands.Families;

/// <summary>In which order results come.</summary>
internal enum GeoOrder
{
    AsFound,
    NearestFirst,
    FarthestFirst,
}

/// <summary>Which of the forms a command has.</summary>
[Flags]
internal enum GeoForm
{
    None = 0,

    /// <summary>GEORADIUS: the centre is a point.</summary>
    AroundPoint = 1 << 0,

    /// <summary>GEORADIUSBYMEMBER: the centre is a member.</summary>
    AroundMember = 1 << 1,

    /// <summary>GEOSEARCH: the area is in the options.</summary>
    Search = 1 << 2,

    /// <summary>GEOSEARCHSTORE: the result goes to the first key.</summary>
    SearchStore = 1 << 3,

    /// <summary>STORE and STOREDIST are options.</summary>
    MayStore = 1 << 4,
}

/// <summary>The options of a search. To be released, also when they could not be read.</summary>
internal struct GeoSearchOptions
{
    private GeoForm _form;
    private bool _hasPoint;
    private bool _hasMember;
    private bool _isAny;
    private long _count;

    /// <summary>The area.</summary>
    public GeoShape Shape;

    /// <summary>The argument with the destination; 0: none.</summary>
    public int StoreAt { get; private set; }

    /// <summary>What is stored are distances.</summary>
    public bool StoresDistances { get; private set; }

    /// <summary>WITHDIST.</summary>
    public bool WithDistance { get; private set; }

    /// <summary>WITHHASH.</summary>
    public bool WithHash { get; private set; }

    /// <summary>WITHCOORD.</summary>
    public bool WithPoint { get; private set; }

    /// <summary>ASC, DESC, or what follows from the others.</summary>
    public GeoOrder Order { get; private set; }

    /// <summary>How many results are wanted.</summary>
    public readonly long Wanted => _count == 0 ? long.MaxValue : _count;

    /// <summary>The search ends with the first results that are enough.</summary>
    public readonly bool EndsWhenFull => _isAny;

    private readonly bool IsSearch => (_form & GeoForm.Search) != 0;

    /// <summary>Reads them; writes the error and returns false when they are wrong.</summary>
    /// <param name="call">The call.</param>
    /// <param name="form">The command's form.</param>
    /// <param name="source">The index, or missing.</param>
    /// <param name="options">What was read.</param>
    public static bool TryRead(in Call call, GeoForm form, in Entry source, out GeoSearchOptions options)
    {
        options = new GeoSearchOptions { _form = form };
        if ((form & GeoForm.SearchStore) != 0) options.StoreAt = 1;
        if (!options.TryReadArea(call, source, out var at)) return false;
        for (; at < call.Args.Count; at++)
        {
            if (options.TryTakeWord(call, at)) continue;
            var left = call.Args.Count - at - 1;
            if (!options.TryTake(call, source, ref at, left, out var isSyntax))
            {
                if (isSyntax) call.Reply.Error(ErrorTexts.Syntax);
                return false;
            }
        }

        return options.TryFinish(call);
    }

    /// <summary>The argument with the destination that STORE or STOREDIST names, where it is this option that counts;
    /// 0: none.</summary>
    /// <param name="args">The request.</param>
    /// <param name="from">Where its options begin.</param>
    /// <param name="isDistance">Whether STOREDIST is meant.</param>
    public static int FindDestination(Args args, int from, bool isDistance)
    {
        var found = 0;
        for (var at = from; at + 1 < args.Count; at++)
        {
            var storesDistances = Words.Equal(args[at], "STOREDIST"u8);
            if (storesDistances || Words.Equal(args[at], "STORE"u8))
            {
                at++;
                found = storesDistances == isDistance ? at : 0;
            }
            else if (Words.Equal(args[at], "COUNT"u8))
            {
                at++;
            }
        }

        return found;
    }

    /// <summary>Reads a point; writes the error and returns false when it is none, or outside the limits.</summary>
    public static bool TryPoint(in Call call, int at, out GeoPoint point)
    {
        point = default;
        if (!Numbers.TryParseDouble(call.Args[at], out var longitude)
            || !Numbers.TryParseDouble(call.Args[at + 1], out var latitude))
        {
            call.Reply.Error(ErrorTexts.NotAFloat);
            return false;
        }

        point = new GeoPoint(longitude, latitude);
        if (point.IsWithinLimits) return true;
        WriteOutside(call.Reply, point);
        return false;
    }

    /// <summary>Reads a unit: its metres. Writes the error and returns false when there is none of that name.</summary>
    public static bool TryUnit(in Call call, int at, out double metres)
    {
        metres = call.Is(at, "m"u8) ? 1
            : call.Is(at, "km"u8) ? 1000
            : call.Is(at, "ft"u8) ? 0.3048
            : call.Is(at, "mi"u8) ? 1609.34
            : 0;
        if (metres > 0) return true;
        call.Reply.Error("ERR unsupported unit provided. please use M, KM, FT, MI"u8);
        return false;
    }

    /// <summary>Gives the memory back.</summary>
    public void Release() => Shape.Release();

    private static void WriteOutside(ReplyWriter reply, GeoPoint point)
    {
        // A double has at most 309 digits before the point.
        Span<byte> text = stackalloc byte[1024];
        var before = "ERR invalid longitude,latitude pair "u8;
        before.CopyTo(text);
        var length = before.Length;
        length += WriteFixed(point.Longitude, text[length..]);
        text[length++] = (byte)',';
        length += WriteFixed(point.Latitude, text[length..]);
        reply.Error(text[..length]);
    }

    // As C's %f does.
    private static int WriteFixed(double value, Span<byte> to)
    {
        if (double.IsInfinity(value))
        {
            var text = value > 0 ? "inf"u8 : "-inf"u8;
            text.CopyTo(to);
            return text.Length;
        }

        var fits = value.TryFormat(to, out var length, "F6", CultureInfo.InvariantCulture);
        Debug.Assert(fits, "there is room for the largest double");
        return length;
    }

    private bool TryReadArea(in Call call, in Entry source, out int optionsAt)
    {
        if (IsSearch)
        {
            optionsAt = StoreAt == 0 ? 2 : 3;
            return true;
        }

        if ((_form & GeoForm.AroundPoint) != 0)
        {
            optionsAt = 6;
            if (!TryPoint(call, 2, out var centre)) return false;
            Shape.Centre = centre;
        }
        else
        {
            optionsAt = 5;
            // Without an index the area is not even looked at.
            if (source.IsMissing) return true;
            if (!TryMember(call, source, 2)) return false;
        }

        return TryCircle(call, optionsAt - 2);
    }

    // Words without arguments.
    private bool TryTakeWord(in Call call, int at)
    {
        if (call.Is(at, "WITHDIST"u8)) WithDistance = true;
        else if (call.Is(at, "WITHHASH"u8)) WithHash = true;
        else if (call.Is(at, "WITHCOORD"u8)) WithPoint = true;
        else if (call.Is(at, "ANY"u8)) _isAny = true;
        else if (call.Is(at, "ASC"u8)) Order = GeoOrder.NearestFirst;
        else if (call.Is(at, "DESC"u8)) Order = GeoOrder.FarthestFirst;
        else if ((_form & GeoForm.SearchStore) != 0 && call.Is(at, "STOREDIST"u8)) StoresDistances = true;
        else return false;
        return true;
    }

    private bool TryTake(in Call call, in Entry source, ref int at, int left, out bool isSyntax)
    {
        isSyntax = false;
        if (left >= 1 && call.Is(at, "COUNT"u8))
        {
            if (!call.TryInteger(++at, out _count)) return false;
            if (_count > 0) return true;
            call.Reply.Error("ERR COUNT must be > 0"u8);
            return false;
        }

        var mayStore = left >= 1 && (_form & GeoForm.MayStore) != 0;
        if (mayStore && (call.Is(at, "STORE"u8) || call.Is(at, "STOREDIST"u8)))
        {
            StoresDistances = call.Is(at, "STOREDIST"u8);
            StoreAt = ++at;
            return true;
        }

        if (IsSearch && Shape.Kind != GeoShapeKind.Polygon)
        {
            if (left >= 1 && !_hasPoint && call.Is(at, "FROMMEMBER"u8))
            {
                _hasMember = true;
                return TryMember(call, source, ++at);
            }

            if (left >= 2 && !_hasMember && call.Is(at, "FROMLONLAT"u8))
            {
                at += 2;
                _hasPoint = TryPoint(call, at - 1, out var centre);
                Shape.Centre = centre;
                return _hasPoint;
            }
        }

        if (IsSearch) return TryTakeShape(call, ref at, left, out isSyntax);
        isSyntax = true;
        return false;
    }

    private bool TryTakeShape(in Call call, ref int at, int left, out bool isSyntax)
    {
        isSyntax = false;
        if (left >= 2 && Shape.Kind is GeoShapeKind.None or GeoShapeKind.Circle && call.Is(at, "BYRADIUS"u8))
        {
            at += 2;
            return TryCircle(call, at - 1);
        }

        if (left >= 3 && Shape.Kind is GeoShapeKind.None or GeoShapeKind.Box && call.Is(at, "BYBOX"u8))
        {
            at += 3;
            return TryBox(call, at - 2);
        }

        var mayBePolygon = Shape.Kind is GeoShapeKind.None or GeoShapeKind.Polygon && !_hasPoint && !_hasMember;
        if (left >= 2 && mayBePolygon && call.Is(at, "BYPOLYGON"u8)) return TryPolygon(call, ref at);
        isSyntax = true;
        return false;
    }

    private bool TryMember(in Call call, in Entry source, int at)
    {
        if (source.IsMissing) return true;
        var place = SortedSetValue.Find(call.Unit, source, call.Args[at]);
        if (place.IsFound)
        {
            Shape.Centre = GeoHash.PointOf(place.Score);
            return true;
        }

        call.Reply.Error("ERR could not decode requested zset member"u8);
        return false;
    }

    private bool TryCircle(in Call call, int at)
    {
        if (!Numbers.TryParseDouble(call.Args[at], out var radius))
        {
            call.Reply.Error("ERR need numeric radius"u8);
            return false;
        }

        if (radius < 0)
        {
            call.Reply.Error("ERR radius cannot be negative"u8);
            return false;
        }

        if (!TryUnit(call, at + 1, out var unit)) return false;
        Shape.SetCircle(radius, unit);
        return true;
    }

    private bool TryBox(in Call call, int at)
    {
        if (!Numbers.TryParseDouble(call.Args[at], out var width))
        {
            call.Reply.Error("ERR need numeric width"u8);
            return false;
        }

        if (!Numbers.TryParseDouble(call.Args[at + 1], out var height))
        {
            call.Reply.Error("ERR need numeric height"u8);
            return false;
        }

        if (width < 0 || height < 0)
        {
            call.Reply.Error("ERR height or width cannot be negative"u8);
            return false;
        }

        if (!TryUnit(call, at + 2, out var unit)) return false;
        Shape.SetBox(width, height, unit);
        return true;
    }

    private bool TryPolygon(in Call call, ref int at)
    {
        const int least = 3;
        // Every member within the bounds is compared with every edge, while the partition is held.
        const int most = 1000;
        var possible = (call.Args.Count - at - 2) / 2;
        if (!Numbers.TryParseInt64(call.Args[at + 1], out var count) || count is < int.MinValue or > int.MaxValue)
        {
            call.Reply.Error("ERR invalid number of vertices"u8);
            return false;
        }

        if (count < least || count > possible)
        {
            call.Reply.Error("ERR GEOSEARCH BYPOLYGON must have at least 3 vertices"u8);
            return false;
        }

        if (count > most)
        {
            call.Reply.Error("ERR GEOSEARCH BYPOLYGON must have at most 1000 vertices"u8);
            return false;
        }

        var vertices = Shape.SetPolygon((int)count);
        for (var i = 0; i < vertices.Length; i++)
        {
            if (!TryPoint(call, at + 2 + (2 * i), out vertices[i])) return false;
        }

        at += 1 + (2 * vertices.Length);
        return true;
    }

    private bool TryFinish(in Call call)
    {
        if (StoreAt > 0 && (WithDistance || WithHash || WithPoint))
        {
            call.Reply.Error((_form & GeoForm.SearchStore) != 0
                ? "ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options"u8
                : "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options"u8);
            return false;
        }

        if (IsSearch && !_hasPoint && !_hasMember && Shape.Kind != GeoShapeKind.Polygon)
        {
            ErrorTexts.WriteQuoting(
                call.Reply,
                "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for "u8,
                call.Args[0],
                default);
            return false;
        }

        if (IsSearch && Shape.Kind == GeoShapeKind.None)
        {
            ErrorTexts.WriteQuoting(
                call.Reply, "ERR exactly one of BYRADIUS and BYBOX can be specified for "u8, call.Args[0], default);
            return false;
        }

        if (_isAny && _count == 0)
        {
            call.Reply.Error("ERR the ANY argument requires COUNT argument"u8);
            return false;
        }

        // A count asks for the nearest, unless any will do.
        if (_count > 0 && !_isAny && Order == GeoOrder.AsFound) Order = GeoOrder.NearestFirst;
        return true;
    }
}
