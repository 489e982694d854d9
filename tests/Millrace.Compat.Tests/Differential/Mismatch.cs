using System.Globalization;
using System.Text;
using Millrace.Compat.Tests.Generation;
using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Differential;

/// <summary>A reply that differs and is not explained.</summary>
/// <param name="Number">The request's number in the stream.</param>
/// <param name="LaneIndex">The client that sent it.</param>
/// <param name="Request">The request.</param>
/// <param name="Reference">What the real server answered; null when it did not.</param>
/// <param name="Subject">What the server under test answered; null when it did not.</param>
/// <param name="Rule">How they were compared.</param>
/// <param name="History">The last requests before it, oldest first.</param>
public sealed record Mismatch(
    int Number, int LaneIndex, Request Request, byte[]? Reference, byte[]? Subject, string Rule,
        IReadOnlyList<string> History)
{
    /// <summary>The shortest stream found that shows it, or null when it was not searched for or not found.</summary>
    public IReadOnlyList<string>? Minimised { get; set; }

    /// <summary>What groups mismatches that are probably one fault.</summary>
    public string Group => $"{Request.Command}|{string.Join('+', Request.Options)}|{Head(Reference)}|{Head(Subject)}";

    /// <summary>The whole story.</summary>
    public string Describe(int seed)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"seed {seed}, request {Number}, client {LaneIndex}: {Request}\n")
            .Append(CultureInfo.InvariantCulture, $"  expected: {Quote(Reference)}\n")
            .Append(CultureInfo.InvariantCulture, $"  received: {Quote(Subject)}\n")
            .Append(CultureInfo.InvariantCulture, $"  compared: {Rule}\n");
        if (Reference is not null && Subject is not null && ReplyRules.Masked(Request.Command, Reference) is { } masked)
            text.Append($"  expected: {masked}\n  received: {ReplyRules.Masked(Request.Command, Subject)}\n");
        IReadOnlyList<string> lines = Minimised ?? History;
        text.Append(Minimised is null ? "  before it:\n" : "  shown by:\n");
        foreach (string line in lines)
            text.Append("    ").Append(line).Append('\n');
        return text.ToString();
    }

    private static string Quote(byte[]? reply) => reply is null ? "(no reply)" : Printable.Quote(reply, 600);

    private static string Head(byte[]? reply)
    {
        if (reply is null)
            return "none";
        string line = Encoding.Latin1.GetString(reply).Split('\r')[0];
        return line[0] is '-' ? line : line[..1];
    }
}
