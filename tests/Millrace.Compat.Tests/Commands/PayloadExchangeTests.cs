using System.Globalization;
using System.Text;
using Millrace.Compat.Tests.Differential;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Commands;

/// <summary>
/// Payloads of DUMP from each server to the other, for every type and encoding: the values are equal by DEBUG
/// DIGEST-VALUE, and where the form of a value leaves no choice the bytes are equal too. Under <c>rdb-version 10</c>,
/// which 7.0.15 reads.
/// </summary>
public sealed class PayloadExchangeTests : IClassFixture<ServerPair>, IDisposable
{
    private const string Ok = "+OK\r\n";
    private readonly RawConnection _redis;
    private readonly RawConnection _millrace;

    public PayloadExchangeTests(ServerPair pair)
    {
        _redis = pair.Redis.Connect();
        _millrace = pair.Millrace.Connect();
        foreach (RawConnection one in (RawConnection[])[_redis, _millrace])
            one.Call("FLUSHALL");
        Assert.Equal(Ok, _millrace.Ask("CONFIG", "SET", "rdb-version", "10"));
    }

    /// <summary>Name, whether both servers write the same bytes, the requests that make it.</summary>
    public static TheoryData<string, bool, string[][]> Values => new()
    {
        { "integers", true, Each(["0", "-1", "127", "-129", "32768", "-32769", "2147483648"], text => ["SET", text]) },
        { "integer of 64 bits", true, [["SET", "-9223372036854775808"]] },
        { "short text", true, [["SET", "hello"]] },
        { "empty text", true, [["SET", ""]] },
        { "text that looks like an integer", true, [["SET", "007"]] },
        { "text that cannot be compressed", true, [["SET", "abcdefghijklmnopqrstuvwxyz0123456789"]] },
        { "text that can", false, [["SET", new string('x', 300)]] },
        { "large text", false, [["SET", string.Concat(Enumerable.Range(0, 30_000))]] },
        { "text with a hole", false, [["SETRANGE", "200", "x"]] },
        { "short list", true, [["RPUSH", "a", "b", "1", "-500", "", "99999999999"]] },
        { "long list", false, Many(2_000, i => ["RPUSH", $"element{i}", Text(i)]) },
        { "list of large elements", false, [["RPUSH", new string('z', 5_000), "a", new string('q', 9_000), "b"]] },
        { "small integers", true, [["SADD", "1", "2", "-3"]] },
        { "large integers", false, [["SADD", "1", "1099511627776"]] },
        { "many integers", false, Many(700, i => ["SADD", Text(i)]) },
        { "few members", false, [["SADD", "a", "b", "1", ""]] },
        { "one member", true, [["SADD", "member"]] },
        { "many members", false, Many(300, i => ["SADD", $"m{i}"]) },
        { "few scores", true, [["ZADD", "1", "a", "2.5", "b", "inf", "c", "-inf", "d", "1e20", "e", "2", "5"]] },
        { "many scores", true, Many(300, i => ["ZADD", Score(i), $"m{i}"]) },
        { "one long member", true, [["ZADD", "0.1", Noise(90)]] },
        { "few fields", true, [["HSET", "a", "1", "b", "hello", "7", ""]] },
        { "one long value", true, [["HSET", "f", Noise(90)]] },
        { "few entries", false, Many(5, i => ["XADD", $"{i + 1}-{i}", "field", Text(i), "other", $"text{i}"]) },
        { "many entries", false, Many(700, i => ["XADD", $"{i + 1}-{i}", $"field{i % 3}", Text(i)]) },
        { "many fields", false, Many(600, i => ["HSET", $"f{i}", Text(i)]) },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void A_value_goes_from_each_server_to_the_other(string name, bool isSameBytes, string[][] requests)
    {
        foreach (string[] request in requests)
        {
            // Requests are written without their key.
            string[] words = [request[0], "key", .. request[1..]];
            Assert.Equal(_redis.Ask(words), _millrace.Ask(words));
            if (request[0] == "SET")
                Exchange(name, isSameBytes);
        }
        Exchange(name, isSameBytes);
    }

    [Fact]
    public void Every_payload_of_the_fuzzers_corpus_is_the_same_value_to_both()
    {
        foreach ((string name, byte[] value) in Corpus())
        {
            // 7.0.15 knows neither packed sets nor deadlines of fields.
            bool isLater = value[0] is 20 or 21 or 22 or 23 or 24 or 25;
            byte[] payload = Payload.Seal(value, isLater ? 12 : 10);
            Assert.Equal(Ok, Restore(_millrace, payload));
            string expected = isLater ? "-ERR DUMP payload version or checksum are wrong\r\n" : Ok;
            Assert.Equal(expected, Restore(_redis, payload));
            if (isLater)
                continue;
            Assert.True(Digest(_redis, "copy") == Digest(_millrace, "copy"), name);
            // And no server minds what the other makes of it.
            byte[] ours = Bulk(_millrace.Call("DUMP", "copy"));
            Assert.Equal(Ok, Restore(_redis, ours));
            Assert.True(Digest(_redis, "copy") == Digest(_millrace, "copy"), name);
        }
    }

    [Fact]
    public void A_stream_goes_from_each_server_to_the_other_with_its_groups()
    {
        foreach (RawConnection one in (RawConnection[])[_redis, _millrace])
        {
            for (int i = 1; i < 250; i++)
                one.Call("XADD", "key", $"{i}-{i % 3}", "field", Text(i));
            one.Call("XDEL", "key", "3-0", "77-2", "249-0");
            foreach (string group in (string[])["empty", "read", "half"])
                one.Call("XGROUP", "CREATE", "key", group, "5-0");
            foreach (string consumer in (string[])["a", "b", "", "long" + new string('c', 200)])
                one.Call("XREADGROUP", "GROUP", "half", consumer, "COUNT", "30", "STREAMS", "key", ">");
            one.Call("XREADGROUP", "GROUP", "read", "a", "STREAMS", "key", ">");
            one.Call("XCLAIM", "key", "half", "d", "0", "6-0", "7-1", "RETRYCOUNT", "70000");
        }
        foreach ((RawConnection from, RawConnection to) in (
            (RawConnection, RawConnection)[])[(_redis, _millrace), (_millrace, _redis), (_millrace, _millrace)])
        {
            Assert.Equal(Ok, Restore(to, Bulk(from.Call("DUMP", "key"))));
            Assert.Equal(Digest(from, "key"), Digest(to, "copy"));
            Assert.True(ReplyRules.Same(
                "XINFO STREAM", from.Call("XINFO", "STREAM", "key", "FULL", "COUNT", "0"),
                to.Call("XINFO", "STREAM", "copy", "FULL", "COUNT", "0"), out _));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _redis.Dispose();
        _millrace.Dispose();
    }

    private static string[][] Each(string[] texts, Func<string, string[]> request) => [.. texts.Select(request)];

    private static string[][] Many(int count, Func<int, string[]> request) =>
        [.. Enumerable.Range(0, count).Select(request)];

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Score(int number) => (number / 7.0).ToString("R", CultureInfo.InvariantCulture);

    // What no compression makes shorter.
    private static string Noise(int length)
    {
        var random = new Random(1);
        return string.Concat(Enumerable.Range(0, length).Select(_ => (char)random.Next(256)));
    }

    private void Exchange(string name, bool isSameBytes)
    {
        byte[] theirs = Bulk(_redis.Call("DUMP", "key"));
        byte[] ours = Bulk(_millrace.Call("DUMP", "key"));
        Assert.True(theirs.AsSpan().SequenceEqual(ours) || !isSameBytes, name + ": other bytes");
        Assert.Equal(Ok, Restore(_redis, ours));
        Assert.Equal(Ok, Restore(_millrace, theirs));
        string digest = Digest(_redis, "key");
        foreach (RawConnection one in (RawConnection[])[_redis, _millrace])
        {
            Assert.True(Digest(one, "key") == digest, name);
            Assert.True(Digest(one, "copy") == digest, name);
            string encoding = one.Ask("OBJECT", "ENCODING", "key");
            Assert.True(one.Ask("OBJECT", "ENCODING", "copy") == encoding, name);
        }
    }

    private static string Restore(RawConnection server, byte[] payload) => Encoding.Latin1.GetString(server.Call(
        [.. ((string[])["RESTORE", "copy", "0"]).Select(Encoding.ASCII.GetBytes), payload, "REPLACE"u8.ToArray()]));

    private static string Digest(RawConnection server, string key) => server.Ask("DEBUG", "DIGEST-VALUE", key);

    private static byte[] Bulk(byte[] reply)
    {
        int start = reply.AsSpan().IndexOf("\r\n"u8) + 2;
        return reply[start..^2];
    }

    private static IEnumerable<(string Name, byte[] Value)> Corpus()
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "Millrace.slnx")))
            root = root.Parent;
        string folder = Path.Combine(root!.FullName, "tests", "corpus", "restore", "valid");
        return Directory.GetFiles(folder).Select(path => (Path.GetFileName(path), File.ReadAllBytes(path)));
    }
}
