// The requests of the generator, with keys of the form of redis-benchmark: `key:000000001234` (16 bytes), and
// `counter:000000001234` for INCR. They are made once; before a pipeline leaves, only the digits are rewritten.

using System.Text;

namespace Millrace.Bench.Load;

/// <summary>One kind of request as bytes, and where the digits of its key lie.</summary>
internal sealed class RequestTemplate
{
    private const int KeyDigits = 12;

    private readonly byte[] _request;
    private readonly int _lastDigit; // index of the key's last digit, -1 without a key
    private readonly int _digits; // how many of them a key below the key count needs

    private RequestTemplate(int keys, params string[] words)
    {
        var text = new StringBuilder($"*{words.Length}\r\n");
        foreach (var word in words) text.Append($"${word.Length}\r\n{word}\r\n");
        _request = Encoding.ASCII.GetBytes(text.ToString());
        var zeros = new string('0', KeyDigits);
        var first = words.Length > 1 ? text.ToString().IndexOf(":" + zeros, StringComparison.Ordinal) : -1;
        _lastDigit = first < 0 ? -1 : first + KeyDigits;
        _digits = (keys - 1).ToString(System.Globalization.CultureInfo.InvariantCulture).Length;
    }

    /// <summary>The names of the commands that there are.</summary>
    public static IReadOnlyList<string> Commands { get; } = ["ping", "get", "set", "incr", "hset", "sadd", "lpush"];

    /// <summary>Bytes of one request.</summary>
    public int SizeBytes => _request.Length;

    /// <summary>The template of a command; a usage error when there is none.</summary>
    public static RequestTemplate Of(string command, int keys, int valueSize)
    {
        var zeros = new string('0', KeyDigits);
        var value = new string('x', valueSize);
        return command switch
        {
            "ping" => new RequestTemplate(keys, "PING"),
            "get" => new RequestTemplate(keys, "GET", "key:" + zeros),
            "set" => new RequestTemplate(keys, "SET", "key:" + zeros, value),
            "incr" => new RequestTemplate(keys, "INCR", "counter:" + zeros),
            "hset" => new RequestTemplate(keys, "HSET", "myhash", "element:" + zeros, value),
            "sadd" => new RequestTemplate(keys, "SADD", "myset", "element:" + zeros),
            "lpush" => new RequestTemplate(keys, "LPUSH", "mylist", value),
            _ => throw new UsageException($"unknown command '{command}': {string.Join(", ", Commands)}"),
        };
    }

    /// <summary>So many requests one behind the other.</summary>
    public byte[] Repeat(int times)
    {
        var all = new byte[_request.Length * times];
        for (var i = 0; i < times; i++) _request.CopyTo(all, i * _request.Length);
        return all;
    }

    /// <summary>Gives the request at an index of a repeated buffer another key. Requires: a key below the key
    /// count.</summary>
    public void SetKey(byte[] requests, int index, uint key)
    {
        if (_lastDigit < 0) return;
        var at = (index * _request.Length) + _lastDigit;
        for (var i = 0; i < _digits; i++)
        {
            var rest = key / 10;
            requests[at--] = (byte)('0' + key - (rest * 10));
            key = rest;
        }
    }
}
