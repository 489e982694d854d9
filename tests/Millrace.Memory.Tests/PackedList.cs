using System.Text;

namespace Millrace.Memory.Tests;

/// <summary>
/// A listpack with the memory that it needs and not a byte more, so that a write past the room that was computed
/// throws; and the checks that hold for every listpack.
/// </summary>
internal sealed class PackedList
{
    private byte[] _bytes = new byte[Listpack.EmptyBytes];

    internal PackedList() => Listpack.WriteEmpty(_bytes);

    internal PackedList(IEnumerable<byte[]> elements)
        : this()
    {
        foreach (var element in elements) Append(element);
    }

    internal ReadOnlySpan<byte> Bytes => _bytes;

    internal string[] Elements => [.. Texts().Select(Encoding.Latin1.GetString)];

    internal static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    internal void Append(ReadOnlySpan<byte> element)
    {
        Grow(Listpack.SizeOf(element));
        Took(Listpack.Append(_bytes, element));
    }

    internal void Append(long element)
    {
        Grow(Listpack.SizeOf(element));
        Took(Listpack.Append(_bytes, element));
    }

    internal void Prepend(ReadOnlySpan<byte> element)
    {
        Grow(Listpack.SizeOf(element));
        Took(Listpack.Prepend(_bytes, element));
    }

    internal void Insert(int at, ReadOnlySpan<byte> element)
    {
        Grow(Listpack.SizeOf(element));
        Took(Listpack.Insert(_bytes, at, element));
    }

    internal void Replace(int at, ReadOnlySpan<byte> element)
    {
        Grow(Math.Max(0, Listpack.SizeOf(element) - Listpack.SizeAt(_bytes, at)));
        Shrink(Listpack.Replace(_bytes, at, element));
    }

    internal void Delete(int at, int count) => Shrink(Listpack.Delete(_bytes, at, count));

    internal void DeleteRange(long index, long count) => Shrink(Listpack.DeleteRange(_bytes, index, count));

    internal void MergeBehind(PackedList tail)
    {
        Grow(Listpack.MergedBytes(_bytes, tail._bytes) - _bytes.Length);
        Took(Listpack.MergeBehind(_bytes, tail._bytes));
    }

    internal void MergeInFront(PackedList head)
    {
        Grow(Listpack.MergedBytes(_bytes, head._bytes) - _bytes.Length);
        Took(Listpack.MergeInFront(_bytes, head._bytes));
    }

    /// <summary>The texts from the front; the walk from the back must give the same.</summary>
    internal List<byte[]> Texts() => Texts(_bytes);

    /// <summary>The same elements in the same order. Assert.Equal takes a hundred times as long.</summary>
    internal static void AssertSame(List<byte[]> expected, List<byte[]> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (var i = 0; i < expected.Count; i++)
        {
            if (!expected[i].AsSpan().SequenceEqual(actual[i])) Assert.Equal(expected, actual);
        }
    }

    internal static List<byte[]> Texts(ReadOnlySpan<byte> listpack)
    {
        Span<byte> scratch = stackalloc byte[ListpackElement.MaxIntegerBytes];
        var forward = new List<byte[]>();
        var backward = new List<byte[]>();
        for (var at = Listpack.First(listpack); at >= 0; at = Listpack.Next(listpack, at))
        {
            var element = Listpack.Get(listpack, at);
            forward.Add([.. element.Text(scratch)]);
            Assert.Equal(forward[^1].Length, element.TextLength);
        }

        for (var at = Listpack.Last(listpack); at >= 0; at = Listpack.Previous(listpack, at))
            backward.Add([.. Listpack.Get(listpack, at).Text(scratch)]);
        backward.Reverse();
        AssertSame(forward, backward);
        Assert.Equal(forward.Count, Listpack.Count(listpack));
        var taken = 0;
        for (var at = Listpack.First(listpack); at >= 0; taken++)
            Assert.True(Listpack.Take(listpack, ref at).SameAs(forward[taken]));
        Assert.Equal(forward.Count, taken);
        return forward;
    }

    private void Grow(int bytes) => Array.Resize(ref _bytes, _bytes.Length + bytes);

    private void Took(int total) => Assert.Equal(_bytes.Length, total);

    private void Shrink(int total)
    {
        Assert.InRange(total, Listpack.EmptyBytes, _bytes.Length);
        Array.Resize(ref _bytes, total);
    }
}
