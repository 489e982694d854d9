using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine.Codec;

/// <summary>
/// A hash that is made field by field in an entry in no table: as a table, which finds names that come twice, and
/// beside it as a listpack as long as it may be one.
/// </summary>
internal ref struct HashBuilder
{
    private const int FirstRoomBytes = 128;

    private readonly ValuePlace _place;
    private readonly bool _hasDeadlines;
    private readonly HashFields _fields;
    private readonly Entry _table;
    private BlockRef _pack;
    private int _packRoom;

    /// <summary>Begins a hash.</summary>
    /// <param name="place">Where it is made.</param>
    /// <param name="hasDeadlines">Whether fields may have deadlines.</param>
    /// <param name="count">How many fields there will be at most.</param>
    internal HashBuilder(in ValuePlace place, bool hasDeadlines, long count)
    {
        _place = place;
        _hasDeadlines = hasDeadlines;
        _table = MakeTable(place, hasDeadlines, out _fields);
        if (count > place.Limits.HashEntries) return;
        _packRoom = FirstRoomBytes;
        _pack = place.Heap.Allocate(_packRoom);
        Listpack.WriteEmpty(Pack);
    }

    private readonly Span<byte> Pack => _place.Heap.Span(_pack, 0, _packRoom);

    /// <summary>An entry in no table, for a table without fields.</summary>
    internal static Entry MakeTable(in ValuePlace place, bool hasDeadlines, out HashFields fields)
    {
        fields = HashFields.Create(place.Heap, place.Keyspace.Hasher, hasDeadlines);
        var encoding = hasDeadlines ? HashEncoding.ExpiringTable : HashEncoding.Table;
        var entry = place.Make(ValueType.Hash, (int)encoding, HashFields.AreaBytes(hasDeadlines));
        fields.WriteTo(entry.Value);
        return entry;
    }

    /// <summary>Adds a field; false when there is one of that name, or it is too long.</summary>
    internal bool TryAdd(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long deadlineMs)
    {
        if (!HashValue.Fits(name, value)) return false;
        var hash = _place.Keyspace.HashOf(name);
        if (_fields.TryFind(hash, name, out _)) return false;
        _fields.Add(hash, name, value, deadlineMs);
        if (_pack.IsNull) return true;
        if (Math.Max(name.Length, value.Length) <= _place.Limits.HashValueBytes) AddToPack(name, value, deadlineMs);
        else DropPack();
        return true;
    }

    /// <summary>Gives the hash; false, with nothing made, when it is not to be one.</summary>
    internal bool TryFinish(bool isRight, out Entry made)
    {
        made = isRight ? _table : default;
        if (isRight && !_pack.IsNull)
        {
            var bytes = Listpack.TotalBytes(Pack);
            var encoding = _hasDeadlines ? HashEncoding.ExpiringPacked : HashEncoding.Packed;
            made = _place.Make(ValueType.Hash, (int)encoding, bytes);
            Pack[..bytes].CopyTo(made.Value);
        }

        DropPack();
        if (made.Block != _table.Block) _place.Drop(_table);
        return isRight;
    }

    private void AddToPack(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long deadlineMs)
    {
        var total = Listpack.TotalBytes(Pack);
        var needed = (long)total + Listpack.SizeOf(name) + Listpack.SizeOf(value) + Listpack.MaxIntegerSize;
        if (needed > EncodingLimits.MaxPackedBytes)
        {
            DropPack();
            return;
        }

        if (needed > _packRoom)
        {
            _packRoom = (int)Math.Min(2 * needed, EncodingLimits.MaxPackedBytes);
            _pack = _place.Heap.Resize(_pack, total, _packRoom);
        }

        PackedHash.Insert(Pack, PackedHash.WidthOf(_hasDeadlines), name, value, deadlineMs);
    }

    private void DropPack()
    {
        if (!_pack.IsNull) _place.Heap.Free(_pack);
        _pack = default;
    }
}
