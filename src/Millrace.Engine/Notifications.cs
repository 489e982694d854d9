using System.Buffers.Binary;

namespace Millrace.Engine;

/// <summary>One event of a key. Its spans are valid until <see cref="INotificationOutlet.Take"/> returns.</summary>
public readonly ref struct Notification
{
    internal Notification(int database, NotifyClasses channels, ReadOnlySpan<byte> name, ReadOnlySpan<byte> key)
    {
        Database = database;
        Channels = channels;
        Name = name;
        Key = key;
    }

    /// <summary>The key's database.</summary>
    public int Database { get; }

    /// <summary>By which channels it is told: <see cref="NotifyClasses.Keyspace"/>,
    /// <see cref="NotifyClasses.KeyEvent"/> or both.</summary>
    public NotifyClasses Channels { get; }

    /// <summary>What happened, by the event's name.</summary>
    public ReadOnlySpan<byte> Name { get; }

    /// <summary>The key's name.</summary>
    public ReadOnlySpan<byte> Key { get; }
}

/// <summary>Where the events of a unit go while it holds its partitions. It copies what it keeps, touches no key and
/// never waits for somebody who holds partitions.</summary>
public interface INotificationOutlet
{
    /// <summary>Takes one event, in the order of execution.</summary>
    void Take(in Notification notification);
}

/// <summary>
/// The events that the running unit has collected, in order, until they are handed over.
/// </summary>
/// <remarks>
/// <code>
///   [ database 4 | channels 1 | name's length 1 | key's length 4 | name | key ] ...
/// </code>
/// Copies, since the entries of the keys may be gone by then. At most <see cref="MaxBytes"/> are kept: what goes beyond
/// is handed over early, while the unit goes on. One per unit, reused; the array grows once and stays, so a warm unit
/// allocates nothing.
/// </remarks>
public sealed class Notifications
{
    /// <summary>What is kept at most before it is handed over.</summary>
    public const int MaxBytes = 64 * 1024;

    private const int HeaderBytes = 10;

    private byte[] _bytes = [];
    private int _used;

    /// <summary>Who takes them; they are dropped while there is nobody.</summary>
    public INotificationOutlet? Outlet { get; set; }

    /// <summary>Whether there are none.</summary>
    public bool IsEmpty => _used == 0;

    /// <summary>Hands all of them over, in order.</summary>
    public void Post()
    {
        var rest = _bytes.AsSpan(0, _used);
        _used = 0;
        while (!rest.IsEmpty && Outlet is not null)
        {
            var (nameLength, keyLength) = (rest[5], BinaryPrimitives.ReadInt32LittleEndian(rest[6..]));
            var name = rest.Slice(HeaderBytes, nameLength);
            var key = rest.Slice(HeaderBytes + nameLength, keyLength);
            var database = BinaryPrimitives.ReadInt32LittleEndian(rest);
            Outlet.Take(new Notification(database, (NotifyClasses)rest[4], name, key));
            rest = rest[(HeaderBytes + nameLength + keyLength)..];
        }
    }

    internal void Add(int database, NotifyClasses channels, ReadOnlySpan<byte> name, ReadOnlySpan<byte> key)
    {
        if (Outlet is null) return;
        var needed = HeaderBytes + name.Length + key.Length; // a key has at most 2^31 - 1 - much more than these
        if (needed > _bytes.Length - _used && !MakeRoom(needed))
        {
            Outlet.Take(new Notification(database, channels, name, key));
            return;
        }

        var record = _bytes.AsSpan(_used, needed);
        BinaryPrimitives.WriteInt32LittleEndian(record, database);
        record[4] = (byte)channels;
        record[5] = checked((byte)name.Length);
        BinaryPrimitives.WriteInt32LittleEndian(record[6..], key.Length);
        name.CopyTo(record[HeaderBytes..]);
        key.CopyTo(record[(HeaderBytes + name.Length)..]);
        _used += needed;
    }

    // False when one event alone is more than is kept: it is handed over at once, behind those before it.
    private bool MakeRoom(long needed)
    {
        const int LeastBytes = 1024;

        if (_used + needed > MaxBytes) Post();
        if (needed > MaxBytes) return false;
        if (needed <= _bytes.Length - _used) return true;
        var wanted = Math.Max(Math.Max(_bytes.Length * 2L, LeastBytes), _used + needed);
        Array.Resize(ref _bytes, (int)Math.Min(wanted, MaxBytes));
        return true;
    }
}
