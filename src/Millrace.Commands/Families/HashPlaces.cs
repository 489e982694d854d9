// Where some fields of a hash are, while nothing changes it.

using System.Buffers;
using Millrace.Engine;
using Millrace.Engine.Values;

namespace Millrace.Commands.Families;

/// <summary>Collects the places of the fields that a walk meets.</summary>
internal ref struct HashPlaces : IHashVisitor
{
    private const int FirstPlaces = 64;

    private readonly ReadOnlySpan<byte> _pattern;
    private readonly bool _hasPattern;
    private ulong[] _places;

    /// <summary>Collects all fields; about so many are expected.</summary>
    public HashPlaces(long expected)
        : this(default, hasPattern: false) => Grow((int)Math.Min(expected, Array.MaxLength));

    /// <summary>Collects the fields whose names match a pattern.</summary>
    public HashPlaces(ReadOnlySpan<byte> pattern, bool hasPattern)
    {
        _pattern = pattern;
        _hasPattern = hasPattern;
        _places = [];
    }

    /// <summary>How many were collected.</summary>
    public int Count { get; private set; }

    /// <summary>How many were met.</summary>
    public long Met { get; private set; }

    /// <summary>The place at an index.</summary>
    public readonly ulong this[int index] => _places[index];

    /// <inheritdoc/>
    public void Visit(scoped in HashItem item)
    {
        Span<byte> digits = stackalloc byte[Memory.ListpackElement.MaxIntegerBytes];
        Met++;
        if (_hasPattern && !Glob.Matches(_pattern, item.Name.Text(digits))) return;
        if (Count == _places.Length) Grow(Math.Max(FirstPlaces, Count * 2));
        _places[Count++] = item.Place;
    }

    /// <summary>Gives the memory back.</summary>
    public readonly void Release()
    {
        if (_places.Length > 0) ArrayPool<ulong>.Shared.Return(_places);
    }

    private void Grow(int length)
    {
        var larger = ArrayPool<ulong>.Shared.Rent(length);
        _places.AsSpan(0, Count).CopyTo(larger);
        Release();
        _places = larger;
    }
}
