// The socket options of accepted TCP connections on Linux. Values: socket(7), tcp(7).

namespace Millrace.Net;

internal static class TcpOptions
{
    private const int LevelSocket = 1;
    private const int LevelTcp = 6;
    private const int KeepAlive = 9;
    private const int NoDelay = 1;
    private const int KeepIdle = 4;
    private const int KeepInterval = 5;
    private const int KeepCount = 6;
    private const int Probes = 3;

    /// <summary>No delay always; probes after so many seconds, then three a third of that apart, as Redis
    /// does.</summary>
    public static void Set(int descriptor, int keepAliveSeconds)
    {
        LinuxCalls.SetOption(descriptor, LevelTcp, NoDelay, 1);
        if (keepAliveSeconds <= 0) return;
        LinuxCalls.SetOption(descriptor, LevelSocket, KeepAlive, 1);
        LinuxCalls.SetOption(descriptor, LevelTcp, KeepIdle, keepAliveSeconds);
        LinuxCalls.SetOption(descriptor, LevelTcp, KeepInterval, Math.Max(keepAliveSeconds / Probes, 1));
        LinuxCalls.SetOption(descriptor, LevelTcp, KeepCount, Probes);
    }
}
