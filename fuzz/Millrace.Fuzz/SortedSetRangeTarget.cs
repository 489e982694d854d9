using System.Globalization;
using System.Text;

namespace Millrace.Fuzz;

/// <summary>The arguments of ZRANGE and its relatives, and the ranges: read, counted, removed and stored.</summary>
public sealed class SortedSetRangeTarget : KeyspaceTarget
{
    /// <summary>The target's name.</summary>
    public const string TargetName = "zrange";

    private const int LargeMembers = 140;

    /// <summary>A target with a small and a large sorted set, and one whose scores are all equal.</summary>
    public SortedSetRangeTarget()
        : base(
            [
                "ZRANGE small", "ZRANGE large", "ZRANGE same", "ZRANGESTORE stored small", "ZRANGESTORE stored large",
                "ZRANGESTORE same same", "ZRANGEBYSCORE small", "ZRANGEBYSCORE large", "ZREVRANGEBYSCORE small",
                "ZRANGEBYLEX same", "ZREVRANGEBYLEX same", "ZREVRANGE small", "ZREVRANGE large", "ZCOUNT large",
                "ZLEXCOUNT same", "ZREMRANGEBYSCORE small", "ZREMRANGEBYRANK large", "ZREMRANGEBYLEX same",
                "ZRANGE missing", "ZRANGE text", "ZRANGESTORE small missing", "ZCOUNT text", "ZLEXCOUNT text",
                "ZRANGESTORE stored text", "ZREMRANGEBYRANK text",
            ],
            [
                "ZADD small -inf a -2.5 b 0 c 1 d 1 dd 3 e inf f", "ZADD same 0 a 0 aa 0 b 0 ba 0 c 0 zzz",
                MembersOf("large", LargeMembers), "SET text t",
            ],
            [
                "ZRANGE stored 0 -1 WITHSCORES", "ZRANGE small 0 -1 REV WITHSCORES", "ZRANGEBYSCORE large -inf +inf",
                "ZRANGEBYLEX same - +", "ZCARD large",
            ])
    {
    }

    /// <inheritdoc/>
    public override string Name => TargetName;

    /// <inheritdoc/>
    public override string[] SourceFiles => ["SortedSetRangeCommands.cs", "SortedSetBounds.cs"];

    /// <inheritdoc/>
    public override IReadOnlyList<byte[]> Tokens { get; } =
    [
        .. new[]
        {
            " BYSCORE", " BYLEX", " REV", " LIMIT 1 2", " LIMIT 0 -1", " LIMIT", " WITHSCORES", " 0 -1", " -inf +inf",
            " - +", " [a (c", " (1", " (", " [", " -", " +", " inf", " nan", " 1e400", " 0x1p3",
            " -9223372036854775808", " 9223372036854775807", " 0", " 1", " -1", "\0", " 2.5",
        }.Select(Encoding.ASCII.GetBytes),
    ];

    private static string MembersOf(string name, int members)
    {
        var words = new StringBuilder("ZADD ").Append(name);
        for (int i = 0; i < members; i++)
            words.Append(CultureInfo.InvariantCulture, $" {i / 2} m{i}");
        return words.ToString();
    }
}
