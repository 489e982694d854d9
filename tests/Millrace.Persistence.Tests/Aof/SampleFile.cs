using Millrace.Persistence.Aof;

namespace Millrace.Persistence.Tests.Aof;

/// <summary>
/// A file as the writer makes it, of several batches with transactions and timestamps, and what has to be delivered of
/// it when it is cut anywhere.
/// </summary>
internal sealed class SampleFile
{
    private readonly List<byte> _bytes = [];
    private readonly List<(int End, string[] Lines)> _items = [];
    private readonly List<int> _timestamps = [];
    private readonly AofBatch _batch;
    private long _second = 1_700_000_000;

    private SampleFile(bool hasChecksums)
    {
        _batch = new AofBatch(hasChecksums, hasTimestamps: true);
        _batch.BeginFile(0);
        _items.Add((_batch.Bytes.Length, ["SELECT 0"]));
    }

    /// <summary>A value; one changed digit of its length makes it longer than the whole file.</summary>
    internal static string LongValue { get; } = new('x', 100);

    /// <summary>The file.</summary>
    internal byte[] Bytes => [.. _bytes];

    /// <summary>Where batches end, and files may be cut without a loss.</summary>
    internal List<int> Seals { get; } = [];

    /// <summary>A file with single commands and transactions, over several batches.</summary>
    internal static SampleFile Make(bool hasChecksums = true)
    {
        var file = new SampleFile(hasChecksums);
        file.Add("SET", "a", "1");
        file.Seal();
        file.Add("SET", "b", "two\r\n#CRC:0000000000000000 3\r\n");
        file.AddTransaction(["SET", "c", "3"], ["INCR", "a"]);
        file.AddTransaction();
        file.Seal();
        file.Add("SET", "empty", "");
        file.Add("SET", "b", LongValue);
        file.Seal();
        file.AddTransaction(["SET", "d", LongValue]);
        file.Add("DEL", "b");
        file.Seal();
        return file;
    }

    /// <summary>What is delivered of the first bytes of the file.</summary>
    internal string[] LinesOf(int length) =>
        [.. _items.TakeWhile(item => item.End <= length).SelectMany(item => item.Lines)];

    /// <summary>Where the last whole item of the first bytes ends, annotations among them.</summary>
    internal int EndOf(int length) =>
        _items.Select(item => item.End).Concat(Seals).Concat(_timestamps).Where(end => end <= length).Append(0).Max();

    private void Add(params string[] words) => AddBlock(Requests.Of(words), string.Join(' ', words));

    private void AddTransaction(params string[][] commands)
    {
        byte[] block = Requests.Join(
            [Requests.Of("MULTI"), .. commands.Select(words => Requests.Of(words)), Requests.Of("EXEC")]);
        AddBlock(block, [$"[{commands.Length}", .. commands.Select(words => string.Join(' ', words)), "]"]);
    }

    private void AddBlock(byte[] block, params string[] lines)
    {
        var before = _batch.Bytes.Length;
        Assert.True(_batch.TryAdd(block, ++_second));
        var end = _bytes.Count + _batch.Bytes.Length;
        if (_batch.Bytes.Length > before + block.Length) _timestamps.Add(end - block.Length);
        _items.Add((end, lines));
    }

    private void Seal()
    {
        _batch.Seal();
        _bytes.AddRange(_batch.Bytes);
        _batch.Clear();
        Seals.Add(_bytes.Count);
    }
}
