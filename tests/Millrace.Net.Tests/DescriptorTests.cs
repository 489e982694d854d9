// Descriptors: none is leaked, and running out of them neither kills the server nor makes it spin.
// These tests count and limit the descriptors of the whole process, so they run alone.

using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Millrace.Net.Tests;

[Collection(AloneCollection.Name)]
public class DescriptorTests
{
    private const int OpenFiles = 7;    // RLIMIT_NOFILE

    [Theory]
    [ClassData(typeof(Pollers))]
    public void Nothing_is_left_open_after_Stop(PollerKind poller)
    {
        if (!OperatingSystem.IsLinux()) return;
        ServeAndStop(poller, 5);    // the runtime opens its own on first use
        int before = CountOfSockets();
        for (int i = 0; i < 3; i++) ServeAndStop(poller, 100);
        TestServer.Until(() => CountOfSockets() <= before, $"{CountOfSockets()} are open after {before}");
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void A_group_that_was_never_started_leaves_nothing_open(PollerKind poller)
    {
        if (!OperatingSystem.IsLinux()) return;
        ServeAndStop(poller, 1);
        int before = CountOfSockets();
        var group = new LoopGroup(new LoopOptions { Count = 3, Poller = poller }, static _ => new SilentLoop());
        group.Listen(ListenEndpoint.Tcp(IPAddress.Loopback, 0));
        Assert.NotEqual(before, CountOfSockets());
        group.Dispose();
        TestServer.Until(() => CountOfSockets() <= before, "closed");
    }

    [Theory]
    [ClassData(typeof(Pollers))]
    public void Running_out_of_descriptors_is_survived_without_spinning(PollerKind poller)
    {
        if (!OperatingSystem.IsLinux()) return;
        // The limit is there before the server is: io_uring looks at it when it starts to accept.
        using var full = new FullTable();
        using var server = new TestServer(poller, TestServer.Echo, loops: 1,
            options: new LoopOptions { AcceptPauseMs = 20 });
        using (Socket first = server.Connect()) Say(first);     // all code has run and is loaded
        TestServer.Until(() => server.Closed.Count == 1, "closed");

        var late = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            ReceiveTimeout = TestServer.PatienceMs,
        };
        var address = new IPEndPoint(IPAddress.Loopback, server.Listener.Port);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        long turnsBefore = server.Group.Counters.Turns;
        full.Fill();
        late.Connect(address);      // the system's backlog takes it
        TestServer.Until(() => server.Group.Counters.AcceptFailures >= 3, "accept has failed");
        full.Relieve();
        Say(late);      // accepted after the rest
        late.Dispose();
        LoopCounters counters = server.Group.Counters;
        Assert.Equal(counters.AcceptFailures, server.AcceptFailures.Count);
        Assert.All(server.AcceptFailures,
            reason => Assert.StartsWith("Too many open files", reason, StringComparison.Ordinal));
        // One try per pause, and no turns without a reason. Timers are never early, so this holds on a slow machine
        // too.
        Assert.InRange(counters.AcceptFailures, 3, 2 + (watch.ElapsedMilliseconds / 20));
        Assert.InRange(counters.Turns - turnsBefore, 3, 50 + (10 * counters.AcceptFailures));
        Assert.Equal(2, counters.Accepted);
    }

    private static void ServeAndStop(PollerKind poller, int connections)
    {
        var server = new TestServer(poller, TestServer.Echo);
        var clients = Enumerable.Range(0, connections).Select(_ => server.Connect()).ToList();
        clients.ForEach(Say);
        foreach (Socket client in clients.Take(connections / 2)) client.Dispose();
        server.Dispose();
        clients.ForEach(client => client.Dispose());
        Assert.Equal(connections, server.Closed.Count);
    }

    private static void Say(Socket client)
    {
        client.SendAll("hello"u8);
        Assert.Equal("hello"u8.ToArray(), client.ReceiveExactly(5));
    }

    /// <summary>The open sockets and event descriptors; files come and go with the runtime's own work.</summary>
    private static int CountOfSockets()
    {
        int count = 0;
        foreach (FileSystemInfo entry in new DirectoryInfo("/proc/self/fd").EnumerateFileSystemInfos())
        {
            string target = entry.LinkTarget ?? "";
            if (target.StartsWith("socket:", StringComparison.Ordinal) ||
                target.StartsWith("anon_inode:[event", StringComparison.Ordinal) ||
                target.StartsWith("anon_inode:[io_uring", StringComparison.Ordinal)) count++;
        }
        return count;
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int getrlimit(int resource, ref Limit limit);

    [DllImport("libc", SetLastError = true)]
    private static extern int setrlimit(int resource, ref Limit limit);

    private struct Limit
    {
        public ulong Soft;
        public ulong Hard;
    }

    /// <summary>A process that has few descriptors, and none from <see cref="Fill"/> on, until it is
    /// disposed.</summary>
    private sealed class FullTable : IDisposable
    {
        private const int Spare = 200;
        private readonly List<SafeFileHandle> _fillers = [];
        private readonly Limit _before;

        public FullTable()
        {
            Assert.Equal(0, getrlimit(OpenFiles, ref _before));
            int highest = Directory.EnumerateFileSystemEntries("/proc/self/fd")
                .Max(path => int.Parse(Path.GetFileName(path), System.Globalization.CultureInfo.InvariantCulture));
            Limit tight = _before;
            tight.Soft = (ulong)highest + Spare;
            Assert.Equal(0, setrlimit(OpenFiles, ref tight));
        }

        public void Fill()
        {
            try
            {
                while (true) _fillers.Add(File.OpenHandle("/dev/null"));
            }
            catch (IOException)
            {
                // Full: that is what was wanted.
            }
        }

        public void Relieve()
        {
            Limit before = _before;
            Assert.Equal(0, setrlimit(OpenFiles, ref before));
            _fillers.ForEach(filler => filler.Dispose());
            _fillers.Clear();
        }

        public void Dispose() => Relieve();
    }

    private sealed class SilentLoop : LoopHandler
    {
        public override ConnectionHandler? Accepted(Connection connection) => null;
    }
}
