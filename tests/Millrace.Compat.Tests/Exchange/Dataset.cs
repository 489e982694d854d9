using System.Globalization;
using System.Text;

namespace Millrace.Compat.Tests.Exchange;

/// <summary>
/// The requests that fill a server with one generated keyspace: every type in every encoding, with counts and sizes at
/// and beside the limits, in several databases, with and without deadlines, under names of any bytes. The same seed
/// gives the same requests. None of them is refused.
/// </summary>
internal sealed class Dataset
{
    private const int MaxArguments = 256;
    private const long FirstDeadlineMs = 4_000_000_000_000;
    private const long LastDeadlineMs = 9_000_000_000_000;

    private static readonly int[] s_databases = [0, 0, 1, 5, 15];

    // The limits of what is packed lie at 128 and 512 by default, those of a node of a stream at 100.
    private static readonly int[] s_counts = [1, 2, 3, 10, 64, 99, 100, 101, 127, 128, 129, 130, 511, 512, 513, 900];

    private readonly Random _random;
    private readonly DatasetTexts _texts;
    private readonly List<byte[][]> _requests = [];

    /// <summary>The dataset of a seed.</summary>
    public Dataset(int seed)
    {
        _random = new Random(seed);
        _texts = new DatasetTexts(_random);
        int keys = _random.Next(20, 45);
        for (int i = 0; i < keys; i++)
        {
            if (_random.Next(6) == 0) Add("SELECT", s_databases[_random.Next(s_databases.Length)]);
            byte[] name = Name(i);
            AddValue(name);
            if (_random.Next(4) == 0) Add("PEXPIREAT", name, _random.NextInt64(FirstDeadlineMs, LastDeadlineMs));
        }

        Add("SELECT", 0);
    }

    /// <summary>The requests in their order; they end in database 0.</summary>
    public IReadOnlyList<byte[][]> Requests => _requests;

    /// <summary>Some settings of what is packed and how files are written, as arguments of CONFIG SET.</summary>
    public static string[] Settings(int seed)
    {
        var random = new Random(seed);
        string Draw(params string[] values) => values[random.Next(values.Length)];
        return
        [
            "hash-max-listpack-entries", Draw("512", "512", "128", "0"),
            "hash-max-listpack-value", Draw("64", "64", "8"),
            "set-max-intset-entries", Draw("512", "512", "2"), "zset-max-listpack-entries", Draw("128", "128", "4"),
            "zset-max-listpack-value", Draw("64", "64", "8"),
            "list-max-listpack-size", Draw("-2", "-2", "-5", "128", "1"),
            "list-compress-depth", Draw("0", "0", "1", "2"), "stream-node-max-entries", Draw("100", "100", "3", "0"),
            "stream-node-max-bytes", Draw("4096", "4096", "64"), "rdbcompression", Draw("yes", "yes", "no"),
            "maxmemory-policy", Draw("noeviction", "allkeys-lru", "allkeys-lfu"),
        ];
    }

    private byte[] Name(int number) => _random.Next(12) switch
    {
        0 when number == 0 => [],
        0 or 1 => DatasetTexts.Ascii(number * 1000),
        2 => [0, 0xff, (byte)number, (byte)'\r', (byte)'\n'],
        3 => _texts.Numbered(number, 64),
        4 => _texts.Numbered(number, 300),
        5 => _texts.Numbered(number, 20_000),
        _ => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"key:{number}")),
    };

    private void AddValue(byte[] name)
    {
        switch (_random.Next(13))
        {
            case 0 or 1 or 2: AddString(name); break;
            case 3 or 4: AddList(name); break;
            case 5: AddIntegers(name); break;
            case 6: AddSet(name); break;
            case 7 or 8: AddSortedSet(name); break;
            case 9 or 10: AddHash(name); break;
            case 11: AddOther(name); break;
            default: new StreamDataset(_random, _texts, Add).AddStream(name); break;
        }
    }

    private void AddString(byte[] name)
    {
        switch (_random.Next(5))
        {
            case 0: Add("SET", name, _texts.Integer()); break;
            case 1: Add("SETRANGE", name, _texts.Length(70_000), _texts.OfLength(3)); break;
            case 2:
                Add("SET", name, _texts.Integer());
                Add("APPEND", name, _texts.OfLength(_random.Next(3)));
                break;
            default: Add("SET", name, _texts.Any(100_000)); break;
        }
    }

    private void AddList(byte[] name)
    {
        int count = Count();
        bool hasLarge = _random.Next(3) == 0;
        var elements = new List<byte[]>();
        for (int i = 0; i < count; i++)
            elements.Add(_texts.Any(hasLarge && _random.Next(1 + (count / 3)) == 0 ? 70_000 : 130));
        AddMany(_random.Next(2) == 0 ? "RPUSH" : "LPUSH", name, elements);
    }

    private void AddIntegers(byte[] name)
    {
        int count = Count();
        int width = _random.Next(4);
        var members = new List<byte[]>();
        for (int i = 0; i < count; i++) members.Add(DatasetTexts.Ascii(i - (count / 2)));
        if (width > 0) members.Add(DatasetTexts.Ascii(width == 1 ? 70_000 : 1L << 40));
        if (width == 3) members.Add(DatasetTexts.Ascii(long.MinValue));
        AddMany("SADD", name, members);
    }

    private void AddSet(byte[] name)
    {
        int bytes = MemberBytes();
        AddMany("SADD", name, Enumerable.Range(0, Count()).Select(i => _texts.Numbered(i, bytes)));
        if (_random.Next(3) == 0) Add("SADD", name, _texts.Integer(), Array.Empty<byte>());
    }

    private void AddSortedSet(byte[] name)
    {
        int bytes = MemberBytes();
        bool isEqual = _random.Next(5) == 0;
        AddMany("ZADD", name, Enumerable.Range(0, Count()).SelectMany(i => (byte[][])
            [Encoding.ASCII.GetBytes(isEqual ? "1.5" : _texts.Score()), _texts.Numbered(i, bytes)]));
        if (_random.Next(3) == 0) Add("ZADD", name, "0.1", Array.Empty<byte>(), "2", _texts.Integer());
    }

    private void AddHash(byte[] name)
    {
        int bytes = MemberBytes();
        int count = Count();
        AddMany("HSET", name, Enumerable.Range(0, count).SelectMany(i => (byte[][])
            [_texts.Numbered(i, bytes), _texts.Any(_random.Next(count) == 0 ? 9_000 : 64)]));
        if (_random.Next(3) == 0) Add("HSET", name, Array.Empty<byte>(), Array.Empty<byte>(), _texts.Integer(), 7);
    }

    private void AddOther(byte[] name)
    {
        switch (_random.Next(3))
        {
            case 0:
                AddMany("PFADD", name, Enumerable.Range(0, Count()).Select(i => _texts.Numbered(i, 12)));
                break;
            case 1:
                AddMany("GEOADD", name, Enumerable.Range(0, Math.Min(Count(), 200)).SelectMany(i => (byte[][])
                [
                    DatasetTexts.Ascii(_random.Next(-180, 180)), DatasetTexts.Ascii(_random.Next(-85, 85)),
                    _texts.Numbered(i, 10),
                ]));
                break;
            default:
                for (int i = 0; i < 5; i++) Add("SETBIT", name, _random.Next(500_000), 1);
                break;
        }
    }

    private int Count() => s_counts[Math.Min(_random.Next(s_counts.Length), _random.Next(s_counts.Length))];

    private int MemberBytes() => _random.Next(4) switch
    {
        0 => 63, 1 => 64, 2 => _random.Next(5) == 0 ? 300 : 65, _ => 5,
    };

    // An even number of arguments at a time: some come in pairs. Three of GEOADD are a multiple of neither.
    private void AddMany(string command, byte[] name, IEnumerable<byte[]> arguments)
    {
        int most = command == "GEOADD" ? MaxArguments * 3 : MaxArguments;
        foreach (byte[][] some in arguments.Chunk(most)) Add([Encoding.ASCII.GetBytes(command), name, .. some]);
    }

    private void Add(string command, params object[] arguments) => Add(
        [Encoding.ASCII.GetBytes(command), .. arguments.Select(Bytes)]);

    private void Add(byte[][] request) => _requests.Add(request);

    private static byte[] Bytes(object argument) => argument switch
    {
        byte[] bytes => bytes,
        string text => Encoding.Latin1.GetBytes(text),
        _ => DatasetTexts.Ascii(Convert.ToInt64(argument, CultureInfo.InvariantCulture)),
    };
}
