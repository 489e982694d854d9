using System.Globalization;
using System.Text;

namespace Millrace.Server.Effects;

/// <summary>Receives the log's bytes, in order; called under the log's lock, so it only copies them.</summary>
public interface IEffectConsumer
{
    /// <summary>Takes the bytes that lie before <paramref name="endPosition"/>.</summary>
    void Append(ReadOnlySpan<byte> block, long endPosition);
}

/// <summary>
/// The one stream of effects: what every write did, as requests, in the order in which units ran.
/// </summary>
/// <remarks>
/// <code>
///   unit:  lock partitions -> run -> Append(block) -> unlock        block: [SELECT db] [MULTI] commands [EXEC]
/// </code>
/// A unit appends while it holds its partitions, so blocks of units that touch the same key have the order of those
/// units. The position counts bytes from the server's start. While nobody consumes, nothing is appended and the
/// position stands. Lock: after the partitions, before mailboxes.
/// </remarks>
public sealed class EffectLog
{
    private readonly object _sync = new();
    private IEffectConsumer[] _consumers = [];
    private int _database = -1;
    private long _position;

    /// <summary>Whether somebody consumes, so that effects have to be recorded.</summary>
    public bool IsAttached => Volatile.Read(ref _consumers).Length > 0;

    /// <summary>The bytes appended so far.</summary>
    public long Position => Volatile.Read(ref _position);

    /// <summary>Adds a consumer, which sees everything from now on, a SELECT first. All loops stand still.</summary>
    public void Attach(IEffectConsumer consumer)
    {
        lock (_sync)
        {
            _database = -1;
            Volatile.Write(ref _consumers, [.. _consumers, consumer]);
        }
    }

    /// <summary>Removes a consumer. All loops stand still.</summary>
    public void Detach(IEffectConsumer consumer)
    {
        lock (_sync) Volatile.Write(ref _consumers, [.. _consumers.Where(one => one != consumer)]);
    }

    /// <summary>The next block begins with the request that selects its database, whichever is selected. All loops
    /// stand still.</summary>
    public void SelectAgain()
    {
        lock (_sync) _database = -1;
    }

    /// <summary>Appends a unit's block.</summary>
    /// <param name="database">The database that the block's first command needs.</param>
    /// <param name="block">Requests in protocol form.</param>
    /// <param name="databaseAfter">The database that the block leaves selected.</param>
    /// <returns>The position behind the block.</returns>
    public long Append(int database, ReadOnlySpan<byte> block, int databaseAfter)
    {
        lock (_sync)
        {
            if (_database != database) Write(Select(database));
            _database = databaseAfter;
            Write(block);
            return _position;
        }
    }

    /// <summary>The request that selects a database.</summary>
    public static byte[] Select(int database)
    {
        var number = database.ToString(CultureInfo.InvariantCulture);
        return Encoding.ASCII.GetBytes($"*2\r\n$6\r\nSELECT\r\n${number.Length}\r\n{number}\r\n");
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        _position += bytes.Length;
        foreach (var consumer in _consumers) consumer.Append(bytes, _position);
    }
}
