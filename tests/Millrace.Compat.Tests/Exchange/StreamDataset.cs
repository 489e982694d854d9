using System.Globalization;
using System.Text;

namespace Millrace.Compat.Tests.Exchange;

/// <summary>Writes requests that make a stream: nodes of all sizes, entries that are gone, groups, consumers and what
/// is pending for them.</summary>
internal sealed class StreamDataset(Random random, DatasetTexts texts, Action<byte[][]> add)
{
    private static readonly int[] s_counts = [0, 1, 2, 5, 99, 100, 101, 200, 350];
    private readonly List<string> _ids = [];
    private long _milliseconds = 1;

    /// <summary>A stream under that name, on a key that is not there.</summary>
    public void AddStream(byte[] name)
    {
        int entries = s_counts[Math.Min(random.Next(s_counts.Length), random.Next(s_counts.Length))];
        _milliseconds = random.Next(3) == 0 ? random.NextInt64(1, 1L << 60) : 1;
        AddEntries(name, entries);
        if (entries == 0) Add(name, "XGROUP CREATE", "0", "$", "MKSTREAM");
        int groups = random.Next(4);
        for (int i = 1; i <= groups; i++) AddGroup(name, $"group {i}" + (i == 3 ? new string('g', 100) : ""));
        if (random.Next(3) == 0) RemoveEntries(name);
        if (random.Next(6) == 0) Add(name, "XTRIM", "MAXLEN", random.Next(3) == 0 ? "0" : "40");
        if (random.Next(5) == 0) Add(name, "XADD", Next(), "last", "one");
    }

    private void AddEntries(byte[] name, int entries)
    {
        bool hasSameFields = random.Next(2) == 0;
        for (int i = 0; i < entries; i++)
        {
            var fields = new List<byte[]>();
            int count = hasSameFields ? 2 : random.Next(1, 5);
            for (int j = 0; j < count; j++)
            {
                fields.Add(hasSameFields ? DatasetTexts.Ascii(j) : texts.Any(20));
                fields.Add(texts.Any(random.Next(60) == 0 ? 5_000 : 40));
            }

            add([.. Words("XADD", name, Next()), .. fields]);
        }
    }

    private void AddGroup(byte[] name, string group)
    {
        string from = random.Next(3) switch { 0 => "0", 1 => "$", _ => Some() };
        Add(name, "XGROUP CREATE", group, from);
        int consumers = random.Next(4);
        for (int i = 0; i < consumers; i++)
        {
            string consumer = i == 1 ? new string('c', 70) : i.ToString(CultureInfo.InvariantCulture);
            Add(name, "XGROUP CREATECONSUMER", group, consumer);
            string count = random.Next(1, 130).ToString(CultureInfo.InvariantCulture);
            add([.. Words("XREADGROUP GROUP", group, consumer, "COUNT", count, "STREAMS"), name, .. Words(">")]);
            if (_ids.Count == 0) continue;
            if (random.Next(2) == 0) Add(name, "XACK", group, Some(), Some());
            if (random.Next(2) == 0)
            {
                string deliveries = random.Next(100_000).ToString(CultureInfo.InvariantCulture);
                Add(name, "XCLAIM", group, consumer, "0", Some(), Some(), "RETRYCOUNT", deliveries);
            }
        }
    }

    private void RemoveEntries(byte[] name)
    {
        if (_ids.Count == 0) return;
        int count = random.Next(3) == 0 ? _ids.Count : random.Next(1, 10);
        for (int i = 0; i < count; i++) Add(name, "XDEL", i < _ids.Count / 2 ? _ids[i] : Some());
    }

    private string Next()
    {
        _milliseconds += random.Next(3) == 0 ? 0 : random.NextInt64(1, 1L << random.Next(1, 40));
        string id = string.Create(CultureInfo.InvariantCulture, $"{_milliseconds}-{_ids.Count}");
        _ids.Add(id);
        return id;
    }

    private string Some() => _ids.Count == 0 ? "0" : _ids[random.Next(_ids.Count)];

    // The words of the command come first, then the key, then the rest.
    private void Add(byte[] name, string command, params string[] rest) =>
        add([.. Words(command), name, .. rest.Select(Encoding.Latin1.GetBytes)]);

    private static IEnumerable<byte[]> Words(string command, params object[] rest) =>
        command.Split(' ').Select(Encoding.Latin1.GetBytes)
            .Concat(rest.Select(word => word as byte[] ?? Encoding.Latin1.GetBytes((string)word)));
}
