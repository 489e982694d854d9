// The ring by itself: queues that are too small for what is asked of them, and refusals.

namespace Millrace.Net.Tests.IoUring;

public class RingTests
{
    private const int Operations = 1000;

    [Fact]
    public void More_operations_than_both_queues_hold_complete_all_in_order()
    {
        if (IsRefused(out uint taskRun)) return;
        using Ring ring = Ring.TryCreate(8, 16, taskRun, out _)!;
        Assert.True(ring.Enable() >= 0);
        for (int i = 0; i < Operations; i++)
        {
            // There is no operation with that user data, which is said in a completion.
            ring.Queue(RingOperations.Cancel(ulong.MaxValue) with { UserData = (ulong)i });
        }
        for (int taken = 0; taken < Operations;)
        {
            if (ring.TryTake(out CompletionEntry completion))
            {
                Assert.Equal((ulong)taken++, completion.UserData);
                Assert.True(completion.Result < 0);
                continue;
            }
            Assert.True(ring.NeedsEnter, $"{taken} were taken, the others have gone");
            Assert.Equal(0, ring.Enter(0, 0));
        }
        Assert.False(ring.HasCompletions);
    }

    [Fact]
    public void A_wait_without_completions_ends_by_its_time()
    {
        if (IsRefused(out uint taskRun)) return;
        using Ring ring = Ring.TryCreate(8, 16, taskRun, out _)!;
        Assert.True(ring.Enable() >= 0);
        Assert.Equal(0, ring.Enter(1, 5));
        Assert.False(ring.TryTake(out _));
    }

    [Fact]
    public void Setup_flags_that_the_kernel_does_not_know_are_an_error_and_leave_nothing_open()
    {
        if (!OperatingSystem.IsLinux()) return;
        Assert.Null(Ring.TryCreate(8, 16, 1u << 30, out int error));
        Assert.NotEqual(0, error);
        Assert.NotEqual("", IoUringProbe.TextOf("io_uring_setup", error));
    }

    [Fact]
    public void A_ring_is_entered_by_the_thread_that_enabled_it_and_by_no_other()
    {
        if (IsRefused(out uint taskRun)) return;
        using Ring ring = Ring.TryCreate(8, 16, taskRun, out _)!;
        var owner = new Thread(() => ring.Enable());
        owner.Start();
        owner.Join();
        ring.Queue(RingOperations.Cancel(1));
        Assert.True(ring.Enter(0, 0) < 0);
    }

    [Fact]
    public void A_message_does_not_fit_into_a_block_that_is_too_small()
    {
        var output = new OutputQueue(null!);
        Assert.Throws<ArgumentOutOfRangeException>(
            () => RingCalls.FillMessage(new byte[RingCalls.MessageBytes - 1], output));
    }

    /// <summary>This system has no io_uring, and nothing can be tested.</summary>
    internal static bool IsRefused(out uint taskRun)
    {
        taskRun = 0;
        return !OperatingSystem.IsLinux() || IoUringProbe.Refusal(out taskRun) is not null;
    }
}
