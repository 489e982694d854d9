using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Tools;
using StackExchange.Redis;

namespace Millrace.AspNetCore.Tests;

/// <summary>The key ring of Microsoft.AspNetCore.DataProtection.StackExchangeRedis.</summary>
public sealed class DataProtectionTests(MillraceAlone fixture) : IClassFixture<MillraceAlone>
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task What_one_application_protects_another_reads(int protocol)
    {
        using ConnectionMultiplexer client = await Multiplexers.Connect(fixture.Server, protocol);
        string text = Protector(client, protocol).Protect("mill");
        Assert.NotEqual("mill", text);
        Assert.Equal("mill", Protector(client, protocol).Unprotect(text));
        Assert.Equal(1, await client.GetDatabase().ListLengthAsync($"keys:{protocol}"));
    }

    private static IDataProtector Protector(ConnectionMultiplexer client, int protocol)
    {
        var services = new ServiceCollection();
        services.AddDataProtection().SetApplicationName("mill")
            .PersistKeysToStackExchangeRedis(client, $"keys:{protocol}");
        return services.BuildServiceProvider().GetDataProtector("purpose");
    }
}
