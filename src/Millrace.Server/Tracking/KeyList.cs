using Millrace.Resp;

namespace Millrace.Server.Tracking;

/// <summary>The keys of one invalidation message: one of a letter's, all of them, or all that there are.</summary>
internal readonly ref struct KeyList
{
    private readonly Invalidation? _letter;
    private readonly int _first;
    private readonly int _end;
    private readonly byte[][]? _keys;

    /// <summary>Keys of their own; null: all keys that there are.</summary>
    public KeyList(byte[][]? keys) => _keys = keys;

    /// <summary>One key of a letter.</summary>
    public KeyList(Invalidation letter, int index)
    {
        _letter = letter;
        _first = index;
        _end = index + 1;
    }

    /// <summary>All keys of a letter.</summary>
    public KeyList(Invalidation letter)
    {
        _letter = letter;
        _end = letter.Count;
    }

    /// <summary>Leaves out what the letter's client has changed itself.</summary>
    public bool LeavesOutOwn { get; init; }

    /// <summary>How many keys there are; 0 for all.</summary>
    public int Count
    {
        get
        {
            if (_letter is null) return _keys?.Length ?? 0;
            var count = 0;
            for (var i = _first; i < _end; i++) count += IsIn(i) ? 1 : 0;
            return count;
        }
    }

    /// <summary>A bound of the bytes of their names.</summary>
    public int Bytes
    {
        get
        {
            var bytes = 0;
            for (var i = _first; i < _end; i++) bytes = checked(bytes + _letter!.Key(i).Length);
            foreach (var key in _keys ?? []) bytes = checked(bytes + key.Length);
            return bytes;
        }
    }

    /// <summary>Writes them as an array, or null for all.</summary>
    public void Write(ReplyWriter writer)
    {
        if (_letter is null && _keys is null)
        {
            writer.Null();
            return;
        }

        writer.Array(Count);
        foreach (var key in _keys ?? []) writer.Bulk(key);
        for (var i = _first; i < _end; i++)
        {
            if (IsIn(i)) writer.Bulk(_letter!.Key(i));
        }
    }

    /// <summary>A copy that outlives the letter; null for all.</summary>
    public byte[][]? ToArray()
    {
        if (_letter is null) return _keys;
        var keys = new List<byte[]>();
        for (var i = _first; i < _end; i++)
        {
            if (IsIn(i)) keys.Add(_letter.Key(i).ToArray());
        }

        return [.. keys];
    }

    private bool IsIn(int index) => !LeavesOutOwn || !_letter!.IsOwn(index);
}
