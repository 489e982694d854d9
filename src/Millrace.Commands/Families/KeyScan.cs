// One call of SCAN.
//
// A bucket is looked at under its partition's lock; the names found are copied, because the next bucket may belong to
// another partition. Names are kept one behind the other, each after its length in four bytes:
//
//     | length | name ... | length | name ... |
//
// The call ends when COUNT entries have been looked at, when ten times as many buckets have been (Redis's bound for
// sparse tables), or when the names take MaxNamesBytes.

using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using Millrace.Engine;
using Millrace.Memory;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>What SCAN was asked for.</summary>
internal ref struct KeyScanOptions
{
    private const long DefaultCount = 10;

    /// <summary>How many entries to look at, about.</summary>
    public long Count;

    /// <summary>The names wanted; null and <c>*</c> mean all.</summary>
    public ReadOnlySpan<byte> Pattern;

    /// <summary>Whether there is a pattern that has to be tried.</summary>
    public bool HasPattern;

    /// <summary>The type wanted.</summary>
    public ValueType Type;

    /// <summary>Whether only that type is wanted.</summary>
    public bool HasType;

    /// <summary>Reads the options from an argument on; writes the error and returns false if they are wrong.</summary>
    /// <param name="call">The call.</param>
    /// <param name="from">The first argument that is an option.</param>
    /// <param name="options">The options.</param>
    /// <param name="takesType">Whether TYPE is one: members of a collection have none.</param>
    public static bool TryRead(in Call call, int from, out KeyScanOptions options, bool takesType = true)
    {
        options = new KeyScanOptions { Count = DefaultCount };
        for (var at = from; at < call.Args.Count; at += 2)
        {
            if (at + 1 < call.Args.Count && call.Is(at, "COUNT"u8))
            {
                if (!call.TryInteger(at + 1, out options.Count)) return false;
                if (options.Count >= 1) continue;
            }
            else if (at + 1 < call.Args.Count && call.Is(at, "MATCH"u8))
            {
                options.Pattern = call.Args[at + 1];
                options.HasPattern = !Glob.MatchesAll(options.Pattern);
                continue;
            }
            else if (takesType && at + 1 < call.Args.Count && call.Is(at, "TYPE"u8))
            {
                options.HasType = true;
                if (TryReadType(call.Args[at + 1], out options.Type)) continue;
                ErrorTexts.WriteQuoting(call.Reply, "ERR unknown type name '"u8, call.Args[at + 1], "'"u8);
                return false;
            }

            call.Reply.Error(ErrorTexts.Syntax);
            return false;
        }

        return true;
    }

    private static bool TryReadType(ReadOnlySpan<byte> word, out ValueType type)
    {
        for (type = ValueType.String; type <= ValueType.Stream; type++)
        {
            if (Enum.IsDefined(type) && Words.Equal(word, KeyCommands.NameOf(type))) return true;
        }

        return false;
    }
}

/// <summary>The walk of one SCAN and what it has found.</summary>
internal ref struct KeyScan : IEntryVisitor
{
    private const int MaxNamesBytes = 64 * 1024 * 1024;
    private const int MaxExpired = 32;

    private readonly Call _call;
    private readonly KeyScanOptions _options;
    private readonly PartitionWalk _walk;
    private byte[] _names = [];
    private int _used;
    private int _found;
    private int _partition;
    private long _looked;
    private int _expiredCount;
    private ExpiredBlocks _expired;
    private bool _isOverflown;

    /// <summary>A scan for one call.</summary>
    public KeyScan(in Call call, KeyScanOptions options)
    {
        _call = call;
        _options = options;
        _walk = new PartitionWalk(call);
    }

    /// <summary>
    /// Reads a cursor as strtoul does: a sign is allowed, and the empty text is 0. False when it is no number or
    /// exceeds 64 bits.
    /// </summary>
    public static bool TryReadCursor(ReadOnlySpan<byte> text, out ulong cursor)
    {
        cursor = 0;
        if (text.IsEmpty) return true;
        var isNegative = text[0] == (byte)'-';
        if (isNegative || text[0] == (byte)'+') text = text[1..];
        if (text.IsEmpty) return false;
        foreach (var one in text)
        {
            var digit = (uint)(one - '0');
            if (digit > 9 || cursor > (ulong.MaxValue - digit) / 10) return false;
            cursor = (cursor * 10) + digit;
        }

        if (isNegative) cursor = unchecked(0 - cursor);
        return true;
    }

    /// <summary>Walks on from a cursor and returns the next one, 0 at the end.</summary>
    public ulong Run(ulong cursor)
    {
        const ulong TableCursorMask = (1UL << 48) - 1;
        var shift = BitOperations.Log2((uint)_walk.Count);
        _partition = (int)(cursor & (ulong)(_walk.Count - 1));
        var tableCursor = (cursor >> shift) & TableCursorMask;
        var buckets = _options.Count > long.MaxValue / 10 ? long.MaxValue : _options.Count * 10;
        for (; _partition < _walk.Count; _partition++)
        {
            _walk.Enter(_partition);
            tableCursor = RunPartition(tableCursor, ref buckets);
            _walk.Leave();
            if (tableCursor != 0) return (tableCursor << shift) | (uint)_partition;
            if (IsDone(buckets) && _partition + 1 < _walk.Count) return (ulong)_partition + 1;
        }

        return 0;
    }

    /// <summary>Writes the reply: the cursor and the names.</summary>
    public readonly void WriteReply(ulong cursor)
    {
        if (_isOverflown)
        {
            _call.Reply.Error("ERR the names of the keys in one bucket take too much memory"u8);
            return;
        }

        _call.Reply.Array(2);
        _call.Reply.BulkInteger((long)cursor);
        _call.Reply.Array(_found);
        var at = 0;
        for (var i = 0; i < _found; i++)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(_names.AsSpan(at));
            _call.Reply.Bulk(_names.AsSpan(at + sizeof(int), length));
            at += sizeof(int) + length;
        }
    }

    /// <summary>Gives the memory back.</summary>
    public readonly void Release()
    {
        if (_names.Length > 0) ArrayPool<byte>.Shared.Return(_names);
    }

    /// <inheritdoc/>
    public void Visit(BlockRef entry)
    {
        _looked++;
        var view = _walk.EntryAt(_partition, entry);
        if (_options.HasType && view.Type != _options.Type) return;
        if (_options.HasPattern && !Glob.Matches(_options.Pattern, view.Key)) return;
        if (!_walk.IsExpired(view)) Keep(view.Key);
        else if (_expiredCount < MaxExpired) _expired[_expiredCount++] = entry.Value;
    }

    private ulong RunPartition(ulong cursor, ref long buckets)
    {
        if (_walk.Table(_partition) is not { } table) return 0;
        do
        {
            cursor = table.Entries.Scan(cursor, ref this);
            buckets--;
            RemoveExpired();
        }
        while (cursor != 0 && !IsDone(buckets));
        return cursor;
    }

    private readonly bool IsDone(long buckets) =>
        buckets <= 0 || _looked >= _options.Count || _used >= MaxNamesBytes || _isOverflown;

    // Not while the table is being walked: a visitor must not change it.
    private void RemoveExpired()
    {
        for (; _expiredCount > 0; _expiredCount--)
            _walk.RemoveExpired(_walk.EntryAt(_partition, BlockRef.FromValue(_expired[_expiredCount - 1])));
    }

    private void Keep(ReadOnlySpan<byte> name)
    {
        if (_isOverflown) return;
        var needed = (long)_used + sizeof(int) + name.Length;
        if (needed > _names.Length && !TryGrow(needed)) return;
        BinaryPrimitives.WriteInt32LittleEndian(_names.AsSpan(_used), name.Length);
        name.CopyTo(_names.AsSpan(_used + sizeof(int)));
        _used = (int)needed;
        _found++;
    }

    private bool TryGrow(long needed)
    {
        const int FirstBytes = 1024;
        const int MaxBytes = 1024 * 1024 * 1024;
        _isOverflown = needed > MaxBytes;
        if (_isOverflown) return false;
        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Max(FirstBytes, Math.Min(needed * 2, MaxBytes)));
        _names.AsSpan(0, _used).CopyTo(larger);
        Release();
        _names = larger;
        return true;
    }

    [InlineArray(MaxExpired)]
    private struct ExpiredBlocks
    {
        private ulong _first;
    }
}
