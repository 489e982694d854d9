using Millrace.Persistence.Aof;
using static Millrace.Persistence.Tests.Aof.Requests;

namespace Millrace.Persistence.Tests.Aof;

/// <summary>The reading of one append-only file: what is delivered, each fault, each cut, each changed byte.</summary>
public class AofReaderTests
{
    private static readonly byte[] Set = Of("SET", "a", "1");

    [Fact]
    public void Commands_and_transactions_are_delivered_in_their_order()
    {
        var file = Join(
            Of("SELECT", "3"), Of("set", "a", "b\r\n\0"), Of("multi"), Of("INCR", "a"), Of("DEL", "b", "c"), Of("eXec"),
            Of("MULTI"), Of("EXEC"), Of("PING"));
        var (result, lines) = Read(file);
        Assert.Equal(AofFault.None, result.Fault);
        Assert.Equal(["SELECT 3", "set a b\r\n\0", "[2", "INCR a", "DEL b c", "]", "[0", "]", "PING"], lines);
        Assert.Equal(5, result.Commands);
        Assert.Equal(file.Length, result.FaultOffset);
        Assert.Equal(new AofTail(0, 0, 0).With(file), result.Tail);
        Assert.False(result.HasChecksums);
    }

    [Fact]
    public void An_empty_file_holds_nothing_and_is_right()
    {
        var (result, lines) = Read([]);
        Assert.Equal(AofFault.None, result.Fault);
        Assert.Empty(lines);
        Assert.Equal(default, result.Tail);
    }

    [Fact]
    public void Annotations_are_passed_over_between_commands_and_within_transactions()
    {
        var file = Join(
            Raw("#TS:1628217470\r\n"), Set, Raw("#\n#anything \0 at all\r\n"), Of("MULTI"), Raw("#TS:1628217480\r\n"),
            Set, Raw("#TS:no number\r\n"), Of("EXEC"), Raw("#TS:1628217475\r\n"));
        var (result, lines) = Read(file);
        Assert.Equal(AofFault.None, result.Fault);
        Assert.Equal(["SET a 1", "[1", "SET a 1", "]"], lines);
        Assert.Equal(1628217480, result.TimestampSeconds);
        Assert.Equal(file.Length, result.Tail.Offset);
    }

    [Theory]
    [InlineData(1023, AofFault.None)]
    [InlineData(1024, AofFault.BadFormat)]
    [InlineData(5000, AofFault.BadFormat)]
    public void An_annotation_is_as_long_as_Redis_reads_in_one_piece(int bytes, AofFault fault)
    {
        var (result, _) = Read(Join(Raw("#" + new string('x', bytes - 2) + "\n"), Set));
        Assert.Equal(fault, result.Fault);
    }

    [Theory]
    [InlineData("!!!", "neither a command nor an annotation")]
    [InlineData("\r\n", "neither a command nor an annotation")]
    [InlineData("PING\r\n", "neither a command nor an annotation")]
    [InlineData("\0\0\0", "neither a command nor an annotation")]
    [InlineData("REDIS0011", "neither a command nor an annotation")]
    [InlineData("*0\r\n", "a command of no words")]
    [InlineData("*-1\r\n", "a command of no words")]
    [InlineData("*x\r\n", "invalid multibulk length")]
    [InlineData("*1\r\n+OK\r\n", "expected '$', got '+'")]
    [InlineData("*1\r\n$-1\r\n", "invalid bulk length")]
    [InlineData("*1\r\n$99999999999999\r\n", "invalid bulk length")]
    [InlineData("*1\rX$4\r\nPING\r\n", "a line that does not end in CR LF")]
    [InlineData("*1\r\n$4\rXPING\r\n", "a line that does not end in CR LF")]
    [InlineData("*1\r\n$4\r\nPING__", "a line that does not end in CR LF")]
    [InlineData("*2\r\n$4\r\nPING__$1\r\na\r\n", "a line that does not end in CR LF")]
    [InlineData("*abc", "a command that is malformed")]
    [InlineData("*1\r\n#TS:1\r\n", "expected '$', got '#'")]
    [InlineData("*1\r\n$1\0", "a command that is malformed")]
    [InlineData("*\r", "a command that is malformed")]
    [InlineData("*2\r\n$4\r\nPINGx", "a command that is malformed")]
    [InlineData("*3\n$3\nSET\n", "a command that is malformed")]
    [InlineData("*1\r\n$4\r\nEXEC\r\n", "EXEC without MULTI")]
    public void What_is_no_command_is_bad_format_at_its_place(string text, string reason)
    {
        var (result, lines) = Read(Join(Set, Raw(text)));
        Assert.Equal(AofFault.BadFormat, result.Fault);
        Assert.Equal(reason, result.Reason);
        Assert.Equal(Set.Length, result.FaultOffset);
        Assert.Equal(Set.Length, result.Tail.Offset);
        Assert.Equal(["SET a 1"], lines);
        Assert.Contains("Bad file format reading the append only file x.aof", result.Describe("x.aof"));
        Assert.Contains($"offset {Set.Length}", result.Describe("x.aof"));
    }

    [Fact]
    public void MULTI_within_MULTI_is_bad_format_and_nothing_of_it_is_delivered()
    {
        var (result, lines) = Read(Join(Of("MULTI"), Set, Of("MULTI"), Set, Of("EXEC")));
        Assert.Equal((AofFault.BadFormat, "MULTI within MULTI"), (result.Fault, result.Reason));
        Assert.Equal(0, result.Tail.Offset);
        Assert.Empty(lines);
    }

    [Theory]
    [InlineData("*")]
    [InlineData("*3")]
    [InlineData("*3\r")]
    [InlineData("*3\r\n")]
    [InlineData("*3\r\n$")]
    [InlineData("*3\r\n$3\r\nSE")]
    [InlineData("*3\r\n$3\r\nSET")]
    [InlineData("*3\r\n$3\r\nSET\r")]
    [InlineData("*3\r\n$3\r\nSET\r\n$2147483000\r\nabc")]
    [InlineData("#")]
    [InlineData("#TS:123\r")]
    [InlineData("#CRC:01")]
    public void What_is_the_beginning_of_something_is_a_truncated_end(string text)
    {
        var (result, lines) = Read(Join(Set, Raw(text)));
        Assert.Equal(AofFault.TruncatedEnd, result.Fault);
        Assert.Equal((Set.Length, Set.Length), ((int)result.FaultOffset, (int)result.Tail.Offset));
        Assert.False(result.IsInTransaction);
        Assert.Equal(["SET a 1"], lines);
        Assert.Contains("Unexpected end of file reading the append only file x.aof", result.Describe("x.aof"));
    }

    [Fact]
    public void A_transaction_without_its_end_is_not_delivered_and_cut_off_from_MULTI_on()
    {
        var (result, lines) = Read(Join(Set, Of("MULTI"), Set, Raw("#TS:5\r\n")));
        Assert.Equal((AofFault.TruncatedEnd, true), (result.Fault, result.IsInTransaction));
        Assert.Equal(new AofTail(0, 0, 0).With(Set), result.Tail);
        Assert.Equal(["SET a 1"], lines);
    }

    [Fact]
    public void An_announced_length_takes_no_memory()
    {
        var file = Join(Set, Raw("*3\r\n$3\r\nSET\r\n$2147483000\r\nabc"));
        Read(file);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Read(file);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
    }

    [Fact]
    public void A_file_that_begins_with_an_RDB_file_is_read_behind_it()
    {
        var rdb = Raw("REDIS0011 and what else stands in it");
        var file = new MemoryStream(Join(rdb, Set));
        var first = new AofReader(file, new RecordingSink()).Read();
        Assert.Equal((AofFault.RdbPreamble, 0), (first.Fault, (int)first.FaultOffset));
        file.Position = rdb.Length;
        var sink = new RecordingSink();
        var second = new AofReader(file, sink).Read(rdb.Length);
        Assert.Equal((AofFault.None, rdb.Length + Set.Length), (second.Fault, (int)second.Tail.Offset));
        Assert.Equal(Set.Length, second.Tail.UncoveredBytes);
        Assert.Equal(["SET a 1"], sink.Lines);
    }

    [Theory]
    [InlineData("RED")]
    [InlineData("REDIX0011")]
    public void What_only_resembles_an_RDB_file_is_bad_format(string text) =>
        Assert.Equal(AofFault.BadFormat, Read(Raw(text)).Result.Fault);

    [Fact]
    public void A_refused_command_ends_the_reading_at_its_place()
    {
        var file = Join(Set, Of("bla", "x"), Set);
        var sink = new RecordingSink { Refused = "bla x" };
        var result = new AofReader(new MemoryStream(file), sink).Read();
        Assert.Equal((AofFault.Refused, Set.Length), (result.Fault, (int)result.FaultOffset));
        Assert.Equal(["SET a 1", "bla x"], sink.Lines);

        sink = new RecordingSink { Refused = "bla x" };
        result = new AofReader(
            new MemoryStream(Join(Set, Of("MULTI"), Of("bla", "x"), Set, Of("EXEC"))), sink).Read();
        Assert.Equal((AofFault.Refused, Set.Length), (result.Fault, (int)result.FaultOffset));
        Assert.Equal(["SET a 1", "[2", "bla x"], sink.Lines);
    }

    [Fact]
    public void A_disk_that_fails_is_reported_with_its_words()
    {
        var sink = new RecordingSink();
        var result = new AofReader(new DripStream(Join(Set, Set), step: 5, failsAt: Set.Length + 5), sink).Read();
        Assert.Equal((AofFault.ReadFailed, "Input/output error"), (result.Fault, result.Reason));
        Assert.Equal(Set.Length, result.Tail.Offset);
        Assert.Equal(["SET a 1"], sink.Lines);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Cut_anywhere_a_file_gives_exactly_the_whole_commands_before(bool hasChecksums)
    {
        var sample = SampleFile.Make(hasChecksums);
        var file = sample.Bytes;
        for (var length = 0; length <= file.Length; length++)
        {
            var cut = file[..length];
            var (result, lines) = Read(cut, bufferBytes: 16 + (length % 50), step: 1 + (length % 7));
            var end = sample.EndOf(length);
            Assert.Equal(sample.LinesOf(length), lines);
            Assert.Equal(end, result.Tail.Offset);
            Assert.Equal(length == end ? AofFault.None : AofFault.TruncatedEnd, result.Fault);
            ResumesAt(cut[..end], result.Tail, sample.LinesOf(length));
        }
    }

    [Fact]
    public void Every_changed_byte_of_a_file_of_ours_is_found_or_stands_where_no_checksum_covers_it()
    {
        var sample = SampleFile.Make();
        var file = sample.Bytes;
        var whole = sample.LinesOf(file.Length);
        for (var at = 0; at < file.Length; at++)
        {
            foreach (var changed in Changes(file[at]))
            {
                var damaged = (byte[])file.Clone();
                damaged[at] = changed;
                var (result, lines) = Read(damaged);
                var place = $"byte {at} is {changed} instead of {file[at]}: {result.Fault} {result.Reason}";
                switch (result.Fault)
                {
                    case AofFault.None:
                        Assert.True(at >= result.Tail.Offset - result.Tail.UncoveredBytes, place);
                        Assert.True(at >= sample.Seals[^2], place);
                        break;
                    case AofFault.TruncatedEnd:
                        // The end of the last checksum: nothing but the checksum itself is cut off.
                        Assert.True(at == file.Length - 1, place);
                        Assert.Equal(whole, lines);
                        break;
                    default:
                        Assert.True(result.Fault is AofFault.BadFormat or AofFault.ChecksumMismatch, place);
                        break;
                }
            }
        }
    }

    [Fact]
    public void A_length_that_swallows_the_rest_of_the_file_is_damage_and_no_truncated_end()
    {
        var file = SampleFile.Make().Bytes;
        var damaged = (byte[])file.Clone();
        damaged[file.AsSpan().LastIndexOf("$100\r\n"u8) + 1] = (byte)'9';
        var (result, _) = Read(damaged);
        Assert.Equal(AofFault.ChecksumMismatch, result.Fault);
        Assert.Equal(SampleFile.Make().Seals[^2], result.FaultOffset);
        Assert.Contains("Bad checksum reading the append only file x.aof", result.Describe("x.aof"));
    }

    [Fact]
    public void Damage_is_found_however_far_behind_it_the_checksum_stands()
    {
        for (var length = 65_400; length < 65_600; length++)
        {
            var batch = new AofBatch(hasChecksums: true, hasTimestamps: false);
            batch.BeginFile(0);
            var select = batch.Bytes.Length;
            // Lines that resemble checksums do not distract from the real one.
            Assert.True(batch.TryAdd(Of("SET", "k", "\n#CRC:0123456789abcdef 7\r\n\n#CRC:\n#CRC:"), 0));
            Assert.True(batch.TryAdd(Of("SET", "k", new string('v', length)), 0));
            batch.Seal();
            var file = batch.Bytes.ToArray();
            file[file.AsSpan().IndexOf(Raw($"${length}\r\n")) + 1] = (byte)'9';
            Assert.Equal((AofFault.ChecksumMismatch, 0), Verdict(Read(file)));
            Assert.Equal((AofFault.ChecksumMismatch, 0), Verdict(Read(file, 16, 60_000)));
            file[select + 1] = (byte)'4';
            Assert.Equal((AofFault.BadFormat, select), Verdict(Read(file)));
        }

        static (AofFault, int) Verdict((AofLoadResult Result, List<string> Lines) read) =>
            (read.Result.Fault, (int)read.Result.FaultOffset);
    }

    [Fact]
    public void A_checksum_that_a_value_imitates_does_not_hide_a_truncated_end()
    {
        var batch = new AofBatch(hasChecksums: true, hasTimestamps: false);
        batch.BeginFile(0);
        var head = Join(batch.Bytes.ToArray(), Raw("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5000\r\nx\n"));
        Span<byte> line = stackalloc byte[AofAnnotation.MaxWrittenBytes];
        var right = new AofTail(0, 0, 0).With(head);
        var length = AofAnnotation.WriteChecksum(right, line);
        var (result, lines) = Read(Join(head, line[..length].ToArray(), Raw("and no more")));
        Assert.Equal(AofFault.TruncatedEnd, result.Fault);
        Assert.Equal(["SELECT 0"], lines);
    }

    [Theory]
    [InlineData("#CRC:\r\n")]
    [InlineData("#CRC:E9C6D914C4B8D9CA 27\r\n")]
    [InlineData("#CRC:e9c6d914c4b8d9ca 27\n")]
    [InlineData("#CRC:e9c6d914c4b8d9ca 027\r\n")]
    [InlineData("#CRC:e9c6d914c4b8d9ca 27\r\n")]
    [InlineData("#CRC:e9c6d914c4b8d9ca 26\r\n")]
    public void A_checksum_that_is_wrong_names_the_place(string text)
    {
        var (result, _) = Read(Join(Set, Raw(text)));
        Assert.Equal((AofFault.ChecksumMismatch, 0), (result.Fault, (int)result.FaultOffset));
        Assert.Contains($"the checksum at offset {Set.Length} ", result.Reason);
    }

    [Fact]
    public void What_another_server_appended_behind_ours_is_loaded_unchecked_and_covered_from_then_on()
    {
        var sample = SampleFile.Make();
        var file = Join(sample.Bytes, Of("SELECT", "0"), Of("SET", "z", "9"));
        var (result, lines) = Read(file);
        string[] expected = [.. sample.LinesOf(int.MaxValue), "SELECT 0", "SET z 9"];
        Assert.Equal(AofFault.None, result.Fault);
        Assert.True(result.HasChecksums);
        Assert.Equal(file.Length - sample.Bytes.Length, result.Tail.UncoveredBytes);
        Assert.Equal(expected, lines);
        ResumesAt(file, result.Tail, expected);
    }

    [Fact]
    public void A_long_value_is_read_whatever_the_buffer()
    {
        var value = new string('v', 100_000);
        var file = Join(Of("MULTI"), Of("SET", "a", value), Of("SET", "b", value), Of("EXEC"), Set);
        var (result, lines) = Read(file, bufferBytes: 16, step: 4001);
        Assert.Equal(AofFault.None, result.Fault);
        Assert.Equal(["[2", "SET a " + value, "SET b " + value, "]", "SET a 1"], lines);
    }

    private static IEnumerable<byte> Changes(byte one)
    {
        byte[] others = [0, 255, .. "\r\n#*$0159 "u8];
        var flips = Enumerable.Range(0, 8).Select(bit => (byte)(one ^ (1 << bit)));
        return others.Concat(flips).Where(other => other != one).Distinct();
    }

    /// <summary>What is appended behind the tail makes a file that is right and covered from its beginning.</summary>
    private static void ResumesAt(byte[] file, AofTail tail, string[] before)
    {
        var batch = new AofBatch(hasChecksums: true, hasTimestamps: false);
        batch.Resume(tail);
        Assert.True(batch.TryAdd(Of("SET", "late", "1"), 0));
        batch.Seal();
        var (result, lines) = Read(Join(file, batch.Bytes.ToArray()));
        Assert.Equal((AofFault.None, 0), (result.Fault, (int)result.Tail.UncoveredBytes));
        Assert.Equal([.. before, "SET late 1"], lines);
        Assert.Equal(batch.Tail, result.Tail);
    }

    private static (AofLoadResult Result, List<string> Lines) Read(byte[] file)
    {
        var sink = new RecordingSink();
        return (new AofReader(new MemoryStream(file), sink).Read(), sink.Lines);
    }

    private static (AofLoadResult Result, List<string> Lines) Read(byte[] file, int bufferBytes, int step)
    {
        var sink = new RecordingSink();
        return (new AofReader(new DripStream(file, step), sink, bufferBytes).Read(), sink.Lines);
    }
}
