using System.Globalization;

namespace Millrace.Persistence.Aof;

/// <summary>
/// How the files of an append-only directory are named.
/// </summary>
/// <remarks>
/// <code>
///   appendonly.aof.manifest          which files there are, and in which order
///   appendonly.aof.2.base.rdb        the data as a snapshot; .base.aof when it is written as commands
///   appendonly.aof.5.incr.aof        what happened since
///   temp-appendonly.aof.manifest     a manifest that is being written
///   temp-appendonly.aof.incr         what happens while the first base is being written
/// </code>
/// The first part is the directive <c>appendfilename</c>.
/// Source: Redis 7.0 documentation, "Redis persistence"; redis.conf of Redis 7.0, "appendfilename".
/// </remarks>
/// <param name="BaseName">The value of <c>appendfilename</c>, a file name without a path.</param>
public readonly record struct AofNames(string BaseName)
{
    private const string TemporaryPrefix = "temp-";

    /// <summary>The manifest.</summary>
    public string Manifest => BaseName + ".manifest";

    /// <summary>A manifest that is being written and is not in force yet.</summary>
    public string TemporaryManifest => TemporaryPrefix + Manifest;

    /// <summary>The increments until the first base is complete; no manifest names it.</summary>
    public string TemporaryIncr => TemporaryPrefix + BaseName + ".incr";

    /// <summary>A base.</summary>
    /// <param name="seq">Its sequence number.</param>
    /// <param name="isRdb">A snapshot in the RDB format; otherwise commands.</param>
    public string Base(long seq, bool isRdb) => Numbered(seq, isRdb ? "base.rdb" : "base.aof");

    /// <summary>A file of increments.</summary>
    /// <param name="seq">Its sequence number.</param>
    public string Incr(long seq) => Numbered(seq, "incr.aof");

    /// <summary>Whether a text can name a file of the directory: neither a path nor the directory itself.</summary>
    public static bool IsFileName(ReadOnlySpan<char> name) =>
        !name.IsEmpty && !name.ContainsAny('/', '\\', '\0') && name is not ("." or "..");

    private string Numbered(long seq, string kind) =>
        string.Create(CultureInfo.InvariantCulture, $"{BaseName}.{seq}.{kind}");
}
