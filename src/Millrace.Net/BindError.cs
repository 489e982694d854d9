// Why a listener could not be opened.

using System.Net.Sockets;

namespace Millrace.Net;

/// <summary>A failed attempt to listen.</summary>
/// <param name="Code">The kind of failure.</param>
/// <param name="Text">The system's words, such as <c>Address already in use</c>.</param>
/// <param name="Step">The call that failed: <c>socket</c>, <c>bind</c>, <c>chmod</c> or <c>listen</c>.</param>
public sealed record BindError(SocketError Code, string Text, string Step)
{
    /// <summary>The machine has no such address, or no such family: what an optional <c>bind</c> address may fail
    /// with.</summary>
    public bool IsAddressMissing => Code is SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported
        or SocketError.ProtocolNotSupported or SocketError.ProtocolFamilyNotSupported or SocketError.SocketNotSupported;

    /// <summary>Somebody else listens there, or on all addresses of the port.</summary>
    public bool IsAddressInUse => Code == SocketError.AddressAlreadyInUse;

    /// <inheritdoc/>
    public override string ToString() => $"{Step}: {Text}";
}

/// <summary>Thrown by <see cref="LoopGroup.Listen"/>.</summary>
/// <param name="endpoint">Where it could not listen.</param>
/// <param name="error">Why.</param>
public sealed class BindException(ListenEndpoint endpoint, BindError error)
    : IOException($"Could not create server {(endpoint.IsUnix ? "Unix" : "TCP")} listening socket {endpoint}: {error}")
{
    /// <summary>Why.</summary>
    public BindError Error { get; } = error;
}
