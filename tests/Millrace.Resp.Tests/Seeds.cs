// Seeds of random tests: half of the rounds are the same in every run, half are fresh. A failure prints its seed.

namespace Millrace.Resp.Tests;

internal static class Seeds
{
    private static readonly int Fresh = Environment.TickCount & 0x3FFF_FFFF;

    public static int Of(int round) => round % 2 == 0 ? round : Fresh + round;
}
