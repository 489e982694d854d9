using System.Globalization;
using System.Text;
using Millrace.Engine;

namespace Millrace.Commands.Tests.Driver;

/// <summary>
/// Asks a value everything that its type can be asked, and changes it: what one command says of it must agree with what
/// the others say. For values that come from payloads.
/// </summary>
internal static class ValueSurvey
{
    /// <summary>The digest of a key's value, as DEBUG DIGEST-VALUE has it.</summary>
    public static string Digest(CommandDriver driver, string name)
    {
        var bytes = Encoding.Latin1.GetBytes(name);
        var key = new Key(0, driver.Keyspace.HashOf(bytes), bytes);
        Assert.True(driver.Unit.TryBegin(driver.Keyspace.AllPartitions, driver.NowMs, patient: true, out _));
        var digest = default(DataDigest);
        digest.AddValue(driver.Unit.Find(key, Access.Peek));
        driver.Unit.End();
        return Convert.ToHexString(digest.Bytes);
    }

    /// <summary>What OBJECT ENCODING says.</summary>
    public static string EncodingOf(CommandDriver driver, string key) => driver.Say("OBJECT ENCODING " + key);

    /// <summary>Looks at all of a value, then changes it.</summary>
    public static void Run(CommandDriver driver, string key)
    {
        driver.Say("OBJECT ENCODING " + key);
        driver.Run("COPY " + key + " survey REPLACE");
        switch (driver.Say("TYPE " + key))
        {
            case "string":
                var text = driver.Value("GET", "survey");
                Assert.Equal(text.Bytes.Length, Number(driver, "STRLEN survey"));
                driver.Run("APPEND survey x");
                driver.Run("SETRANGE survey 3 abc");
                break;
            case "list":
                SurveyList(driver);
                break;
            case "set":
                SurveySet(driver);
                break;
            case "zset":
                SurveySortedSet(driver);
                break;
            case "hash":
                SurveyHash(driver);
                break;
            case "stream":
                SurveyStream(driver);
                break;
            default:
                Assert.Fail("no type");
                break;
        }

        driver.Run("DEL survey");
    }

    private static void SurveyList(CommandDriver driver)
    {
        var elements = Texts(driver, "LRANGE", "survey", "0", "-1");
        Assert.Equal(elements.Length, Number(driver, "LLEN survey"));
        for (var i = 0; i < elements.Length; i++)
        {
            var index = i.ToString(CultureInfo.InvariantCulture);
            Assert.Equal(elements[i], Text(driver.Value("LINDEX", "survey", index)));
        }

        driver.RunWords("LSET", "survey", (elements.Length / 2).ToString(CultureInfo.InvariantCulture), "other");
        driver.RunWords("LINSERT", "survey", "BEFORE", "other", new string('l', 3_000));
        driver.Run("LPUSH survey first 17");
        driver.Run("RPUSH survey last 18");
        driver.Run("LPOP survey");
        driver.Run("RPOP survey");
        driver.RunWords("LREM", "survey", "0", elements[0]);
        Assert.Equal(Texts(driver, "LRANGE", "survey", "0", "-1").Length, Number(driver, "LLEN survey"));
    }

    private static void SurveySet(CommandDriver driver)
    {
        var members = Texts(driver, "SMEMBERS", "survey");
        Assert.Equal(members.Length, Number(driver, "SCARD survey"));
        Assert.Equal(members.Length, members.Distinct(StringComparer.Ordinal).Count());
        foreach (var one in members) Assert.Equal(":1\r\n", driver.RunWords("SISMEMBER", "survey", one));
        driver.Run("SRANDMEMBER survey 5");
        driver.Run("SADD survey 17 another 99999999999");
        foreach (var one in members) Assert.Equal(":1\r\n", driver.RunWords("SREM", "survey", one));
    }

    private static void SurveySortedSet(CommandDriver driver)
    {
        var members = Texts(driver, "ZRANGE", "survey", "0", "-1");
        Assert.Equal(members.Length, Number(driver, "ZCARD survey"));
        Assert.Equal(members.Length, Number(driver, "ZCOUNT survey -inf +inf"));
        for (var i = 0; i < members.Length; i++)
        {
            Assert.Equal($":{i}\r\n", driver.RunWords("ZRANK", "survey", members[i]));
            Assert.False(driver.Value("ZSCORE", "survey", members[i]).IsNull);
        }

        driver.Run("ZADD survey 0 new 17 other");
        driver.RunWords("ZADD", "survey", "5", members[0]);
        foreach (var one in members) Assert.Equal(":1\r\n", driver.RunWords("ZREM", "survey", one));
    }

    private static void SurveyHash(CommandDriver driver)
    {
        var names = Texts(driver, "HKEYS", "survey");
        Assert.Equal(names.Length, Number(driver, "HLEN survey"));
        Assert.Equal(2 * names.Length, Texts(driver, "HGETALL", "survey").Length);
        Assert.Equal(names.Length, names.Distinct(StringComparer.Ordinal).Count());
        foreach (var one in names)
        {
            Assert.False(driver.Value("HGET", "survey", one).IsNull);
            driver.RunWords("HPEXPIRETIME", "survey", "FIELDS", "1", one);
        }

        driver.Run("HSET survey new 1 other two");
        driver.Run("HPEXPIRE survey 100000 FIELDS 1 new");
        if (names.Length > 0) driver.RunWords("HSET", "survey", names[0], "changed");
        if (names.Length > 0) driver.RunWords("HPERSIST", "survey", "FIELDS", "1", names[0]);
        foreach (var one in names) Assert.Equal(":1\r\n", driver.RunWords("HDEL", "survey", one));
    }

    private static void SurveyStream(CommandDriver driver)
    {
        var entries = driver.Value("XRANGE", "survey", "-", "+").Items;
        Assert.Equal(entries.Count, Number(driver, "XLEN survey"));
        var backwards = driver.Value("XREVRANGE", "survey", "+", "-").Items.Reverse().Select(CommandDriver.Render);
        Assert.Equal(entries.Select(CommandDriver.Render), backwards);
        driver.Run("XINFO STREAM survey FULL COUNT 0");
        foreach (var group in driver.Value("XINFO", "GROUPS", "survey").Items)
        {
            var name = Text(group.Items[1]);
            var pending = driver.Value("XPENDING", "survey", name, "-", "+", "1000000").Items;
            Assert.Equal(pending.Count, group.Items[5].Integer);
            driver.RunWords("XAUTOCLAIM", "survey", name, "another", "0", "-", "COUNT", "10");
            foreach (var one in pending)
                driver.RunWords("XACK", "survey", name, Text(one.Items[0]));
            Assert.StartsWith("*4\r\n:0\r\n", driver.RunWords("XPENDING", "survey", name), StringComparison.Ordinal);
            driver.RunWords("XREADGROUP", "GROUP", name, "another", "STREAMS", "survey", ">");
        }

        driver.Run("XADD survey * field value");
        foreach (var one in entries) Assert.Equal(":1\r\n", driver.RunWords("XDEL", "survey", Text(one.Items[0])));
        driver.Run("XTRIM survey MAXLEN 0");
        Assert.Equal(0, Number(driver, "XLEN survey"));
    }

    private static long Number(CommandDriver driver, string request) => driver.Value(request.Split(' ')).Integer;

    private static string[] Texts(CommandDriver driver, params string[] words) =>
        [.. driver.Value(words).Items.Select(Text)];

    private static string Text(Millrace.Resp.RespValue value) => Encoding.Latin1.GetString(value.Bytes.Span);
}
