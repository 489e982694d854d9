// Is there an order of the operations, compatible with which ended before which began, in which the model gives the
// same replies?
//
// Wing and Gong's search, with the memory of states that Lowe added: an operation may come next when no other operation
// that is still open ended before it began. A (set of done operations, state) that led nowhere once is not tried again.
// Each client has one operation at a time, so the done set is one position per client.
//
// Sources: J. M. Wing, C. Gong, "Testing and Verifying Concurrent Objects" (1993); G. Lowe, "Testing for
// Linearizability" (2017).

using System.Globalization;

namespace Millrace.Histories;

/// <summary>An operation as its client saw it.</summary>
/// <param name="Client">Who ran it.</param>
/// <param name="Database">In which database.</param>
/// <param name="Args">The command; the pseudo-command EXPIRE-CYCLE with a partition is active expiry.</param>
/// <param name="Began">Schedule step before it.</param>
/// <param name="Ended">Schedule step after it.</param>
/// <param name="NowMs">The unit's time.</param>
/// <param name="Removes">Whether the unit removed entries whose time had come, rather than only passing them
/// over.</param>
/// <param name="Reply">The reply in RESP2.</param>
internal sealed record Operation(
    int Client, int Database, string[] Args, long Began, long Ended, long NowMs, bool Removes, string Reply)
{
    public override string ToString() =>
        $"client {Client} [{Began}..{Ended}] t={NowMs} db{Database} {string.Join(' ', Args)} -> " +
        Reply.Replace("\r\n", " ", StringComparison.Ordinal);
}

/// <summary>The search.</summary>
internal sealed class Linearizability
{
    private readonly Operation[][] _clients;
    private readonly Func<string, int> _partitionOf;
    private readonly HashSet<string> _failed = new(StringComparer.Ordinal);

    public Linearizability(IEnumerable<Operation> history, Func<string, int> partitionOf)
    {
        _clients = [.. history.GroupBy(one => one.Client).Select(one => one.OrderBy(op => op.Began).ToArray())];
        _partitionOf = partitionOf;
    }

    /// <summary>The most operations that some order could explain, for a report.</summary>
    public int Longest { get; private set; }

    /// <summary>Whether an order exists that starts from <paramref name="initial"/>.</summary>
    public bool Holds(Model initial) => Search(initial, new int[_clients.Length], 0);

    private bool Search(Model state, int[] done, int count)
    {
        Longest = Math.Max(Longest, count);
        var earliestEnd = EarliestEnd(done);
        if (earliestEnd == long.MaxValue) return true;
        var mark = string.Join(',', done) + "|" + state.Text();
        if (_failed.Contains(mark)) return false;
        for (var i = 0; i < _clients.Length; i++)
        {
            if (done[i] == _clients[i].Length) continue;
            var operation = _clients[i][done[i]];
            if (operation.Began > earliestEnd) continue;
            var next = state.Copy();
            if (Apply(next, operation) != operation.Reply) continue;
            done[i]++;
            if (Search(next, done, count + 1)) return true;
            done[i]--;
        }

        _failed.Add(mark);
        return false;
    }

    private long EarliestEnd(int[] done)
    {
        var earliest = long.MaxValue;
        for (var i = 0; i < _clients.Length; i++)
        {
            if (done[i] < _clients[i].Length) earliest = Math.Min(earliest, _clients[i][done[i]].Ended);
        }

        return earliest;
    }

    private string Apply(Model state, Operation operation)
    {
        if (operation.Args[0] != "EXPIRE-CYCLE")
            return state.Run(operation.Database, operation.Args, operation.NowMs, operation.Removes);
        var partition = int.Parse(operation.Args[1], CultureInfo.InvariantCulture);
        state.RemoveDue(operation.NowMs, key => _partitionOf(key) == partition);
        return operation.Reply;
    }
}
