using Millrace.Server.Config;
using Millrace.Server.Logging;

namespace Millrace.Server.Tests.Config;

public sealed class OomScoreTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public OomScoreTests() => File.WriteAllText(_path, "17\n");

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void The_score_follows_the_directives_and_comes_back()
    {
        Configuration configuration = TestTable.Configuration();
        configuration.Add(new OomScore(Log.None(), _path));
        Assert.Null(configuration.Set("oom-score-adj-values", "100 200 300"));
        Assert.Equal(17, Score());
        Assert.Null(configuration.Set("oom-score-adj", "relative"));
        Assert.Equal("oom-score-adj=yes", configuration.GetText("oom-score-adj"));
        Assert.Equal(117, Score());
        Assert.Null(configuration.Set("oom-score-adj", "absolute"));
        Assert.Equal(100, Score());
        Assert.Null(configuration.Set("oom-score-adj-values", "2000 2000 2000"));
        Assert.Equal(1000, Score());
        Assert.Null(configuration.Set("oom-score-adj", "no"));
        Assert.Equal(17, Score());
    }

    [Fact]
    public void A_later_fault_puts_the_score_back()
    {
        Configuration configuration = TestTable.Configuration();
        configuration.Add(new OomScore(Log.None(), _path));
        configuration.Add(new OpenFileLimit(1032));
        Assert.NotNull(
            configuration.Set("oom-score-adj", "yes", "oom-score-adj-values", "1 1 1", "maxclients", "20000"));
        Assert.Equal(17, Score());
    }

    [Fact]
    public void What_the_system_refuses_is_an_error_and_the_server_starts_all_the_same()
    {
        Configuration configuration = TestTable.Configuration("oom-score-adj yes");
        var score = new OomScore(Log.None(), Path.Combine(Path.GetTempPath(), "millrace-no-such-directory", "x"));
        score.Begin(configuration.Settings);
        configuration.Add(score);
        Assert.Equal(
            "ERR CONFIG SET failed (possibly related to argument 'oom-score-adj') - Failed to set current "
            + "oom_score_adj. Check server logs.",
            configuration.Set("oom-score-adj", "absolute"));
        Assert.Equal("oom-score-adj=yes", configuration.GetText("oom-score-adj"));
    }

    // Only the first line: what is written to a score is not cut as a plain file is.
    private int Score() => int.Parse(File.ReadLines(_path).First());
}
