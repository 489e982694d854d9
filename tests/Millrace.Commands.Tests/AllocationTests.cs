using Millrace.Commands.Families;
using Millrace.Commands.Tests.Driver;
using Millrace.Resp;

namespace Millrace.Commands.Tests;

public class AllocationTests
{
    [Theory]
    [InlineData("SET key value")]
    [InlineData("SET key 12345")]
    [InlineData("SET key value EX 100")]
    [InlineData("GET key")]
    [InlineData("GET number")]
    [InlineData("GETEX key PX 5000")]
    [InlineData("INCREX counter BYINT 3 UBOUND 1000000000 EX 100 ENX")]
    [InlineData("GETRANGE key 1 3")]
    [InlineData("APPEND key x")]
    [InlineData("STRLEN key")]
    [InlineData("SETRANGE key 3 xyz")]
    [InlineData("INCR number")]
    [InlineData("INCRBYFLOAT float 0.5")]
    [InlineData("MGET key number none")]
    [InlineData("MSET key 1 number 2")]
    [InlineData("DEL none key")]
    [InlineData("EXISTS key none")]
    [InlineData("EXPIRE key 100")]
    [InlineData("PERSIST key")]
    [InlineData("TTL key")]
    [InlineData("TYPE key")]
    [InlineData("COPY key other REPLACE")]
    [InlineData("RENAME number number")]
    [InlineData("LCS key number")]
    [InlineData("HSET hash field1 other")]
    [InlineData("HSET hash new value")]
    [InlineData("HSET table field1 other")]
    [InlineData("HGET hash field2")]
    [InlineData("HGET table field2")]
    [InlineData("HMGET table field2 none")]
    [InlineData("HINCRBY hash number 1")]
    [InlineData("HINCRBYFLOAT table number 0.5")]
    [InlineData("HGETALL hash")]
    [InlineData("HGETALL table")]
    [InlineData("HRANDFIELD table 2")]
    [InlineData("HRANDFIELD hash -5 WITHVALUES")]
    [InlineData("HSCAN table 0 MATCH f*")]
    [InlineData("HDEL hash none field9")]
    [InlineData("HEXPIRE table 100 FIELDS 1 field1")]
    [InlineData("HPERSIST table FIELDS 1 field1")]
    [InlineData("HGETEX hash PX 5000 FIELDS 2 field1 field2")]
    [InlineData("HSETEX hash EX 100 FIELDS 1 field1 other")]
    [InlineData("HTTL table FIELDS 1 field1")]
    [InlineData("ZADD packed 1.5 a 2 b")]
    [InlineData("ZADD ranked 1.5 m7 2 m8")]
    [InlineData("ZINCRBY ranked 1.25 m9")]
    [InlineData("ZSCORE ranked m10")]
    [InlineData("ZRANK ranked m10")]
    [InlineData("ZREVRANK packed b")]
    [InlineData("ZRANGE ranked 10 40 WITHSCORES")]
    [InlineData("ZRANGE packed 0 -1 REV")]
    [InlineData("ZRANGEBYSCORE ranked 10 (20 LIMIT 1 5")]
    [InlineData("ZCOUNT ranked 10 20")]
    [InlineData("ZREM ranked none")]
    [InlineData("ZPOPMIN none")]
    [InlineData("ZUNIONSTORE other 2 packed ranked WEIGHTS 1 2")]
    [InlineData("ZINTER 2 packed ranked")]
    [InlineData("ZRANGESTORE other packed 0 -1")]
    [InlineData("ZRANDMEMBER ranked 5")]
    [InlineData("ZSCAN ranked 0 COUNT 20")]
    [InlineData("ZSCAN packed 0")]
    [InlineData("SCAN 0 COUNT 100")]
    [InlineData("RANDOMKEY")]
    [InlineData("DBSIZE")]
    public void A_warm_data_command_allocates_nothing(string request) => AssertAllocatesNothing(request);

    [Theory]
    [InlineData("SADD integers 7 8 9")]
    [InlineData("SADD texts a b")]
    [InlineData("SADD large m1 another")]
    [InlineData("SCARD large")]
    [InlineData("SISMEMBER integers 5")]
    [InlineData("SISMEMBER texts b")]
    [InlineData("SISMEMBER large m77")]
    [InlineData("SISMEMBER large 77")]
    [InlineData("SMEMBERS texts")]
    [InlineData("SMEMBERS large")]
    [InlineData("SMISMEMBER large m1 m2 none")]
    [InlineData("SMOVE integers texts 5")]
    [InlineData("SPOP integers")]
    [InlineData("SPOP large 2")]
    [InlineData("SRANDMEMBER large")]
    [InlineData("SRANDMEMBER large 10")]
    [InlineData("SRANDMEMBER large 150")]
    [InlineData("SRANDMEMBER texts -5")]
    [InlineData("SREM large m5 m6")]
    [InlineData("SSCAN large 0 COUNT 100 MATCH *1*")]
    [InlineData("SSCAN texts 0")]
    [InlineData("SINTER large texts integers")]
    [InlineData("SINTERCARD 2 large texts")]
    [InlineData("SDIFF large texts")]
    [InlineData("SUNION large texts integers")]
    [InlineData("SINTERSTORE to integers integers")]
    [InlineData("SUNIONSTORE to texts integers")]
    [InlineData("LPUSH shortlist x")]
    [InlineData("RPUSH longlist x y z")]
    [InlineData("RPUSHX longlist 12345")]
    [InlineData("LPOP longlist")]
    [InlineData("RPOP longlist 2")]
    [InlineData("LLEN longlist")]
    [InlineData("LINDEX longlist 500")]
    [InlineData("LRANGE longlist 100 199")]
    [InlineData("LPOS longlist element700")]
    [InlineData("LPOS longlist element700 COUNT 0")]
    [InlineData("LSET longlist 300 new")]
    [InlineData("LINSERT longlist AFTER element200 new")]
    [InlineData("LREM longlist 1 element200")]
    [InlineData("LTRIM longlist 1 -2")]
    [InlineData("RPOPLPUSH longlist longlist")]
    [InlineData("LMOVE longlist shortlist LEFT RIGHT")]
    [InlineData("LMOVEM longlist longlist LEFT LEFT COUNT 20 OBO")]
    [InlineData("LMOVEM longlist longlist LEFT RIGHT EXACTLY 20 BULK")]
    [InlineData("LMPOP 2 none longlist LEFT COUNT 2")]
    [InlineData("SDIFFCARD 2 large texts LIMIT 50")]
    [InlineData("SUNIONCARD 2 large texts")]
    [InlineData("SUNIONCARD 2 large texts APPROX")]
    [InlineData("DIGEST key")]
    [InlineData("SET key value IFDNE b6acb9d84a38ff74")]
    [InlineData("DELEX key IFEQ other")]
    [InlineData("PFADD sparse x")]
    [InlineData("PFADD dense x")]
    [InlineData("PFCOUNT sparse")]
    [InlineData("PFCOUNT sparse dense")]
    [InlineData("PFMERGE dense sparse")]
    [InlineData("PFMERGE sparse")]
    public void A_warm_command_on_collections_allocates_nothing(string request) => AssertAllocatesNothing(request);

    [Theory]
    [InlineData("GEOADD index 1.5 2.5 p7 -3 4 p8")]
    [InlineData("GEODIST index p7 p8 km")]
    [InlineData("GEOPOS index p7 none p9")]
    [InlineData("GEOHASH index p7 none p9")]
    [InlineData("GEORADIUS_RO index 10 10 900 km WITHDIST")]
    [InlineData("GEORADIUS index 10 10 900 km STORE other")]
    [InlineData("GEOSEARCH index FROMMEMBER p9 BYRADIUS 900 km ASC WITHCOORD WITHHASH")]
    [InlineData("GEOSEARCH index FROMLONLAT 10 10 BYBOX 2000 900 km COUNT 5")]
    [InlineData("GEOSEARCH index BYPOLYGON 4 0 0 0 9 9 9 9 0")]
    [InlineData("GEOSEARCHSTORE other index FROMLONLAT 10 10 BYRADIUS 900 km STOREDIST")]
    public void A_warm_command_on_points_allocates_nothing(string request) => AssertAllocatesNothing(request);

    [Theory]
    [InlineData("SETBIT key 77 1")]
    [InlineData("SETBIT number 5 0")]
    [InlineData("GETBIT number 5")]
    [InlineData("BITCOUNT key 1 -1 BIT")]
    [InlineData("BITPOS number 0 1")]
    [InlineData("BITOP XOR other key number none")]
    [InlineData("BITOP ONE other bits bits key")]
    [InlineData("BITFIELD key SET u8 3 7 OVERFLOW SAT INCRBY i5 #100 1 GET u63 1")]
    [InlineData("BITFIELD_RO number GET u8 0")]
    public void A_warm_command_on_bitmaps_allocates_nothing(string request) => AssertAllocatesNothing(request);

    [Theory]
    [InlineData("XADD stream * f v")]
    [InlineData("XADD stream MAXLEN ~ 100 DELREF * f v g w")]
    [InlineData("XADD stream ACKED MAXLEN 100 IDMP p m * f v")]
    [InlineData("XADD stream IDMPAUTO p * f v")]
    [InlineData("XIDMPRECORD stream p m 1-0")]
    [InlineData("XCFGSET stream IDMP-MAXSIZE 5")]
    [InlineData("XTRIM stream MAXLEN 0 ACKED")]
    [InlineData("XDELEX stream ACKED IDS 2 1-0 2-0")]
    [InlineData("XACKDEL stream g DELREF IDS 2 1-0 2-0")]
    [InlineData("XNACK stream g FAIL IDS 2 1-0 2-0 FORCE")]
    [InlineData("XREADGROUP GROUP g c COUNT 2 CLAIM 0 STREAMS stream >")]
    [InlineData("XREADGROUP GROUP g c COUNT 2 STREAMS stream 0")]
    [InlineData("XREAD COUNT 2 STREAMS stream 0")]
    [InlineData("XCLAIM stream g c 0 1-0 2-0")]
    [InlineData("XAUTOCLAIM stream g c 0 - COUNT 2")]
    [InlineData("XPENDING stream g - + 10")]
    [InlineData("XRANGE stream - + COUNT 2")]
    public void A_warm_command_on_streams_allocates_nothing(string request) => AssertAllocatesNothing(request);

    [Theory]
    [InlineData("key")]
    [InlineData("hash")]
    [InlineData("table")]
    [InlineData("integers")]
    [InlineData("large")]
    [InlineData("longlist")]
    [InlineData("packed")]
    [InlineData("ranked")]
    [InlineData("stream")]
    public void A_warm_dump_and_a_warm_restore_allocate_nothing(string key)
    {
        using var driver = new CommandDriver(partitions: 4);
        Fill(driver);
        AssertAllocatesNothing(driver, ["DUMP", key]);
        AssertAllocatesNothing(driver, ["RESTORE", "restored", "5000", Payloads.Dump(driver, key), "REPLACE"]);
    }

    private static void AssertAllocatesNothing(string request)
    {
        using var driver = new CommandDriver(partitions: 4);
        Fill(driver);
        AssertAllocatesNothing(driver, request.Split(' '));
    }

    private static void Fill(CommandDriver driver)
    {
        driver.Run("MSET key value number 7 float 1.5");
        driver.Run("SETBIT bits 400000 1");
        driver.Run("HSET hash field1 value field2 value number 7");
        driver.Run("HSET table number 7 field2 value field1 " + new string('v', 100));
        driver.Run("SADD integers 1 2 3 4 5");
        driver.Run("SADD texts a b c 7 m1");
        driver.Run("SADD large " + string.Join(' ', Enumerable.Range(0, 200).Select(i => "m" + i)));
        driver.Run("RPUSH shortlist a b c");
        for (var i = 0; i < 1_000; i++) driver.Run($"RPUSH longlist element{i}");
        driver.Run("ZADD packed 1 a 2 b 3 c");
        driver.Run("PFADD sparse a b c");
        driver.Run("PFADD dense a b c");
        driver.Run("PFDEBUG TODENSE dense");
        for (var i = 0; i < 200; i++) driver.Run($"ZADD ranked {i} m{i}");
        for (var i = 0; i < 200; i++) driver.Run($"GEOADD index {i / 10} {i % 20} p{i}");
        for (var i = 1; i <= 200; i++) driver.Run($"XADD stream {i}-0 f v{i}");
        driver.Run("XGROUP CREATE stream g 0");
        driver.Run("XREADGROUP GROUP g c COUNT 50 STREAMS stream >");
        driver.Unit.RecordsRemovals = false;
    }

    private static void AssertAllocatesNothing(CommandDriver driver, string[] words)
    {
        var spec = new CommandTable(DataCommands.All).Find(System.Text.Encoding.Latin1.GetBytes(words[0]))!;
        var run = new WarmRun(driver, spec, CommandDriver.Encode(words));

        // What the runtime allocates once on this thread (tiered code, first use of a pool) is over after a few rounds.
        var allocated = 1L;
        for (var round = 0; round < 10 && allocated > 0; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 500; i++) run.Once();
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Equal(0, allocated);
    }

    /// <summary>One request that is run again and again, with nothing but the handler's own work in between.</summary>
    private sealed class WarmRun(CommandDriver driver, CommandSpec spec, byte[] request)
    {
        private readonly ReplyWriter _reply = new();
        private readonly EffectBuffer _effects = new();
        private readonly RequestParser _parser = new();
        private readonly SliceList _slices = new();
        private readonly byte[] _segment = new byte[64 * 1024];
        private readonly CollectingOutput _output = new();

        public void Once()
        {
            _parser.Parse(request, RequestLimits.Default, authenticated: true, _slices, out _);
            var args = new Args(request, _slices.AsSpan());
            Span<KeyAt> keys = stackalloc KeyAt[8];
            var count = 0;
            var mask = 0UL;
            foreach (var one in spec.Keys)
            {
                if (!one.TryFind(args, out var first, out var last)) continue;
                for (var i = first; i <= last; i += one.Step)
                    keys[count++] = new KeyAt(i, driver.Keyspace.HashOf(args[i]));
            }

            foreach (var key in keys[..count]) mask |= 1UL << driver.Keyspace.PartitionOf(key.Hash);
            if (spec.Locks == LockScope.All) mask = driver.Keyspace.AllPartitions;
            _reply.Attach(_output, _segment, 0, 2);
            _effects.Reset(isRecording: true);
            driver.Unit.TryBegin(mask, driver.NowMs, patient: true, out _);
            var call = new Call(spec, args, keys[..count], _reply, driver.Unit, driver.Client, _effects);
            spec.Handler!(ref call);
            driver.Unit.End();
            LargeValues.Fill(driver.Unit, _reply);
            _reply.Detach();
        }
    }
}
