using System.Diagnostics;
using Millrace.Compat.Tests.Generation;

namespace Millrace.Compat.Tests.Differential;

/// <summary>
/// Finds a short stream that shows a mismatch: first the shortest tail of the stream that still shows it, then that
/// tail with one sentence after another left out. Sentences are replayed one at a time on emptied servers, so that a
/// mismatch that needs pipelining or time is not found again; then there is no result.
/// </summary>
public sealed class Minimiser(int referencePort, int subjectPort)
{
    private const int LongestTail = 2048;
    private static readonly TimeSpan s_budget = TimeSpan.FromSeconds(15);
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    /// <summary>A short stream that ends with a mismatch, as lines, or null.</summary>
    public IReadOnlyList<string>? Shrink(IReadOnlyList<(int Lane, Sentence Sentence)> past)
    {
        List<(int Lane, Sentence Sentence)>? shown = null;
        for (int length = 1; shown is null && length <= Math.Min(past.Count * 2, LongestTail); length *= 2)
        {
            List<(int Lane, Sentence Sentence)> tail = [.. past.Skip(Math.Max(0, past.Count - length))];
            if (Shows(tail))
                shown = tail;
        }
        if (shown is null)
            return null;
        for (int chunk = Math.Max(1, shown.Count / 2); chunk >= 1 && _clock.Elapsed < s_budget; chunk /= 2)
            shown = WithoutChunks(shown, chunk);
        return [
            .. shown.SelectMany(step => step.Sentence.Requests.Select(request => $"client {step.Lane}: {request}"))];
    }

    private List<(int Lane, Sentence Sentence)> WithoutChunks(List<(int Lane, Sentence Sentence)> shown, int chunk)
    {
        for (int at = shown.Count - 1 - chunk; at >= 0 && _clock.Elapsed < s_budget; at -= chunk)
        {
            List<(int Lane, Sentence Sentence)> fewer = [.. shown[..at], .. shown[(at + chunk)..]];
            if (Shows(fewer))
                shown = fewer;
            at = Math.Min(at, shown.Count - 1);
        }
        return shown;
    }

    // True when the last sentence, replayed after the others on empty servers, still has a reply that differs.
    private bool Shows(List<(int Lane, Sentence Sentence)> stream)
    {
        Lane[] lanes = [.. Enumerable.Range(0, 4).Select(_ => new Lane(referencePort, subjectPort))];
        try
        {
            lanes[0].Send(new Request("FLUSHALL", [[.. "FLUSHALL"u8]], []).Encode());
            lanes[0].Read();
            bool differs = false;
            foreach ((int lane, Sentence sentence) in stream)
                differs = Differs(lanes[lane], sentence);
            return differs;
        }
        finally
        {
            foreach (Lane lane in lanes)
                lane.Dispose();
        }
    }

    private static bool Differs(Lane lane, Sentence sentence)
    {
        bool differs = false;
        foreach (Request request in sentence.Requests)
        {
            lane.Send(request.Encode());
            if (!request.HasReply)
                continue;
            (byte[]? reference, byte[]? subject) = lane.Read();
            if (request.Command is "SCAN" && reference is not null && subject is not null)
                (reference, subject) = lane.FinishScan(request, reference!, subject!);
            if (reference is null || subject is null)
            {
                lane.Reconnect(expectsEnd: false);
                return true;
            }
            differs |= !ReplyRules.Same(request.Command, reference, subject, out _)
                && !KnownDifferences.Explains(request.Command, reference, subject);
        }
        if (sentence.PauseMs > 0)
            Thread.Sleep(sentence.PauseMs);
        if (sentence.Closes)
            lane.Reconnect(expectsEnd: false);
        return differs;
    }
}
