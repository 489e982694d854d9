// A list of connections to work through, in two halves: what is added while one half is worked through waits in the
// other, so that a pass is bounded by what there was at its start. Append: O(1); allocates only to grow.

namespace Millrace.Net;

internal sealed class ConnectionList
{
    private Connection?[] _filling = new Connection?[64];
    private Connection?[] _working = new Connection?[64];

    public int Count { get; private set; }

    public void Add(Connection connection)
    {
        if (Count == _filling.Length) Array.Resize(ref _filling, Count * 2);
        _filling[Count++] = connection;
    }

    /// <summary>Gives what there is and starts the other half. The slots are to be cleared by the caller.</summary>
    public Span<Connection?> Take()
    {
        int count = Count;
        (_filling, _working) = (_working, _filling);
        Count = 0;
        return _working.AsSpan(0, count);
    }
}
