// The requests that the generator knows, by name, and what has to be there before they are measured.
//
//     {key}      a number below the key count in 12 digits; {key:8} in 8
//     {key+9}    the same number, 9 more
//     {other}    another number below the key count, which has nothing to do with {key}; {other:8} in 8 digits
//     {rank+9}   a number from 100000 on in 6 digits, without the zeros in front that an integer may not have, 9 more
//     {value}    as many x as the value size says
//     a ; b      several commands in one request; its reply is that of all of them

namespace Millrace.Bench.Load;

/// <summary>One kind of request.</summary>
/// <param name="Name">What the options call it.</param>
/// <param name="Text">The request, words between blanks.</param>
internal sealed record RequestShape(string Name, string Text)
{
    /// <summary>The kind of request that loads what this one works on, each key once; null when the keys that are
    /// loaded anyway are enough, or nothing is needed.</summary>
    public string? Fill { get; init; }

    /// <summary>With how many keys it is loaded; 0: as many as the workload has.</summary>
    public int FillKeys { get; init; }

    /// <summary>Whether it is refused when a later key came before: loaded over one connection.</summary>
    public bool IsOrdered { get; init; }

    /// <summary>Whether a request uses up what another one has loaded: it is loaded anew before each
    /// measurement.</summary>
    public bool Consumes { get; init; }
}

/// <summary>All kinds of requests.</summary>
internal static class RequestCatalogue
{
    /// <summary>The kinds, those that only load last.</summary>
    public static IReadOnlyList<RequestShape> All { get; } =
    [
        new("ping", "PING"),
        new("get", "GET key:{key}"),
        new("set", "SET key:{key} {value}"),
        new("incr", "INCR counter:{key}"),
        new("hset", "HSET myhash element:{key} {value}") { Fill = "hset" },
        new("hget", "HGET myhash element:{key}") { Fill = "hset" },
        new("hgetall20", "HGETALL hash20") { Fill = "hset20", FillKeys = 20 },
        new("lpush", "LPUSH mylist {value}"),
        new("rpop", "RPOP poplist") { Fill = "lpush-pop", Consumes = true },
        new("lrange100", "LRANGE list100 0 99") { Fill = "rpush100", FillKeys = 100 },
        new("sadd", "SADD myset element:{key}") { Fill = "sadd" },
        new("sismember", "SISMEMBER myset element:{key}") { Fill = "sadd" },
        new("smembers100", "SMEMBERS set100") { Fill = "sadd100", FillKeys = 100 },
        new("zadd", "ZADD myzset {key} element:{key}") { Fill = "zadd" },
        new("zscore", "ZSCORE myzset element:{key}") { Fill = "zadd" },
        new("zrank", "ZRANK myzset element:{key}") { Fill = "zadd" },
        new("zrange10", "ZRANGE myzset {rank} {rank+9}") { Fill = "zadd" },
        new("zrange100", "ZRANGE myzset {rank} {rank+99}") { Fill = "zadd" },
        // Points in a square of ten degrees, about 90 of a million within 5 km of each.
        new("geoadd", "GEOADD mygeo 1{key:6}e-5 4{key:3}e-2 element:{key}") { Fill = "geoadd" },
        new("geosearch", "GEOSEARCH mygeo FROMLONLAT 1{key:6}e-5 4{key:3}e-2 BYRADIUS 5 km") { Fill = "geoadd" },
        new("geosearch10", "GEOSEARCH mygeo FROMLONLAT 1{key:6}e-5 4{key:3}e-2 BYRADIUS 5 km COUNT 10 WITHDIST")
            { Fill = "geoadd" },
        new("pfadd", "PFADD hll element:{key}") { Fill = "pfadd" },
        new("pfadd-sparse", "PFADD sparse element:{key}") { Fill = "pfadd-sparse" },
        new("pfcount2", "PFCOUNT hll hll") { Fill = "pfadd" },
        new("xadd", "XADD mystream * field1 {key} field2 value2 field3 {key:6}"),
        new("xrange10", "XRANGE idstream {key}-1 + COUNT 10") { Fill = "xadd-ids" },
        new("exec3", "MULTI ; SET key:{key} {value} ; SET key:{key+1} {value} ; SET key:{key+2} {value} ; EXEC"),
        new("setbit", "SETBIT bitmap {rank} 1"),
        new("get-set", "GET key:{key} ; SET key:{other} {value}") { Fill = "set" },
        new("zscore-zadd", "ZSCORE zset:{key:2} member:{key} ; ZADD zset:{other:2} {key} member:{other}")
            { Fill = "zsets" },
        new("bitcount1m", "BITCOUNT bits1m:a") { Fill = "setbit1m", FillKeys = 1 },
        new("bitop1m", "BITOP OR bits1m:to bits1m:a bits1m:b") { Fill = "setbit1m", FillKeys = 1 },

        new("setbit1m", "SETBIT bits1m:a 8388607 1 ; SETBIT bits1m:b 8388600 1"),
        new("xadd-ids", "XADD idstream {key}-1 field1 {key} field2 value2 field3 {key:6}") { IsOrdered = true },
        new("hset20", "HSET hash20 field:{key:4} value:{key:8}"),
        new("lpush-pop", "LPUSH poplist {value}"),
        new("rpush100", "RPUSH list100 element:{key:8}"),
        new("sadd100", "SADD set100 element:{key:8}"),

        new("zsets", "ZADD zset:{key:2} {key} member:{key}"),

        new("mem-hash", "HSET big elm:{key} val:{key}"),
        new("mem-zset", "ZADD big {key} elm:{key}"),
        new("mem-set", "SADD big elm:{key}"),
        new("mem-list", "RPUSH big elm:{key}"),
        new("mem-stream", "XADD big * field1 {key} field2 value2 field3 {key:6}"),
        new(
            "mem-hashes",
            "HSET h:{key:8} field0 {key} field1 {key} field2 {key} field3 {key} field4 {key}"),
    ];

    /// <summary>The kind of a name; a usage error when there is none.</summary>
    public static RequestShape Find(string name) => All.FirstOrDefault(one => one.Name == name)
        ?? throw new UsageException($"unknown command '{name}': {string.Join(", ", All.Select(one => one.Name))}");
}
