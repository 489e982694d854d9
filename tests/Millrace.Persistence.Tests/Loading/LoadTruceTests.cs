using Millrace.Persistence.Loading;

namespace Millrace.Persistence.Tests.Loading;

/// <summary>Who loads and who looks on are never in at the same time, and neither keeps the other out for ever.
/// </summary>
public sealed class LoadTruceTests
{
    [Fact]
    public void Whoever_waits_to_enter_is_in_before_the_next_holder()
    {
        for (var round = 0; round < 50; round++)
        {
            var truce = new LoadTruce();
            var entered = 0;
            truce.Hold();
            var loader = new Thread(() =>
            {
                truce.Enter();
                entered++;
                truce.Leave();
            });
            loader.Start();
            Assert.True(SpinWait.SpinUntil(() => loader.ThreadState.HasFlag(ThreadState.WaitSleepJoin), 20_000));
            truce.Release();
            truce.Hold();
            Assert.Equal(1, entered);
            truce.Release();
            loader.Join();
        }
    }

    [Fact]
    public void Loaders_and_holders_are_never_in_together()
    {
        var truce = new LoadTruce();
        var (inside, wrong, held) = (0, 0, 0);
        var isOver = false;
        var loaders = Enumerable.Range(0, 3).Select(_ => new Thread(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                truce.Enter();
                Interlocked.Increment(ref inside);
                if (Volatile.Read(ref held) > 0) Interlocked.Increment(ref wrong);
                Interlocked.Decrement(ref inside);
                truce.Leave();
            }
        })).ToList();
        loaders.ForEach(static one => one.Start());
        for (var i = 0; i < 2_000; i++)
        {
            truce.Hold();
            Volatile.Write(ref held, 1);
            if (Volatile.Read(ref inside) > 0) Interlocked.Increment(ref wrong);
            Volatile.Write(ref held, 0);
            truce.Release();
        }

        Volatile.Write(ref isOver, true);
        loaders.ForEach(static one => one.Join());
        Assert.Equal(0, wrong);
    }
}
