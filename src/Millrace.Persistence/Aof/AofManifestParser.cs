using System.Collections.Immutable;
using System.Text;
using System.Text.Unicode;
using Millrace.Resp;

namespace Millrace.Persistence.Aof;

/// <summary>Why a manifest is refused.</summary>
/// <param name="Line">The line, counted from 1; 0 when it is not one line's fault.</param>
/// <param name="Text">The line as it stands there without blanks around it, when it could be read.</param>
/// <param name="Reason">The reason, in the words of Redis where it has some.</param>
public sealed record AofManifestError(int Line, string? Text, string Reason)
{
    /// <summary>What is logged, line by line.</summary>
    public IEnumerable<string> LogLines
    {
        get
        {
            yield return "*** FATAL AOF MANIFEST FILE ERROR ***";
            if (Text is not null)
            {
                yield return $"Reading the manifest file, at line {Line}";
                yield return $">>> '{Text}'";
            }

            yield return Reason;
        }
    }
}

/// <summary>
/// Reads a manifest, whatever the bytes are. A manifest is accepted or refused as Redis 7.0 does it.
/// </summary>
/// <remarks>
/// <code>
///   line     '#' anything '\n'  |  words '\n'            at most 1024 bytes with its end, no NUL
///   words    at least three pairs of a key and a value; keys: file, seq, type; others are passed over
///   value    as words of an inline request: "quoted \x41" or 'quoted' as well
/// </code>
/// What follows the 1024th byte of a comment is a line of its own, as it is for Redis. A number is what C's atoll makes
/// of its text. Beyond Redis, a file cannot be named "", "." or "..", a name is UTF-8, and a number leaves room for the
/// ones after it.
/// O(bytes). Source: what redis-server 7.0 accepts and refuses.
/// </remarks>
public static class AofManifestParser
{
    /// <summary>The longest manifest, in bytes.</summary>
    public const int MaxBytes = 16 * 1024 * 1024;

    private const int MaxLineBytes = 1024;
    private const int LeastWords = 6;
    private const string IsEmpty = "Found an empty AOF manifest";
    private const string IsTooLarge = "The AOF manifest file is too large";
    private const string LineTooLong = "The AOF manifest file contains too long line";
    private const string BadFormat = "Invalid AOF manifest file format";
    private const string NotAFileName = "File can't be a path, just a filename";
    private const string NotUtf8 = "The name of a file is not UTF-8";
    private const string DuplicateBase = "Found duplicate base file information";
    private const string NotMonotonic = "Found a non-monotonic sequence number";
    private const string SeqTooLarge = "Found a sequence number that leaves no room for others";
    private const string UnknownType = "Unknown AOF file type";

    /// <summary>Reads a manifest.</summary>
    /// <param name="text">The content of the file.</param>
    /// <param name="manifest">The manifest; an empty one when it is refused.</param>
    /// <returns>Why it is refused, or null.</returns>
    public static AofManifestError? Parse(ReadOnlySpan<byte> text, out AofManifest manifest)
    {
        manifest = AofManifest.Empty;
        if (text.IsEmpty) return new AofManifestError(0, null, IsEmpty);
        if (text.Length > MaxBytes) return new AofManifestError(0, null, IsTooLarge);
        var draft = new Draft();
        var words = new SliceList();
        for (var number = 1; !text.IsEmpty; number++)
        {
            var line = FirstLine(text);
            text = text[line.Length..];
            if (line[0] == (byte)'#') continue;
            if (line[^1] != (byte)'\n' || line.Contains((byte)0))
                return new AofManifestError(number, null, LineTooLong);
            line = line.Trim(" \t\r\n"u8);
            var reason = ReadLine(line, words, out var file) ?? draft.Add(file);
            if (reason is not null)
                return new AofManifestError(number, Encoding.Latin1.GetString(line), reason);
        }

        manifest = draft.Finish();
        return null;
    }

    private static ReadOnlySpan<byte> FirstLine(ReadOnlySpan<byte> text)
    {
        var window = text[..Math.Min(text.Length, MaxLineBytes)];
        var end = window.IndexOf((byte)'\n');
        return end < 0 ? window : window[..(end + 1)];
    }

    private static string? ReadLine(ReadOnlySpan<byte> line, SliceList words, out AofFile file)
    {
        file = default;
        Span<byte> unescaped = stackalloc byte[MaxLineBytes];
        unescaped = unescaped[..line.Length];
        line.CopyTo(unescaped);
        words.Clear();
        if (!InlineWords.Split(unescaped, words) || words.Count < LeastWords || words.Count % 2 != 0)
            return BadFormat;
        string? name = null;
        long seq = 0;
        byte type = 0;
        var args = new Args(unescaped, words.AsSpan());
        for (var i = 0; i < args.Count; i += 2)
        {
            var key = Terminated(args[i]);
            var value = Terminated(args[i + 1]);
            if (Ascii.EqualsIgnoreCase(key, "file"u8))
            {
                if (!TryDecode(value, out name)) return NotUtf8;
                if (!AofNames.IsFileName(name)) return NotAFileName;
            }
            else if (Ascii.EqualsIgnoreCase(key, "seq"u8))
            {
                seq = Number(value);
            }
            else if (Ascii.EqualsIgnoreCase(key, "type"u8))
            {
                type = value.IsEmpty ? (byte)0 : value[0];
            }
        }

        if (name is null || seq == 0 || type == 0) return BadFormat;
        file = new AofFile(name, seq, (AofFileType)type);
        return null;
    }

    // An escape can put a NUL into a word, and there it ends for Redis.
    private static ReadOnlySpan<byte> Terminated(ReadOnlySpan<byte> word)
    {
        var end = word.IndexOf((byte)0);
        return end < 0 ? word : word[..end];
    }

    private static bool TryDecode(ReadOnlySpan<byte> bytes, out string name)
    {
        name = Encoding.UTF8.GetString(bytes);
        return Utf8.IsValid(bytes);
    }

    // As atoll: blanks, a sign, digits as far as they go; what is too much becomes the most.
    private static long Number(ReadOnlySpan<byte> text)
    {
        var at = 0;
        while (at < text.Length && text[at] is (byte)' ' or (>= (byte)'\t' and <= (byte)'\r')) at++;
        var isNegative = at < text.Length && text[at] == (byte)'-';
        if (at < text.Length && text[at] is (byte)'-' or (byte)'+') at++;
        Int128 value = 0;
        for (; at < text.Length && char.IsAsciiDigit((char)text[at]) && value <= long.MaxValue; at++)
            value = (value * 10) + (text[at] - '0');
        return (long)Int128.Clamp(isNegative ? -value : value, long.MinValue, long.MaxValue);
    }

    /// <summary>The files read so far.</summary>
    private struct Draft()
    {
        private readonly ImmutableArray<AofFile>.Builder _history = ImmutableArray.CreateBuilder<AofFile>();
        private readonly ImmutableArray<AofFile>.Builder _incr = ImmutableArray.CreateBuilder<AofFile>();
        private AofFile? _base;
        private long _lastIncrSeq;

        public string? Add(AofFile file)
        {
            switch (file.Type)
            {
                case AofFileType.Base when _base is not null:
                    return DuplicateBase;
                case AofFileType.Incr when file.Seq <= _lastIncrSeq:
                    return NotMonotonic;
                case AofFileType.Base or AofFileType.Incr when file.Seq > AofManifest.MaxSeq:
                    return SeqTooLarge;
                case AofFileType.Base:
                    _base = file;
                    return null;
                case AofFileType.Incr:
                    _lastIncrSeq = file.Seq;
                    _incr.Add(file);
                    return null;
                case AofFileType.History:
                    _history.Add(file);
                    return null;
                default:
                    return UnknownType;
            }
        }

        public readonly AofManifest Finish() => new(
            _base, _history.DrainToImmutable(), _incr.DrainToImmutable(), _base?.Seq ?? 0, _lastIncrSeq);
    }
}
