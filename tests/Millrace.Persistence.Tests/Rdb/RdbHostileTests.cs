using System.Globalization;
using Millrace.Commands.Tests.Driver;
using Millrace.Engine.Codec;
using Millrace.Persistence.Rdb;

namespace Millrace.Persistence.Tests.Rdb;

/// <summary>Files that end early or are damaged: a clear error with nothing left behind, or a keyspace that every
/// command can work with.</summary>
public sealed class RdbHostileTests : IDisposable
{
    private static readonly bool s_isLong = Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1";

    private readonly RdbKeyspace _keyspace = new();

    public void Dispose() => _keyspace.Dispose();

    [Fact]
    public void A_file_that_ends_early_is_an_error_at_every_byte_and_leaks_nothing()
    {
        var file = MakeFile();
        for (var length = 0; length < file.Length; length++)
        {
            var outcome = _keyspace.Load(file[..length], bufferBytes: length % 2 == 0 ? 64 : 4096);
            Assert.True(
                outcome.Fault.Kind == RdbFaultKind.EndsEarly, $"{length} of {file.Length}: {outcome.Fault}");
            Assert.InRange(outcome.Fault.Offset, 0, length);
            _keyspace.CheckGivenBack($"{length} of {file.Length}");
        }
    }

    [Fact]
    public void A_byte_that_is_flipped_is_found_by_the_checksum()
    {
        var file = MakeFile();
        for (var at = 0; at < file.Length; at++)
        {
            file[at] ^= (byte)(1 + (at % 255));
            var outcome = _keyspace.Load(file);
            Assert.False(outcome.IsComplete, $"byte {at} of {file.Length}");
            _keyspace.CheckGivenBack($"byte {at} of {file.Length}");
            file[at] ^= (byte)(1 + (at % 255));
        }

        Assert.True(_keyspace.Load(file).IsComplete);
    }

    [Fact]
    public void A_bit_that_is_flipped_without_a_checksum_gives_an_error_or_a_sound_keyspace()
    {
        var file = MakeFile();
        file.AsSpan(^8..).Clear();
        for (var bit = 0; bit < 8 * (file.Length - 8); bit += s_isLong ? 1 : 3)
        {
            file[bit / 8] ^= (byte)(1 << (bit % 8));
            Survives(file, $"bit {bit}");
            file[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void Bytes_that_are_changed_removed_or_repeated_give_an_error_or_a_sound_keyspace()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var whole = MakeFile();
        whole.AsSpan(^8..).Clear();
        for (var i = 0; i < (s_isLong ? 100_000 : 2_000); i++)
        {
            var file = whole.ToList();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                var at = random.Next(RdbMagic.Bytes, file.Count - 16);
                var length = random.Next(1, 16);
                if (random.Next(3) == 0) file.RemoveRange(at, length);
                else if (random.Next(2) == 0) file.InsertRange(at, file.GetRange(at, length));
                else file[at] = (byte)random.Next(256);
            }

            Survives([.. file], $"seed {seed}, {i}");
        }
    }

    [Fact]
    public void A_claim_takes_no_memory()
    {
        string[] claims =
        [
            "00 0161 81 0000010000000000 61", "00 0161 80ffffffff 61", "00 0161 c3 02 80ffffffff 0061",
            "00 80ffffffff 61", "fa 80ffffffff 61", "f5 81 7fffffffffffffff 61", "01 0161 81 0000010000000000 0161",
            "fb 80ffffffff 80ffffffff 00 0161 0162",
        ];
        foreach (var claim in claims)
        {
            var file = new HandMadeFile("REDIS0011").Hex(claim).Whole();
            var before = GC.GetAllocatedBytesForCurrentThread();
            Assert.False(_keyspace.Load(file).IsComplete);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4_000_000);
            _keyspace.CheckGivenBack(claim);
        }
    }

    private byte[] MakeFile()
    {
        using var source = new RdbKeyspace();
        var now = source.Driver.NowMs;
        var i = 0;
        foreach (var (name, value) in Payloads.All().Where(one => one.Value.Length < 400))
        {
            source.Run(i % 3, "RESTORE", name, "0", Payloads.Seal(value));
            var deadline = (now + 100_000 + i).ToString(CultureInfo.InvariantCulture);
            if (i++ % 4 == 0) source.Run((i - 1) % 3, "PEXPIREAT", name, deadline);
        }

        source.Run(2, "SET", "text", "value");
        return source.Save(
            new RdbFormat(RdbFormat.UsualVersion, Compresses: true),
            new RdbContents { Functions = ["#!lua name=one\n"u8.ToArray()] });
    }

    private void Survives(byte[] file, string where)
    {
        var options = new KeyspaceLoadOptions(DropsExpired: true, Replaces: true);
        var outcome = _keyspace.Load(file, options, verifies: false);
        Assert.True(outcome.IsComplete || outcome.Fault.Text.Length > 0, where);
        Assert.True(outcome.Fault.Kind is not RdbFaultKind.Disk and not RdbFaultKind.Checksum, where);
        if (outcome.IsComplete)
        {
            _keyspace.RemoveDue();
            using var other = new RdbKeyspace();
            var again = other.Load(_keyspace.Save());
            Assert.True(again.IsComplete, $"{where}: {again.Fault}");
            Assert.True(other.Digest() == _keyspace.Digest(), where);
        }

        _keyspace.CheckGivenBack(where);
    }
}
