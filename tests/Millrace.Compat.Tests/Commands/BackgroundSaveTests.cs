using System.Globalization;
using System.Security.Cryptography;
using Millrace.Compat.Tests.Generation;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;
using Xunit.Abstractions;

namespace Millrace.Compat.Tests.Commands;

/// <summary>
/// BGSAVE while everything changes: what the file holds is what the keys were at its cut, whatever command touches them
/// before the snapshot has come there. DEBUG PAUSE-CRON holds the snapshot's own walk back, so that commands do the
/// saving; the rest is walked afterwards.
/// </summary>
public sealed class BackgroundSaveTests(ITestOutputHelper output)
{
    private const string Ok = "+OK\r\n";
    private const int FixedSeed = 20_261_127;
    private const int LargeMembers = 1500;
    private static readonly int s_sentences = TestSettings.Commands ?? (TestSettings.Long ? 200_000 : 2_000);
    private static readonly string[] s_large = ["H", "D", "S", "Z", "L", "X", "T", "B"];

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_snapshot_under_a_fixed_stream_of_changes_is_that_of_its_cut(int loops) =>
        SaveUnderChanges(TestSettings.Seed ?? FixedSeed, loops);

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_snapshot_under_a_fresh_stream_of_changes_is_that_of_its_cut(int loops) =>
        SaveUnderChanges(TestSettings.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue), loops);

    private void SaveUnderChanges(int seed, int loops)
    {
        output.WriteLine($"seed {seed}");
        using ServerProcess server = ServerProcess.StartMillrace(
            "--io-threads", loops.ToString(CultureInfo.InvariantCulture));
        try
        {
            SaveUnderChanges(server, seed);
        }
        finally
        {
            if (server.HasExited) output.WriteLine(server.Log);
        }
    }

    private static void SaveUnderChanges(ServerProcess server, int seed)
    {
        using RawConnection client = server.Connect();
        string directory = client.Ask("CONFIG", "GET", "dir").Split("\r\n")[^2];
        var random = new Random(seed);
        for (int round = 0; round < 2; round++)
        {
            client.Ask("CONFIG", "SET", "list-max-listpack-size", "16", "list-compress-depth",
                (round % 2).ToString(CultureInfo.InvariantCulture));
            Fill(client, seed + round);
            string digest = client.Ask("DEBUG", "DIGEST");
            string size = client.Ask("DBSIZE");
            Assert.Equal(Ok, client.Ask("DEBUG", "PAUSE-CRON", "1"));
            Assert.Equal("+Background saving started\r\n", client.Ask("BGSAVE"));
            Change(client, random, seed + round, s_sentences);
            Assert.Contains("rdb_bgsave_in_progress:1", client.Ask("INFO", "persistence"), StringComparison.Ordinal);
            Assert.Equal(Ok, client.Ask("DEBUG", "PAUSE-CRON", "0"));
            WaitForEnd(client);
            Assert.Contains("rdb_last_bgsave_status:ok", client.Ask("INFO", "persistence"), StringComparison.Ordinal);
            using ServerProcess next = ServerProcess.StartMillrace("--dir", directory);
            using RawConnection reader = next.Connect();
            Assert.Equal(size, reader.Ask("DBSIZE"));
            Assert.Equal(digest, reader.Ask("DEBUG", "DIGEST"));
            Assert.Equal(Ok, client.Ask("FLUSHALL"));
        }

        Assert.False(server.HasExited);
    }

    private static void WaitForEnd(RawConnection client)
    {
        for (int i = 0; i < 500; i++)
        {
            string info = client.Ask("INFO", "persistence");
            if (info.Contains("rdb_bgsave_in_progress:0", StringComparison.Ordinal)) return;
            Thread.Sleep(10);
        }

        Assert.Fail("the snapshot does not end: " + client.Ask("INFO", "persistence"));
    }

    // Keys of the grammar without deadlines, which would pass before the file is read, and large values.
    private static void Fill(RawConnection client, int seed)
    {
        var generator = new StreamGenerator(seed, LastingSentences.Forms);
        for (int i = 0; i < s_sentences; i++)
        {
            Sentence sentence = generator.NextSentence();
            if (LastingSentences.IsPlain(sentence) && !LastingSentences.IsTimed(sentence)) Send(client, sentence);
        }

        client.Ask("DISCARD");
        client.Ask("SELECT", "0");
        foreach (string key in s_large) client.Ask("DEL", key);
        for (int i = 0; i < LargeMembers; i++)
        {
            string number = i.ToString(CultureInfo.InvariantCulture);
            client.Ask("HSET", "H", "field" + number, "value" + number);
            client.Ask("HSET", "D", "field" + number, "value" + number);
            if (i % 3 == 0) client.Ask("HEXPIRE", "D", (1000 + i).ToString(CultureInfo.InvariantCulture), "FIELDS", "1",
                "field" + number);
            client.Ask("SADD", "S", "member" + number);
            client.Ask("ZADD", "Z", number, "member" + number);
            client.Ask("RPUSH", "L", "element" + number);
            client.Ask("XADD", "X", "1-" + (i + 1).ToString(CultureInfo.InvariantCulture), "f", "v" + number);
        }

        client.Ask("SET", "T", new string('t', 100_000));
        client.Ask("SETBIT", "B", "400000", "1");
        client.Ask("EXPIRE", "H", "100000");
    }

    private static void Change(RawConnection client, Random random, int seed, int sentences)
    {
        var generator = new StreamGenerator(seed ^ 0x5555, LastingSentences.Forms);
        for (int i = 0; i < sentences; i++)
        {
            if (random.Next(3) == 0)
            {
                ChangeLarge(client, random);
                continue;
            }

            Sentence sentence = generator.NextSentence();
            if (LastingSentences.IsPlain(sentence)) Send(client, sentence);
        }

        client.Ask("DISCARD");
        client.Ask("SELECT", "0");
    }

    private static void ChangeLarge(RawConnection client, Random random)
    {
        string number = random.Next(LargeMembers + 200).ToString(CultureInfo.InvariantCulture);
        string one = s_large[random.Next(s_large.Length)];
        string other = s_large[random.Next(s_large.Length)];
        string[] request = random.Next(32) switch
        {
            0 => ["HSET", "H", "field" + number, "other" + number],
            1 => ["HDEL", "H", "field" + number],
            2 => ["HINCRBY", "H", "count" + number, "1"],
            3 => ["HSET", "D", "field" + number, new string('v', random.Next(80))],
            4 => ["HPEXPIRE", "D", random.Next(1, 500).ToString(CultureInfo.InvariantCulture), "FIELDS", "1",
                "field" + number],
            5 => ["HPERSIST", "D", "FIELDS", "1", "field" + number],
            6 => ["HDEL", "D", "field" + number],
            7 => ["SADD", "S", "other" + number],
            8 => ["SREM", "S", "member" + number],
            9 => ["SPOP", "S", "3"],
            10 => ["ZADD", "Z", number, "member" + random.Next(LargeMembers).ToString(CultureInfo.InvariantCulture)],
            11 => ["ZINCRBY", "Z", "1.5", "member" + number],
            12 => ["ZREM", "Z", "member" + number],
            13 => ["ZPOPMIN", "Z", "2"],
            14 => ["ZREMRANGEBYRANK", "Z", "10", "12"],
            15 => ["LPUSH", "L", "front" + number],
            16 => ["LSET", "L", random.Next(100).ToString(CultureInfo.InvariantCulture), "set" + number],
            17 => ["LINSERT", "L", "BEFORE", "element" + number, "between"],
            18 => ["LREM", "L", "1", "element" + number],
            19 => ["RPOP", "L", "2"],
            20 => ["XADD", "X", "*", "f", number],
            21 => ["XDEL", "X", "1-" + number],
            22 => ["XTRIM", "X", "MAXLEN", "1200"],
            23 => ["SETRANGE", "T", number, "here"],
            24 => ["APPEND", "T", "more"],
            25 => ["SETBIT", "B", number, "1"],
            26 when random.Next(40) == 0 => ["RENAME", one, other],
            27 when random.Next(40) == 0 => ["DEL", one],
            28 when random.Next(40) == 0 => ["COPY", one, other, "REPLACE"],
            29 when random.Next(60) == 0 => ["SWAPDB", "0", "1"],
            30 when random.Next(100) == 0 => ["FLUSHDB"],
            31 when random.Next(40) == 0 => ["PEXPIRE", one, "1"],
            _ => ["LTRIM", "L", "1", "-2"],
        };
        client.Ask(request);
    }

    private static void Send(RawConnection client, Sentence sentence)
    {
        foreach (Request request in sentence.Requests.Where(LastingSentences.IsSendable))
        {
            client.Send(RawConnection.Encode(request.Arguments.AsSpan()));
            client.ReadReply();
        }
    }
}
