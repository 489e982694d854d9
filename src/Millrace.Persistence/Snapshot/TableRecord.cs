using System.Diagnostics;
using Millrace.Engine.Codec;
using Millrace.Memory;

namespace Millrace.Persistence.Snapshot;

/// <summary>A set, sorted set or hash with many members: they are written in any order, those that are about to change
/// first.</summary>
internal sealed class TableRecord : LongRecord
{
    internal TableRecord(int database, in TableValue value)
        : base(database, value.Type, value.Header) => Value = value;

    /// <summary>The members.</summary>
    internal TableValue Value { get; }

    /// <inheritdoc/>
    internal override void Save(PartitionSaver saver, BlockRef member)
    {
        var writer = saver.Continue(this);
        Value.WriteMember(ref writer, member);
        writer.End();
        saver.Measure(this);
    }

    /// <inheritdoc/>
    internal override void SaveContent(PartitionSaver saver, BlockRef block, ReadOnlySpan<byte> content)
    {
    }

    /// <inheritdoc/>
    internal override bool Walk(PartitionSaver saver, long untilTicks)
    {
        var walker = new Walker(saver, this, untilTicks);
        return Value.SaveSome(ref walker);
    }

    private readonly struct Walker(PartitionSaver saver, TableRecord record, long untilTicks) : IEntryWalker
    {
        public bool IsDone => Stopwatch.GetTimestamp() >= untilTicks;

        public void Visit(BlockRef entry)
        {
            saver.NoteWalked();
            if (saver.IsEncoding) record.Save(saver, entry);
        }
    }
}
