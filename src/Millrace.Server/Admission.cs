using Millrace.Net;
using Millrace.Server.Config;

namespace Millrace.Server;

/// <summary>
/// Decides who may come in, and numbers those who do. Thread-safe.
/// </summary>
public sealed class Admission(Configuration configuration)
{
    private long _lastId;
    private long _connected;
    private long _refused;

    /// <summary>Clients connected now.</summary>
    public long Connected => Volatile.Read(ref _connected);

    /// <summary>Connections refused because there were too many.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>The error line to send to a connection that is refused; empty when it is admitted and
    /// counted.</summary>
    public ReadOnlySpan<byte> Refusal(Connection connection)
    {
        var settings = configuration.Settings;
        if (Interlocked.Increment(ref _connected) > settings.MaxClients)
        {
            Interlocked.Decrement(ref _connected);
            Interlocked.Increment(ref _refused);
            return "-ERR max number of clients reached\r\n"u8;
        }

        var isLocal = connection.IsLoopback || connection.IsUnixSocket;
        if (isLocal || !settings.ProtectedMode || settings.RequirePass.Length > 0) return default;
        Interlocked.Decrement(ref _connected);
        Interlocked.Increment(ref _refused);
        return Denied;
    }

    /// <summary>A client that was admitted is gone.</summary>
    public void Left() => Interlocked.Decrement(ref _connected);

    /// <summary>The next client's number; never given twice.</summary>
    public long NextClientId() => Interlocked.Increment(ref _lastId);

    /// <summary>Clears the statistics.</summary>
    public void ResetStatistics() => Volatile.Write(ref _refused, 0);

    private static ReadOnlySpan<byte> Denied =>
        "-DENIED Redis is running in protected mode because protected mode is enabled and no password "u8
        + "is set for the default user. In this mode connections are only accepted from the loopback "u8
        + "interface. If you want to connect from external computers to Redis you may adopt one of the "u8
        + "following solutions: 1) Just disable protected mode sending the command 'CONFIG SET "u8
        + "protected-mode no' from the loopback interface by connecting to Redis from the same host the "u8
        + "server is running, however MAKE SURE Redis is not publicly accessible from internet if you do "u8
        + "so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable "u8
        + "the protected mode by editing the Redis configuration file, and setting the protected mode "u8
        + "option to 'no', and then restarting the server. 3) If you started the server manually just for "u8
        + "testing, restart it with the '--protected-mode no' option. 4) Setup a an authentication "u8
        + "password for the default user. NOTE: You only need to do one of the above things in order for "u8
        + "the server to start accepting connections from the outside.\r\n"u8;
}
