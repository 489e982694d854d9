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
            if (!options.TryTake(call, mayStore, ref at, out var isSyntax))
            {
                if (isSyntax) call.Reply.Error(ErrorTexts.Syntax);
                return false;
            }
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
            if (Words.Equal(args[at], "LIMIT"u8)) at += 2;
            else if (Words.Equal(args[at], "BY"u8) || Words.Equal(args[at], "GET"u8)) at++;
            else if (Words.Equal(args[at], "STORE"u8) && at + 1 < args.Count) found = ++at;
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

    private bool TryTake(in Call call, bool mayStore, ref int at, out bool isSyntax)
    {
        var left = call.Args.Count - at - 1;
        isSyntax = false;
        if (call.Is(at, "ASC"u8)) IsDescending = false;
        else if (call.Is(at, "DESC"u8)) IsDescending = true;
        else if (call.Is(at, "ALPHA"u8)) IsAlpha = true;
        else if (call.Is(at, "LIMIT"u8) && left >= 2)
        {
            if (!call.TryInteger(at + 1, out _offset) || !call.TryInteger(at + 2, out _limit)) return false;
            at += 2;
        }
        else if (mayStore && call.Is(at, "STORE"u8) && left >= 1) StoreAt = ++at;
        else if (call.Is(at, "BY"u8) && left >= 1)
        {
            _byAt = ++at;
            // The last one decides what is looked up, but any that names no keys keeps the order.
            KeepsOrder |= !By(call).NamesKeys;
        }
        else if (call.Is(at, "GET"u8) && left >= 1)
        {
            AddGet(++at);
        }
        else
        {
            isSyntax = true;
            return false;
        }

        return true;
    }

    private void AddGet(int at)
    {
        const int first = 4;
        if (_gets is null) _gets = new int[first];
        else if (_getCount == _gets.Length) Array.Resize(ref _gets, 2 * _getCount);
        _gets[_getCount++] = at;
    }
}
