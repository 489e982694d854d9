using System.Diagnostics;
using System.Globalization;
using Millrace.Compat.Tests.Generation;

namespace Millrace.Compat.Tests.Differential;

/// <summary>
/// Feeds one generated stream to two servers in lockstep and compares every reply. Sentences are gathered into
/// pipelined batches, each on one of a few clients; at intervals the whole keyspace is compared. A difference does not
/// end the run:
/// it is recorded with what went before it, and the run goes on up to a limit.
/// </summary>
public sealed class DifferentialRun : IDisposable
{
    private const int Lanes = 4;
    private const int MaxBatchBytes = 192 * 1024;
    private const int MaxBatchSentences = 40;
    private const int HistoryLength = 30;
    private const int StateCheckEvery = 4000;
    private const int MaxMismatches = 300;
    private readonly Lane[] _lanes;
    private readonly StateCheck _state;
    private readonly StreamGenerator _generator;
    private readonly Queue<string> _history = new();
    private readonly List<(int Lane, Sentence Sentence)> _past = [];
    private readonly bool[] _speaksResp3 = new bool[Lanes];

    /// <summary>A run between two ports with a seed over some forms.</summary>
    public DifferentialRun(int referencePort, int subjectPort, int seed, IEnumerable<Form>? forms = null)
    {
        Seed = seed;
        _lanes = [.. Enumerable.Range(0, Lanes).Select(_ => new Lane(referencePort, subjectPort))];
        _state = new StateCheck(referencePort, subjectPort);
        _generator = new StreamGenerator(seed, forms ?? StreamGenerator.AllForms);
    }

    /// <summary>The seed of the stream.</summary>
    public int Seed { get; }

    /// <summary>What was exercised.</summary>
    public Coverage Coverage { get; } = new();

    /// <summary>Replies that differ, in order.</summary>
    public List<Mismatch> Mismatches { get; } = [];

    /// <summary>Differences of the keyspace, with the number of the request after which they were found.</summary>
    public List<string> StateDifferences { get; } = [];

    /// <summary>How long the run took.</summary>
    public TimeSpan Elapsed { get; private set; }

    /// <summary>All sentences sent so far, for a search of the shortest stream that shows a mismatch.</summary>
    public IReadOnlyList<(int Lane, Sentence Sentence)> Past => _past;

    /// <summary>Sends at least the given number of requests.</summary>
    public void Run(int requests, bool stopsAtFirst = false)
    {
        var clock = Stopwatch.StartNew();
        StartLanes();
        int nextCheck = StateCheckEvery;
        while (Coverage.Requests < requests && Mismatches.Count < MaxMismatches)
        {
            RunBatch();
            if (stopsAtFirst && Mismatches.Count > 0)
                break;
            if (Coverage.Requests < nextCheck)
                continue;
            nextCheck += StateCheckEvery;
            CheckState();
        }
        CheckState();
        Elapsed = clock.Elapsed;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Lane lane in _lanes)
            lane.Dispose();
        _state.Dispose();
    }

    private void StartLanes()
    {
        // The first check makes its own connections known to both, so that CLIENT LIST is the same.
        CheckState();
        for (int i = 0; i < Lanes; i++)
        {
            string version = i % 2 == 0 ? "3" : "2";
            var hello = new Request("HELLO",
                [.. new[] { "HELLO", version }.Select(System.Text.Encoding.Latin1.GetBytes)], []);
            Exchange(i, [new Sentence([hello])]);
        }
    }

    private void RunBatch()
    {
        int lane = _generator.Next(Lanes);
        int wanted = _generator.Next(8) == 0 ? 1 : 1 + _generator.Next(MaxBatchSentences);
        var batch = new List<Sentence>();
        int bytes = 0;
        while (batch.Count < wanted && bytes < MaxBatchBytes)
        {
            Sentence sentence = _generator.NextSentence();
            batch.Add(sentence);
            bytes += sentence.Requests.Sum(request => request.Arguments.Sum(argument => argument.Length + 16));
            // A pause, the end of a connection or a cursor stands at the end of its batch.
            if (sentence.PauseMs > 0 || sentence.Closes || Lane.IsScan(sentence.Requests[0]))
                break;
        }
        Exchange(lane, batch);
    }

    private void Exchange(int index, List<Sentence> batch)
    {
        Lane lane = _lanes[index];
        byte[] bytes = [.. batch.SelectMany(sentence => sentence.Requests).SelectMany(request => request.Encode())];
        lane.Send(bytes);
        foreach (Sentence sentence in batch)
        {
            _past.Add((index, sentence));
            foreach (Request request in sentence.Requests)
            {
                Coverage.Count(request);
                if (request.HasReply && !Compare(lane, index, request))
                    return;
                Remember($"client {index}: {request}");
            }
        }
        Sentence last = batch[^1];
        if (last.PauseMs > 0)
            Thread.Sleep(last.PauseMs);
        if (last.Closes && !lane.Reconnect(expectsEnd: true))
            Record(index, last.Requests[^1], null, null, "the connection is closed after the reply");
        if (last.Closes)
            _speaksResp3[index] = false;
    }

    // False when a reply is missing: the rest of the batch cannot be compared.
    private bool Compare(Lane lane, int index, Request request)
    {
        (byte[]? reference, byte[]? subject) = lane.Read();
        if (Lane.IsScan(request) && reference is not null && subject is not null)
            (reference, subject) = lane.FinishScan(request, reference!, subject!);
        if (reference is null || subject is null)
        {
            Record(index, request, reference, subject, "both answer");
            lane.Reconnect(expectsEnd: false);
            _speaksResp3[index] = false;
            return false;
        }
        Note(index, request, reference);
        if (ReplyRules.Same(request.Command, reference, subject, out string rule)
            || KnownDifferences.Explains(request.Command, reference, subject)
            || UnpackedBySort.Explains(request, reference, subject))
            return true;
        Record(index, request, reference, subject, rule);
        return true;
    }

    private void Note(int index, Request request, byte[] reference)
    {
        Coverage.CountReply(request, reference);
        if (request.Command is "HELLO" && reference[0] is (byte)'%' or (byte)'*')
            _speaksResp3[index] = reference[0] == (byte)'%';
        else if (request.Command is "RESET" && reference[0] == (byte)'+')
            _speaksResp3[index] = false;
        if (_speaksResp3[index])
            Coverage.Resp3++;
    }

    private void Record(int index, Request request, byte[]? reference, byte[]? subject, string rule) =>
        Mismatches.Add(new Mismatch(Coverage.Requests, index, request, reference, subject, rule, [.. _history]));

    private void Remember(string line)
    {
        _history.Enqueue(line);
        if (_history.Count > HistoryLength)
            _history.Dequeue();
    }

    private void CheckState()
    {
        IReadOnlyList<string> differences = _state.Compare();
        Coverage.MostKeys = Math.Max(Coverage.MostKeys, _state.Keys);
        if (differences.Count == 0)
            return;
        foreach (string difference in differences.Take(20))
            StateDifferences.Add(
                string.Create(CultureInfo.InvariantCulture, $"after request {Coverage.Requests}: {difference}"));
        // From here on both are equal again.
        var flush = new Request("FLUSHALL", [[.. "FLUSHALL"u8]], []);
        Exchange(0, [new Sentence([flush])]);
    }
}
