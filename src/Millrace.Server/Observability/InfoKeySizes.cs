using System.Globalization;
using System.Text;
using Millrace.Engine;
using Millrace.Net;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Server.Observability;

/// <summary>The section of INFO on the sizes of values.</summary>
/// <remarks>
/// Few keys are counted at once. Many are counted by <see cref="SizeCensus"/>: who asks for this section by its name
/// has his reply when they are; who asks for all sections sees the last count that was finished, and has another begin
/// now and then. Source: Redis documentation, "INFO", section keysizes.
/// </remarks>
internal sealed class InfoKeySizes(SizeCensus census)
{
    private static readonly (ValueType Type, string Name)[] Rows =
    [
        (ValueType.String, "strings_sizes"),
        (ValueType.List, "lists_items"),
        (ValueType.Set, "sets_items"),
        (ValueType.SortedSet, "zsets_items"),
        (ValueType.Hash, "hashes_items"),
    ];

    /// <summary>Adds the section as of the last count. All loops stand still.</summary>
    /// <param name="text">Where to.</param>
    /// <param name="isFresh">Whether the keys have just been counted (<see cref="MustWait"/>).</param>
    public void Write(InfoText text, bool isFresh)
    {
        if (!isFresh && !census.TryCountNow() && census.IsDue) census.Begin();
        WriteLast(text);
    }

    /// <summary>Whether a count is needed for which the client has to wait; it has begun then. All loops stand
    /// still.</summary>
    public bool MustWait()
    {
        if (census.TryCountNow()) return false;
        census.Begin();
        return true;
    }

    /// <summary>Has a client's reply sent when the count is finished. All loops stand still.</summary>
    /// <param name="client">Who asks.</param>
    /// <param name="text">The other sections of the reply.</param>
    public void ReplyLater(Client client, InfoText text)
    {
        var protocol = client.Protocol;
        var sections = text.Length;
        text.Section("Keysizes");
        var late = Encode(text, protocol); // for whoever unblocks the client
        text.Cut(sections);
        client.ReplyLater(delayMs: 0, late);
        census.Wait(client.Connection.Loop, new Counted(this, client, text, late, protocol));
    }

    private void WriteLast(InfoText text)
    {
        text.Section("Keysizes");
        if (census.Last is not { } last) return;
        for (var database = 0; database < last.Count; database++)
        {
            if (last[database] is not { } counts) continue;
            foreach (var (type, name) in Rows) WriteRow(text, database, counts, type, name);
        }
    }

    private static void WriteRow(InfoText text, int database, SizeHistogram counts, ValueType type, string name)
    {
        var row = new StringBuilder();
        for (var bin = 0; bin < SizeHistogram.Bins; bin++)
        {
            if (counts[type, bin] == 0) continue;
            if (row.Length > 0) row.Append(',');
            row.Append(CultureInfo.InvariantCulture, $"{Label(SizeHistogram.LeastOf(bin))}={counts[type, bin]}");
        }

        if (row.Length > 0)
            text.Line(string.Create(CultureInfo.InvariantCulture, $"db{database}_distrib_{name}"), row.ToString());
    }

    // 512, 1K, 2K, ... 1M
    private static string Label(long size)
    {
        const string units = "KMGTPE";
        var unit = -1;
        for (; size >= 1024; unit++) size /= 1024;
        var number = size.ToString(CultureInfo.InvariantCulture);
        return unit < 0 ? number : number + units[unit];
    }

    private static byte[] Encode(InfoText text, int protocol)
    {
        var bytes = text.ToBytes();
        var header = protocol == 3
            ? string.Create(CultureInfo.InvariantCulture, $"={bytes.Length + 4}\r\ntxt:")
            : string.Create(CultureInfo.InvariantCulture, $"${bytes.Length}\r\n");
        return [.. Encoding.ASCII.GetBytes(header), .. bytes, .. "\r\n"u8];
    }

    private sealed class Counted(InfoKeySizes section, Client client, InfoText text, byte[] late, int protocol) : Mail
    {
        public override void Deliver(EventLoop loop)
        {
            section.WriteLast(text);
            client.ReplyInstead(late, Encode(text, protocol));
        }
    }
}
