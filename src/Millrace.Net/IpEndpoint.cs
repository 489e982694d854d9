// One end of a TCP connection as a plain value, so that a connection keeps no object for an address that hardly anybody
// asks for; the text is made when somebody does.
//
//     _high _low   the address in network order; an IPv4 address is in the first four bytes of _high, the rest is zero
//     _scope       the zone of a link-local IPv6 address
//     _port        the port
//     _family      4, 6, or 0 for no address                                                                  24 bytes
//
// It also reads the system's binary addresses, which are untrusted only in length: every read is bounds-checked.
//
//     AF_INET   [ family u16 | port u16 big-endian | address 4 ]                                16 bytes
//     AF_INET6  [ family u16 | port u16 big-endian | flow info u32 | address 16 | scope u32 ]   28 bytes
//     AF_UNIX   [ family u16 | path ]                                                           no IP address
// Source: ip(7), ipv6(7), unix(7).

using System.Buffers.Binary;
using System.Net;

namespace Millrace.Net;

/// <summary>An IP address and a port, or nothing.</summary>
internal readonly record struct IpEndpoint
{
    private const int Inet = 2;
    private const int Inet6 = 10;
    private const byte Four = 4;
    private const byte Six = 6;
    private const int FourBytes = 4;
    private const int SixBytes = 16;

    private readonly ulong _high;
    private readonly ulong _low;
    private readonly uint _scope;
    private readonly ushort _port;
    private readonly byte _family;

    private IpEndpoint(byte family, ReadOnlySpan<byte> address, uint scope, ushort port)
    {
        Span<byte> padded = stackalloc byte[SixBytes];
        padded.Clear();
        address.CopyTo(padded);
        _high = BinaryPrimitives.ReadUInt64BigEndian(padded);
        _low = BinaryPrimitives.ReadUInt64BigEndian(padded[sizeof(ulong)..]);
        _scope = scope;
        _port = port;
        _family = family;
    }

    /// <summary>There is no IP address.</summary>
    public bool IsNone => _family == 0;

    /// <summary>127.0.0.0/8, also within IPv6 (::ffff:127.0.0.0/104), or ::1.</summary>
    public bool IsLoopback => _family switch
    {
        Four => _high >> 56 == 127,
        Six => _high == 0 && (_low == 1 || _low >> 24 == 0xffff_7f),
        _ => false,
    };

    private IPAddress Address
    {
        get
        {
            Span<byte> bytes = stackalloc byte[SixBytes];
            BinaryPrimitives.WriteUInt64BigEndian(bytes, _high);
            BinaryPrimitives.WriteUInt64BigEndian(bytes[sizeof(ulong)..], _low);
            return _family == Four ? new IPAddress(bytes[..FourBytes]) : new IPAddress(bytes, _scope);
        }
    }

    /// <summary>Reads an address of the system; nothing when it is no IP address.</summary>
    /// <param name="address">A sockaddr, as far as the system has filled it.</param>
    public static IpEndpoint Parse(ReadOnlySpan<byte> address)
    {
        if (address.Length < 2) return default;
        int family = BitConverter.ToUInt16(address);
        if (family == Inet && address.Length >= 8)
            return new IpEndpoint(Four, address.Slice(4, FourBytes), 0, PortOf(address));
        if (family != Inet6 || address.Length < 28) return default;
        uint scope = BitConverter.ToUInt32(address[24..]);
        return new IpEndpoint(Six, address.Slice(8, SixBytes), scope, PortOf(address));
    }

    /// <summary>The value of an end; nothing when it is no IP address.</summary>
    /// <param name="end">An end of a socket; null for none.</param>
    public static IpEndpoint Of(EndPoint? end)
    {
        if (end is not IPEndPoint ip) return default;
        Span<byte> bytes = stackalloc byte[SixBytes];
        if (!ip.Address.TryWriteBytes(bytes, out int length)) return default;
        bool isSix = length == SixBytes;
        uint scope = isSix ? (uint)ip.Address.ScopeId : 0;
        return new IpEndpoint(isSix ? Six : Four, bytes[..length], scope, (ushort)ip.Port);
    }

    /// <summary>Such as <c>127.0.0.1:50312</c> or <c>[::1]:50312</c>; empty for nothing.</summary>
    public override string ToString() => IsNone ? "" : new IPEndPoint(Address, _port).ToString();

    private static ushort PortOf(ReadOnlySpan<byte> address) => BinaryPrimitives.ReadUInt16BigEndian(address[2..]);
}
