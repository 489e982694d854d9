using System.Text;
using Millrace.Bench.Load;
using Millrace.Resp;

namespace Millrace.Bench.Tests;

/// <summary>The generator's requests, read by the server's own parser.</summary>
public class RequestTemplateTests
{
    [Theory]
    [InlineData("ping", "PING")]
    [InlineData("get", "GET key:000000012345")]
    [InlineData("set", "SET key:000000012345 xxxxx")]
    [InlineData("incr", "INCR counter:000000012345")]
    [InlineData("hset", "HSET myhash element:000000012345 xxxxx")]
    [InlineData("sadd", "SADD myset element:000000012345")]
    [InlineData("lpush", "LPUSH mylist xxxxx")]
    [InlineData("zadd", "ZADD myzset 000000012345 element:000000012345")]
    [InlineData("rpush100", "RPUSH list100 element:00012345")]
    public void A_pipeline_parses_into_its_requests_each_with_its_own_key(string command, string expected)
    {
        var template = RequestTemplate.Of(command, keys: 100_000, valueSize: 5);
        var bytes = template.Repeat(3);
        for (var i = 0; i < 3; i++) template.SetKey(bytes, i, 99_999);
        template.SetKey(bytes, 1, 12_345);
        var requests = Parse(bytes);
        Assert.Equal(3, requests.Count);
        Assert.Equal(expected, requests[1]);
        Assert.Equal(expected.Replace("12345", "99999", StringComparison.Ordinal), requests[2]);
        Assert.Equal(bytes.Length, 3 * template.SizeBytes);
    }

    [Fact]
    public void Every_command_that_is_listed_has_a_template_and_others_are_a_usage_error()
    {
        foreach (var shape in RequestCatalogue.All)
        {
            Assert.NotNull(RequestTemplate.Of(shape.Name, 10, 1));
            if (shape.Fill is { } fill) Assert.Null(RequestCatalogue.Find(fill).FillKeys > 0 ? fill : null);
        }

        Assert.Throws<UsageException>(() => RequestTemplate.Of("flushall", 10, 1));
    }

    [Fact]
    public void A_request_may_be_several_commands_and_have_keys_with_a_distance()
    {
        var exec = RequestTemplate.Of("exec3", 1000, 1);
        Assert.Equal(5, exec.Replies);
        var bytes = exec.Repeat(1);
        exec.SetKey(bytes, 0, 99);
        string[] expected =
            ["MULTI", "SET key:000000000099 x", "SET key:000000000100 x", "SET key:000000000101 x", "EXEC"];
        Assert.Equal(expected, Parse(bytes));

        var range = RequestTemplate.Of("zrange10", 1000, 1);
        bytes = range.Repeat(1);
        range.SetKey(bytes, 0, 999);
        Assert.Equal(["ZRANGE myzset 100999 101008"], Parse(bytes));
    }

    [Fact]
    public void A_request_that_reads_and_writes_has_two_numbers_apart_from_each_other()
    {
        var mixed = RequestTemplate.Of("get-set", 1000, 2);
        Assert.True(mixed.HasOther);
        Assert.False(RequestTemplate.Of("get", 1000, 2).HasOther);
        Assert.Equal(2, mixed.Replies);
        var bytes = mixed.Repeat(2);
        mixed.SetKey(bytes, 1, 12, other: 987);
        string[] expected =
        [
            "GET key:000000000000", "SET key:000000000000 xx", "GET key:000000000012", "SET key:000000000987 xx",
        ];
        Assert.Equal(expected, Parse(bytes));

        var scores = RequestTemplate.Of("zscore-zadd", 10_000, 1);
        bytes = scores.Repeat(1);
        scores.SetKey(bytes, 0, 4321, other: 1278);
        Assert.Equal(
            ["ZSCORE zset:21 member:000000004321", "ZADD zset:78 000000004321 member:000000001278"], Parse(bytes));
    }

    private static List<string> Parse(byte[] bytes)
    {
        var parser = new RequestParser();
        var slices = new SliceList();
        var requests = new List<string>();
        for (var at = 0; at < bytes.Length;)
        {
            var rest = bytes.AsSpan(at);
            Assert.Equal(
                ParseStatus.Complete, parser.Parse(rest, RequestLimits.Default, true, slices, out var consumed));
            var args = new Args(rest, slices.AsSpan());
            var words = new List<string>();
            for (var i = 0; i < args.Count; i++) words.Add(Encoding.ASCII.GetString(args[i]));
            requests.Add(string.Join(' ', words));
            at += consumed;
        }

        return requests;
    }
}
