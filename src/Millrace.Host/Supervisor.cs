// Tells the program that supervises this one when it is ready and when it stops.
//
//   systemd   datagrams to the Unix socket that NOTIFY_SOCKET names (sd_notify(3)); a leading @ is an abstract address
//   upstart   the process stops itself once with SIGSTOP; upstart continues it

using System.Net.Sockets;
using System.Text;
using Millrace.Server.Config;
using Millrace.Server.Logging;

namespace Millrace.Host;

/// <summary>The supervisor of this process, or none.</summary>
internal sealed class Supervisor
{
    private const string SystemdVariable = "NOTIFY_SOCKET";
    private const string UpstartVariable = "UPSTART_JOB";

    private readonly string? _socketPath;
    private readonly Log _log;

    private Supervisor(bool isActive, string? socketPath, Log log)
    {
        IsActive = isActive;
        _socketPath = socketPath;
        _log = log;
    }

    /// <summary>Somebody supervises the process; it must not leave for the background.</summary>
    internal bool IsActive { get; }

    /// <summary>Finds the supervisor that the settings ask for, and tells it that the server is starting.</summary>
    /// <param name="wanted">What the settings ask for.</param>
    /// <param name="log">Where it is said.</param>
    internal static Supervisor Choose(Supervision wanted, Log log)
    {
        string? socket = Environment.GetEnvironmentVariable(SystemdVariable);
        string? job = Environment.GetEnvironmentVariable(UpstartVariable);
        if (wanted == Supervision.Auto)
        {
            wanted = job is not null ? Supervision.Upstart
                : socket is not null ? Supervision.Systemd
                : Supervision.None;
        }

        return wanted switch
        {
            Supervision.Systemd => Systemd(socket, log),
            Supervision.Upstart => Upstart(job, log),
            _ => new Supervisor(isActive: false, null, log),
        };
    }

    /// <summary>Sends a state to systemd; does nothing under another supervisor. Never fails.</summary>
    /// <param name="state">Lines of NAME=value.</param>
    internal void Notify(string state) => TryNotify(state);

    private static Supervisor Systemd(string? socket, Log log)
    {
        if (string.IsNullOrEmpty(socket))
        {
            log.Warning("systemd supervision requested, but NOTIFY_SOCKET not found!");
            return new Supervisor(isActive: false, null, log);
        }

        var supervisor = new Supervisor(isActive: true, socket, log);
        if (!supervisor.TryNotify("STATUS=Millrace is loading...\n")) return new Supervisor(isActive: false, null, log);
        log.Notice(
            "Supervised by systemd. Please make sure you set appropriate values for TimeoutStartSec and TimeoutStopSec "
            + "in your service unit.");
        return supervisor;
    }

    private static Supervisor Upstart(string? job, Log log)
    {
        if (job is null)
        {
            log.Warning("upstart supervision requested, but UPSTART_JOB not found!");
            return new Supervisor(isActive: false, null, log);
        }

        log.Notice("supervised by upstart, will stop to signal readiness.");
        Environment.SetEnvironmentVariable(UpstartVariable, null);
        PosixCalls.StopThisProcess();
        return new Supervisor(isActive: true, null, log);
    }

    private bool TryNotify(string state)
    {
        if (_socketPath is null) return false;
        try
        {
            string address = _socketPath[0] == '@' ? "\0" + _socketPath[1..] : _socketPath;
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.SendTo(Encoding.UTF8.GetBytes(state), new UnixDomainSocketEndPoint(address));
            return true;
        }
        catch (Exception fault) when (fault is SocketException or ArgumentException)
        {
            _log.Warning($"Could not notify systemd: {fault.Message}");
            return false;
        }
    }
}
