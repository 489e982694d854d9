using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Millrace.Net.Tests;

public class IpEndpointTests
{
    [Theory]
    [InlineData("127.0.0.1", 50312, "127.0.0.1:50312")]
    [InlineData("0.0.0.0", 0, "0.0.0.0:0")]
    [InlineData("255.254.253.252", 65535, "255.254.253.252:65535")]
    [InlineData("::1", 6379, "[::1]:6379")]
    [InlineData("2001:db8:1:2:3:4:5:6", 80, "[2001:db8:1:2:3:4:5:6]:80")]
    [InlineData("::ffff:10.1.2.3", 80, "[::ffff:10.1.2.3]:80")]
    [InlineData("fe80::1%7", 80, "[fe80::1%7]:80")]
    public void The_text_is_the_one_of_the_framework_from_either_source(string address, int port, string text)
    {
        var end = new IPEndPoint(IPAddress.Parse(address), port);
        Assert.Equal(text, IpEndpoint.Of(end).ToString());
        Assert.Equal(text, IpEndpoint.Parse(Binary(end)).ToString());
        Assert.Equal(IpEndpoint.Of(end), IpEndpoint.Parse(Binary(end)));
        Assert.Equal(end.ToString(), text);
    }

    [Fact]
    public void Random_addresses_survive()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        for (int i = 0; i < 2000; i++)
        {
            byte[] bytes = new byte[random.Next(2) == 0 ? 4 : 16];
            random.NextBytes(bytes);
            var end = new IPEndPoint(new IPAddress(bytes), random.Next(65536));
            Assert.True(end.ToString() == IpEndpoint.Of(end).ToString(), $"seed {seed}: {end}");
            Assert.True(end.ToString() == IpEndpoint.Parse(Binary(end)).ToString(), $"seed {seed}: {end}");
        }
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.255.0.3", true)]
    [InlineData("126.255.255.255", false)]
    [InlineData("128.0.0.1", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("::1", true)]
    [InlineData("::2", false)]
    [InlineData("1::1", false)]
    [InlineData("::", false)]
    [InlineData("::127.0.0.1", false)]
    [InlineData("::ffff:127.0.0.1", true)]
    [InlineData("::ffff:127.8.0.1", true)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("1::ffff:127.0.0.1", false)]
    public void Loopback_is_told_from_all_others(string address, bool isLoopback) =>
        Assert.Equal(isLoopback, IpEndpoint.Of(new IPEndPoint(IPAddress.Parse(address), 1)).IsLoopback);

    [Fact]
    public void What_is_no_IP_address_is_nothing()
    {
        byte[] unix = [1, 0, (byte)'/', (byte)'x', 0];
        byte[] whole = Binary(new IPEndPoint(IPAddress.IPv6Loopback, 1));
        Assert.True(IpEndpoint.Parse(unix).IsNone);
        for (int length = 0; length < whole.Length; length++)
            Assert.True(IpEndpoint.Parse(whole.AsSpan(0, length)).IsNone);
        byte[] four = Binary(new IPEndPoint(IPAddress.Loopback, 1));
        for (int length = 0; length < 8; length++) Assert.True(IpEndpoint.Parse(four.AsSpan(0, length)).IsNone);
        Assert.True(IpEndpoint.Of(null).IsNone);
        Assert.True(IpEndpoint.Of(new UnixDomainSocketEndPoint("/x")).IsNone);
        Assert.False(default(IpEndpoint).IsLoopback);
        Assert.Equal("", default(IpEndpoint).ToString());
    }

    [Fact]
    public void Ends_are_equal_by_address_zone_and_port()
    {
        static IpEndpoint End(string address, int port) =>
            IpEndpoint.Of(new IPEndPoint(IPAddress.Parse(address), port));
        Assert.Equal(End("10.0.0.1", 5), End("10.0.0.1", 5));
        Assert.NotEqual(End("10.0.0.1", 5), End("10.0.0.1", 6));
        Assert.NotEqual(End("10.0.0.1", 5), End("10.0.0.2", 5));
        Assert.NotEqual(End("fe80::1%1", 5), End("fe80::1%2", 5));
        Assert.NotEqual(End("0.0.0.0", 5), End("::", 5));
    }

    [Fact]
    public void It_takes_24_bytes() => Assert.Equal(24, Unsafe.SizeOf<IpEndpoint>());

    // As the system lays it out: sockaddr_in, sockaddr_in6.
    private static byte[] Binary(IPEndPoint end)
    {
        bool isSix = end.AddressFamily == AddressFamily.InterNetworkV6;
        byte[] bytes = new byte[isSix ? 28 : 16];
        BitConverter.TryWriteBytes(bytes, (ushort)(isSix ? 10 : 2));
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)end.Port);
        end.Address.GetAddressBytes().CopyTo(bytes.AsSpan(isSix ? 8 : 4));
        if (isSix) BitConverter.TryWriteBytes(bytes.AsSpan(24), (uint)end.Address.ScopeId);
        return bytes;
    }
}
