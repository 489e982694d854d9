using System.Security.Cryptography;
using System.Text;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;
using Xunit.Abstractions;

namespace Millrace.Compat.Tests.Differential;

/// <summary>
/// Clients that wait, against a real redis-server: in each scene some clients send blocking commands one after the
/// other, somebody else writes, and whoever still waits is unblocked. Every reply of everybody is compared, and the
/// keyspace afterwards. Short form 500 scenes, long form 20,000; MILLRACE_TEST_SEED runs one seed alone.
/// </summary>
/// <remarks>
/// 7.0.15 serves a waiter of several keys from the one that became ready; since 7.2 its command runs again from its first
/// key on, and stumbles over one that holds another type (valkey, src/t_list.c, blockingPopGenericCommand). So waiters
/// of two keys have keys here that hold one type only, and a transaction writes to one key.
/// </remarks>
public sealed class BlockingDifferentialTests(ITestOutputHelper output)
{
    private const int Waiters = 4;
    private const int FixedSeed = 20_240_229;
    private static readonly int s_scenes = TestSettings.Long ? 20_000 : 500;
    private static readonly string[] s_keys = ["a", "b", "c", "d"];
    private static readonly string[] s_keysOfOneType = ["l1", "l2", "z1", "z2"];

    [Fact]
    public void Waiters_of_the_fixed_stream_are_served_as_by_redis() => RunSeed(TestSettings.Seed ?? FixedSeed);

    [Fact]
    public void Waiters_of_a_fresh_stream_are_served_as_by_redis() =>
        RunSeed(TestSettings.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue));

    private void RunSeed(int seed)
    {
        output.WriteLine($"seed {seed} (MILLRACE_TEST_SEED={seed} repeats it)");
        using var pair = new ServerPair();
        using var redis = new Side(pair.Redis.Port);
        using var millrace = new Side(pair.Millrace.Port);
        var random = new Random(seed);
        for (int i = 0; i < s_scenes; i++)
        {
            List<string> story = Scene(random);
            string expected = redis.Play(story);
            string actual = millrace.Play(story);
            if (!string.Equals(expected, actual, StringComparison.Ordinal))
                Assert.Fail($"seed {seed}, scene {i}\nredis:\n{expected}\nmillrace:\n{actual}");
        }
    }

    // Lines: "N command" for waiter N, "w command" for the writer.
    private static List<string> Scene(Random random)
    {
        var story = new List<string> { "w FLUSHALL" };
        for (int i = random.Next(3); i > 0; i--)
            story.Add("w " + Write(random));
        int waiters = random.Next(1, Waiters + 1);
        for (int i = 0; i < waiters; i++)
            story.Add($"{i} {Blocking(random)}");
        for (int i = random.Next(1, 5); i > 0; i--)
        {
            if (random.Next(3) > 0)
            {
                story.Add("w " + Write(random));
                continue;
            }
            string key = AnyKey(random);
            story.Add("w MULTI");
            for (int queued = random.Next(1, 4); queued > 0; queued--)
                story.Add("w " + WriteTo(random, key));
            story.Add("w EXEC");
        }
        return story;
    }

    private static string Key(Random random) => s_keys[random.Next(s_keys.Length)];

    private static string AnyKey(Random random) =>
        random.Next(2) == 0 ? Key(random) : s_keysOfOneType[random.Next(s_keysOfOneType.Length)];

    private static string Pair(Random random, string one, string other) =>
        random.Next(2) == 0 ? $"{one} {other}" : $"{other} {one}";

    private static string End(Random random) => random.Next(2) == 0 ? "LEFT" : "RIGHT";

    private static string Blocking(Random random) => random.Next(10) switch
    {
        0 or 1 => $"BLPOP {Key(random)} 0",
        2 => $"BRPOP {Pair(random, "l1", "l2")} 0",
        3 or 4 => $"BLMOVE {Key(random)} {Key(random)} {End(random)} {End(random)} 0",
        5 => $"BRPOPLPUSH {Key(random)} {Key(random)} 0",
        6 => $"BLMPOP 0 2 {Pair(random, "l1", "l2")} {End(random)} COUNT {random.Next(1, 4)}",
        7 => $"BZPOPMIN {Key(random)} 0",
        8 => $"BZPOPMAX {Pair(random, "z1", "z2")} 0",
        _ => $"BZMPOP 0 2 {Pair(random, "z1", "z2")} MAX COUNT {random.Next(1, 4)}",
    };

    private static string Write(Random random) => random.Next(12) switch
    {
        0 => $"RENAME {Key(random)} {Key(random)}",
        1 => $"COPY {Key(random)} {Key(random)} REPLACE",
        2 => "SWAPDB 0 1",
        3 => $"COPY {Key(random)} {Key(random)} DB 1",
        4 => $"LMOVE {Key(random)} {Key(random)} {End(random)} {End(random)}",
        5 => $"ZUNIONSTORE {Key(random)} 1 {Key(random)}",
        _ => WriteTo(random, AnyKey(random)),
    };

    private static string WriteTo(Random random, string key) => (key[0] == 'l' ? random.Next(4)
        : key[0] == 'z' ? 4 : random.Next(10)) switch
    {
        < 3 => $"RPUSH {key} {random.Next(100)} {random.Next(100)}",
        3 => $"LPUSH {key} {random.Next(100)}",
        4 or 5 => $"ZADD {key} {random.Next(9)} m{random.Next(9)} {random.Next(9)} m{random.Next(9)}",
        6 => $"SET {key} x",
        7 => $"DEL {key}",
        8 => $"LPOP {key}",
        _ => $"PEXPIREAT {key} 1",
    };

    // One server with its clients.
    private sealed class Side : IDisposable
    {
        private readonly RawConnection _writer;
        private readonly RawConnection[] _waiters;
        private readonly string[] _ids;

        public Side(int port)
        {
            _writer = new RawConnection(port);
            _waiters = [.. Enumerable.Range(0, Waiters).Select(_ => new RawConnection(port))];
            _ids = [.. _waiters.Select(static one => Text(one.Call("CLIENT", "ID"))[1..].Trim())];
        }

        /// <summary>Plays a scene and tells all that was answered, in an order that does not depend on time.</summary>
        public string Play(List<string> story)
        {
            var told = new StringBuilder();
            var asked = new List<int>();
            foreach (string line in story)
            {
                string[] words = line[2..].Split(' ');
                if (line[0] == 'w')
                {
                    told.Append(line).Append(" -> ").Append(Text(_writer.Call(words)));
                    continue;
                }
                int waiter = line[0] - '0';
                _waiters[waiter].Call("ECHO", "another command than the last one");
                _waiters[waiter].Send(RawConnection.Encode(
                    words.Select(Encoding.Latin1.GetBytes).ToArray().AsSpan()));
                asked.Add(waiter);
                UntilTaken(_ids[waiter], words[0]);
            }
            foreach (int waiter in asked)
                told.Append("unblock ").Append(waiter).Append(Text(_writer.Call("CLIENT", "UNBLOCK", _ids[waiter])));
            foreach (int waiter in asked)
                told.Append("reply ").Append(waiter).Append(' ').Append(Text(_waiters[waiter].ReadReply()));
            foreach (string key in (string[])[.. s_keys, .. s_keysOfOneType])
                told.Append(key).Append(' ').Append(Text(_writer.Call("DEBUG", "DIGEST-VALUE", key)));
            return told.ToString();
        }

        public void Dispose()
        {
            _writer.Dispose();
            foreach (RawConnection waiter in _waiters)
                waiter.Dispose();
        }

        // The next line must find the request begun: blocked, or answered already.
        private void UntilTaken(string id, string command)
        {
            long deadline = Environment.TickCount64 + 30_000;
            while (!Text(_writer.Call("CLIENT", "LIST", "ID", id))
                .Contains($" cmd={command.ToLowerInvariant()} ", StringComparison.Ordinal))
                Assert.True(Environment.TickCount64 < deadline, "the request was never taken");
        }

        private static string Text(byte[] reply) => Encoding.Latin1.GetString(reply);
    }
}
