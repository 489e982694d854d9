// One call of SSCAN.
//
// A packed set is shown whole. Of a table, buckets are walked until COUNT members have been looked at or ten times as
// many buckets have been (Redis's bound for sparse tables); the blocks of the members that match are noted, because the
// next cursor goes before them in the reply. The set does not change meanwhile, so the blocks stay.

using System.Buffers;
using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Memory;
using Millrace.Resp;

namespace Millrace.Commands.Families;

/// <summary>The walk of one SSCAN over a table and what it has found.</summary>
internal ref struct MemberScan : IEntryVisitor
{
    private const int FirstBlocks = 64;
    private const int MaxBlocks = 16 * 1024 * 1024;

    private readonly Heap _heap;
    private readonly KeyScanOptions _options;
    private ulong[] _blocks = ArrayPool<ulong>.Shared.Rent(FirstBlocks);
    private int _found;
    private long _looked;

    private MemberScan(Heap heap, KeyScanOptions options)
    {
        _heap = heap;
        _options = options;
    }

    /// <summary>Walks on from a cursor and writes the reply. Requires: a table.</summary>
    public static void Write(ReplyWriter reply, in Entry entry, ulong cursor, KeyScanOptions options)
    {
        var heap = SetValue.HeapOf(entry);
        var scan = new MemberScan(heap, options);
        cursor = scan.Run(SetValue.Table(entry), cursor);
        reply.Array(2);
        reply.BulkInteger((long)cursor);
        reply.Array(scan._found);
        foreach (var block in scan._blocks.AsSpan(0, scan._found))
            reply.Bulk(MemberTable.Read(heap, BlockRef.FromValue(block)));
        ArrayPool<ulong>.Shared.Return(scan._blocks);
    }

    /// <summary>Writes all members of a packed set that match.</summary>
    public static void WritePacked(ReplyWriter reply, in Entry entry, KeyScanOptions options)
    {
        reply.Array(2);
        reply.BulkInteger(0);
        var mark = reply.BeginDeferred();
        var matches = new Matches(reply, options);
        SetValue.Walk(entry, ref matches);
        reply.EndDeferredArray(mark, matches.Count);
    }

    /// <inheritdoc/>
    public void Visit(BlockRef entry)
    {
        _looked++;
        if (_options.HasPattern && !Glob.Matches(_options.Pattern, MemberTable.Read(_heap, entry))) return;
        if (_found == _blocks.Length) Grow();
        _blocks[_found++] = entry.Value;
    }

    private ulong Run(MemberTable table, ulong cursor)
    {
        var buckets = _options.Count > long.MaxValue / 10 ? long.MaxValue : _options.Count * 10;
        do
        {
            cursor = table.Scan(cursor, ref this);
            buckets--;
        }
        while (cursor != 0 && buckets > 0 && _looked < _options.Count && _found < MaxBlocks);
        return cursor;
    }

    private void Grow()
    {
        var larger = ArrayPool<ulong>.Shared.Rent(_blocks.Length * 2);
        _blocks.CopyTo(larger, 0);
        ArrayPool<ulong>.Shared.Return(_blocks);
        _blocks = larger;
    }

    private ref struct Matches : IMemberVisitor
    {
        private readonly ReplyWriter _reply;
        private readonly KeyScanOptions _options;

        internal Matches(ReplyWriter reply, KeyScanOptions options)
        {
            _reply = reply;
            _options = options;
        }

        internal int Count { get; private set; }

        public bool Visit(scoped ListpackElement member)
        {
            Span<byte> digits = stackalloc byte[ListpackElement.MaxIntegerBytes];
            var text = member.Text(digits);
            if (_options.HasPattern && !Glob.Matches(_options.Pattern, text)) return true;
            _reply.Bulk(text);
            Count++;
            return true;
        }
    }
}
