// A reply as a client sees it: a tree of values, RESP2 and RESP3.
//
// One class for all types, since a tree of them is short-lived and read by kind. Texts are bytes, copied from the
// stream and owned by the value; a double keeps the text that the server sent, so that nothing is lost by conversion.

using System.Diagnostics;
using System.Text;

namespace Millrace.Resp;

/// <summary>The types of the protocol, with the three nulls told apart.</summary>
public enum RespKind
{
    /// <summary>RESP3 <c>_</c>.</summary>
    Null,

    /// <summary>RESP2 <c>$-1</c>.</summary>
    NullBulk,

    /// <summary>RESP2 <c>*-1</c>.</summary>
    NullArray,

    /// <summary><c>+</c>.</summary>
    Simple,

    /// <summary><c>-</c>, and RESP3's bulk error <c>!</c>.</summary>
    Error,

    /// <summary><c>:</c>.</summary>
    Integer,

    /// <summary><c>$</c>.</summary>
    Bulk,

    /// <summary>RESP3 <c>,</c>.</summary>
    Double,

    /// <summary>RESP3 <c>#</c>.</summary>
    Bool,

    /// <summary>RESP3 <c>(</c>.</summary>
    BigNumber,

    /// <summary>RESP3 <c>=</c>.</summary>
    Verbatim,

    /// <summary><c>*</c>.</summary>
    Array,

    /// <summary>RESP3 <c>%</c>; keys and values alternate among the items.</summary>
    Map,

    /// <summary>RESP3 <c>~</c>.</summary>
    Set,

    /// <summary>RESP3 <c>&gt;</c>: sent by the server on its own account.</summary>
    Push,
}

/// <summary>One value of a reply. Immutable once the reader has given it out.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class RespValue
{
    private readonly byte[] _bytes;
    private readonly IReadOnlyList<RespValue> _items;

    private RespValue(RespKind kind, byte[] bytes, long integer, IReadOnlyList<RespValue> items)
    {
        Kind = kind;
        _bytes = bytes;
        Integer = integer;
        _items = items;
    }

    /// <summary>The type.</summary>
    public RespKind Kind { get; }

    /// <summary>The value of an integer, 1 or 0 of a boolean, else 0.</summary>
    public long Integer { get; }

    /// <summary>The bytes of a string, an error (with its code), a double or a big number; of a verbatim string the
    /// text without its format. Empty for other types. Owned by this value.</summary>
    public ReadOnlyMemory<byte> Bytes => Kind == RespKind.Verbatim ? _bytes.AsMemory(4) : _bytes;

    /// <summary>The three-letter format of a verbatim string, else empty.</summary>
    public string Format => Kind == RespKind.Verbatim ? Encoding.Latin1.GetString(_bytes, 0, 3) : string.Empty;

    /// <summary>The elements of an aggregate; keys and values of a map alternate. Empty for other types.</summary>
    public IReadOnlyList<RespValue> Items => _items;

    /// <summary>The attributes that the server sent before this value: a map, or null.</summary>
    public RespValue? Attributes { get; init; }

    /// <summary>One of the three nulls.</summary>
    public bool IsNull => Kind is RespKind.Null or RespKind.NullBulk or RespKind.NullArray;

    /// <summary>An error reply.</summary>
    public bool IsError => Kind == RespKind.Error;

    /// <summary>Array, map, set or push.</summary>
    public bool IsAggregate => Kind is RespKind.Array or RespKind.Map or RespKind.Set or RespKind.Push;

    /// <summary>The value of a RESP3 double, or of a text that is one; NaN when it is none.</summary>
    public double AsDouble()
    {
        if (Kind is RespKind.Integer or RespKind.Bool) return Integer;
        return Numbers.TryParseDouble(_bytes, out double value) ? value : double.NaN;
    }

    /// <summary>The value as text: strings as UTF-8, numbers in decimal, aggregates as "[a, b]", nulls as
    /// "(nil)".</summary>
    public override string ToString() => Kind switch
    {
        RespKind.Null or RespKind.NullBulk or RespKind.NullArray => "(nil)",
        RespKind.Integer => Integer.ToString(System.Globalization.CultureInfo.InvariantCulture),
        RespKind.Bool => Integer != 0 ? "true" : "false",
        RespKind.Array or RespKind.Map or RespKind.Set or RespKind.Push => "[" + string.Join(", ", _items) + "]",
        _ => Encoding.UTF8.GetString(Bytes.Span),
    };

    /// <summary>A value of text.</summary>
    internal static RespValue OfText(RespKind kind, byte[] bytes, RespValue? attributes) =>
        new(kind, bytes, 0, []) { Attributes = attributes };

    /// <summary>An integer or a boolean.</summary>
    internal static RespValue OfInteger(RespKind kind, long value, RespValue? attributes) =>
        new(kind, [], value, []) { Attributes = attributes };

    /// <summary>A null.</summary>
    internal static RespValue OfNull(RespKind kind, RespValue? attributes) =>
        new(kind, [], 0, []) { Attributes = attributes };

    /// <summary>An aggregate; takes the list over.</summary>
    internal static RespValue OfItems(RespKind kind, List<RespValue> items, RespValue? attributes) =>
        new(kind, [], 0, items) { Attributes = attributes };
}
