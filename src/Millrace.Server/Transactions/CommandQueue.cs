using Millrace.Commands;
using Millrace.Resp;
using Millrace.Server.Execution;

namespace Millrace.Server.Transactions;

/// <summary>
/// What a client has queued between MULTI and EXEC: its requests, copied out of the input.
/// </summary>
/// <remarks>
/// <code>
///   bytes    [ request | request | request | free ]
///   slices   [ of the 1st | of the 2nd | ...      ]      relative to the request's first byte
///   keys     [ of the 1st | of the 2nd | ...      ]      hashed once, when the request was cut
///   entries  (command, where each of the three begins)
/// </code>
/// One per client that has ever sent MULTI. Small arrays are kept for the next transaction, so that it allocates
/// nothing. Belongs to the client's loop. What it may hold is bounded by client-query-buffer-limit, together with the
/// client's unread input (<see cref="Pipeline"/>).
/// </remarks>
public sealed class CommandQueue
{
    private const int KeptBytes = 16 * 1024;
    private const int KeptItems = 1024;

    private byte[] _bytes = new byte[256];
    private Slice[] _slices = new Slice[16];
    private KeyAt[] _keys = new KeyAt[4];
    private Entry[] _entries = new Entry[4];
    private int _byteCount;
    private int _sliceCount;
    private int _keyCount;

    /// <summary>How many commands are queued.</summary>
    public int Count { get; private set; }

    /// <summary>Whether a command was refused: EXEC is going to refuse as well.</summary>
    public bool IsAborted { get; set; }

    /// <summary>The partitions that the queued commands need.</summary>
    public ulong Partitions { get; private set; }

    /// <summary>The gates that stop any of them.</summary>
    public Gate StoppedBy { get; private set; }

    /// <summary>Whether one of them may change the keyspace.</summary>
    public bool HasWrites { get; private set; }

    /// <summary>Whether one of them needs all other loops to stand still.</summary>
    public bool NeedsQuiescence { get; private set; }

    /// <summary>Bytes of the queued requests.</summary>
    public int Bytes => _byteCount;

    /// <summary>Bytes of memory that it holds.</summary>
    public int HeldBytes => _bytes.Length + (_slices.Length * 8) + (_keys.Length * 16) + (_entries.Length * 24);

    /// <summary>The array that holds the requests.</summary>
    public byte[] Input => _bytes;

    /// <summary>Queues a request.</summary>
    /// <param name="request">What it is.</param>
    /// <param name="input">The array that holds its bytes.</param>
    /// <param name="partitions">The partitions that its unit would hold.</param>
    public void Add(Request request, byte[] input, ulong partitions)
    {
        var spec = request.Spec!;
        var length = request.End - request.Start;
        var slices = request.Slices.AsSpan();
        var keys = request.Keys;
        Grow(ref _bytes, _byteCount + length);
        Grow(ref _slices, _sliceCount + slices.Length);
        Grow(ref _keys, _keyCount + keys.Length);
        Grow(ref _entries, Count + 2);
        input.AsSpan(request.Start, length).CopyTo(_bytes.AsSpan(_byteCount));
        slices.CopyTo(_slices.AsSpan(_sliceCount));
        keys.CopyTo(_keys.AsSpan(_keyCount));
        _entries[Count++] = new Entry(spec, _byteCount, _sliceCount, _keyCount);
        _byteCount += length;
        _sliceCount += slices.Length;
        _keyCount += keys.Length;
        _entries[Count] = new Entry(null, _byteCount, _sliceCount, _keyCount);
        Partitions |= partitions;
        StoppedBy |= spec.StoppedBy & ~Gate.Queueing;
        HasWrites |= spec.IsWrite;
        NeedsQuiescence |= spec.Locks == LockScope.Quiesced;
    }

    /// <summary>The command at an index.</summary>
    public CommandSpec Spec(int index) => _entries[index].Spec!;

    /// <summary>Where in <see cref="Input"/> a request begins.</summary>
    public int Start(int index) => _entries[index].Start;

    /// <summary>How many bytes a request has.</summary>
    public int Length(int index) => _entries[index + 1].Start - _entries[index].Start;

    /// <summary>The arguments of a request, relative to its start.</summary>
    public ReadOnlySpan<Slice> Slices(int index) =>
        _slices.AsSpan(_entries[index].FirstSlice, _entries[index + 1].FirstSlice - _entries[index].FirstSlice);

    /// <summary>The keys of a request.</summary>
    public ReadOnlySpan<KeyAt> Keys(int index) =>
        _keys.AsSpan(_entries[index].FirstKey, _entries[index + 1].FirstKey - _entries[index].FirstKey);

    /// <summary>The request at an index. Valid until the queue changes.</summary>
    public Args Args(int index) => new(_bytes.AsSpan(Start(index), Length(index)), Slices(index));

    /// <summary>Empties the queue and gives up large arrays.</summary>
    public void Clear()
    {
        if (_bytes.Length > KeptBytes) _bytes = new byte[256];
        if (_slices.Length > KeptItems) _slices = new Slice[16];
        if (_keys.Length > KeptItems) _keys = new KeyAt[4];
        if (_entries.Length > KeptItems) _entries = new Entry[4];
        Count = _byteCount = _sliceCount = _keyCount = 0;
        Partitions = 0;
        StoppedBy = Gate.None;
        IsAborted = HasWrites = NeedsQuiescence = false;
    }

    private static void Grow<T>(ref T[] array, int needed)
    {
        if (needed > array.Length) Array.Resize(ref array, Math.Max(array.Length * 2, needed));
    }

    private readonly record struct Entry(CommandSpec? Spec, int Start, int FirstSlice, int FirstKey);
}
