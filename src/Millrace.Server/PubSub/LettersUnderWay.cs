using Millrace.Commands;

namespace Millrace.Server.PubSub;

/// <summary>
/// What all letters hold that no loop has taken up yet, and the gate that is closed while it is too much.
/// </summary>
/// <remarks>
/// <code>
///   bytes   ... 0 ..................... half ..................... MostBytes .....
///   gate        open, and opened here ----'   stays as it is   '---- closed
/// </code>
/// A loop that delivers more slowly than others send would otherwise be sent any amount: posting never waits. While the
/// gate is closed commands wait that have keys, write or publish, and so does what nobody asked for (expiry, eviction).
/// Delivering goes on, so what is under way becomes less: a letter causes none but those that take its keys on to the
/// loops of redirected clients. A unit that has begun goes on, too, so one transaction may go beyond the limit.
/// Thread-safe. Lock: after those of partitions and channels, before those of the gates and of mailboxes.
/// </remarks>
internal sealed class LettersUnderWay(Gates gates)
{
    /// <summary>Beyond so many bytes commands wait.</summary>
    public const long MostBytes = 32 * 1024 * 1024;

    private readonly object _sync = new(); // one closes or opens at a time
    private long _bytes;
    private long _closings;

    /// <summary>The bytes under way.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>How often it was too much.</summary>
    public long Closings => Interlocked.Read(ref _closings);

    private bool IsClosed => (gates.Word & Gate.TooMuchMail) != 0;

    /// <summary>A letter is sent.</summary>
    public void Add(long bytes)
    {
        if (Interlocked.Add(ref _bytes, bytes) > MostBytes && !IsClosed) Settle();
    }

    /// <summary>A letter has arrived.</summary>
    public void Remove(long bytes)
    {
        if (Interlocked.Add(ref _bytes, -bytes) <= MostBytes / 2 && IsClosed) Settle();
    }

    // Whoever closes looks at the bytes once more afterwards, and whoever removes looks at the gate afterwards, each
    // behind a full fence: one of them sees the other, and no gate stays closed over nothing.
    private void Settle()
    {
        lock (_sync)
        {
            if (!IsClosed && Bytes > MostBytes)
            {
                gates.Close(Gate.TooMuchMail);
                _closings++;
            }

            if (IsClosed && Bytes <= MostBytes / 2) gates.Open(Gate.TooMuchMail);
        }
    }
}
