// What a parser makes of a stream, as a list of texts, with the stream given whole or in pieces.

using System.Text;

namespace Millrace.Resp.Tests;

/// <summary>The outcome of parsing a stream: requests joined with '|', "(empty)", "(attack)" and "!error".</summary>
internal sealed class ParseTrace
{
    public List<string> Events { get; } = [];

    public int Consumed { get; private set; }

    public static ParseTrace Whole(string stream, bool authenticated = true, RequestLimits? limits = null) =>
        Of(Encoding.Latin1.GetBytes(stream), [], authenticated, limits);

    public static ParseTrace Split(
        string stream, int pieceBytes, bool authenticated = true, RequestLimits? limits = null)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(stream);
        return Of(bytes, Enumerable.Range(1, bytes.Length).Where(i => i % pieceBytes == 0), authenticated, limits);
    }

    /// <summary>Parses as if reads had ended at each of the cuts (ascending) and at the end.</summary>
    public static ParseTrace Of(
        byte[] stream, IEnumerable<int> cuts, bool authenticated = true, RequestLimits? limits = null)
    {
        ParseTrace trace = new();
        RequestParser parser = new();
        SliceList args = new();
        byte[] buffer = (byte[])stream.Clone();
        foreach (int end in cuts.Append(buffer.Length))
        {
            if (!trace.Take(parser, args, buffer, end, authenticated, limits ?? RequestLimits.Default)) break;
        }

        return trace;
    }

    private bool Take(
        RequestParser parser, SliceList args, byte[] buffer, int end, bool authenticated, RequestLimits limits)
    {
        while (true)
        {
            Span<byte> unread = buffer.AsSpan(Consumed, end - Consumed);
            ParseStatus status = parser.Parse(unread, limits, authenticated, args, out int consumed);
            if (status is ParseStatus.Incomplete or ParseStatus.Error) Assert.Equal(0, consumed);
            switch (status)
            {
                case ParseStatus.Incomplete:
                    Assert.Equal(0, args.Count);
                    return true;
                case ParseStatus.Error:
                    Events.Add(parser.SecurityAttack ? "(attack)" : "!" + Encoding.Latin1.GetString(parser.Error));
                    return false;
                case ParseStatus.Empty:
                    Events.Add("(empty)");
                    break;
                default:
                    Events.Add(Join(new Args(unread, args.AsSpan())));
                    break;
            }

            Assert.InRange(consumed, 1, unread.Length);
            Assert.False(parser.IsPending);
            Consumed += consumed;
        }
    }

    private static string Join(Args args)
    {
        StringBuilder text = new();
        for (int i = 0; i < args.Count; i++)
        {
            if (i > 0) text.Append('|');
            text.Append(Encoding.Latin1.GetString(args[i]));
        }

        return text.ToString();
    }
}
