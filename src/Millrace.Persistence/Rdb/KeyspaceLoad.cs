using System.Diagnostics;
using System.Text;
using Millrace.Engine;
using Millrace.Engine.Codec;
using Millrace.Engine.Values;

namespace Millrace.Persistence.Rdb;

/// <summary>
/// Puts what an RDB file holds into a keyspace, within one unit that holds all of it.
/// </summary>
/// <remarks>
/// A value is made apart and gets its place in the table when it is complete and sound. What was loaded before a fault
/// stays: whoever cannot use half a file empties the keyspace then. Libraries of functions are kept for whoever can
/// load them. Used by one thread.
/// </remarks>
/// <param name="unit">Holds all partitions for as long as the reading takes; its time says what has expired.</param>
/// <param name="options">What to do with certain keys.</param>
public sealed class KeyspaceLoad(Unit unit, KeyspaceLoadOptions options) : IRdbSink
{
    /// <summary>The most bytes of libraries that are kept.</summary>
    public const long MaxFunctionBytes = 256 * 1024 * 1024;

    /// <summary>The most fields that say something about the file that are kept.</summary>
    public const int MaxAuxFields = 256;

    private readonly Keyspace _keyspace = unit.Keyspace;
    private readonly List<byte[]> _functions = [];
    private readonly List<(string Name, string Value)> _fields = [];
    private long _functionBytes;

    /// <summary>How many keys were put into the keyspace.</summary>
    public long Keys { get; private set; }

    /// <summary>How many keys were dropped because their time had come.</summary>
    public long Expired { get; private set; }

    /// <summary>The keys that were passed over because they hold nothing.</summary>
    public EmptyKeys Empty { get; } = new();

    /// <summary>The texts of libraries, in order.</summary>
    public IReadOnlyList<byte[]> Functions => _functions;

    /// <summary>What the file says about itself, in order, as far as there is room for it; bytes are Latin-1.</summary>
    public IReadOnlyList<(string Name, string Value)> Fields => _fields;

    /// <inheritdoc/>
    public int Databases => _keyspace.Shape.Databases;

    /// <inheritdoc/>
    public long MostBytes => _keyspace.Budget.MostLoadedBytes;

    /// <inheritdoc/>
    public void Aux(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (_fields.Count >= MaxAuxFields) return;
        _fields.Add((Encoding.Latin1.GetString(name), Encoding.Latin1.GetString(value)));
    }

    /// <inheritdoc/>
    public void Resize(int database, ulong keys, ulong deadlines)
    {
        // Tables grow by segments as keys come: a hint gains nothing, and may lie.
    }

    /// <inheritdoc/>
    public string? Function(ReadOnlySpan<byte> code)
    {
        _functionBytes += code.Length;
        if (_functionBytes > MaxFunctionBytes) return $"the libraries are longer than {MaxFunctionBytes} bytes";
        _functions.Add(code.ToArray());
        return null;
    }

    /// <inheritdoc/>
    public RdbTaking Take(in RdbKey key, scoped ref ValueReader value) =>
        Take(key, _keyspace.HashOf(key.Name), ref value);

    /// <summary>The same with the hash of the key's name.</summary>
    internal RdbTaking Take(in RdbKey key, ulong hash, scoped ref ValueReader value)
    {
        var placed = new Key(key.Database, hash, key.Name);
        var place = new ValuePlace(unit, placed) { DeadlineMs = key.DeadlineMs };
        if (!ValueCodec.TryRead(ref value, key.Type, place, out var made))
        {
            if (value.HasNoMembers) Empty.Add(key.Name);
            return RdbTaking.Unreadable;
        }

        Debug.Assert(made.DeadlineMs == key.DeadlineMs, "whatever makes it has its deadline");
        if (options.DropsExpired && Value.IsExpired(made, unit.NowMs))
        {
            place.Drop(made);
            Expired++;
            return RdbTaking.Taken;
        }

        // As it is, without the look at its deadline that a unit takes: an expired key is one, too.
        var table = unit.PartitionFor(placed).Table(key.Database);
        var existing = table is null ? default : table.Find(placed.Hash, placed.Bytes);
        if (!existing.IsMissing && !options.Replaces)
        {
            place.Drop(made);
            return RdbTaking.Duplicate;
        }

        made = unit.Install(placed, existing, made);
        unit.SetUse(made, key.IdleSeconds, key.Frequency);
        Keys++;
        return RdbTaking.Taken;
    }
}

/// <summary>What becomes of certain keys of a file that is loaded.</summary>
/// <param name="DropsExpired">Whether keys whose time has come are dropped, as a master does that loads its own file. A
/// replica keeps them until it is told, and so does whoever loads the base of an append-only file.</param>
/// <param name="Replaces">Whether a key that is there already gives way; otherwise it is a fault.</param>
public readonly record struct KeyspaceLoadOptions(bool DropsExpired, bool Replaces = false);
