// One io_uring: two queues in memory shared with the kernel, and the one call that submits, and waits if asked to.
//
//     submissions   [ head (kernel) .. tail (us) )   entries at head are taken by Submit and Enter, in order
//     completions   [ head (us) .. tail (kernel) )   appear within Submit (what is over at once) and Enter
//
// The ring is made disabled, by any thread; Enable binds it to the calling thread, and from then on only that thread
// may queue, enter and take (IORING_SETUP_SINGLE_ISSUER). With DEFER_TASKRUN the kernel does the rest of an operation's
// work, such as copying received bytes, only within Enter: it never interrupts the thread, and a batch is done at once.
// Kernels before 6.1 have COOP_TASKRUN instead, which does that work at any entry to the kernel.
//
// The kernel publishes tails with release stores, and reads ours with acquire loads; so do we.
// Queue, TryTake: O(1). Source: io_uring(7), io_uring_setup(2), io_uring_enter(2).

using System.Diagnostics;

namespace Millrace.Net;

// SAFETY: all pointers point into the two mappings, at offsets that the kernel gave for this ring and that the lengths
// were computed from; indices are masked. The mappings live from construction to Dispose, which the owner calls
// when no thread uses the ring any more.
internal sealed unsafe class Ring : IDisposable
{
    public const uint SetupCoopTaskRun = 1 << 8;
    public const uint SetupDeferTaskRun = 1 << 13;

    private const uint SetupCompletionSize = 1 << 3;
    private const uint SetupClamp = 1 << 4;
    private const uint SetupDisabled = 1 << 6;
    private const uint SetupSubmitAll = 1 << 7;
    private const uint SetupTaskRunFlag = 1 << 9;
    private const uint SetupSingleIssuer = 1 << 12;
    private const uint EverySetup = SetupCompletionSize | SetupClamp | SetupDisabled | SetupSubmitAll |
        SetupTaskRunFlag | SetupSingleIssuer;

    // SINGLE_MMAP, NODROP, SUBMIT_STABLE, FAST_POLL, EXT_ARG, CQE_SKIP
    private const uint NeededFeatures = 1 | 2 | 4 | 32 | 256 | 2048;

    private const uint EnterGetEvents = 1;
    private const uint EnterExtendedArgument = 8;
    private const uint EnterRegisteredRing = 16;
    private const uint RegisterEnable = 12;
    private const uint RegisterRingDescriptor = 20;
    private const uint RegisterBuffers = 22;
    private const uint FlagOverflow = 2;
    private const uint FlagTaskRun = 4;
    private const long OffsetOfEntries = 0x10000000;
    private const int SubmitTries = 1000;

    private readonly int _descriptor;
    private readonly byte* _rings;
    private readonly nuint _ringsBytes;
    private readonly SubmissionEntry* _entries;
    private readonly nuint _entriesBytes;
    private readonly uint* _submissionHead;
    private readonly uint* _submissionTail;
    private readonly uint* _submissionFlags;
    private readonly uint* _completionHead;
    private readonly uint* _completionTail;
    private readonly CompletionEntry* _completions;
    private readonly uint _submissionCount;
    private readonly uint _completionMask;
    private int _enterDescriptor;
    private uint _enterFlags = EnterExtendedArgument;
    private uint _tail;
    private uint _head;
    private bool _isDisposed;

    private Ring(int descriptor, RingParameters parameters)
    {
        _descriptor = _enterDescriptor = descriptor;
        _submissionCount = parameters.SubmissionEntries;
        _completionMask = parameters.CompletionEntries - 1;
        nuint submissionBytes = parameters.Submission.Indices + (parameters.SubmissionEntries * sizeof(uint));
        nuint completionBytes = parameters.Completion.Entries +
            (parameters.CompletionEntries * (uint)CompletionEntry.Bytes);
        _ringsBytes = Math.Max(submissionBytes, completionBytes);
        _entriesBytes = parameters.SubmissionEntries * (nuint)SubmissionEntry.Bytes;
        _rings = RingCalls.MapRing(descriptor, _ringsBytes, 0);
        _entries = (SubmissionEntry*)RingCalls.MapRing(descriptor, _entriesBytes, OffsetOfEntries);
        if (!IsMapped) return;
        _submissionHead = (uint*)(_rings + parameters.Submission.Head);
        _submissionTail = (uint*)(_rings + parameters.Submission.Tail);
        _submissionFlags = (uint*)(_rings + parameters.Submission.Flags);
        _completionHead = (uint*)(_rings + parameters.Completion.Head);
        _completionTail = (uint*)(_rings + parameters.Completion.Tail);
        _completions = (CompletionEntry*)(_rings + parameters.Completion.Entries);
        uint* indices = (uint*)(_rings + parameters.Submission.Indices);
        for (uint i = 0; i < _submissionCount; i++) indices[i] = i;    // entries are used in their order
    }

    /// <summary>It has been bound to a thread.</summary>
    public bool IsEnabled { get; private set; }

    /// <summary>Completions wait to be taken.</summary>
    public bool HasCompletions => Volatile.Read(ref *_completionTail) != _head;

    /// <summary>Completions that wait to be taken.</summary>
    public uint CompletionCount => Volatile.Read(ref *_completionTail) - _head;

    /// <summary>Entering has an effect even without waiting: something is queued, or the kernel has work left to do for
    /// us.</summary>
    public bool NeedsEnter => Queued > 0 ||
        (Volatile.Read(ref *_submissionFlags) & (HasCompletions ? FlagOverflow : FlagOverflow | FlagTaskRun)) != 0;

    /// <summary>The kernel has taken all that was queued, and has room for all that there is to say of it.</summary>
    public bool IsSubmitted => Queued == 0 && (Volatile.Read(ref *_submissionFlags) & FlagOverflow) == 0;

    private bool IsMapped => _rings is not null && _entries is not null;

    private uint Queued => _tail - Volatile.Read(ref *_submissionHead);

    /// <summary>Makes a ring; null, and the error's number, when the system refuses.</summary>
    /// <param name="submissions">Entries of the submission queue.</param>
    /// <param name="completions">Entries of the completion queue.</param>
    /// <param name="taskRun">When the kernel works for us: one of SetupDeferTaskRun, SetupCoopTaskRun.</param>
    /// <param name="error">The error's number; 0 when the kernel lacks a feature that is needed.</param>
    public static Ring? TryCreate(uint submissions, uint completions, uint taskRun, out int error)
    {
        RingParameters parameters = default;
        parameters.Flags = EverySetup | taskRun;
        parameters.CompletionEntries = completions;
        int descriptor = RingCalls.Setup(submissions, ref parameters);
        error = Math.Max(-descriptor, 0);
        if (descriptor < 0) return null;
        if ((parameters.Features & NeededFeatures) != NeededFeatures)
        {
            LinuxCalls.Close(descriptor);
            return null;
        }
        var ring = new Ring(descriptor, parameters);
        if (ring.IsMapped) return ring;
        ring.Dispose();
        error = RingCalls.Enomem;
        return null;
    }

    /// <summary>Binds the ring to the calling thread. Once.</summary>
    public int Enable()
    {
        int result = RingCalls.Register(_descriptor, RegisterEnable);
        IsEnabled = result >= 0;
        return Math.Min(result, 0);
    }

    /// <summary>Spares the kernel looking the ring's descriptor up at each Enter; when it is refused, nothing changes.
    /// The thread keeps the ring alive from now on, until it ends.</summary>
    public void RegisterWithThread()
    {
        var registration = new RingRegistration { Index = uint.MaxValue, Descriptor = (ulong)_descriptor };
        if (RingCalls.Register(_descriptor, RegisterRingDescriptor, ref registration) != 1) return;
        _enterDescriptor = (int)registration.Index;
        _enterFlags |= EnterRegisteredRing;
    }

    /// <summary>Gives the kernel a ring of buffers. Requires: the memory outlives the ring.</summary>
    public int ProvideBuffers(ulong address, uint entries, ushort group)
    {
        var registration = new BufferRegistration { RingAddress = address, Entries = entries, Group = group };
        return RingCalls.Register(_descriptor, RegisterBuffers, ref registration);
    }

    /// <summary>Queues an operation for the next Submit or Enter; when the queue is full, what is in it is submitted
    /// first.</summary>
    public void Queue(in SubmissionEntry entry)
    {
        if (Queued == _submissionCount) SubmitAll();
        _entries[_tail & (_submissionCount - 1)] = entry;
        _tail++;
    }

    /// <summary>Submits what is queued and waits for completions.</summary>
    /// <param name="minComplete">So many have to be there; 0 does not wait.</param>
    /// <param name="timeoutMs">Waits no longer; negative: without bound.</param>
    /// <returns>0, or minus the error's number. Time-outs, interruptions and a passing want of memory are no
    /// errors.</returns>
    public int Enter(uint minComplete, int timeoutMs)
    {
        Volatile.Write(ref *_submissionTail, _tail);
        int result = RingCalls.Enter(_enterDescriptor, Queued, minComplete, _enterFlags | EnterGetEvents, timeoutMs);
        return result >= 0 || IsPassing(-result) ? 0 : result;
    }

    /// <summary>Submits what is queued, as far as the kernel takes it now.</summary>
    public void Submit()
    {
        Volatile.Write(ref *_submissionTail, _tail);
        int result = Queued == 0 ? 0 : RingCalls.Enter(_enterDescriptor, Queued, 0, _enterFlags, 0);
        if (result < 0 && !IsPassing(-result)) throw new IOException($"io_uring_enter: {LinuxCalls.TextOf(-result)}");
    }

    /// <summary>Takes the oldest completion.</summary>
    public bool TryTake(out CompletionEntry completion)
    {
        if (!HasCompletions)
        {
            completion = default;
            return false;
        }
        completion = _completions[_head & _completionMask];
        _head++;
        Volatile.Write(ref *_completionHead, _head);
        return true;
    }

    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        if (_rings is not null) RingCalls.Unmap(_rings, _ringsBytes);
        if (_entries is not null) RingCalls.Unmap((byte*)_entries, _entriesBytes);
        LinuxCalls.Close(_descriptor);
    }

    private static bool IsPassing(int error) =>
        error is RingCalls.Etime or RingCalls.Eintr or RingCalls.Eagain or RingCalls.Ebusy;

    private void SubmitAll()
    {
        for (int i = 0; i < SubmitTries; i++)
        {
            Submit();
            if (Queued < _submissionCount) return;
            Thread.Yield();
        }
        Debug.Assert(Queued == _submissionCount, "still full");
        throw new IOException("io_uring_enter: the kernel takes no submissions");
    }
}
