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
    [InlineData("ZADD packed 1.5 a 2 b")]
    [InlineData("ZADD large 1.5 m7 2 m8")]
    [InlineData("ZINCRBY large 1.25 m9")]
    [InlineData("ZSCORE large m10")]
    [InlineData("ZRANK large m10")]
    [InlineData("ZREVRANK packed b")]
    [InlineData("ZRANGE large 10 40 WITHSCORES")]
    [InlineData("ZRANGE packed 0 -1 REV")]
    [InlineData("ZRANGEBYSCORE large 10 (20 LIMIT 1 5")]
    [InlineData("ZCOUNT large 10 20")]
    [InlineData("ZREM large none")]
    [InlineData("ZPOPMIN none")]
    [InlineData("ZUNIONSTORE other 2 packed large WEIGHTS 1 2")]
    [InlineData("ZINTER 2 packed large")]
    [InlineData("ZRANGESTORE other packed 0 -1")]
    [InlineData("ZRANDMEMBER large 5")]
    [InlineData("ZSCAN large 0 COUNT 20")]
    [InlineData("ZSCAN packed 0")]
    [InlineData("SCAN 0 COUNT 100")]
    [InlineData("RANDOMKEY")]
    [InlineData("DBSIZE")]
    public void A_warm_data_command_allocates_nothing(string request)
    {
        using var driver = new CommandDriver(partitions: 4);
        driver.Run("MSET key value number 7 float 1.5");
        driver.Run("ZADD packed 1 a 2 b 3 c");
        for (var i = 0; i < 200; i++) driver.Run($"ZADD large {i} m{i}");
        driver.Unit.RecordsRemovals = false;
        var words = request.Split(' ');
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
