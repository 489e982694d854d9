using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine.Codec;

/// <summary>
/// A set, a sorted set or a hash that keeps its members in a hash table, for who writes it member by member, in any
/// order, while it changes.
/// </summary>
/// <remarks>
/// <code>
///   Of -> BeginSaving -> WriteHead, count -> WriteMember of each that SaveSome shows, or that the table's saver gets
/// </code>
/// What <see cref="ValueCodec.Write"/> writes of such a value, but for the order of a sorted set: readers of files take
/// any. It names the table alone, which stays where it is when its key is renamed or removed. Used under the
/// partition's lock.
/// </remarks>
public readonly struct TableValue
{
    private readonly Heap _heap;
    private readonly long _nowMs;
    private readonly long _earliestMs;

    private TableValue(in Entry entry, RdbType type, long nowMs)
    {
        _heap = entry.Heap;
        _nowMs = nowMs;
        _earliestMs = type == RdbType.HashDeadlines ? Math.Max(HashValue.EarliestMs(entry), nowMs) : -1;
        Type = entry.Type;
        Header = entry.Type switch
        {
            ValueType.Hash => HashFields.Of(entry, null).Table,
            ValueType.Set => SetValue.Table(entry).Header,
            _ => LargeSortedSet.TableOf(entry.Value),
        };
        Count = CountOf(entry, nowMs);
    }

    /// <summary>The block that the table is known by.</summary>
    public BlockRef Header { get; }

    /// <summary>The type of the value.</summary>
    public ValueType Type { get; }

    /// <summary>How many members are written: those that are not due.</summary>
    public long Count { get; }

    /// <summary>Whether a value has members in a table, more than so many.</summary>
    public static bool IsLarger(in Entry entry, long members) =>
        Value.HasTable(entry.Type, entry.Encoding) && CountOf(entry, nowMs: 0) > members;

    /// <summary>The table of a value that has one.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="type">What <see cref="ValueCodec.TypeOf"/> said.</param>
    /// <param name="nowMs">The time that it was told.</param>
    public static TableValue Of(in Entry entry, RdbType type, long nowMs) => new(entry, type, nowMs);

    /// <summary>Begins a snapshot of the table (<see cref="HashTable{TLayout}.BeginSaving"/>).</summary>
    public void BeginSaving()
    {
        if (Type == ValueType.Hash) Fields.BeginSaving();
        else if (Type == ValueType.Set) new MemberTable(_heap, Header).BeginSaving();
        else Scored.BeginSaving();
    }

    /// <summary>Goes on with it (<see cref="HashTable{TLayout}.SaveSome"/>).</summary>
    public bool SaveSome<TWalker>(ref TWalker walker)
        where TWalker : struct, IEntryWalker, allows ref struct
    {
        if (Type == ValueType.Hash) return Fields.SaveSome(ref walker);
        return Type == ValueType.Set
            ? new MemberTable(_heap, Header).SaveSome(ref walker)
            : Scored.SaveSome(ref walker);
    }

    /// <summary>Writes what stands between the key and the first member.</summary>
    public void WriteHead(ref ValueWriter writer)
    {
        if (_earliestMs >= 0) writer.Int64(_earliestMs);
        writer.Length(Count);
    }

    /// <summary>Writes a member, unless it was due.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="member">Its block.</param>
    public void WriteMember(ref ValueWriter writer, BlockRef member)
    {
        switch (Type)
        {
            case ValueType.Hash:
                var field = new HashField(_heap, member);
                if (!field.IsDue(_nowMs)) HashCodec.WriteField(ref writer, field, _earliestMs);
                break;
            case ValueType.Set:
                writer.Text(MemberTable.Read(_heap, member));
                break;
            default:
                writer.Text(ScoredMember.Text(_heap, member));
                writer.Double(ScoredMember.Score(_heap, member));
                break;
        }
    }

    private static long CountOf(in Entry entry, long nowMs) => entry.Type switch
    {
        ValueType.Hash => HashValue.Count(entry, nowMs),
        ValueType.Set => SetValue.Count(entry),
        _ => SortedSetValue.Count(entry),
    };

    private HashTable<HashFieldLayout> Fields => new(_heap, null!, Header);

    private HashTable<ScoredMemberLayout> Scored => new(_heap, null!, Header);
}
