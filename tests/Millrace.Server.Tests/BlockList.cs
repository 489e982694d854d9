using System.Text;
using Millrace.Server.Effects;

namespace Millrace.Server.Tests;

/// <summary>The blocks that were appended to the effect log, each as its words.</summary>
internal sealed class BlockList : IEffectConsumer
{
    public List<string> Blocks { get; } = [];

    public void Append(ReadOnlySpan<byte> block, long endPosition)
    {
        var words = Encoding.Latin1.GetString(block).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Blocks.Add(string.Join(' ', words.Where(static one => one[0] is not ('*' or '$'))));
    }
}
