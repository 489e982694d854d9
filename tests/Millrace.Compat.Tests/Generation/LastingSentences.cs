using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Generation;

/// <summary>
/// A generated stream whose data stays as it is until somebody has looked at it: without deadlines that pass meanwhile,
/// and without what ends a connection, mutes it, empties everything, or saves by itself.
/// </summary>
public static class LastingSentences
{
    private static readonly string[] s_leftOut =
    [
        "FLUSHALL", "RESET", "QUIT", "DEBUG PAUSE-CRON", "HELLO", "SAVE", "BGSAVE", "SHUTDOWN", "DEBUG RELOAD",
        "CONFIG SET",
    ];

    /// <summary>The forms of commands that may be used.</summary>
    public static IEnumerable<Form> Forms => StreamGenerator.AllForms.Where(form =>
        !form.Name.StartsWith("CLIENT", StringComparison.Ordinal)
        && !s_leftOut.Contains(form.Name, StringComparer.Ordinal));

    /// <summary>Whether a sentence may give a key a deadline.</summary>
    public static bool IsTimed(Sentence sentence) => sentence.Requests.Any(IsTimed);

    /// <summary>Whether nothing but replies comes of a sentence.</summary>
    public static bool IsPlain(Sentence sentence) => !sentence.Closes && sentence.PauseMs == 0;

    /// <summary>The requests of a number of sentences of a stream, without deadlines; they end in database 0.</summary>
    /// <param name="seed">The seed of the stream.</param>
    /// <param name="sentences">How many sentences are drawn.</param>
    /// <param name="leftOut">Commands that are left out.</param>
    public static IEnumerable<byte[][]> Requests(int seed, int sentences, params string[] leftOut)
    {
        IEnumerable<Form> forms = Forms.Where(form =>
            !leftOut.Any(name => form.Name.StartsWith(name, StringComparison.Ordinal)));
        var generator = new StreamGenerator(seed, forms);
        for (int i = 0; i < sentences; i++)
        {
            Sentence sentence = generator.NextSentence();
            if (!IsPlain(sentence) || IsTimed(sentence)) continue;
            foreach (Request request in sentence.Requests.Where(IsSendable)) yield return request.Arguments;
        }

        yield return [[.. "DISCARD"u8]];
        yield return [[.. "SELECT"u8], [.. "0"u8]];
    }

    /// <summary>Whether a request is one with a reply when it is sent as an array.</summary>
    public static bool IsSendable(Request request) =>
        request.HasReply && request.Arguments.Length > 0
        && request.Arguments[0].AsSpan().IndexOfAnyInRange((byte)0, (byte)' ') < 0;

    private static bool IsTimed(Request request) =>
        request.Arguments.Any(argument => Printable.Quote(argument).Contains("EX", StringComparison.OrdinalIgnoreCase)
            || Printable.Quote(argument).Contains("PX", StringComparison.OrdinalIgnoreCase));
}
