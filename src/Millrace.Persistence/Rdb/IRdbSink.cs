using Millrace.Engine.Codec;

namespace Millrace.Persistence.Rdb;

/// <summary>
/// Takes what an RDB file holds, in its order (<see cref="RdbReader"/>). Spans are valid during the call.
/// </summary>
public interface IRdbSink
{
    /// <summary>How many databases there are: a file that names another is refused.</summary>
    int Databases { get; }

    /// <summary>How much memory the next record may take, in bytes, about. Asked before each.</summary>
    long MostBytes { get; }

    /// <summary>Something about the file; whoever does not know the name passes over it. What has a name or a value of
    /// more than <see cref="RdbReader.MaxAuxBytes"/> is not shown.</summary>
    void Aux(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value);

    /// <summary>How many keys a database will have, and how many of them a deadline. A hint from outside: nothing may
    /// be taken for it alone.</summary>
    void Resize(int database, ulong keys, ulong deadlines);

    /// <summary>A library of functions.</summary>
    /// <returns>Null, or why it is refused, which ends the reading.</returns>
    string? Function(ReadOnlySpan<byte> code);

    /// <summary>A key. The sink reads the value, to its end, with <see cref="ValueCodec.TryRead"/>.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">In front of the value, behind its type and the name.</param>
    RdbTaking Take(in RdbKey key, scoped ref ValueReader value);
}

/// <summary>What became of a key.</summary>
public enum RdbTaking
{
    /// <summary>The value was read.</summary>
    Taken,

    /// <summary>It could not be read; nothing of it is kept.</summary>
    Unreadable,

    /// <summary>The key is there already; nothing of the value is kept.</summary>
    Duplicate,

    /// <summary>Nothing else is wanted: an earlier key could not be taken. The value may not have been read.</summary>
    Stopped,
}

/// <summary>What stands in front of a value.</summary>
/// <param name="database">The database.</param>
/// <param name="name">The key's name.</param>
/// <param name="type">The value's type.</param>
public readonly ref struct RdbKey(int database, ReadOnlySpan<byte> name, RdbType type)
{
    /// <summary>The database.</summary>
    public int Database { get; } = database;

    /// <summary>The key's name.</summary>
    public ReadOnlySpan<byte> Name { get; } = name;

    /// <summary>The value's type: one that is known.</summary>
    public RdbType Type { get; } = type;

    /// <summary>When the key expires, in Unix milliseconds; -1: never.</summary>
    public long DeadlineMs { get; init; } = -1;

    /// <summary>For how many seconds it was not used; -1: not said.</summary>
    public long IdleSeconds { get; init; } = -1;

    /// <summary>The counter of its uses, 0 to 255; -1: not said.</summary>
    public int Frequency { get; init; } = -1;

    /// <summary>Where its record begins, in bytes from the beginning of the file.</summary>
    public long Offset { get; init; }
}
