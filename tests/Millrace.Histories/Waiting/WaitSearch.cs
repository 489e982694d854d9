// Is there an order of the operations that explains all replies, when some of them wait?
//
// An operation that waits takes effect twice: where it begins to wait, and where somebody serves it or ends its wait;
// both lie between its beginning and its end. Of an operation whose client is gone nobody knows the reply: it may have
// been served or not. Otherwise this is the search of Linearizability.cs: each client has one
// operation at a time, an operation may come next when no open one ended before it began, and a state that led nowhere
// is not tried again.

namespace Millrace.Histories.Waiting;

/// <summary>An operation as its client saw it.</summary>
/// <param name="Client">Who ran it.</param>
/// <param name="Args">The command; EXEC is followed by its commands, each ended by <see cref="WaitModel.Next"/>; the
/// pseudo-command END with a client ends that client's wait.</param>
/// <param name="Began">Schedule step before it.</param>
/// <param name="Ended">Schedule step after it.</param>
/// <param name="Reply">The reply in RESP2; <see cref="WaitSearch.Ended"/> for a wait that was ended,
/// <see cref="WaitSearch.Gone"/> when the client was gone before its reply.</param>
internal sealed record WaitOperation(int Client, string[] Args, long Began, long Ended, string Reply)
{
    public override string ToString() =>
        $"client {Client} [{Began}..{Ended}] {string.Join(' ', Args)} -> " +
        Reply.Replace("\r\n", " ", StringComparison.Ordinal);
}

/// <summary>The search.</summary>
internal sealed class WaitSearch
{
    /// <summary>The reply of an operation whose wait was ended without service.</summary>
    public const string Ended = "(ended)";

    /// <summary>The reply of an operation whose client was gone before it could have one.</summary>
    public const string Gone = "(gone)";

    private readonly WaitOperation[][] _clients;
    private readonly HashSet<string> _failed = new(StringComparer.Ordinal);

    public WaitSearch(IEnumerable<WaitOperation> history, int clients)
    {
        var all = history.ToList();
        _clients =
        [
            .. Enumerable.Range(0, clients)
                .Select(client => all.Where(one => one.Client == client).OrderBy(static one => one.Began).ToArray()),
        ];
    }

    /// <summary>The most operations that some order could explain, for a report.</summary>
    public int Longest { get; private set; }

    /// <summary>Whether an order exists.</summary>
    public bool Holds() => Search(new WaitModel(), new int[_clients.Length], 0);

    private bool Search(WaitModel state, int[] done, int count)
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
            var waits = state.Waits(i);
            if (waits ? operation.Reply != Gone : operation.Began > earliestEnd) continue;
            var next = state.Copy();
            var now = (int[])done.Clone();
            if (waits) Finish(next, i, now);
            else if (!TryApply(next, operation, now)) continue;
            if (Search(next, now, now.Sum())) return true;
        }

        _failed.Add(mark);
        return false;
    }

    private bool TryApply(WaitModel state, WaitOperation operation, int[] done)
    {
        if (operation.Args[0] == "END")
        {
            var target = int.Parse(operation.Args[1], System.Globalization.CultureInfo.InvariantCulture);
            if (!state.Waits(target) || !MayReply(target, Ended, done)) return false;
            state.End(target);
            Finish(state, target, done);
            done[operation.Client]++;
            return true;
        }

        var answer = state.Run(operation.Client, operation.Args);
        if (answer.Reply is not null)
        {
            if (!MayReply(operation.Client, answer.Reply, done)) return false;
            Finish(state, operation.Client, done);
        }

        foreach (var (client, reply) in answer.Served)
        {
            if (!MayReply(client, reply, done)) return false;
            Finish(state, client, done);
        }

        return true;
    }

    private bool MayReply(int client, string reply, int[] done)
    {
        var seen = _clients[client][done[client]].Reply;
        return seen == Gone || seen == reply;
    }

    // A client that is gone waits and watches no more; another one goes on in its place.
    private void Finish(WaitModel state, int client, int[] done)
    {
        if (_clients[client][done[client]].Reply == Gone) state.Forget(client);
        done[client]++;
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
}
