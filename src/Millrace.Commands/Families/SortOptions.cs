// What SORT is asked for, and what its patterns name.
//
//     weight_*           the string at weight_ELEMENT
//     object_*->field    a field of the hash at object_ELEMENT
//     #                  the element itself (GET)
//     anything else      nothing: as BY it says that the order stays

using Millrace.Resp;

namespace Millrace.Commands.Families;

/// <summary>A pattern of BY or GET. Views of the request.</summary>
internal readonly ref struct SortPattern
{
    private readonly ReadOnlySpan<byte> _text;
    private readonly int _star;

    /// <summary>The pattern that a text is.</summary>
    public SortPattern(ReadOnlySpan<byte> text)
    {
        _text = text;
        _star = text.IndexOf((byte)'*');
        Suffix = _star < 0 ? default : text[(_star + 1)..];
        var arrow = Suffix.IndexOf("->"u8);
        if (arrow < 0 || arrow + 2 == Suffix.Length) return;
        Field = Suffix[(arrow + 2)..];
        Suffix = Suffix[..arrow];
    }

    /// <summary>There is no pattern.</summary>
    public bool IsNone => _text.IsEmpty;

    /// <summary>It is #.</summary>
    public bool IsElement => _text is [(byte)'#'];

    /// <summary>It names a key for each element.</summary>
    public bool NamesKeys => _star >= 0;

    /// <summary>What is in front of the element in the key's name.</summary>
    public ReadOnlySpan<byte> Prefix => _text[.._star];

    /// <summary>What is behind it.</summary>
    public ReadOnlySpan<byte> Suffix { get; }

    /// <summary>The field of the hash; empty: the key holds a string.</summary>
    public ReadOnlySpan<byte> Field { get; }
}

/// <summary>The options of SORT and SORT_RO.</summary>
internal struct SortOptions
{
    private int _byAt;
    private int[]? _gets;
    private int _getCount;
    private long _offset;
    private long _limit;

    private enum SortWord
    {
        None,
        Asc,
        Desc,
        Alpha,
        Limit,
        Store,
        By,
        Get,
    }

    /// <summary>The order stays as it is.</summary>
    public bool KeepsOrder { get; private set; }

    /// <summary>DESC.</summary>
    public bool IsDescending { get; private set; }

    /// <summary>ALPHA.</summary>
    public bool IsAlpha { get; private set; }

    /// <summary>The arguments with the patterns of GET.</summary>
    public readonly ReadOnlySpan<int> Gets => _gets.AsSpan(0, _getCount);

    /// <summary>The argument with the destination; 0: none.</summary>
    public int StoreAt { get; private set; }

    /// <summary>Reads them; writes the error and returns false when they are wrong.</summary>
    public static bool TryRead(in Call call, bool mayStore, out SortOptions options)
    {
        options = new SortOptions { _limit = -1 };
        for (var at = 2; at < call.Args.Count; at++)
        {
            if (!options.TryTake(call, mayStore, ref at)) return false;
        }

        return true;
    }

    /// <summary>The pattern of BY, or none.</summary>
    public readonly SortPattern By(in Call call) => _byAt == 0 ? default : new SortPattern(call.Args[_byAt]);

    /// <summary>The argument with the destination in a request; 0: none.</summary>
    public static int FindDestination(Args args)
    {
        var found = 0;
        for (var at = 2; at < args.Count; at++)
        {
            if (WordAt(args, at, out var values) == SortWord.Store && at + values < args.Count) found = at + 1;
            at += values;
        }

        return found;
    }

    /// <summary>Which of so many elements LIMIT asks for: the first, and how many.</summary>
    public readonly (long Start, long Count) RangeOf(long length)
    {
        var start = Math.Clamp(_offset, 0, length);
        var count = _limit < 0 ? length : Math.Min(_limit, length);
        return (start, Math.Min(count, length - start));
    }

    // The word that an argument is, and how many arguments behind it belong to it.
    private static SortWord WordAt(Args args, int at, out int values)
    {
        var text = args[at];
        var word = Words.Equal(text, "ASC"u8) ? SortWord.Asc
            : Words.Equal(text, "DESC"u8) ? SortWord.Desc
            : Words.Equal(text, "ALPHA"u8) ? SortWord.Alpha
            : Words.Equal(text, "LIMIT"u8) ? SortWord.Limit
            : Words.Equal(text, "STORE"u8) ? SortWord.Store
            : Words.Equal(text, "BY"u8) ? SortWord.By
            : Words.Equal(text, "GET"u8) ? SortWord.Get
            : SortWord.None;
        values = word switch
        {
            SortWord.Limit => 2,
            SortWord.Store or SortWord.By or SortWord.Get => 1,
            _ => 0,
        };
        return word;
    }

    private bool TryTake(in Call call, bool mayStore, ref int at)
    {
        var word = WordAt(call.Args, at, out var values);
        var first = at + 1;
        at += values;
        if (word == SortWord.None || at >= call.Args.Count || (word == SortWord.Store && !mayStore))
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return false;
        }

        switch (word)
        {
            case SortWord.Limit:
                return call.TryInteger(first, out _offset) && call.TryInteger(first + 1, out _limit);
            case SortWord.Alpha:
                IsAlpha = true;
                return true;
            case SortWord.Store:
                StoreAt = first;
                return true;
            case SortWord.Get:
                AddGet(first);
                return true;
            case SortWord.By:
                _byAt = first;
                // The last one decides what is looked up, but any that names no keys keeps the order.
                KeepsOrder |= !By(call).NamesKeys;
                return true;
            default:
                IsDescending = word == SortWord.Desc;
                return true;
        }
    }

    private void AddGet(int at)
    {
        const int first = 4;
        if (_gets is null) _gets = new int[first];
        else if (_getCount == _gets.Length) Array.Resize(ref _gets, 2 * _getCount);
        _gets[_getCount++] = at;
    }
}
