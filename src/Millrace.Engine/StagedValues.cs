using Millrace.Memory;

namespace Millrace.Engine;

/// <summary>
/// Large arguments of a request, copied into blobs before the unit takes its locks. Whoever stores such an argument
/// whole takes its blob instead of copying it under the lock; what nobody took is released after the unit.
/// </summary>
/// <remarks>One per unit. An argument is known by its array and its place in it: the same bytes elsewhere are another
/// one. They are taken in the order in which they were added, as a rule, so looking for one begins behind the
/// last.</remarks>
public sealed class StagedValues
{
    private readonly List<Item> _items = [];
    private readonly Blobs _blobs;
    private int _next;

    internal StagedValues(Blobs blobs) => _blobs = blobs;

    /// <summary>How many arguments are staged, taken ones included.</summary>
    public int Count => _items.Count;

    /// <summary>Copies an argument. Its bytes stay as they are until the unit ends.</summary>
    public void Add(byte[] input, int start, int length)
    {
        var blob = _blobs.Create(length);
        input.AsSpan(start, length).CopyTo(_blobs.Span(blob, 0, length));
        _items.Add(new Item(input, start, length, blob, IsTaken: false));
    }

    /// <summary>Releases what was not taken.</summary>
    public void Clear()
    {
        if (_items.Count == 0) return;
        foreach (var item in _items)
        {
            if (!item.IsTaken) _blobs.Release(item.Blob);
        }

        _items.Clear();
        _next = 0;
    }

    /// <summary>The blob with this argument's bytes; from now on it is the caller's.</summary>
    internal bool TryTake(ReadOnlySpan<byte> value, out Blob blob)
    {
        for (var i = 0; i < _items.Count; i++)
        {
            var at = (_next + i) % _items.Count;
            var item = _items[at];
            if (item.IsTaken || value != item.Input.AsSpan(item.Start, item.Length)) continue;
            blob = item.Blob;
            _items[at] = item with { IsTaken = true };
            _next = at + 1;
            return true;
        }

        blob = default;
        return false;
    }

    private readonly record struct Item(byte[] Input, int Start, int Length, Blob Blob, bool IsTaken);
}
