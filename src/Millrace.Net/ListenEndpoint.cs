// Where a listener listens.

using System.Globalization;
using System.Net;

namespace Millrace.Net;

/// <summary>A TCP address or the path of a Unix socket.</summary>
public sealed record ListenEndpoint
{
    private ListenEndpoint(IPAddress? address, int port, string? path, UnixFileMode? mode)
    {
        Address = address;
        Port = port;
        Path = path;
        Mode = mode;
    }

    /// <summary>The address to bind; null for a Unix socket.</summary>
    public IPAddress? Address { get; }

    /// <summary>The TCP port; 0 lets the system choose.</summary>
    public int Port { get; }

    /// <summary>The file name of a Unix socket; null for TCP.</summary>
    public string? Path { get; }

    /// <summary>The permissions of a Unix socket's file; null leaves them to the process's umask.</summary>
    public UnixFileMode? Mode { get; }

    /// <summary>Connections that the system may hold until they are accepted.</summary>
    public int Backlog { get; init; } = 511;

    /// <summary>It is a Unix socket.</summary>
    public bool IsUnix => Path is not null;

    /// <summary>A TCP address.</summary>
    /// <param name="address">IPv4 or IPv6; an IPv6 address takes IPv6 connections only.</param>
    /// <param name="port">The port; 0 lets the system choose.</param>
    public static ListenEndpoint Tcp(IPAddress address, int port)
    {
        ArgumentNullException.ThrowIfNull(address);
        return new ListenEndpoint(address, port, null, null);
    }

    /// <summary>A Unix socket.</summary>
    /// <param name="path">Its file; a stale one of an earlier process is replaced.</param>
    /// <param name="mode">Its permissions, in force before anybody can connect; null leaves them to the umask.</param>
    public static ListenEndpoint Unix(string path, UnixFileMode? mode = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new ListenEndpoint(null, 0, path, mode);
    }

    /// <summary>Reads an address as the <c>bind</c> directive has it: <c>*</c> for all of IPv4, <c>::*</c> for all of
    /// IPv6, or an address.</summary>
    /// <param name="text">The text, without the leading <c>-</c> of an optional one.</param>
    /// <param name="address">The address.</param>
    public static bool TryParseAddress(string text, out IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(text);
        address = text switch
        {
            "*" => IPAddress.Any,
            "::*" => IPAddress.IPv6Any,
            _ => IPAddress.TryParse(text, out IPAddress? parsed) ? parsed : IPAddress.None,
        };
        return !ReferenceEquals(address, IPAddress.None);
    }

    /// <inheritdoc/>
    public override string ToString() => Path ??
        string.Create(CultureInfo.InvariantCulture, $"{(Equals(Address, IPAddress.Any) ? "*" : Address)}:{Port}");
}
