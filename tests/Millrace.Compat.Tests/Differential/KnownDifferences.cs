using System.Text;

namespace Millrace.Compat.Tests.Differential;

/// <summary>One reply where the later documentation or suite wins over redis-server 7.0.15.</summary>
/// <param name="Command">The command's name in the grammar.</param>
/// <param name="Reference">What 7.0.15 answers.</param>
/// <param name="Expected">What is right.</param>
/// <param name="Source">Where that stands.</param>
public sealed record KnownDifference(string Command, string Reference, string Expected, string Source);

/// <summary>The one list of such replies in generated streams.</summary>
public static class KnownDifferences
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<KnownDifference> All { get; } =
    [
        new("SCAN", "*0\r\n", "-ERR unknown type name 'nothing'\r\n", "valkey unit/scan, \"SCAN unknown type\""),
        new("OBJECT ENCODING", "$9\r\nquicklist\r\n", "$8\r\nlistpack\r\n",
            "redis.io/commands/object-encoding: small lists are listpacks since 7.2"),
        new("OBJECT ENCODING", "$9\r\nhashtable\r\n", "$8\r\nlistpack\r\n",
            "redis.io/commands/object-encoding: small sets are listpacks since 7.2"),
        .. RankDifferences("ZRANK"),
        .. RankDifferences("ZREVRANK"),
    ];

    /// <summary>True when two names of encodings are equal, or are listed as OBJECT ENCODING's replies.</summary>
    public static bool AreSameEncoding(string reference, string actual) =>
        string.Equals(reference, actual, StringComparison.Ordinal)
        || Explains("OBJECT ENCODING", Bulk(reference), Bulk(actual));

    /// <summary>True when the pair of replies is listed for the command.</summary>
    public static bool Explains(string command, byte[] reference, byte[] actual)
    {
        string left = Encoding.Latin1.GetString(reference);
        string right = Encoding.Latin1.GetString(actual);
        return All.Any(known =>
            string.Equals(known.Command, command, StringComparison.Ordinal)
            && string.Equals(known.Reference, left, StringComparison.Ordinal)
            && string.Equals(known.Expected, right, StringComparison.Ordinal));
    }

    private static byte[] Bulk(string text) => Encoding.Latin1.GetBytes($"${text.Length}\r\n{text}\r\n");

    private static IEnumerable<KnownDifference> RankDifferences(string command) =>
    [
        new(command, $"-ERR wrong number of arguments for '{command.ToLowerInvariant()}' command\r\n",
            "-ERR syntax error\r\n", $"redis.io/commands/{command.ToLowerInvariant()}, history 7.2.0: WITHSCORE"),
    ];
}
