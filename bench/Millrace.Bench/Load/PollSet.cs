// epoll, receive and send for the generator, as plain system calls: the load has to come in the same portions as that
// of a client written in C. A socket that is to be watched for something else is taken out of the set and put in again,
// as redis-benchmark does: a generator that saves these calls keeps a fast server busier, and all looks cheaper.

using System.Buffers.Binary;
using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Millrace.Bench.Load;

/// <summary>Tells which sockets can be read or written. Linux.</summary>
internal sealed class PollSet : IDisposable
{
    private const int AddSocket = 1; // EPOLL_CTL_ADD
    private const int RemoveSocket = 2; // EPOLL_CTL_DEL
    private const uint Readable = 1; // EPOLLIN
    private const uint Writable = 4; // EPOLLOUT
    private const int DontWait = 0x40; // MSG_DONTWAIT
    private const int NoSignal = 0x4000; // MSG_NOSIGNAL
    private const int TryAgain = 11; // EAGAIN
    private const int Interrupted = 4; // EINTR

    private readonly int _descriptor;
    private readonly byte[] _events;
    private readonly byte[] _change;
    private readonly int _capacity;
    private readonly int _stride;
    private readonly int _tagOffset;

    public PollSet(int capacity)
    {
        // struct epoll_event is packed on x86-64 only.
        var isPacked = RuntimeInformation.ProcessArchitecture == Architecture.X64;
        (_stride, _tagOffset) = isPacked ? (12, 4) : (16, 8);
        _capacity = capacity;
        _events = new byte[capacity * _stride];
        _change = new byte[_stride];
        _descriptor = Checked(Create(0));
    }

    /// <summary>Watches a socket that is not watched until it can be read; <paramref name="tag"/> comes back
    /// then.</summary>
    public void WatchReadable(int socket, int tag) => Apply(AddSocket, socket, tag, Readable);

    /// <summary>Watches a socket that is not watched until it can be written.</summary>
    public void WatchWritable(int socket, int tag) => Apply(AddSocket, socket, tag, Writable);

    /// <summary>Watches a socket no more.</summary>
    public void Remove(int socket) => Apply(RemoveSocket, socket, 0, 0);

    /// <summary>Waits until a socket can be read, or for at most so many milliseconds; -1: for ever.</summary>
    /// <returns>How many can be read; <see cref="TagAt"/> names them.</returns>
    public int Wait(int timeoutMs)
    {
        var count = Wait(_descriptor, _events, _capacity, timeoutMs);
        return count < 0 && Marshal.GetLastPInvokeError() == Interrupted ? 0 : Checked(count);
    }

    /// <summary>The tag of a socket that the last wait reported.</summary>
    public int TagAt(int index) =>
        BinaryPrimitives.ReadInt32LittleEndian(_events.AsSpan((index * _stride) + _tagOffset));

    /// <summary>Whether a socket that the last wait reported can be written rather than read.</summary>
    public bool IsWritableAt(int index) =>
        (BinaryPrimitives.ReadUInt32LittleEndian(_events.AsSpan(index * _stride)) & Writable) != 0;

    /// <summary>Takes what has arrived; 0 when nothing has. A peer that has closed is an error here.</summary>
    public static int Receive(int socket, ArraySegment<byte> room)
    {
        var count = (int)Receive(socket, ref room.Array![room.Offset], room.Count, DontWait);
        if (count > 0) return count;
        if (count < 0 && Marshal.GetLastPInvokeError() is TryAgain or Interrupted) return 0;
        throw new IOException("the server closed a connection");
    }

    /// <summary>Sends all of it; waits while the server does not read.</summary>
    public static void Send(int socket, byte[] buffer, int length)
    {
        for (var sent = 0; sent < length;)
            sent += Checked((int)Send(socket, ref buffer[sent], length - sent, NoSignal));
    }

    public void Dispose() => _ = Close(_descriptor);

    private void Apply(int operation, int socket, int tag, uint events)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_change, events);
        BinaryPrimitives.WriteInt32LittleEndian(_change.AsSpan(_tagOffset), tag);
        Checked(Control(_descriptor, operation, socket, _change));
    }

    private static int Checked(int result) =>
        result >= 0 ? result : throw new Win32Exception(Marshal.GetLastPInvokeError());

    [DllImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Create(int flags);

    [DllImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Control(int set, int operation, int socket, byte[] change);

    [DllImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Wait(int set, byte[] events, int capacity, int timeoutMs);

    [DllImport("libc", EntryPoint = "recv", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Receive(int socket, ref byte buffer, nint length, int flags);

    [DllImport("libc", EntryPoint = "send", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Send(int socket, ref byte buffer, nint length, int flags);

    [DllImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int descriptor);
}
