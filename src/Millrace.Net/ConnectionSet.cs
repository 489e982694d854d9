// A set of connections in an array without gaps: the last one takes the place of the one that goes. Add and remove:
// O(1).

namespace Millrace.Net;

internal sealed class ConnectionSet
{
    private Connection?[] _items = new Connection?[16];

    public int Count { get; private set; }

    public ReadOnlySpan<Connection> Items => _items.AsSpan(0, Count)!;

    public void Add(Connection connection)
    {
        if (Count == _items.Length) Array.Resize(ref _items, Count * 2);
        connection.Slot = Count;
        _items[Count++] = connection;
    }

    public void Remove(Connection connection)
    {
        Connection last = _items[--Count]!;
        _items[Count] = null;
        if (!ReferenceEquals(last, connection))
        {
            _items[connection.Slot] = last;
            last.Slot = connection.Slot;
        }
        connection.Slot = -1;
    }
}
