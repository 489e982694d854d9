namespace Millrace.Engine;

/// <summary>A key with bytes of its own: what outlives a unit (watched keys, keys that somebody waits for) is known by
/// it and never by an entry.</summary>
/// <param name="Database">The database's index.</param>
/// <param name="Hash">What <see cref="Keyspace.HashOf"/> says of <paramref name="Bytes"/>.</param>
/// <param name="Bytes">The name; never changed.</param>
public sealed record OwnedKey(int Database, ulong Hash, byte[] Bytes)
{
    /// <summary>Copies a key.</summary>
    public static OwnedKey Of(in Key key) => new(key.Database, key.Hash, key.Bytes.ToArray());

    /// <summary>A view of it.</summary>
    public Key View => new(Database, Hash, Bytes);

    /// <summary>Whether it is that key.</summary>
    public bool Is(in Key key) =>
        Hash == key.Hash && Database == key.Database && key.Bytes.SequenceEqual(Bytes);

    /// <summary>Compares keys, with or without bytes of their own, so that a look-up copies nothing.</summary>
    public sealed class Comparer : IEqualityComparer<OwnedKey>, IAlternateEqualityComparer<Key, OwnedKey>
    {
        /// <inheritdoc/>
        public bool Equals(OwnedKey? x, OwnedKey? y) =>
            ReferenceEquals(x, y) || (x is not null && y is not null && x.Is(y.View));

        /// <inheritdoc/>
        public int GetHashCode(OwnedKey obj) => HashCode.Combine(obj.Hash, obj.Database);

        /// <inheritdoc/>
        public bool Equals(Key alternate, OwnedKey other) => other.Is(alternate);

        /// <inheritdoc/>
        public int GetHashCode(Key alternate) => HashCode.Combine(alternate.Hash, alternate.Database);

        /// <inheritdoc/>
        public OwnedKey Create(Key alternate) => Of(alternate);
    }
}
