using Millrace.Net;

namespace Millrace.Server.PubSub;

/// <summary>
/// Something that clients of one loop are going to hear, on its way there: a message, keys that are stale, a command
/// that somebody watches.
/// </summary>
/// <remarks>
/// It counts as under way (<see cref="LettersUnderWay"/>) from <see cref="Send"/> until the loop takes it up. Some
/// kinds are filled again and again (<see cref="LetterBox{T}"/>).
/// </remarks>
internal abstract class Letter : Mail
{
    /// <summary>Buffers that are longer than this are given up when a letter has been delivered.</summary>
    public const int KeptBytes = 64 * 1024;

    private const int FrameBytes = 256; // of the object itself, about
    private const int PieceBytes = 16; // a delivery adds a piece to an output

    private LettersUnderWay? _underWay;
    private long _bytes;

    /// <summary>The bytes that it holds for the sake of its readers.</summary>
    protected abstract long Bytes { get; }

    /// <summary>How often it is going to be delivered, about: a loop that is behind has that to do, too.</summary>
    protected abstract long Deliveries { get; }

    /// <summary>Puts it into a loop's mailbox. Any thread.</summary>
    /// <param name="loop">Whose clients it is for.</param>
    /// <param name="underWay">Counts it.</param>
    public void Send(EventLoop loop, LettersUnderWay underWay)
    {
        _underWay = underWay;
        _bytes = FrameBytes + Bytes + (PieceBytes * Deliveries);
        underWay.Add(_bytes);
        loop.Post(this);
    }

    /// <summary>The loop takes it up: it is under way no more. Once per <see cref="Send"/>.</summary>
    public void Arrive()
    {
        _underWay!.Remove(_bytes);
        _underWay = null;
    }

    /// <inheritdoc/>
    public sealed override void Deliver(EventLoop loop)
    {
        Arrive();
        DeliverTo(loop);
    }

    /// <summary>Tells the clients. On the loop's thread.</summary>
    protected abstract void DeliverTo(EventLoop loop);
}

/// <summary>Used letters of one loop, so that one that sends as much as it delivers allocates nothing.</summary>
/// <typeparam name="T">The kind of the letters.</typeparam>
internal sealed class LetterBox<T>
    where T : Letter, new()
{
    private const int MostKept = 256;

    private readonly Stack<T> _kept = new();

    /// <summary>A letter to fill.</summary>
    public T Take() => _kept.TryPop(out var letter) ? letter : new T();

    /// <summary>Takes one back that has been delivered and is empty.</summary>
    public void Keep(T letter)
    {
        if (_kept.Count < MostKept) _kept.Push(letter);
    }
}
