using Millrace.Commands;
using Millrace.Engine;
using Millrace.Resp;

namespace Millrace.Server.Execution;

/// <summary>
/// The batch stage: cuts requests out of the input, finds their commands and keys, hashes the keys and prefetches.
/// </summary>
/// <remarks>
/// <code>
///   request   0  cut, hash, ask for the bucket      |  then for each: look into the      |  then for each:
///             1  cut, hash, ask for the bucket      |  bucket, ask for the entries that  |  run
///             .. (32 misses under way at once)      |  have the fingerprint              |
/// </code>
/// Requests that name a member of a collection (HGET, SADD, ZSCORE, ...) go through both stages once more in between,
/// with the member's hash and the collection's table.
/// Nothing is decided here: arity, gates and everything else are looked at when a request runs, since the request
/// before it may change them. A request that came as a line of words ends the batch, because parsing unescapes it in
/// place; so does a client that has not authenticated, whose limits may change with every request.
/// </remarks>
public sealed class RequestBatch
{
    /// <summary>The most requests of a batch.</summary>
    public const int Capacity = 32;

    private readonly CommandTable _table;
    private readonly Keyspace _keyspace;
    private readonly Request[] _requests = new Request[Capacity];
    private bool _hasMembers; // somebody names a member of a collection

    /// <summary>An empty batch.</summary>
    public RequestBatch(CommandTable table, Keyspace keyspace)
    {
        _table = table;
        _keyspace = keyspace;
        for (var i = 0; i < _requests.Length; i++) _requests[i] = new Request();
    }

    /// <summary>How many requests there are.</summary>
    public int Count { get; private set; }

    /// <summary>What stopped the cutting: Complete when the batch is full or had to end, otherwise the parser's
    /// word.</summary>
    public ParseStatus Ending { get; private set; }

    /// <summary>Index behind the last byte that belongs to the batch, blank lines included.</summary>
    public int End { get; private set; }

    /// <summary>The request at an index.</summary>
    public Request this[int index] => _requests[index];

    /// <summary>Cuts as many requests as there are, up to <paramref name="limit"/>.</summary>
    /// <param name="client">Whose input it is.</param>
    /// <param name="input">The input array.</param>
    /// <param name="start">Index of its first unread byte.</param>
    /// <param name="end">Index behind its last byte.</param>
    /// <param name="limits">The limits in force.</param>
    /// <param name="limit">The most requests wanted.</param>
    public void Cut(Client client, byte[] input, int start, int end, RequestLimits limits, int limit)
    {
        Count = 0;
        _hasMembers = false;
        End = start;
        Ending = ParseStatus.Complete;
        var most = client.IsAuthenticated ? Math.Min(limit, Capacity) : 1;
        while (Count < most)
        {
            var at = End;
            var isInline = at < end && input[at] != (byte)'*';
            if (isInline && Count > 0) break;
            var request = _requests[Count];
            Ending = client.Parser.Parse(
                input.AsSpan(at, end - at), limits, client.IsAuthenticated, request.Slices, out var consumed);
            if (Ending is ParseStatus.Incomplete or ParseStatus.Error) break;
            End = at + consumed;
            if (Ending == ParseStatus.Empty) continue;
            request.Place(at, End, isInline);
            Count++;
            Resolve(request, input);
            foreach (ref readonly var key in request.Keys) _keyspace.PrefetchBucket(client.Database, key.Hash);
            if (isInline) break;
        }

        if (Count <= 1) return;
        PrefetchEntries(client.Database);
        if (_hasMembers) PrefetchMembers(client.Database, input);
    }

    /// <summary>Finds the command of a request and hashes its keys.</summary>
    public void Resolve(Request request, byte[] input)
    {
        var args = new Args(input.AsSpan(request.Start), request.Slices.AsSpan());
        var spec = _table.Find(args[0]);
        if (spec is { Subcommands.Length: > 0 } && args.Count > 1) spec = spec.FindSubcommand(args[1]) ?? spec;
        request.Spec = spec;
        if (spec is null || !spec.AcceptsCount(args.Count)) return;
        if (spec.OnlyKey > 0)
        {
            request.AddKey(new KeyAt(spec.OnlyKey, _keyspace.HashOf(args[spec.OnlyKey])));
            _hasMembers |= spec.MemberAt > 0;
            return;
        }

        foreach (var keys in spec.Keys)
        {
            if (!keys.TryFind(args, out var first, out var last)) continue;
            for (var i = first; i <= last; i += keys.Step) request.AddKey(new KeyAt(i, _keyspace.HashOf(args[i])));
        }
    }

    // The buckets were asked for as their requests were cut, so by now the first ones are here and can be looked into.
    private void PrefetchEntries(int database)
    {
        for (var i = 0; i < Count; i++)
        {
            foreach (ref readonly var key in _requests[i].Keys) _keyspace.PrefetchEntry(database, key.Hash);
        }
    }

    private void PrefetchMembers(int database, byte[] input)
    {
        var members = default(MemberHint);
        var known = 0UL;
        var isAnyThere = false;
        for (var i = 0; i < Count; i++)
        {
            var request = _requests[i];
            if (!NamesMember(request)) continue;
            var member = new Args(input.AsSpan(request.Start), request.Slices.AsSpan())[request.Spec!.MemberAt];
            request.MemberHash = _keyspace.HashOf(member);
            Find(request, database, ref known, ref members);
            members.PrefetchBucket(request.MemberHash);
            isAnyThere |= members.IsThere;
        }

        for (var i = 0; isAnyThere && i < Count; i++)
        {
            var request = _requests[i];
            if (!NamesMember(request)) continue;
            Find(request, database, ref known, ref members);
            members.PrefetchMembers(request.MemberHash);
        }
    }

    private static bool NamesMember(Request request) => request is { KeyCount: 1, Spec.MemberAt: > 0 };

    // Most batches of such requests name one collection. A hash that is 0 by chance is looked up each time.
    private void Find(Request request, int database, ref ulong known, ref MemberHint members)
    {
        var hash = request.Keys[0].Hash;
        if (hash == known && hash != 0) return;
        members = _keyspace.HintOfMembers(database, hash);
        known = hash;
    }
}
