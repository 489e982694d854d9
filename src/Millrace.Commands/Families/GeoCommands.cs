// Geospatial indexes: sorted sets whose scores are points (GeoHash), and the searches in them.
//
//     GeoSearchOptions -> GeoShape -> GeoCells -> GeoSearch -> GeoHits -> reply, or a sorted set
//
// Source: Redis 7.2 documentation, "Geospatial indices"; Valkey 9 documentation, "GEOSEARCH", for BYPOLYGON.

using Millrace.Engine;
using Millrace.Engine.Values;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands on geospatial indexes.</summary>
public static class GeoCommands
{
    private const string Point = "longitude:double latitude:double";
    private const string Unit = "(M | KM | FT | MI)";
    private const string Circle = "radius:double " + Unit;
    private const string Extras = " [WITHCOORD] [WITHDIST] [WITHHASH]";
    private const string Count = " [COUNT count:integer [ANY]]";
    private const string Order = " [ASC | DESC]";
    private const string Stored = " [STORE storekey/key:key | STOREDIST storedistkey/key:key]";

    private const string Area = " [FROMMEMBER member | FROMLONLAT " + Point + "]"
        + " (BYRADIUS " + Circle + " | BYBOX width:double height:double " + Unit
        + " | BYPOLYGON num-vertices:integer (" + Point + ")...)";

    private const string CircleCost = "O(N+log(M)) where N is the number of members in the square around the circle and"
        + " M the number of members of the index.";

    private const string AreaCost = "O(N+log(M)) where N is the number of members in the cells that cover the area and"
        + " M the number of members of the index; for a polygon O(N*V) with V vertices.";

    private const int RadiusOptionsAt = 6;
    private const int MemberOptionsAt = 5;

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("geoadd", -5, GeoAdd)
        {
            Flags = Write | DenyOom,
            Categories = AclCategories.Geo,
            MemberAt = 4,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            Syntax = "key [NX | XX] [CH] (" + Point + " member)...",
            Summary = "Adds members with their points to a geospatial index, or moves those that are there.",
            Since = "3.2.0",
            Complexity = "O(log(N)) for each member, where N is the number of members of the index.",
            Group = "geo",
            History = [("6.2.0", "Added the `CH`, `NX` and `XX` options.")],
        },
        new("geodist", -4, GeoDist)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Geo,
            MemberAt = 2,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key member1 member2 [M | KM | FT | MI]",
            Summary = "Returns the distance between two members of a geospatial index.",
            Since = "3.2.0",
            Complexity = "O(1)",
            Group = "geo",
        },
        new("geohash", -2, GeoHashOf)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Geo,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key [member...]",
            Summary = "Returns the geohash texts of members of a geospatial index.",
            Since = "3.2.0",
            Complexity = "O(N) where N is the number of members that are asked for.",
            Group = "geo",
        },
        new("geopos", -2, GeoPos)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Geo,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key [member...]",
            Summary = "Returns the points of members of a geospatial index.",
            Since = "3.2.0",
            Complexity = "O(N) where N is the number of members that are asked for.",
            Group = "geo",
        },
        new("georadius", -6, GeoRadius)
        {
            Flags = Write | DenyOom | MovableKeys,
            Categories = AclCategories.Geo,
            Keys =
            [
                KeySpec.One(KeyFlags.RO | KeyFlags.Access),
                Destination(RadiusOptionsAt, "STORE"),
                Destination(RadiusOptionsAt, "STOREDIST"),
            ],
            Syntax = "key " + Point + " " + Circle + Extras + Count + Order + Stored,
            CopiesOfKeys = 2,
            Summary = "Returns the members of a geospatial index within a distance from a point; stores them where"
                + " wanted.",
            Since = "3.2.0",
            Complexity = CircleCost,
            Group = "geo",
            DeprecatedSince = "6.2.0",
            ReplacedBy = "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
            History =
            [
                ("6.2.0", "Added the `ANY` option for `COUNT`."),
                ("7.0.0", "Names of units may be in upper case."),
            ],
        },
        new("georadius_ro", -6, GeoRadiusReadOnly)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Geo,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key " + Point + " " + Circle + Extras + Count + Order,
            Summary = "Returns the members of a geospatial index within a distance from a point.",
            Since = "3.2.10",
            Complexity = CircleCost,
            Group = "geo",
            DeprecatedSince = "6.2.0",
            ReplacedBy = "`GEOSEARCH` with the `BYRADIUS` argument",
            History =
            [
                ("6.2.0", "Added the `ANY` option for `COUNT`."),
                ("7.0.0", "Names of units may be in upper case."),
            ],
        },
        new("georadiusbymember", -5, GeoRadiusByMember)
        {
            Flags = Write | DenyOom | MovableKeys,
            Categories = AclCategories.Geo,
            Keys =
            [
                KeySpec.One(KeyFlags.RO | KeyFlags.Access),
                Destination(MemberOptionsAt, "STORE"),
                Destination(MemberOptionsAt, "STOREDIST"),
            ],
            Syntax = "key member " + Circle + Extras + Count + Order + Stored,
            CopiesOfKeys = 2,
            Summary = "Returns the members of a geospatial index within a distance from one of them; stores them where"
                + " wanted.",
            Since = "3.2.0",
            Complexity = CircleCost,
            Group = "geo",
            DeprecatedSince = "6.2.0",
            ReplacedBy = "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
            History =
            [
                ("6.2.0", "Added the `ANY` option for `COUNT`."),
                ("7.0.0", "Names of units may be in upper case."),
            ],
        },
        new("georadiusbymember_ro", -5, GeoRadiusByMemberReadOnly)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Geo,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key member " + Circle + Extras + Count + Order,
            Summary = "Returns the members of a geospatial index within a distance from one of them.",
            Since = "3.2.10",
            Complexity = CircleCost,
            Group = "geo",
            DeprecatedSince = "6.2.0",
            ReplacedBy = "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
            History =
            [
                ("6.2.0", "Added the `ANY` option for `COUNT`."),
                ("7.0.0", "Names of units may be in upper case."),
            ],
        },
        new("geosearch", -7, Search)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Geo,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key" + Area + Order + Count + Extras,
            Summary = "Returns the members of a geospatial index in a circle, a box or a polygon.",
            Since = "6.2.0",
            Complexity = AreaCost,
            Group = "geo",
            History = [("7.0.0", "Names of units may be in upper case.")],
        },
        new("geosearchstore", -8, SearchStore)
        {
            Flags = Write | DenyOom,
            Categories = AclCategories.Geo,
            Keys =
            [
                KeySpec.One(KeyFlags.OW | KeyFlags.Update),
                KeySpec.One(KeyFlags.RO | KeyFlags.Access, 2),
            ],
            Syntax = "destination:key source:key" + Area + Order + Count + " [STOREDIST]",
            CopiesOfKeys = 2,
            Summary = "Stores the members of a geospatial index that are in a circle, a box or a polygon.",
            Since = "6.2.0",
            Complexity = AreaCost,
            Group = "geo",
            History = [("7.0.0", "Names of units may be in upper case.")],
        },
    ];

    private static void GeoAdd(ref Call call)
    {
        if (TryReadOptions(call, out var addition)) Add(call, addition);
    }

    private static void GeoDist(ref Call call)
    {
        var unit = 1.0;
        if (call.Args.Count > 5)
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return;
        }

        if (call.Args.Count == 5 && !GeoSearchOptions.TryUnit(call, 4, out unit)) return;
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.SortedSet)) return;
        var from = entry.IsMissing ? default : SortedSetValue.Find(call.Unit, entry, call.Args[2]);
        var to = from.IsFound ? SortedSetValue.Find(call.Unit, entry, call.Args[3]) : default;
        if (!to.IsFound)
        {
            call.Reply.Null();
            return;
        }

        var distance = GeoEarth.Distance(GeoHash.PointOf(from.Score), GeoHash.PointOf(to.Score));
        GeoReplies.Distance(call.Reply, distance / unit);
    }

    private static void GeoHashOf(ref Call call)
    {
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.SortedSet)) return;
        Span<byte> text = stackalloc byte[GeoHash.TextBytes];
        call.Reply.Array(call.Args.Count - 2);
        for (var i = 2; i < call.Args.Count; i++)
        {
            var place = entry.IsMissing ? default : SortedSetValue.Find(call.Unit, entry, call.Args[i]);
            if (place.IsFound)
            {
                GeoHash.WriteText(place.Score, text);
                call.Reply.Bulk(text);
            }
            else
            {
                call.Reply.Null();
            }
        }
    }

    private static void GeoPos(ref Call call)
    {
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.SortedSet)) return;
        call.Reply.Array(call.Args.Count - 2);
        for (var i = 2; i < call.Args.Count; i++)
        {
            var place = entry.IsMissing ? default : SortedSetValue.Find(call.Unit, entry, call.Args[i]);
            if (place.IsFound) GeoReplies.Point(call.Reply, GeoHash.PointOf(place.Score));
            else call.Reply.NullArray();
        }
    }

    private static void GeoRadius(ref Call call) => Run(call, GeoForm.AroundPoint | GeoForm.MayStore);

    private static void GeoRadiusReadOnly(ref Call call) => Run(call, GeoForm.AroundPoint);

    private static void GeoRadiusByMember(ref Call call) => Run(call, GeoForm.AroundMember | GeoForm.MayStore);

    private static void GeoRadiusByMemberReadOnly(ref Call call) => Run(call, GeoForm.AroundMember);

    private static void Search(ref Call call) => Run(call, GeoForm.Search);

    private static void SearchStore(ref Call call) => Run(call, GeoForm.Search | GeoForm.SearchStore);

    private static void Run(in Call call, GeoForm form)
    {
        var source = call.Read((form & GeoForm.SearchStore) != 0 ? 2 : 1);
        if (!call.IsTypeOrMissing(source, ValueType.SortedSet)) return;
        if (GeoSearchOptions.TryRead(call, form, source, out var options))
        {
            if (!source.IsMissing) GeoSearch.Run(call, source, ref options);
            else if (options.StoreAt > 0) GeoSearch.StoreNothing(call, options.StoreAt);
            else call.Reply.Array(0);
        }

        options.Release();
    }

    // Clients are told that there may be a key behind the word; it is one where it stands as an option, and of several
    // the last one counts.
    private static KeySpec Destination(int optionsAt, string keyword)
    {
        var isDistance = keyword == "STOREDIST";
        return new KeySpec
        {
            Flags = KeyFlags.OW | KeyFlags.Update,
            Keyword = keyword,
            KeywordFrom = optionsAt,
            Locate = args => GeoSearchOptions.FindDestination(args, optionsAt, isDistance),
        };
    }

    private static bool TryReadOptions(in Call call, out Addition addition)
    {
        addition = default;
        var at = 2;
        for (; at < call.Args.Count; at++)
        {
            if (call.Is(at, "NX"u8)) addition.OnlyNew = true;
            else if (call.Is(at, "XX"u8)) addition.OnlyPresent = true;
            else if (call.Is(at, "CH"u8)) addition.CountsChanged = true;
            else break;
        }

        var arguments = call.Args.Count - at;
        if (arguments == 0 || arguments % 3 != 0 || (addition.OnlyNew && addition.OnlyPresent))
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return false;
        }

        (addition.PointsAt, addition.Count) = (at, arguments / 3);
        return true;
    }

    // All points are read before anything is changed: a command is executed whole or not at all.
    private static void Add(in Call call, Addition addition)
    {
        const int maxKept = 16;
        Span<double> scores = stackalloc double[maxKept];
        for (var i = 0; i < addition.Count; i++)
        {
            if (!GeoSearchOptions.TryPoint(call, addition.PointsAt + (3 * i), out var point)) return;
            scores[i % maxKept] = GeoHash.ScoreOf(point);
        }

        var key = call.Key(1);
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.SortedSet)) return;
        if (entry.IsMissing && addition.OnlyPresent)
        {
            call.Reply.Integer(0);
            return;
        }

        entry = entry.IsMissing
            ? SortedSetValue.Create(call.Unit, key, entry, addition.Count, call.Args[addition.PointsAt + 2].Length)
            : SortedSetValue.Expect(call.Unit, key, entry, addition.Count);
        var (added, updated) = (0L, 0L);
        var records = call.Effects.IsRecording;
        if (records) BeginEffect(call, addition);
        for (var i = 0; i < addition.Count; i++)
        {
            var at = addition.PointsAt + (3 * i);
            var score = scores[i % maxKept];
            if (addition.Count > maxKept && GeoSearchOptions.TryPoint(call, at, out var point))
                score = GeoHash.ScoreOf(point);
            var member = call.Args[at + 2];
            if (records) AddToEffect(call, score, member);
            var place = SortedSetValue.Find(call.Unit, entry, member);
            if (!place.IsFound && !addition.OnlyPresent)
            {
                entry = SortedSetValue.Add(call.Unit, key, entry, place, member, score);
                added++;
            }
            else if (place.IsFound && !addition.OnlyNew && place.Score != score)
            {
                entry = SortedSetValue.SetScore(call.Unit, key, entry, place, member, score);
                updated++;
            }
        }

        call.Unit.Changed(key, added + updated);
        if (added + updated > 0) call.Unit.Notify(NotifyClasses.SortedSet, "zadd"u8, key);
        call.Reply.Integer(addition.CountsChanged ? added + updated : added);
    }

    // To those who read effects it is a ZADD, as it is for Redis's replicas.
    private static void BeginEffect(in Call call, Addition addition)
    {
        if (!call.Effects.Begin(addition.PointsAt + (2 * addition.Count))) return;
        call.Effects.Argument("ZADD"u8);
        for (var i = 1; i < addition.PointsAt; i++) call.Effects.Argument(call.Args[i]);
    }

    private static void AddToEffect(in Call call, double score, ReadOnlySpan<byte> member)
    {
        call.Effects.Argument((long)score);
        call.Effects.Argument(member);
    }

    private struct Addition
    {
        public int PointsAt;
        public int Count;
        public bool OnlyNew;
        public bool OnlyPresent;
        public bool CountsChanged;
    }
}
