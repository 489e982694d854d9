// The commands that a thread runs, made before it is measured: random keys of the form that the load generator uses.

using Millrace.Bench.Load;

namespace Millrace.Bench.Scale;

/// <summary>Requests in one array, run round and round.</summary>
internal sealed class CommandStream
{
    // So many different commands touch more table and entries than a cache holds, and their bytes come in order.
    private const int MostCommands = 1_000_000;
    private const int HotKeys = 16;

    private CommandStream(byte[] bytes, int commands) => (Bytes, Commands) = (bytes, commands);

    public byte[] Bytes { get; }

    /// <summary>How many commands there are.</summary>
    public int Commands { get; }

    /// <summary>The commands of a load.</summary>
    /// <param name="load">get, set or set+log on all keys; hot: GET and SET in turn on 16 keys.</param>
    /// <param name="keys">The key count.</param>
    /// <param name="valueSize">Bytes of a value.</param>
    /// <param name="commands">How many will be run; at most a million are made.</param>
    /// <param name="batch">The count is a multiple of this.</param>
    /// <param name="seed">Of the random keys.</param>
    public static CommandStream Of(string load, int keys, int valueSize, int commands, int batch, int seed)
    {
        var count = Math.Max(1, Math.Min(commands, MostCommands) / batch) * batch;
        var random = new Random(seed);
        var bytes = new MemoryStream();
        var get = RequestTemplate.Of("get", keys, valueSize);
        var set = RequestTemplate.Of("set", keys, valueSize);
        var (getBytes, setBytes) = (get.Repeat(1), set.Repeat(1));
        var range = load == "hot" ? Math.Min(HotKeys, keys) : keys;
        for (var i = 0; i < count; i++)
        {
            var isGet = load == "get" || (load == "hot" && i % 2 == 0);
            var (template, one) = isGet ? (get, getBytes) : (set, setBytes);
            template.SetKey(one, 0, (uint)random.Next(range));
            bytes.Write(one);
        }

        return new CommandStream(bytes.ToArray(), count);
    }

    /// <summary>SETs of all keys, in order, from one on.</summary>
    public static CommandStream Fill(int firstKey, int count, int keys, int valueSize)
    {
        var set = RequestTemplate.Of("set", keys, valueSize);
        var bytes = set.Repeat(count);
        for (var i = 0; i < count; i++) set.SetKey(bytes, i, (uint)(firstKey + i));
        return new CommandStream(bytes, count);
    }
}
