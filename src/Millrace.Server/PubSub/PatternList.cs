using System.Buffers.Binary;
using Millrace.Engine;

namespace Millrace.Server.PubSub;

/// <summary>
/// All patterns, searched for those that match a channel.
/// </summary>
/// <remarks>
/// <code>
///   pattern  news.uk.*      word  "news.uk."  mask  FF..FF      what a channel's first eight bytes must be
///            n?ws.*               "n"               00..0FF
///            *                    ""                00..000
/// </code>
/// What stands before a pattern's first special byte a channel must begin with; up to eight bytes of it are compared as
/// one number, which leaves few patterns for <see cref="Glob"/>. Changed under all locks of <see cref="Channels"/>,
/// read under any of them. Add and Remove: O(1). Match: O(patterns), and Glob for those that are left.
/// </remarks>
internal sealed class PatternList
{
    private const int WordBytes = sizeof(ulong);

    private Topic[] _topics = [];
    private ulong[] _words = [];
    private ulong[] _masks = [];

    /// <summary>How many patterns there are.</summary>
    public int Count { get; private set; }

    /// <summary>Another number after each change.</summary>
    public long Version { get; private set; }

    private static ReadOnlySpan<byte> Special => "*?[\\"u8;

    /// <summary>Adds a pattern.</summary>
    public void Add(Topic pattern)
    {
        if (Count == _topics.Length) Grow();
        var prefix = pattern.Name.AsSpan();
        var special = prefix.IndexOfAny(Special);
        if (special >= 0) prefix = prefix[..special];
        pattern.Place = Count;
        _topics[Count] = pattern;
        _words[Count] = WordOf(prefix);
        _masks[Count] = MaskOf(prefix.Length);
        Count++;
        Version++;
    }

    /// <summary>Removes a pattern; the last one takes its place.</summary>
    public void Remove(Topic pattern)
    {
        var (place, last) = (pattern.Place, --Count);
        _topics[place] = _topics[last];
        _words[place] = _words[last];
        _masks[place] = _masks[last];
        _topics[place].Place = place;
        _topics[last] = null!;
        pattern.Place = -1;
        Version++;
    }

    /// <summary>Adds the patterns that match a channel to a list.</summary>
    public void Match(ReadOnlySpan<byte> channel, List<Topic> matches)
    {
        var word = WordOf(channel);
        var words = _words.AsSpan(0, Count);
        var masks = _masks.AsSpan(0, words.Length);
        for (var i = 0; i < words.Length; i++)
        {
            if ((word & masks[i]) != words[i]) continue;
            if (Glob.Matches(_topics[i].Name, channel)) matches.Add(_topics[i]);
        }
    }

    // A shorter text is followed by zeros: a prefix of more bytes than the channel has is left to Glob at worst.
    private static ulong WordOf(ReadOnlySpan<byte> text)
    {
        if (text.Length >= WordBytes) return BinaryPrimitives.ReadUInt64LittleEndian(text);
        Span<byte> padded = stackalloc byte[WordBytes];
        padded.Clear();
        text.CopyTo(padded);
        return BinaryPrimitives.ReadUInt64LittleEndian(padded);
    }

    private static ulong MaskOf(int bytes) => bytes >= WordBytes ? ulong.MaxValue : (1UL << (bytes * 8)) - 1;

    private void Grow()
    {
        const int Least = 16;
        var capacity = Math.Max(Least, _topics.Length * 2);
        Array.Resize(ref _topics, capacity);
        Array.Resize(ref _words, capacity);
        Array.Resize(ref _masks, capacity);
    }
}
