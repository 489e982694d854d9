// A kind of request as bytes. They are made once; before a pipeline leaves, only the digits of its keys are rewritten.

using System.Globalization;
using System.Text;

namespace Millrace.Bench.Load;

/// <summary>One kind of request as bytes, and where the digits of its keys lie.</summary>
internal sealed class RequestTemplate
{
    private const int KeyDigits = 12;
    private const int RankDigits = 6;
    private const uint FirstRank = 100_000;
    private const uint Ranks = 800_000;

    private readonly byte[] _request;
    private readonly int _keys;
    private readonly List<Place> _places = [];

    private RequestTemplate(RequestShape shape, int keys, int valueSize)
    {
        _keys = keys;
        var text = new StringBuilder();
        foreach (var command in shape.Text.Split(" ; "))
        {
            var words = command.Split(' ');
            text.Append('*').Append(words.Length).Append("\r\n");
            foreach (var word in words) Append(text, word.Replace("{value}", new string('x', valueSize)));
            Replies++;
        }

        _request = Encoding.ASCII.GetBytes(text.ToString());
        HasOther = _places.Exists(static place => place.IsOther);
    }

    /// <summary>Bytes of one request.</summary>
    public int SizeBytes => _request.Length;

    /// <summary>Whether a request has a second number, which is chosen apart from its key.</summary>
    public bool HasOther { get; }

    /// <summary>How many replies one request has.</summary>
    public int Replies { get; }

    /// <summary>The template of a command; a usage error when there is none.</summary>
    public static RequestTemplate Of(string command, int keys, int valueSize) =>
        new(RequestCatalogue.Find(command), keys, valueSize);

    /// <summary>So many requests one behind the other.</summary>
    public byte[] Repeat(int times)
    {
        var all = new byte[_request.Length * times];
        for (var i = 0; i < times; i++) _request.CopyTo(all, i * _request.Length);
        return all;
    }

    /// <summary>Gives the request at an index of a repeated buffer another key. Requires: a key below the key
    /// count, and such another number.</summary>
    public void SetKey(byte[] requests, int index, uint key, uint other = 0)
    {
        foreach (var place in _places)
        {
            var number = ((place.IsOther ? other : key) % place.Modulus) + place.Offset;
            var at = (index * _request.Length) + place.LastDigit;
            for (var i = 0; i < place.Used; i++)
            {
                var rest = number / 10;
                requests[at--] = (byte)('0' + number - (rest * 10));
                number = rest;
            }
        }
    }

    // A word with its length before it. At most one {key}, {key:DIGITS}, {key+OFFSET} or {rank+OFFSET} in it becomes
    // digits; {other} like {key}.
    private void Append(StringBuilder text, string word)
    {
        var open = word.IndexOf('{');
        if (open < 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"${word.Length}\r\n{word}\r\n");
            return;
        }

        var close = word.IndexOf('}');
        var inside = word[(open + 1)..close];
        var isRank = inside.StartsWith("rank", StringComparison.Ordinal);
        var digits = Number(inside, ':') ?? (isRank ? RankDigits : KeyDigits);
        var length = open + digits + word.Length - close - 1;
        text.Append(CultureInfo.InvariantCulture, $"${length}\r\n{word[..open]}");
        var offset = (uint)(Number(inside, '+') ?? 0) + (isRank ? FirstRank : 0);
        var used = isRank ? digits : (_keys - 1 + offset).ToString(CultureInfo.InvariantCulture).Length;
        var modulus = isRank ? Ranks : uint.MaxValue;
        var isOther = inside.StartsWith("other", StringComparison.Ordinal);
        _places.Add(new Place(text.Length + digits - 1, Math.Min(used, digits), offset, modulus, isOther));
        text.Append('0', digits).Append(word[(close + 1)..]).Append("\r\n");
    }

    private static int? Number(string inside, char mark)
    {
        var at = inside.IndexOf(mark);
        return at < 0 ? null : int.Parse(inside[(at + 1)..], CultureInfo.InvariantCulture);
    }

    // The digits in front of the used ones stay 0.
    private readonly record struct Place(int LastDigit, int Used, uint Offset, uint Modulus, bool IsOther);
}
