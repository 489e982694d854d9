// Runs of equal short commands are timed as one, unless somebody asks for more; a slow run is noticed once.

using Millrace.Commands;
using Millrace.Engine;
using Millrace.Memory;
using Millrace.Resp;
using Millrace.Server.Blocking;
using Millrace.Server.Execution;
using Millrace.Server.Observability;

namespace Millrace.Server.Tests.Observability;

public sealed class CommandTimerTests : IDisposable
{
    private const long Milliseconds = 1000;

    private readonly MemorySource _memory = new();
    private readonly Keyspace _keyspace;
    private readonly CommandStatistics _statistics;
    private readonly Host _host = new();
    private readonly CommandTimer _timer;
    private readonly CommandSpec _short = new("short", 2, Nothing)
        { Summary = "", Since = "", Complexity = "O(1)", Group = "" };

    private readonly CommandSpec _long = new("long", 2, Nothing)
        { Summary = "", Since = "", Complexity = "O(N)", Group = "" };

    public CommandTimerTests()
    {
        _keyspace = new Keyspace(KeyspaceShape.For(1, 1), _memory, new KeyHasher());
        _statistics = new CommandStatistics(new CommandTable([_short, _long]));
        _timer = new CommandTimer(_statistics, new Unit(_keyspace, 1), _host) { Trail = _host };
    }

    public void Dispose()
    {
        _keyspace.Dispose();
        _memory.Dispose();
    }

    [Fact]
    public void A_run_counts_as_so_many_calls_of_its_mean_time()
    {
        Adopt(slowLogUs: -1);
        for (var i = 0; i < 4; i++) Run(_short, i == 2 ? 20 : 0);
        _timer.EndRun();
        var times = _statistics.LatencyOf(_short)!;
        Assert.Equal(4, times.Calls);
        Assert.Equal(times.Percentile(0), times.Percentile(100));
        Assert.InRange(times.Percentile(50), 5_000_000, 1_000_000_000);
        Assert.Empty(_host.Noticed);
    }

    [Fact]
    public void A_run_that_took_too_long_is_noticed_once()
    {
        Adopt(slowLogUs: 10 * Milliseconds);
        for (var i = 0; i < 4; i++) Run(_short, i == 2 ? 20 : 0);
        Run(_long, 0);
        _timer.EndRun();
        var (command, calls, us) = Assert.Single(_host.Noticed);
        Assert.Equal((_short, 4L), (command, calls));
        Assert.InRange(us, 20_000, 5_000_000);
    }

    [Fact]
    public void Each_command_is_timed_when_the_threshold_is_as_short_as_a_run()
    {
        Adopt(slowLogUs: LatencySettings.ApartMicroseconds - 1);
        for (var i = 0; i < 4; i++) Run(_short, i == 2 ? 20 : 0);
        _timer.EndRun();
        Assert.Equal(4, _statistics.LatencyOf(_short)!.Calls);
        Assert.Contains(_host.Noticed, static one => one.Calls == 1 && one.Us >= 20_000);
        Assert.All(_host.Noticed, static one => Assert.Equal(1, one.Calls));
    }

    [Fact]
    public void Commands_that_may_be_slow_are_always_timed_one_by_one()
    {
        Adopt(slowLogUs: 10 * Milliseconds);
        Run(_long, 0);
        Run(_long, 20);
        Run(_long, 0);
        _timer.EndRun();
        Assert.Equal(1, _host.Noticed.Count(static one => one.Us >= 20_000));
        Assert.Equal(3, _statistics.LatencyOf(_long)!.Calls);
    }

    [Fact]
    public void Time_that_is_left_out_counts_for_nothing()
    {
        Adopt(slowLogUs: 100 * Milliseconds);
        _timer.Begin(_long, 2);
        var before = System.Diagnostics.Stopwatch.GetTimestamp();
        Thread.Sleep(200);
        _timer.LeaveOut(System.Diagnostics.Stopwatch.GetTimestamp() - before);
        _statistics.CountCall(_long);
        _timer.EndRun();
        Assert.Empty(_host.Noticed);
    }

    [Fact]
    public void A_command_that_went_on_has_all_its_time()
    {
        Adopt(slowLogUs: 10 * Milliseconds);
        _timer.Begin(_long, 2);
        Thread.Sleep(20);
        var ran = _timer.TicksSoFar();
        _timer.Begin(_short, 2);
        Assert.Null(_statistics.LatencyOf(_long)); // it has not answered
        _timer.Begin(_long, 2);
        _timer.GoOn(ran);
        _statistics.CountCall(_long);
        _timer.EndRun();
        Assert.InRange(Assert.Single(_host.Noticed).Us, 20_000, 5_000_000);
    }

    [Fact]
    public void Nothing_is_kept_while_tracking_is_off()
    {
        Adopt(slowLogUs: -1, tracks: false);
        Run(_long, 0);
        _timer.EndRun();
        Assert.Null(_statistics.LatencyOf(_long));
        Assert.Equal(1, _statistics[_long].Calls);
    }

    private static void Nothing(ref Call call) => call.Reply.Ok();

    private void Run(CommandSpec command, int sleepMs)
    {
        _timer.Begin(command, 2);
        if (sleepMs > 0) Thread.Sleep(sleepMs);
        _statistics.CountCall(command);
    }

    private void Adopt(long slowLogUs, bool tracks = true) => _timer.Adopt(new LatencySettings
    {
        SlowLogMicroseconds = slowLogUs,
        SlowLogLength = 10,
        MonitorMilliseconds = 0,
        Tracks = tracks,
        Percentiles = [],
    });

    private sealed class Host : ExecutionHost, IRequestTrail
    {
        public List<(CommandSpec Command, long Calls, long Us)> Noticed { get; } = [];

        Client IRequestTrail.Client => null!;

        public override long UnixMs => 0;

        public bool TryFind(CommandSpec command, int first, int last, out Args args)
        {
            args = default;
            return true;
        }

        public override void NoteSlow(in SlowCall call) =>
            Noticed.Add((call.Command, call.Calls, call.Microseconds));

        public override void RefreshClock()
        {
        }

        public override void BeginQuiescence() => throw new NotSupportedException();

        public override void EndQuiescence() => throw new NotSupportedException();

        public override IParked Park(Client client) => throw new NotSupportedException();

        public override void RunNextTurn(Client client) => throw new NotSupportedException();

        public override void Wait(BlockedRequest request, long timeoutMs) => throw new NotSupportedException();

        public override void Deliver(BlockedRequest request) => throw new NotSupportedException();
    }
}
