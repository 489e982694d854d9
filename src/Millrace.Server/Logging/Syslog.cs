// Log lines in the system's log: datagrams to the socket of the syslog daemon, in the form of syslog(3).
//
//     <facility * 8 + severity>Nov 23 10:11:29 ident[pid]: message
//
// A daemon that is not there or does not read loses lines; the server never waits for it. Called by one thread at a
// time.

using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Millrace.Server.Logging;

/// <summary>The system's log.</summary>
/// <param name="ident">The name that lines carry.</param>
/// <param name="facility">0 for user, 1 to 8 for local0 to local7.</param>
/// <param name="processId">The process id that lines carry.</param>
/// <param name="path">The daemon's socket.</param>
public sealed class Syslog(string ident, int facility, int processId, string path = Syslog.UsualPath) : IDisposable
{
    /// <summary>Where the daemon listens.</summary>
    public const string UsualPath = "/dev/log";

    private const int UserFacility = 1;
    private const int FirstLocalFacility = 16;
    private const int FacilityBits = 3;

    private readonly int _facility = facility == 0 ? UserFacility : FirstLocalFacility + facility - 1;
    private Socket? _socket;

    /// <summary>Severities by level: debug, info, notice, warning.</summary>
    private static ReadOnlySpan<byte> Severities => [7, 6, 5, 4];

    /// <summary>Sends one line, or drops it.</summary>
    /// <param name="level">Its importance, not <see cref="LogLevel.Nothing"/>.</param>
    /// <param name="now">Local time.</param>
    /// <param name="message">The message.</param>
    public void Write(LogLevel level, DateTimeOffset now, string message)
    {
        int priority = (_facility << FacilityBits) | Severities[(int)level];
        byte[] line = Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"<{priority}>{now:MMM} {now.Day,2} {now:HH:mm:ss} {ident}[{processId}]: {message}"));
        // Once more after the daemon has been started anew.
        if (!TrySend(line)) _ = TrySend(line);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket?.Dispose();
        _socket = null;
    }

    private bool TrySend(byte[] line)
    {
        try
        {
            if (_socket is null)
            {
                _socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
                _socket.Blocking = false;
                _socket.Connect(new UnixDomainSocketEndPoint(path));
            }

            _socket.Send(line);
            return true;
        }
        catch (SocketException fault)
        {
            if (fault.SocketErrorCode == SocketError.WouldBlock) return true;
            Dispose();
            return false;
        }
    }
}
