using Millrace.Memory;

namespace Millrace.Engine;

/// <summary>
/// Large arguments of a request, copied into blobs before the unit takes its locks. Whoever stores such an argument
/// whole takes its blob instead of copying it under the lock; what nobody took is released after the unit.
/// </summary>
/// <remarks>One per unit. An argument is known by its place in the input: the same bytes elsewhere are another
/// one.</remarks>
public sealed class StagedValues
{
    private readonly List<(int Start, int Length, Blob Blob)> _items = [];
    private readonly Blobs _blobs;
    private byte[] _input = [];

    internal StagedValues(Blobs blobs) => _blobs = blobs;

    /// <summary>Copies an argument. All arguments of one unit lie in one input, which stays as it is until the unit
    /// ends.</summary>
    public void Add(byte[] input, int start, int length)
    {
        var blob = _blobs.Create(length);
        input.AsSpan(start, length).CopyTo(_blobs.Span(blob, 0, length));
        _input = input;
        _items.Add((start, length, blob));
    }

    /// <summary>Releases what was not taken.</summary>
    public void Clear()
    {
        if (_items.Count == 0) return;
        foreach (var item in _items) _blobs.Release(item.Blob);
        _items.Clear();
        _input = [];
    }

    /// <summary>The blob with this argument's bytes; from now on it is the caller's.</summary>
    internal bool TryTake(ReadOnlySpan<byte> value, out Blob blob)
    {
        for (var i = 0; i < _items.Count; i++)
        {
            var item = _items[i];
            if (value != _input.AsSpan(item.Start, item.Length)) continue;
            blob = item.Blob;
            _items.RemoveAt(i);
            return true;
        }

        blob = default;
        return false;
    }
}
