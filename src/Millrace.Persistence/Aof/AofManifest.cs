using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Millrace.Persistence.Aof;

/// <summary>What a file of the append-only directory is.</summary>
public enum AofFileType : byte
{
    /// <summary>The data as it was once.</summary>
    Base = (byte)'b',

    /// <summary>A file that a later base has made needless, and that may be removed.</summary>
    History = (byte)'h',

    /// <summary>What happened behind the base and the files of increments before it.</summary>
    Incr = (byte)'i',
}

/// <summary>A file that a manifest names.</summary>
/// <param name="Name">Its name, without a path.</param>
/// <param name="Seq">Its sequence number among the files of its type.</param>
/// <param name="Type">What it is.</param>
public readonly record struct AofFile(string Name, long Seq, AofFileType Type);

/// <summary>
/// The files that make up an append-only directory, and their order. A value: operations give a changed one, which
/// comes into force when it has replaced the one on the disk (<see cref="AofManifestFile"/>).
/// </summary>
/// <remarks>
/// <code>
///   file appendonly.aof.2.base.rdb seq 2 type b      at most one base, first
///   file appendonly.aof.1.incr.aof seq 1 type h      history, the latest first
///   file appendonly.aof.1.base.rdb seq 1 type h
///   file appendonly.aof.2.incr.aof seq 2 type i      increments, their numbers rising
///   file appendonly.aof.3.incr.aof seq 3 type i      the last one is appended to
///
///   rewrite:  NextIncr          before the snapshot's cut: both files of increments count
///             NextBase          the base is complete: the one before is history
///             Rewritten         and so are all increments but the last
///             WithoutHistory    the files are removed
/// </code>
/// A name with blanks, quotes or bytes beyond printable ASCII stands in double quotes, escaped. Names are UTF-8.
/// Source: Redis 7.0 documentation, "Redis persistence"; what redis-server 7.0 writes.
/// </remarks>
public sealed class AofManifest
{
    /// <summary>The highest sequence number of a file. Numbers rise by one, so that none is ever reached.</summary>
    public const long MaxSeq = long.MaxValue / 2;

    /// <summary>No files.</summary>
    public static readonly AofManifest Empty = new(basis: null, [], [], 0, 0);

    internal AofManifest(
        AofFile? basis, ImmutableArray<AofFile> history, ImmutableArray<AofFile> incr, long lastBaseSeq,
        long lastIncrSeq)
    {
        Base = basis;
        History = history;
        Incr = incr;
        LastBaseSeq = lastBaseSeq;
        LastIncrSeq = lastIncrSeq;
    }

    /// <summary>The base, if there is one.</summary>
    public AofFile? Base { get; }

    /// <summary>What may be removed, the latest first.</summary>
    public ImmutableArray<AofFile> History { get; }

    /// <summary>The increments in the order in which they are loaded.</summary>
    public ImmutableArray<AofFile> Incr { get; }

    /// <summary>The number of the latest base, 0 before the first.</summary>
    public long LastBaseSeq { get; }

    /// <summary>The number of the latest file of increments, 0 before the first. It goes on when that one has become
    /// history, as long as the server runs.</summary>
    public long LastIncrSeq { get; }

    /// <summary>Whether there is nothing to load.</summary>
    public bool HasNoData => Base is null && Incr.IsEmpty;

    /// <summary>The one of a single append-only file of Redis before 7.0, which becomes a base under its own
    /// name.</summary>
    public static AofManifest OfOldFile(string name) =>
        new(new AofFile(name, 1, AofFileType.Base), [], [], lastBaseSeq: 1, lastIncrSeq: 0);

    /// <summary>The same with a base that follows; the one before becomes history.</summary>
    /// <param name="names">How files are named.</param>
    /// <param name="isRdb">The base is a snapshot in the RDB format; otherwise commands.</param>
    public AofManifest NextBase(AofNames names, bool isRdb)
    {
        var seq = Math.Max(LastBaseSeq, 0) + 1; // a manifest may hold numbers below 0
        while (Has(names.Base(seq, isRdb))) seq++; // and names of other numbers
        var history = Base is { } before
            ? History.Insert(0, before with { Type = AofFileType.History })
            : History;
        return new(new AofFile(names.Base(seq, isRdb), seq, AofFileType.Base), history, Incr, seq, LastIncrSeq);
    }

    /// <summary>The same with one more file of increments, which is then the one to append to.</summary>
    public AofManifest NextIncr(AofNames names)
    {
        var seq = LastIncrSeq + 1;
        while (Has(names.Incr(seq))) seq++; // another number may have the name
        var file = new AofFile(names.Incr(seq), seq, AofFileType.Incr);
        return new(Base, History, Incr.Add(file), LastBaseSeq, seq);
    }

    /// <summary>The same with the increments as history: a base holds what they did.</summary>
    /// <param name="keepsLast">All but the last one, which is appended to and follows that base.</param>
    public AofManifest Rewritten(bool keepsLast)
    {
        var kept = keepsLast && !Incr.IsEmpty ? 1 : 0;
        var rewritten = Incr.RemoveRange(Incr.Length - kept, kept)
            .Select(file => file with { Type = AofFileType.History });
        return new(Base, History.InsertRange(0, rewritten), Incr[^kept..], LastBaseSeq, LastIncrSeq);
    }

    /// <summary>The same, with numbers that go on behind those of another one: that one may be in force after a power
    /// failure, so that no file that it names may be written anew.</summary>
    public AofManifest Behind(AofManifest tried)
    {
        ArgumentNullException.ThrowIfNull(tried);
        return new(
            Base, History, Incr, Math.Max(LastBaseSeq, tried.LastBaseSeq), Math.Max(LastIncrSeq, tried.LastIncrSeq));
    }

    /// <summary>The same without history.</summary>
    public AofManifest WithoutHistory() => new(Base, [], Incr, LastBaseSeq, LastIncrSeq);

    /// <summary>The names of the files that can be removed: those of history, unless the same file is in use as well.
    /// </summary>
    public IEnumerable<string> Removable() => History.Select(file => file.Name).Where(IsUnused).Distinct();

    /// <summary>Whether it names a file, as whatever.</summary>
    public bool Has(string name) => FileNames().Contains(name);

    /// <summary>The names of all its files, those of history among them.</summary>
    public IEnumerable<string> FileNames()
    {
        var others = History.Concat(Incr).Select(static file => file.Name);
        return Base is { } basis ? others.Prepend(basis.Name) : others;
    }

    /// <summary>The text of the manifest file.</summary>
    public byte[] ToBytes()
    {
        var text = new StringBuilder();
        if (Base is { } basis) AppendLine(text, basis);
        foreach (var file in History) AppendLine(text, file);
        foreach (var file in Incr) AppendLine(text, file);
        return Encoding.ASCII.GetBytes(text.ToString());
    }

    private bool IsUnused(string name) => Base?.Name != name && Incr.All(file => file.Name != name);

    private static void AppendLine(StringBuilder text, AofFile file)
    {
        text.Append("file ");
        AppendName(text, file.Name);
        text.Append(CultureInfo.InvariantCulture, $" seq {file.Seq} type {(char)file.Type}\n");
    }

    private static void AppendName(StringBuilder text, string name)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        if (!Array.Exists(bytes, NeedsQuotes))
        {
            text.Append(name);
            return;
        }

        text.Append('"');
        foreach (var one in bytes) AppendEscaped(text, one);
        text.Append('"');
    }

    private static bool NeedsQuotes(byte one) => one is <= (byte)' ' or > (byte)'~' or (byte)'"' or (byte)'\''
        or (byte)'\\';

    private static void AppendEscaped(StringBuilder text, byte one)
    {
        switch (one)
        {
            case (byte)'"' or (byte)'\\': text.Append('\\').Append((char)one); break;
            case (byte)'\n': text.Append("\\n"); break;
            case (byte)'\r': text.Append("\\r"); break;
            case (byte)'\t': text.Append("\\t"); break;
            case (byte)'\a': text.Append("\\a"); break;
            case (byte)'\b': text.Append("\\b"); break;
            case >= (byte)' ' and <= (byte)'~': text.Append((char)one); break;
            default: text.Append(CultureInfo.InvariantCulture, $"\\x{one:x2}"); break;
        }
    }
}
