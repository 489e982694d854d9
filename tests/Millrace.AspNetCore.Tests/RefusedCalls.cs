using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Tools;
using StackExchange.Redis;

namespace Millrace.AspNetCore.Tests;

/// <summary>
/// What INFO tells of calls that failed: the packages send much that they do not wait for, and an error of such a call
/// reaches nobody.
/// </summary>
internal static class RefusedCalls
{
    /// <summary>Fails if the server has refused a call or a call has failed since its start.</summary>
    internal static async Task AssertNone(ServerProcess server)
    {
        using ConnectionMultiplexer client = await Multiplexers.Connect(server, 3);
        IGrouping<string, KeyValuePair<string, string>>[] info =
            await client.GetServers().Single().InfoAsync("commandstats");
        // As each of its connections opens, the library asks whether there is a cluster.
        KeyValuePair<string, string>[] commands =
            [.. info.SelectMany(section => section).Where(command => !command.Key.StartsWith("cmdstat_cluster|"))];
        Assert.NotEmpty(commands);
        Assert.All(commands, command => Assert.EndsWith(",rejected_calls=0,failed_calls=0", command.Value));
    }
}
