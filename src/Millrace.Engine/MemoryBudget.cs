using System.Diagnostics;
using System.Runtime.InteropServices;
using Millrace.Memory;

namespace Millrace.Engine;

/// <summary>What is closed while data takes more memory than it may. Thread-safe.</summary>
public interface IMemoryGate
{
    /// <summary>Whether commands that take memory are stopped.</summary>
    bool IsClosed { get; set; }
}

/// <summary>
/// What data takes, kept beside the limit: the gate is closed when the sum passes it, and opened when it is back.
/// </summary>
/// <remarks>
/// <code>
///   unit ends -> for each partition it holds: heap's bytes - what was reported last
///                   more than a grain? -> add to the one sum -> beyond the limit, or back? -> gate
/// </code>
/// Counted is the native memory of data as the heaps account it, exactly: neither buffers nor the managed heap.
/// The end of all memory is a limit of its own, whatever maxmemory says: the gate is closed as well while the region
/// that all comes from is nearly used up (<see cref="MemorySource.IsScarce"/>), and whoever is about to take more than
/// a bounded amount asks before (<see cref="HasRoomFor"/>).
/// The sum is behind by less than a grain per partition: nothing with one partition, at most 1/256 of the limit
/// otherwise, so that a unit rarely writes to the line that all loops share. Without a limit nothing is reported.
/// Two loops that cross the limit in opposite directions at one moment both look again after they have turned the gate.
/// </remarks>
public sealed class MemoryBudget
{
    private const long MaxGrainBytes = 16 * 1024;
    private const long MaxSlackBytes = 64 * 1024;
    private const int GrainsPerLimit = 256;
    private const int SlackPerLimit = 1024;

    // What an empty keyspace takes is next to nothing, and yet whoever sets such a limit means that nothing fits.
    private const long LeastBytes = 1024;

    // So much a command takes without asking, here and there; the source keeps far more for that.
    private const int UnaskedBytes = 64 * 1024;

    // The value in the making, a text of it apart, and what it was before it grew.
    private const int WorkingCopies = 3;

    private readonly Keyspace _keyspace;
    private readonly MemorySource _source;
    private IMemoryGate? _gate;
    private long _thresholdBytes = long.MaxValue;
    private long _grainBytes;
    private SharedSum _sum;
    private long _exceededSince; // ticks; 0: within the limit
    private long _exceededTicks;

    internal MemoryBudget(Keyspace keyspace, MemorySource source)
    {
        _keyspace = keyspace;
        _source = source;
        source.TellScarcity(Settle);
    }

    /// <summary>The limit and what goes when it is reached. Exchanged by <see cref="Begin"/>.</summary>
    public MemoryLimits Limits { get; private set; } = new();

    /// <summary>Whether there is a limit: units report only then.</summary>
    public bool IsLimited { get; private set; }

    /// <summary>What the partitions have reported, in bytes. Any thread.</summary>
    public long ReportedBytes => Volatile.Read(ref _sum.Bytes);

    /// <summary>Down to where eviction goes: a little below the limit, so that not every write evicts.</summary>
    public long RoomyBytes => _thresholdBytes - Math.Min(Limits.Bytes / SlackPerLimit, MaxSlackBytes);

    /// <summary>Whether data takes more than it may, exactly, as of some recent moment. O(partitions).</summary>
    public bool IsExceeded => IsScarce || _keyspace.UsedBytes > _thresholdBytes;

    /// <summary>Whether the region of all memory is nearly used up. Any thread.</summary>
    public bool IsScarce => _source.IsScarce;

    /// <summary>Whether even the reserve is nearly used up (<see cref="MemorySource.IsSpent"/>).</summary>
    public bool IsSpent => _source.IsSpent;

    /// <summary>How long it has been exceeded now, in milliseconds.</summary>
    public long ExceededNowMs
    {
        get
        {
            var since = Volatile.Read(ref _exceededSince);
            return since == 0 ? 0 : (long)Stopwatch.GetElapsedTime(since).TotalMilliseconds;
        }
    }

    /// <summary>How long it has been exceeded altogether, in milliseconds.</summary>
    public long ExceededMs =>
        (long)Stopwatch.GetElapsedTime(0, Volatile.Read(ref _exceededTicks)).TotalMilliseconds + ExceededNowMs;

    /// <summary>Puts limits into force. All loops stand still.</summary>
    /// <param name="limits">The limits.</param>
    /// <param name="gate">What is closed while they are exceeded.</param>
    public void Begin(MemoryLimits limits, IMemoryGate gate)
    {
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentNullException.ThrowIfNull(gate);
        var partitions = _keyspace.Shape.Partitions;
        Limits = limits;
        _gate = gate;
        IsLimited = limits.IsLimited;
        _thresholdBytes = !IsLimited ? long.MaxValue : limits.Bytes < LeastBytes ? -1 : limits.Bytes;
        _grainBytes = partitions == 1 ? 0 : Math.Min(limits.Bytes / (GrainsPerLimit * partitions), MaxGrainBytes);
        var sum = 0L;
        for (var i = 0; i < partitions; i++)
        {
            var partition = _keyspace[i];
            sum += partition.ReportedBytes = partition.Heap.AllocatedBytes;
        }

        Volatile.Write(ref _sum.Bytes, sum);
        Settle();
    }

    /// <summary>Puts the gate where the sum says that it belongs.</summary>
    public void Settle()
    {
        if (_gate is null) return;
        // Again until it is so: what another loop has turned meanwhile must not be turned back by an older look.
        for (var isExceeded = IsOver(ReportedBytes); isExceeded != _gate.IsClosed; isExceeded = IsOver(ReportedBytes))
            Turn(isExceeded);
    }

    /// <summary>Whether a command may take so many bytes: there are as many, in one piece. Asked before the first of
    /// them is taken. Any thread, O(1).</summary>
    public bool HasRoomFor(long bytes) => bytes <= UnaskedBytes || _source.HasRoomFor(bytes);

    /// <summary>About how long one value may be that is made anew: no longer than data may be at all, nor than can
    /// still be had with what making it takes. Any thread.</summary>
    public long MostBytes => IsLimited ? Math.Min(Limits.Bytes, MostLoadedBytes) : MostLoadedBytes;

    /// <summary>The same for a value that is loaded, whatever data may take. Any thread.</summary>
    public long MostLoadedBytes => _source.RoomBytes / WorkingCopies;

    /// <summary>Whether there is so much room that nobody has to measure what he makes so many copies of. Any thread.
    /// </summary>
    public bool HasPlentyFor(int copies) => _source.HasPlentyFor(copies);

    /// <summary>Reports a partition exactly; it is held.</summary>
    public void ReportExactly(Partition partition)
    {
        var change = partition.Heap.AllocatedBytes - partition.ReportedBytes;
        if (change != 0) Add(partition, change);
    }

    /// <summary>Reports a partition at the end of a unit, if much has changed; it is held.</summary>
    internal void Report(Partition partition)
    {
        var change = partition.Heap.AllocatedBytes - partition.ReportedBytes;
        if (Math.Abs(change) > _grainBytes) Add(partition, change);
    }

    /// <summary>Clears the statistics that <c>CONFIG RESETSTAT</c> clears.</summary>
    internal void ResetStatistics()
    {
        Volatile.Write(ref _exceededTicks, 0);
        if (_exceededSince != 0) Volatile.Write(ref _exceededSince, Stopwatch.GetTimestamp());
    }

    private bool IsOver(long bytes) => bytes > _thresholdBytes || _source.IsScarce;

    private void Add(Partition partition, long change)
    {
        partition.ReportedBytes += change;
        var isExceeded = IsOver(Interlocked.Add(ref _sum.Bytes, change));
        if (isExceeded != _gate!.IsClosed) Settle();
    }

    private void Turn(bool isExceeded)
    {
        _gate!.IsClosed = isExceeded;
        if (isExceeded)
        {
            Interlocked.CompareExchange(ref _exceededSince, Stopwatch.GetTimestamp(), 0);
            return;
        }

        var since = Interlocked.Exchange(ref _exceededSince, 0);
        if (since != 0) Interlocked.Add(ref _exceededTicks, Stopwatch.GetTimestamp() - since);
    }

    // Loops write it now and then; what stands around it they read all the time.
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct SharedSum
    {
        [FieldOffset(128)] internal long Bytes;
    }
}
