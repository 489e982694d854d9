using System.Globalization;
using Millrace.Engine;
using Millrace.Engine.Codec;
using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Persistence.Rdb;

/// <summary>
/// Writes the records of an RDB file, one by one, to whatever takes them: a file (<see cref="RdbOutput"/>), or memory
/// from which somebody else takes them there.
/// </summary>
/// <remarks>
/// <code>
///   Begin -> Aux ... -> Function ... -> ( Database -> TryEntry ... ) ... -> End        and the checksum behind
/// </code>
/// It keeps nothing between records, and hands long values over piece by piece. Nothing is allocated on the managed
/// heap. Used by one thread at a time.
/// Source: docs/formats/rdb.md.
/// </remarks>
/// <param name="sink">Where to.</param>
/// <param name="format">What may be written; its version is the file's.</param>
/// <param name="use">What is written of how keys were used.</param>
public sealed class RdbWriter(ValueSink sink, RdbFormat format, UseRecord use)
{
    private const int MillisecondsPerSecond = 1000;

    /// <summary>The time from which on uses are counted back, when it is later than that of the records: keys may have
    /// been used since.</summary>
    public long UsedUpToMs { get; set; }

    /// <summary>What the file begins with.</summary>
    public void Begin()
    {
        Span<byte> magic = stackalloc byte[RdbMagic.Bytes];
        new RdbMagic(IsOfValkey: false, format.Version).Write(magic);
        var writer = new ValueWriter(sink);
        writer.Bytes(magic);
        writer.End();
    }

    /// <summary>Something about the file.</summary>
    public void Aux(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var writer = Opened(RdbOpcode.Aux);
        writer.Text(name);
        writer.Text(value);
        writer.End();
    }

    /// <summary>A number that says something about the file.</summary>
    public void Aux(ReadOnlySpan<byte> name, long value)
    {
        Span<byte> digits = stackalloc byte[ListpackElement.MaxIntegerBytes];
        value.TryFormat(digits, out var written, default, CultureInfo.InvariantCulture);
        Aux(name, digits[..written]);
    }

    /// <summary>A library of functions.</summary>
    /// <param name="code">Its text, as FUNCTION LOAD takes it.</param>
    public void Function(ReadOnlySpan<byte> code)
    {
        var writer = Opened(RdbOpcode.Function);
        writer.Text(code);
        writer.End();
    }

    /// <summary>The keys that follow are of this database.</summary>
    /// <param name="database">The database.</param>
    /// <param name="keys">About how many keys it has.</param>
    /// <param name="deadlines">About how many of them have a deadline.</param>
    public void Database(int database, long keys, long deadlines)
    {
        var writer = Opened(RdbOpcode.Database);
        writer.Length(database);
        writer.Type((RdbType)RdbOpcode.Resize);
        writer.Length(keys);
        writer.Length(deadlines);
        writer.End();
    }

    /// <summary>The keys that follow are of this database, which was named before.</summary>
    public void DatabaseAgain(int database)
    {
        var writer = Opened(RdbOpcode.Database);
        writer.Length(database);
        writer.End();
    }

    /// <summary>A key with its value. False, with nothing written, when a file of this version has no form for the
    /// value. O(value).</summary>
    /// <param name="heap">The heap of the entry's partition, which is held.</param>
    /// <param name="entry">The entry, which is to be written (<see cref="IsWritten"/>).</param>
    /// <param name="nowMs">The time: members that are due are not written.</param>
    public bool TryEntry(Heap heap, in Entry entry, long nowMs)
    {
        var writer = new ValueWriter(sink, heap, format);
        if (!TryBeginEntry(ref writer, entry, nowMs, out var type)) return false;
        ValueCodec.Write(ref writer, entry, type, nowMs);
        writer.End();
        return true;
    }

    /// <summary>What stands in front of a key's value, for who writes the value himself. False, with nothing written,
    /// when a file of this version has no form for it.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="entry">The entry, which is to be written (<see cref="IsWritten"/>).</param>
    /// <param name="nowMs">The time.</param>
    /// <param name="type">How the value is to be written.</param>
    public bool TryBeginEntry(scoped ref ValueWriter writer, in Entry entry, long nowMs, out RdbType type)
    {
        type = ValueCodec.TypeOf(entry, format, nowMs);
        if (type == RdbType.None || format.VersionOf(type) > format.Version) return false;
        if (entry.HasDeadline)
        {
            writer.Type((RdbType)RdbOpcode.DeadlineMs);
            writer.Int64(entry.DeadlineMs);
        }

        WriteUse(ref writer, entry, nowMs);
        writer.Type(type);
        writer.Text(entry.Key);
        return true;
    }

    /// <summary>The last record. The checksum of all before stands behind it.</summary>
    public void End()
    {
        var writer = Opened(RdbOpcode.End);
        writer.End();
    }

    /// <summary>Whether an entry is written at all. A key that has expired and is still there is, as with Redis, and is
    /// dropped by who loads it; a value of which nothing is left has no form.</summary>
    public static bool IsWritten(in Entry entry, long nowMs) => !Value.IsAllDue(entry, nowMs);

    private void WriteUse(scoped ref ValueWriter writer, in Entry entry, long nowMs)
    {
        nowMs = Math.Max(nowMs, UsedUpToMs);
        switch (use.Kind)
        {
            case UseKind.Idle:
                writer.Type((RdbType)RdbOpcode.Idle);
                writer.Length(AccessClock.IdleMs(entry.AccessClock, nowMs) / MillisecondsPerSecond);
                break;
            case UseKind.Frequency:
                writer.Type((RdbType)RdbOpcode.Frequency);
                writer.Type((RdbType)use.Clock!.Frequency(entry.AccessClock, nowMs));
                break;
            default:
                break;
        }
    }

    private ValueWriter Opened(RdbOpcode opcode)
    {
        var writer = new ValueWriter(sink);
        writer.Type((RdbType)opcode);
        return writer;
    }
}
