using System.Globalization;
using System.Text;
using Millrace.Engine.Codec;
using Millrace.Persistence.Files;
using Millrace.Persistence.Rdb;
using Millrace.Server.Logging;

namespace Millrace.Server.Persistence;

/// <summary>
/// A load that logs what the file says about itself, before its keys come, and refuses libraries of functions, for
/// which there is no engine yet: they are never dropped without a word.
/// </summary>
/// <param name="load">Takes the keys.</param>
/// <param name="journal">Where log lines go.</param>
internal sealed class LoggedLoad(IRdbSink load, Log journal) : IRdbSink
{
    private const double BytesPerMegabyte = 1024 * 1024;
    private const int MaxShownBytes = 64;

    /// <summary>Told what the file says of the memory that its data took; or null.</summary>
    public LoadingState? Loading { get; init; }

    /// <summary>Slows it down; or null.</summary>
    public KeyDelay? Delay { get; init; }

    /// <summary>Called before it is slowed down; or null.</summary>
    public Action? BeforeDelay { get; init; }

    /// <summary>Says what has become of the keys of a file that is loaded.</summary>
    /// <param name="journal">Where log lines go.</param>
    /// <param name="keys">How many were put into the keyspace.</param>
    /// <param name="expired">How many were dropped because their time had come.</param>
    /// <param name="empty">Those that hold nothing.</param>
    public static void Done(Log journal, long keys, long expired, EmptyKeys empty)
    {
        foreach (var name in empty.Names) journal.Notice($"Loading the RDB file, skipping empty key: {name}");
        journal.Notice(
            $"Done loading RDB, keys loaded: {keys}, keys expired: {expired}, empty keys skipped: {empty.Count}.");
    }

    /// <inheritdoc/>
    public int Databases => load.Databases;

    /// <inheritdoc/>
    public long MostBytes => load.MostBytes;

    /// <inheritdoc/>
    public void Aux(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (name.SequenceEqual("redis-ver"u8) || name.SequenceEqual("valkey-ver"u8))
            journal.Notice($"Loading RDB produced by version {Shown(value)}");
        else if (name.SequenceEqual("ctime"u8) && TryNumber(value, out var seconds))
            journal.Notice($"RDB age {Age(seconds)} seconds");
        else if (name.SequenceEqual("used-mem"u8) && TryNumber(value, out var bytes))
        {
            var megabytes = (bytes / BytesPerMegabyte).ToString("F2", CultureInfo.InvariantCulture);
            journal.Notice($"RDB memory usage when created {megabytes} Mb");
            if (Loading is not null) Loading.SavedUsedBytes = bytes;
        }
    }

    /// <inheritdoc/>
    public void Resize(int database, ulong keys, ulong deadlines) => load.Resize(database, keys, deadlines);

    /// <inheritdoc/>
    public string? Function(ReadOnlySpan<byte> code) =>
        $"'{NameOf(code)}': functions are not available yet, and a library is not left out";

    /// <inheritdoc/>
    public RdbTaking Take(in RdbKey key, scoped ref ValueReader value)
    {
        var taking = load.Take(key, ref value);
        Delay?.Note(1);
        if (Delay is not { IsDue: true }) return taking;
        BeforeDelay?.Invoke();
        Delay.Sleep();
        return taking;
    }

    // Its first line names it: #!lua name=mylib
    private static string NameOf(ReadOnlySpan<byte> code)
    {
        var end = code.IndexOf((byte)'\n');
        var line = end < 0 ? code : code[..end];
        var at = line.IndexOf("name="u8);
        if (at < 0) return "";
        var name = line[(at + "name="u8.Length)..];
        end = name.IndexOfAny(" \t\r"u8);
        return Shown(end < 0 ? name : name[..end]);
    }

    private static long Age(long writtenSeconds)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        return writtenSeconds < now ? now - Math.Max(writtenSeconds, 0) : 0;
    }

    private static bool TryNumber(ReadOnlySpan<byte> text, out long number) =>
        long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out number);

    private static string Shown(ReadOnlySpan<byte> text)
    {
        var shown = new StringBuilder();
        foreach (var one in text[..Math.Min(text.Length, MaxShownBytes)])
            shown.Append(one is >= 0x20 and < 0x7F ? (char)one : '?');
        return shown.ToString();
    }
}
