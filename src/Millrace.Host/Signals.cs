// What signals do: SIGTERM and SIGINT ask for a shutdown, a second SIGINT ends the process at once, SIGHUP does
// nothing. While data is loaded, a signal ends that, and the process, without saving. When a shutdown fails because
// data could not be saved, the server goes on, and the next signal asks again. While the periodic work rests (DEBUG
// PAUSE-CRON) a signal waits, until SHUTDOWN ABORT calls it off. SIGPIPE is ignored by the runtime; a write to a closed
// socket is an error that its owner handles.
//
// Handlers run on threads of the runtime, each on one of its own, not in signal context, so they may log and wait.

using System.Runtime.InteropServices;
using Millrace.Server;
using Millrace.Server.Config;
using Millrace.Server.Logging;

namespace Millrace.Host;

/// <summary>Handles signals while it lives.</summary>
internal sealed class Signals : IDisposable
{
    private readonly Configuration _configuration;
    private readonly Log _log;
    private readonly MillraceServer _server;
    private readonly PosixSignalRegistration[] _registrations;
    private int _requests;

    /// <summary>Starts to handle signals.</summary>
    /// <param name="configuration">Says what a signal's shutdown may do.</param>
    /// <param name="log">Where signals are said.</param>
    /// <param name="server">The server.</param>
    internal Signals(Configuration configuration, Log log, MillraceServer server)
    {
        _configuration = configuration;
        _log = log;
        _server = server;
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
            PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, static context => context.Cancel = true),
        ];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        bool isInterrupt = context.Signal == PosixSignal.SIGINT;
        if (Interlocked.Increment(ref _requests) > 1 && isInterrupt)
        {
            _log.Warning("You insist... exiting now.");
            _server.RemoveUnfinishedFiles();
            Environment.Exit(1);
        }

        _log.Warning(_server.IsLoading
            ? "Received shutdown signal during loading, scheduling shutdown."
            : $"Received {(isInterrupt ? "SIGINT" : "SIGTERM")} scheduling shutdown...");
        Settings settings = _configuration.Settings;
        ShutdownFlags flags = isInterrupt ? settings.ShutdownOnSigInt : settings.ShutdownOnSigTerm;
        if (!_server.RequestShutdownBySignal(flags)) Interlocked.Exchange(ref _requests, 0);
    }
}
