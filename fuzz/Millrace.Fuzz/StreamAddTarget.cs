using System.Text;
using Millrace.Engine;
using Millrace.Engine.Values;

namespace Millrace.Fuzz;

/// <summary>The arguments of XADD and XTRIM, and the IDs of streams as texts, in a stream of small nodes.</summary>
public sealed class StreamAddTarget : KeyspaceTarget
{
    /// <summary>The target's name.</summary>
    public const string TargetName = "xadd";

    /// <summary>A target with a stream of some nodes, and one that takes no more.</summary>
    public StreamAddTarget()
        : base(
            [
                "XADD stream", "XTRIM stream", "XADD missing", "XADD full", "XADD text", "XTRIM missing", "XTRIM text",
                "XRANGE stream", "XREVRANGE stream", "XDEL stream", "XSETID stream", "XGROUP CREATE stream g",
            ],
            [
                .. Enumerable.Range(1, Entries).Select(i => $"XADD stream {i / 3}-{1 + (i % 3)} f {i}"),
                "XADD full 18446744073709551615-18446744073709551615 f v", "SET text t",
            ],
            [
                "XLEN stream", "XRANGE stream - +", "XREVRANGE stream + -", "XINFO STREAM stream FULL",
                "XRANGE missing - +",
            ],
            new EncodingLimits { StreamNodes = new StreamNodeLimits(MaxBytes: 128, MaxEntries: 3) })
    {
    }

    /// <inheritdoc/>
    public override string Name => TargetName;

    /// <inheritdoc/>
    public override string[] SourceFiles => ["StreamAddOptions.cs", "StreamText.cs", "StreamCommands.cs"];

    /// <inheritdoc/>
    public override IReadOnlyList<byte[]> Tokens { get; } =
    [
        .. new[]
        {
            " NOMKSTREAM", " MAXLEN 3", " MAXLEN ~ 3", " MAXLEN = 3", " MAXLEN", " MINID 2", " MINID ~ 2-1", " MINID",
            " LIMIT 2", " LIMIT", " ~", " =", " *", " f v", " 9-*", "-*", " 0-0", " 0-1", " 4-2", " 9",
            " 18446744073709551615", " 18446744073709551616", "-18446744073709551615", " -1", " +", " -", " (2-1", " 0",
            " COUNT 2", " ENTRIESADDED 9", " MAXDELETEDID 1-1", " MKSTREAM", " ENTRIESREAD 1", " $", "\0",
        }.Select(Encoding.ASCII.GetBytes),
    ];

    private static int Entries => 10;
}
