// The system's binary socket addresses as text. Untrusted only in length: every read is bounds-checked by the span.
//
//     AF_INET   [ family u16 | port u16 big-endian | address 4 ]                                16 bytes
//     AF_INET6  [ family u16 | port u16 big-endian | flow info u32 | address 16 | scope u32 ]   28 bytes
//     AF_UNIX   [ family u16 | path ]
// Source: ip(7), ipv6(7), unix(7).

using System.Buffers.Binary;
using System.Net;

namespace Millrace.Net;

internal static class SocketAddressText
{
    private const int Inet = 2;
    private const int Inet6 = 10;

    /// <summary>The address and port, or null when it is no IP address.</summary>
    public static IPEndPoint? Parse(ReadOnlySpan<byte> address)
    {
        if (address.Length < 2) return null;
        int family = BitConverter.ToUInt16(address);
        if (family == Inet && address.Length >= 8)
            return new IPEndPoint(new IPAddress(address.Slice(4, 4)), PortOf(address));
        if (family == Inet6 && address.Length >= 28)
        {
            uint scope = BitConverter.ToUInt32(address[24..]);
            return new IPEndPoint(new IPAddress(address.Slice(8, 16), scope), PortOf(address));
        }
        return null;
    }

    /// <summary>The address and port that a socket is bound to; empty when it has none.</summary>
    public static string OfLocal(int descriptor)
    {
        Span<byte> address = stackalloc byte[LinuxCalls.AddressBytes];
        int result = LinuxCalls.LocalAddress(descriptor, address, out int length);
        return result < 0 ? "" : Parse(address[..length])?.ToString() ?? "";
    }

    private static int PortOf(ReadOnlySpan<byte> address) => BinaryPrimitives.ReadUInt16BigEndian(address[2..]);
}
