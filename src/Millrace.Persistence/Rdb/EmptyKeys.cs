namespace Millrace.Persistence.Rdb;

/// <summary>
/// The keys of a file whose collections have no members: servers of long ago have written such, and they are passed
/// over.
/// </summary>
/// <remarks>Used by one thread; read when that has ended.</remarks>
public sealed class EmptyKeys
{
    /// <summary>So many names are kept.</summary>
    public const int MaxNames = 10;

    private readonly List<string> _names = [];

    /// <summary>How many there were.</summary>
    public long Count { get; private set; }

    /// <summary>The names of the first of them, as a message shows them.</summary>
    public IReadOnlyList<string> Names => _names;

    /// <summary>One was passed over.</summary>
    internal void Add(ReadOnlySpan<byte> name)
    {
        Count++;
        if (_names.Count < MaxNames) _names.Add(ShownText.Of(name));
    }

    /// <summary>Those of another thread come on top.</summary>
    internal void Add(EmptyKeys others)
    {
        Count += others.Count;
        _names.AddRange(others._names.Take(MaxNames - _names.Count));
    }
}
