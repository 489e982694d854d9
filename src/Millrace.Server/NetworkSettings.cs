using System.Net;
using Millrace.Net;
using Millrace.Server.Config;
using Millrace.Server.Logging;

namespace Millrace.Server;

/// <summary>
/// Opens the listeners that settings name, and follows CONFIG SET of port, bind and keep-alive.
/// </summary>
/// <remarks>At run time all loops stand still while it works. New listeners open before old ones close, but for those
/// that are in their way, which are opened again when the change fails: it leaves the server reachable as
/// before.</remarks>
public sealed class NetworkSettings(ServerParts parts) : ISettingsListener
{
    /// <inheritdoc/>
    public SettingsFault? Apply(Settings before, Settings after)
    {
        var isSame = before.Port == after.Port && before.Bind.SequenceEqual(after.Bind, StringComparer.Ordinal);
        var fault = isSame ? null : Listen(before, after);
        if (fault is null) parts.Loops.TcpKeepAliveSeconds = after.TcpKeepAliveSeconds;
        return fault;
    }

    private SettingsFault? Listen(Settings before, Settings after)
    {
        if (parts.Loops.IsStopping)
            return new SettingsFault(before.Port != after.Port ? "port" : "bind", "The server is shutting down.");
        var leaving = parts.Loops.Listeners.Where(static one => !one.Endpoint.IsUnix).ToList();
        var coming = new List<(string Address, ListenEndpoint Endpoint, bool IsOptional)>();
        foreach (var address in after.Port == 0 ? [] : after.Bind)
        {
            // Names are resolved at start only: all loops stand still now, and a resolver may take its time.
            var endpoint = EndpointOf(address, after, mayResolve: false, out var isOptional);
            if (endpoint is null)
            {
                Warn(parts.Journal, address, after, "Name or service not known");
                return Fault(before, after);
            }

            var existing = leaving.FirstOrDefault(one => Same(one.Endpoint, endpoint));
            if (existing is not null) leaving.Remove(existing);
            else coming.Add((address, endpoint, isOptional));
        }

        var opened = new List<Listener>();
        var closed = new List<ListenEndpoint>();
        foreach (var (address, endpoint, isOptional) in coming)
        {
            var listener = TryListen(endpoint, leaving, closed, out var error);
            if (listener is not null)
            {
                opened.Add(listener);
            }
            else if (!isOptional || !error!.IsAddressMissing)
            {
                Warn(parts.Journal, address, after, error!.ToString());
                Undo(opened, closed);
                return Fault(before, after);
            }
        }

        foreach (var listener in leaving) listener.Close();
        return null;
    }

    // An address may be taken by one that is going to be left: all addresses hold each single one of the same port.
    private Listener? TryListen(
        ListenEndpoint endpoint, List<Listener> leaving, List<ListenEndpoint> closed, out BindError? error)
    {
        var listener = parts.Loops.TryListen(endpoint, out error);
        var inTheWay = leaving.Where(one => one.Endpoint.Port == endpoint.Port).ToList();
        if (listener is not null || inTheWay.Count == 0 || !error!.IsAddressInUse) return listener;
        foreach (var one in inTheWay)
        {
            one.Close();
            leaving.Remove(one);
            closed.Add(one.Endpoint);
        }

        return parts.Loops.TryListen(endpoint, out error);
    }

    private void Undo(List<Listener> opened, List<ListenEndpoint> closed)
    {
        foreach (var listener in opened) listener.Close();
        foreach (var endpoint in closed)
        {
            if (parts.Loops.TryListen(endpoint, out var error) is null)
                parts.Journal.Warning($"Could not listen again on {endpoint.Address}:{endpoint.Port}: {error}");
        }
    }

    /// <summary>Opens all listeners of the settings at start.</summary>
    /// <returns>Null, or the line that says why the server cannot start; warnings have been logged.</returns>
    internal static string? Open(ServerParts parts, Settings settings)
    {
        if (settings.Port != 0)
        {
            foreach (var address in settings.Bind)
            {
                var endpoint = EndpointOf(address, settings, mayResolve: true, out var isOptional);
                BindError? error = null;
                if (endpoint is not null && parts.Loops.TryListen(endpoint, out error) is not null) continue;
                if (isOptional && error is { IsAddressMissing: true }) continue;
                Warn(parts.Journal, address, settings, error?.ToString() ?? "Name or service not known");
                return $"Failed listening on port {settings.Port} (tcp), aborting.";
            }
        }

        if (settings.UnixSocket is null) return null;
        var mode = settings.UnixSocketPermissions == 0
            ? (UnixFileMode?)null
            : (UnixFileMode)settings.UnixSocketPermissions;
        var unix = ListenEndpoint.Unix(settings.UnixSocket, mode) with { Backlog = settings.TcpBacklog };
        if (parts.Loops.TryListen(unix, out var fault) is not null) return null;
        parts.Journal.Warning($"Failed opening Unix socket: {fault}");
        return "Failed opening Unix socket, aborting.";
    }

    private static void Warn(Log journal, string address, Settings settings, string reason) =>
        journal.Warning(
            "Warning: Could not create server TCP listening socket " +
            $"{address.TrimStart('-')}:{settings.Port}: {reason}");

    private static ListenEndpoint? EndpointOf(
        string address, Settings settings, bool mayResolve, out bool isOptional)
    {
        isOptional = address.StartsWith('-');
        var name = isOptional ? address[1..] : address;
        if (!ListenEndpoint.TryParseAddress(name, out var parsed) && mayResolve) parsed = Resolved(name);
        return Equals(parsed, IPAddress.None)
            ? null
            : ListenEndpoint.Tcp(parsed, settings.Port) with { Backlog = settings.TcpBacklog };
    }

    private static IPAddress Resolved(string name)
    {
        try
        {
            return Dns.GetHostAddresses(name) is [var first, ..] ? first : IPAddress.None;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return IPAddress.None;
        }
    }

    private static bool Same(ListenEndpoint one, ListenEndpoint other) =>
        !one.IsUnix && one.Port == other.Port && Equals(one.Address, other.Address);

    private static SettingsFault Fault(Settings before, Settings after)
    {
        var bind = new SettingsFault("bind", "Failed to bind to specified addresses.");
        if (before.Port == after.Port) return bind;
        const string reason = "Unable to listen on this port. Check server logs.";
        return new SettingsFault("port", reason, before.Bind.SequenceEqual(after.Bind) ? null : bind);
    }
}
