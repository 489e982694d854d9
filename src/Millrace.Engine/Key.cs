namespace Millrace.Engine;

/// <summary>A key of one database, with the hash that was computed once for it. Valid as long as its bytes.</summary>
/// <param name="database">The database's index.</param>
/// <param name="hash">What <see cref="Keyspace.HashOf"/> says of <paramref name="bytes"/>.</param>
/// <param name="bytes">The name; owned by the caller.</param>
public readonly ref struct Key(int database, ulong hash, ReadOnlySpan<byte> bytes)
{
    /// <summary>The database's index.</summary>
    public int Database { get; } = database;

    /// <summary>The key's hash.</summary>
    public ulong Hash { get; } = hash;

    /// <summary>The key's name.</summary>
    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    /// <summary>The key of the same name in another database.</summary>
    public Key In(int database) => new(database, Hash, Bytes);
}
