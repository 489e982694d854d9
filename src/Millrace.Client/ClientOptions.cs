// How to reach a server and how to behave there: options of one connection, and their URI form.
//
//     redis://[user:password@]host[:port][/db]      a lone "name@" is a password, as redis-cli has it
//     unix://[user:password@]/path/of.sock[?db=n]
//
// Parts may be percent-encoded. rediss:// (TLS) is refused with a sentence until TLS is there.

using System.Globalization;
using Millrace.Resp;

namespace Millrace.Client;

/// <summary>Options of one connection; immutable.</summary>
public sealed record ClientOptions
{
    /// <summary>Host name or address of the server.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>TCP port.</summary>
    public int Port { get; init; } = 6379;

    /// <summary>Path of a Unix socket; if set, host and port are not used.</summary>
    public string? UnixSocketPath { get; init; }

    /// <summary>User name; null means the default user.</summary>
    public string? User { get; init; }

    /// <summary>Password; null means that no AUTH is sent.</summary>
    public string? Password { get; init; }

    /// <summary>Database to select.</summary>
    public int Database { get; init; }

    /// <summary>Protocol version, 2 or 3. For 3, HELLO is sent.</summary>
    public int Protocol { get; init; } = 2;

    /// <summary>Name of the connection (CLIENT SETNAME); null means none.</summary>
    public string? ClientName { get; init; }

    /// <summary>How long connecting and greeting may take.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a reply may take; infinite by default, since blocking commands may block.</summary>
    public TimeSpan ReplyTimeout { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>What the server may send.</summary>
    public ReplyLimits ReplyLimits { get; init; } = ReplyLimits.Default;

    /// <summary>Requests that may wait for replies at once; one more is refused.</summary>
    public int MaxPendingRequests { get; init; } = 1_000_000;

    /// <summary>Pushes that are kept for a reader of <see cref="RedisClient.Pushes"/>; the oldest are dropped
    /// beyond.</summary>
    public int MaxQueuedPushes { get; init; } = 65_536;

    /// <summary>Called for each push on the connection's reading task, instead of queueing it. Must not
    /// block.</summary>
    public Action<RespValue>? OnPush { get; init; }

    /// <summary>Where these options lead, for messages: <c>host:port</c> or the socket's path.</summary>
    public string Address =>
        UnixSocketPath ?? (Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}");

    /// <summary>Reads a URI.</summary>
    /// <param name="uri">See the head of this file.</param>
    /// <exception cref="FormatException">The URI is not understood; the message says what is wrong.</exception>
    public static ClientOptions FromUri(string uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        if (uri.StartsWith("rediss://", StringComparison.OrdinalIgnoreCase))
            throw new FormatException("rediss:// asks for TLS, which this client does not speak yet");
        if (uri.StartsWith("redis://", StringComparison.OrdinalIgnoreCase))
            return FromRedisUri(uri["redis://".Length..]);
        if (uri.StartsWith("unix://", StringComparison.OrdinalIgnoreCase)) return FromUnixUri(uri["unix://".Length..]);
        throw new FormatException($"'{uri}' is no URI of a server: it should start with redis:// or unix://");
    }

    private static ClientOptions FromRedisUri(string rest)
    {
        ClientOptions options = TakeCredentials(ref rest, rest.IndexOf('/', StringComparison.Ordinal));
        int slash = rest.IndexOf('/', StringComparison.Ordinal);
        string path = slash < 0 ? string.Empty : rest[(slash + 1)..];
        string authority = slash < 0 ? rest : rest[..slash];
        if (path.Length > 0) options = options with { Database = ParseDatabase(path) };

        string port = string.Empty;
        if (authority.StartsWith('['))
        {
            int close = authority.IndexOf(']', StringComparison.Ordinal);
            if (close < 0) throw new FormatException("the address in brackets is not closed");
            port = authority[(close + 1)..];
            if (port.Length > 0 && port[0] != ':')
                throw new FormatException("an address in brackets is followed by ':' only");
            port = port.TrimStart(':');
            authority = authority[1..close];
        }
        else if (authority.LastIndexOf(':') is int colon and >= 0)
        {
            port = authority[(colon + 1)..];
            authority = authority[..colon];
        }

        if (authority.Length > 0) options = options with { Host = Uri.UnescapeDataString(authority) };
        if (port.Length == 0) return options;
        if (!int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            || number is 0 or > 65535)
            throw new FormatException($"'{port}' is no port");
        return options with { Port = number };
    }

    private static ClientOptions FromUnixUri(string rest)
    {
        ClientOptions options = TakeCredentials(ref rest, rest.IndexOf('/', StringComparison.Ordinal));
        int question = rest.IndexOf('?', StringComparison.Ordinal);
        string query = question < 0 ? string.Empty : rest[(question + 1)..];
        string path = Uri.UnescapeDataString(question < 0 ? rest : rest[..question]);
        if (!path.StartsWith('/')) throw new FormatException("unix:// is followed by an absolute path");
        options = options with { UnixSocketPath = path };
        if (query.Length == 0) return options;
        if (!query.StartsWith("db=", StringComparison.Ordinal))
            throw new FormatException($"'{query}' is not understood: only db=<number> may follow the path");
        return options with { Database = ParseDatabase(query["db=".Length..]) };
    }

    private static ClientOptions TakeCredentials(ref string rest, int authorityEnd)
    {
        string authority = authorityEnd < 0 ? rest : rest[..authorityEnd];
        int at = authority.LastIndexOf('@');
        if (at < 0) return new ClientOptions();
        string credentials = rest[..at];
        rest = rest[(at + 1)..];
        int colon = credentials.IndexOf(':', StringComparison.Ordinal);
        string user = colon < 0 ? string.Empty : credentials[..colon];
        return new ClientOptions
        {
            User = user.Length == 0 ? null : Uri.UnescapeDataString(user),
            Password = Uri.UnescapeDataString(credentials[(colon + 1)..]),
        };
    }

    private static int ParseDatabase(string text)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int database)) return database;
        throw new FormatException($"'{text}' is no number of a database");
    }
}
