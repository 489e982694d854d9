using System.Text;
using Millrace.Persistence.Aof;
using static Millrace.Persistence.Tests.Aof.Requests;

namespace Millrace.Persistence.Tests.Aof;

/// <summary>What is appended: SELECT, blocks, timestamps, checksums.</summary>
public class AofBatchTests
{
    private const string SelectThree = "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n";
    private static readonly byte[] Ping = Of("PING");

    [Fact]
    public void A_file_begins_with_SELECT_and_each_batch_ends_with_the_checksum_of_what_is_new()
    {
        var batch = new AofBatch(hasChecksums: true, hasTimestamps: false);
        batch.BeginFile(3);
        Assert.True(batch.TryAdd(Ping, 0));
        batch.Seal();
        var first = Text(batch);
        Assert.Equal(SelectThree + "*1\r\n$4\r\nPING\r\n" + Checksum(SelectThree + "*1\r\n$4\r\nPING\r\n"), first);
        Assert.Equal(new AofTail(first.Length, 0, 0), batch.Tail);
        batch.Clear();
        Assert.True(batch.IsEmpty);
        Assert.True(batch.TryAdd(Ping, 0));
        Assert.True(batch.TryAdd(Ping, 0));
        batch.Seal();
        batch.Seal();
        Assert.Equal("*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n"
            + Checksum("*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n"), Text(batch));
        Assert.Equal(first.Length + batch.Bytes.Length, batch.Tail.Offset);
    }

    [Fact]
    public void An_empty_batch_has_no_checksum()
    {
        var batch = new AofBatch(hasChecksums: true, hasTimestamps: true);
        batch.Seal();
        Assert.True(batch.IsEmpty);
    }

    [Fact]
    public void Timestamps_stand_before_the_first_block_of_a_second_and_anew_in_each_file()
    {
        var batch = new AofBatch(hasChecksums: false, hasTimestamps: true);
        batch.BeginFile(3);
        foreach (var second in (long[])[7, 7, 8, 6]) Assert.True(batch.TryAdd(Ping, second));
        batch.Seal();
        var ping = Encoding.Latin1.GetString(Ping);
        Assert.Equal(SelectThree + "#TS:7\r\n" + ping + ping + "#TS:8\r\n" + ping + ping, Text(batch));
        batch.Clear();
        batch.BeginFile(3);
        Assert.True(batch.TryAdd(Ping, 8));
        Assert.Equal(SelectThree + "#TS:8\r\n" + ping, Text(batch));
    }

    [Fact]
    public void What_was_written_without_checksums_is_covered_by_the_next_one()
    {
        var without = new AofBatch(hasChecksums: false, hasTimestamps: false);
        without.BeginFile(0);
        Assert.True(without.TryAdd(Ping, 0));
        without.Seal();
        var file = without.Bytes.ToArray();
        without.Clear();
        Assert.Equal(new AofTail(0, 0, 0).With(file), without.Tail);
        var with = new AofBatch(hasChecksums: true, hasTimestamps: false);
        with.Resume(without.Tail);
        Assert.True(with.TryAdd(Ping, 0));
        with.Seal();
        var whole = Join(file, with.Bytes.ToArray());
        var result = new AofReader(new MemoryStream(whole), new RecordingSink()).Read();
        Assert.Equal((AofFault.None, true), (result.Fault, result.HasChecksums));
        Assert.Equal(new AofTail(whole.Length, 0, 0), result.Tail);
    }

    [Fact]
    public void After_a_failed_append_it_goes_on_from_the_tail_before()
    {
        var batch = new AofBatch(hasChecksums: true, hasTimestamps: false);
        batch.BeginFile(0);
        batch.Seal();
        var file = batch.Bytes.ToArray();
        batch.Clear();
        var tail = batch.Tail;
        Assert.True(batch.TryAdd(Of("SET", "lost", "1"), 0));
        batch.Seal();
        batch.Clear();
        batch.Resume(tail);
        Assert.True(batch.TryAdd(Ping, 0));
        batch.Seal();
        var sink = new RecordingSink();
        var result = new AofReader(new MemoryStream(Join(file, batch.Bytes.ToArray())), sink).Read();
        Assert.Equal(AofFault.None, result.Fault);
        Assert.Equal(["SELECT 0", "PING"], sink.Lines);
    }

    [Fact]
    public void A_file_cannot_begin_while_something_waits_for_the_one_before()
    {
        var batch = new AofBatch(hasChecksums: true, hasTimestamps: false);
        Assert.True(batch.TryAdd(Ping, 0));
        Assert.Throws<InvalidOperationException>(() => batch.BeginFile(0));
    }

    [Fact]
    public void A_large_buffer_is_given_back_and_a_small_one_kept()
    {
        var batch = new AofBatch(hasChecksums: true, hasTimestamps: true);
        var block = Of("SET", "a", new string('x', 1000));
        var allocated = 0L;
        for (var i = 0; i < 100; i++)
        {
            if (i == 10) allocated = GC.GetAllocatedBytesForCurrentThread();
            Assert.True(batch.TryAdd(block, i));
            batch.Seal();
            batch.Clear();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - allocated);
        Assert.True(batch.TryAdd(new byte[2 * AofBatch.KeptBytes], 1000));
        batch.Clear();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.True(batch.TryAdd(block, 1000));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1000, AofBatch.KeptBytes);
    }

    private static string Text(AofBatch batch) => Encoding.Latin1.GetString(batch.Bytes);

    private static string Checksum(string covered)
    {
        var line = new byte[AofAnnotation.MaxWrittenBytes];
        var length = AofAnnotation.WriteChecksum(new AofTail(0, 0, 0).With(Raw(covered)), line);
        return Encoding.Latin1.GetString(line, 0, length);
    }
}
