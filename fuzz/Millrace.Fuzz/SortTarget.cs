using System.Text;

namespace Millrace.Fuzz;

/// <summary>The options of SORT and SORT_RO, and the sorting: of numbers and texts, by and for patterns.</summary>
public sealed class SortTarget : KeyspaceTarget
{
    /// <summary>The target's name.</summary>
    public const string TargetName = "sort";

    /// <summary>A target with one value of each type.</summary>
    public SortTarget()
        : base(
            [
                "SORT numbers", "SORT names", "SORT set", "SORT sorted", "SORT_RO numbers", "SORT_RO names", "SORT h_b",
                "SORT missing", "SORT integers", "SORT empty",
            ],
            [
                "RPUSH numbers 3 -1 2.5 inf 10 2 1e2 3", "RPUSH names b a d ab c b", "SADD set a b c d x1 x2",
                "SADD integers 5 3 900 -4", "ZADD sorted 1 b 2 a 3 d 4 c", "RPUSH empty x", "SET w_a 3", "SET w_b 1",
                "SET w_c 2", "SET t_a zz", "SET t_b yy", "HSET h_a f 1 g one", "HSET h_b f 2", "HSET h_d f no",
            ],
            ["LRANGE stored 0 -1", "TYPE stored"])
    {
    }

    /// <inheritdoc/>
    public override string Name => TargetName;

    /// <inheritdoc/>
    public override string[] SourceFiles => ["SortOptions.cs", "SortCommands.cs", "SortLookup.cs", "SortRows.cs"];

    /// <inheritdoc/>
    public override IReadOnlyList<byte[]> Tokens { get; } =
    [
        .. new[]
        {
            " ALPHA", " ASC", " DESC", " LIMIT 1 2", " LIMIT", " BY nosort", " BY w_*", " BY h_*->f", " BY *", " BY",
            " GET #", " GET t_*", " GET h_*->g", " GET", " STORE stored", " STORE numbers", " STORE", "->", "*", "#",
            " -1", " 0", " 9223372036854775807", " -9223372036854775808", "_ro", " missing",
        }.Select(Encoding.ASCII.GetBytes),
    ];
}
