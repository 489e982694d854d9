using System.Text;
using Millrace.Persistence.Aof;
using Millrace.Resp;

namespace Millrace.Persistence.Tests.Aof;

/// <summary>Keeps what a reader delivers, a line per call, and refuses one command when it is told to.</summary>
internal sealed class RecordingSink : IAofSink
{
    /// <summary>Commands as their words; a transaction stands in "[n" and "]".</summary>
    internal List<string> Lines { get; } = [];

    /// <summary>A command that is refused.</summary>
    internal string? Refused { get; init; }

    public bool BeginTransaction(int commands)
    {
        Lines.Add($"[{commands}");
        return true;
    }

    public bool Command(Args args)
    {
        var words = new string[args.Count];
        for (var i = 0; i < words.Length; i++) words[i] = Encoding.Latin1.GetString(args[i]);
        Lines.Add(string.Join(' ', words));
        return Lines[^1] != Refused;
    }

    public bool EndTransaction()
    {
        Lines.Add("]");
        return true;
    }
}
