// What the patterns of SORT name: strings and fields of hashes at keys that are made of an element.

using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Resp;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>Receives a text that a pattern names.</summary>
internal interface ISortTextTaker
{
    /// <summary>Takes it.</summary>
    /// <param name="index">The row that it was looked up for.</param>
    /// <param name="text">A view, during the call.</param>
    /// <returns>False when it cannot be taken.</returns>
    bool Take(int index, scoped ReadOnlySpan<byte> text);
}

/// <summary>Finds what patterns name for the elements of a sort. Nothing may be written meanwhile.</summary>
internal ref struct SortLookup
{
    private readonly Call _call;
    private readonly SortRows _rows;
    private byte[] _name = [];

    /// <summary>A lookup for these rows.</summary>
    public SortLookup(in Call call, SortRows rows)
    {
        _call = call;
        _rows = rows;
    }

    /// <summary>Hands over what a pattern names for an element.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="index">The row of the element.</param>
    /// <param name="taker">Receives it, if there is anything.</param>
    /// <param name="isThere">Whether there was.</param>
    /// <returns>What the taker says; true when there was nothing to take.</returns>
    public bool TryHandOver<TTaker>(SortPattern pattern, int index, ref TTaker taker, out bool isThere)
        where TTaker : struct, ISortTextTaker, allows ref struct
    {
        isThere = pattern.IsElement;
        if (isThere) return taker.Take(index, _rows.Element(index));
        if (!pattern.NamesKeys) return true;
        var name = NameOf(pattern, _rows.Element(index));
        var unit = _call.Unit;
        var entry = unit.Find(
            new Key(_call.Caller.Database, unit.Keyspace.HashOf(name), name), _call.Caller.ReadAccess);
        if (entry.IsMissing || entry.Type != (pattern.Field.IsEmpty ? ValueType.String : ValueType.Hash)) return true;
        Span<byte> scratch = stackalloc byte[StringValue.ScratchBytes];
        if (pattern.Field.IsEmpty)
        {
            isThere = true;
            return taker.Take(index, StringValue.Read(entry, scratch));
        }

        isThere = HashValue.TryFind(unit, entry, pattern.Field, out var item);
        return !isThere || taker.Take(index, item.Value.Text(scratch));
    }

    private ReadOnlySpan<byte> NameOf(SortPattern pattern, ReadOnlySpan<byte> element)
    {
        var length = pattern.Prefix.Length + element.Length + pattern.Suffix.Length;
        if (_name.Length < length) _name = new byte[Math.Max(length, 2 * _name.Length)];
        pattern.Prefix.CopyTo(_name);
        element.CopyTo(_name.AsSpan(pattern.Prefix.Length));
        pattern.Suffix.CopyTo(_name.AsSpan(pattern.Prefix.Length + element.Length));
        return _name.AsSpan(0, length);
    }

    /// <summary>Makes a text the row's number.</summary>
    internal readonly struct AsScore(SortRows rows) : ISortTextTaker
    {
        public bool Take(int index, scoped ReadOnlySpan<byte> text) => rows.TryScore(index, text);
    }

    /// <summary>Makes it what the row is compared by.</summary>
    internal readonly struct AsWeight(SortRows rows) : ISortTextTaker
    {
        public bool Take(int index, scoped ReadOnlySpan<byte> text) => rows.TrySetWeight(index, text);
    }

    /// <summary>Adds it to results.</summary>
    internal readonly struct AsResult(SortRows results) : ISortTextTaker
    {
        public bool Take(int index, scoped ReadOnlySpan<byte> text) => results.TryAdd(text);
    }

    /// <summary>Replies with it.</summary>
    internal readonly struct AsReply(ReplyWriter reply) : ISortTextTaker
    {
        public bool Take(int index, scoped ReadOnlySpan<byte> text)
        {
            reply.Bulk(text);
            return true;
        }
    }
}
