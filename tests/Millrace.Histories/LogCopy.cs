// Keeps what the effect log says, and replays it into the model.

using System.Globalization;
using System.Text;
using Millrace.Resp;
using Millrace.Server.Effects;

namespace Millrace.Histories;

/// <summary>A consumer of the effect log that remembers everything.</summary>
internal sealed class LogCopy : IEffectConsumer
{
    private readonly MemoryStream _bytes = new();

    /// <summary>How many times something was appended.</summary>
    public int Writes { get; private set; }

    public void Append(ReadOnlySpan<byte> block, long endPosition)
    {
        Writes++;
        _bytes.Write(block);
        if (_bytes.Length != endPosition)
            throw new HistoryException("the log's position is not the number of its bytes");
    }

    /// <summary>Runs the log's commands, in order, in a model in which nothing expires by itself.</summary>
    public void Replay(Model model) =>
        Replay((database, args) => model.Run(database, args, nowMs: 0, removes: true));

    /// <summary>Hands the log's commands to <paramref name="run"/>, in order, each with its database.</summary>
    public void Replay(Action<int, string[]> run)
    {
        var bytes = _bytes.ToArray();
        var parser = new RequestParser();
        var slices = new SliceList();
        var database = 0;
        for (var at = 0; at < bytes.Length;)
        {
            var rest = bytes.AsSpan(at);
            if (parser.Parse(rest, RequestLimits.Default, true, slices, out var consumed) != ParseStatus.Complete)
                throw new HistoryException("the log holds what is no request");
            var args = Texts(new Args(rest, slices.AsSpan()));
            at += consumed;
            switch (args[0].ToUpperInvariant())
            {
                case "SELECT":
                    database = int.Parse(args[1], CultureInfo.InvariantCulture);
                    break;
                case "MULTI" or "EXEC":
                    break;
                default:
                    args[0] = args[0].ToUpperInvariant();
                    run(database, args);
                    break;
            }
        }
    }

    private static string[] Texts(Args args)
    {
        var texts = new string[args.Count];
        for (var i = 0; i < texts.Length; i++) texts[i] = Encoding.ASCII.GetString(args[i]);
        return texts;
    }
}
