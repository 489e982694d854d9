using System.Text;
using Millrace.Histories.Crashing;
using Millrace.Persistence.Aof;
using Millrace.Resp;
using Xunit.Abstractions;

namespace Millrace.Server.Tests.Persistence;

/// <summary>One bit of an append-only file is another one: whoever loads it is told, unless it stands in the last line,
/// a checksum, and all commands are as they were.</summary>
public sealed class BitFlipTests(ITestOutputHelper output)
{
    private const int FileBytes = 1024 * 1024;
    private const string Name = "appendonly.aof.1.incr.aof";

    private static bool IsLong => Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1";

    [Fact]
    public void No_flipped_bit_of_a_file_of_ours_is_loaded_silently()
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var file = Write(random);
        Assert.True(file.Length >= FileBytes);
        var (whole, commands) = Load(file);
        Assert.Equal(AofFault.None, whole.Fault);
        Assert.Equal(0, whole.Tail.UncoveredBytes);
        var lastLine = file.AsSpan().LastIndexOf("#CRC:"u8);
        var outcomes = new Dictionary<AofFault, int>();
        for (var i = 0; i < (IsLong ? 10_000 : 100); i++)
        {
            var (at, bit) = (random.Next(file.Length), random.Next(8));
            file[at] ^= (byte)(1 << bit);
            var (result, delivered) = Load(file);
            file[at] ^= (byte)(1 << bit);
            outcomes[result.Fault] = outcomes.GetValueOrDefault(result.Fault) + 1;
            if (result.Fault is not (AofFault.None or AofFault.TruncatedEnd)) continue;
            Assert.True(at >= lastLine, $"bit {bit} of byte {at}: {result.Fault}");
            Assert.Equal(commands, delivered);
        }

        foreach (var (fault, count) in outcomes) output.WriteLine($"{fault}: {count}");
    }

    // As the server writes it: single commands, rows, transactions, short and long values.
    private static byte[] Write(Random random)
    {
        var files = new PowerFiles();
        using (var server = new InProcessServer(
            files, static () => Assert.Fail("it would have ended"), "--auto-aof-rewrite-percentage", "0",
            "--aof-timestamp-enabled", "yes"))
        {
            using var client = new Conversation(server);
            while (files.ContentOf(Name).Length < FileBytes)
            {
                var row = new StringBuilder();
                var (count, replies) = (random.Next(1, 40), 0);
                for (var i = 0; i < count; i++) replies += Add(row, random);
                client.SendText(row.ToString());
                for (var i = 0; i < replies; i++) client.Read();
            }
        }

        return files.ContentOf(Name);
    }

    private static int Add(StringBuilder row, Random random)
    {
        var length = random.Next(20) == 0 ? random.Next(20_000) : random.Next(99);
        var value = new string((char)random.Next('a', 'z'), length);
        var key = $"{random.Next(500)}";
        switch (random.Next(4))
        {
            case 0:
                row.Append(Peer.Encode("SET", "string:" + key, value));
                return 1;
            case 1:
                row.Append(Peer.Encode("RPUSH", "list:" + key, value, "\r\n*1\r\n"));
                return 1;
            case 2:
                row.Append(Peer.Encode("INCR", "number:" + key));
                return 1;
            default:
                row.Append(Peer.Encode("MULTI")).Append(Peer.Encode("INCR", "number:" + key));
                row.Append(Peer.Encode("HSET", "hash:" + key, "field", value)).Append(Peer.Encode("EXEC"));
                return 4;
        }
    }

    private static (AofLoadResult Result, int Commands) Load(byte[] file)
    {
        using var stream = new MemoryStream(file);
        var sink = new HashSink();
        var result = new AofReader(stream, sink).Read();
        return (result, sink.Commands);
    }

    // What all commands are, in their order, in one number.
    private sealed class HashSink : IAofSink
    {
        private HashCode _hash;

        public int Commands => _hash.ToHashCode();

        public bool BeginTransaction(int commands)
        {
            _hash.Add(commands);
            return true;
        }

        public bool EndTransaction()
        {
            _hash.Add(true);
            return true;
        }

        public bool Command(Args args)
        {
            for (var i = 0; i < args.Count; i++)
            {
                _hash.Add(args[i].Length);
                _hash.AddBytes(args[i]);
            }

            return true;
        }
    }
}
