using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Millrace.AspNetCore.Tests;

/// <summary>Web servers of the tests: Kestrel on a free port of 127.0.0.1.</summary>
internal static class WebServers
{
    /// <summary>Starts one with these services and endpoints.</summary>
    internal static async Task<WebApplication> Start(
        Action<IServiceCollection> services, Action<WebApplication> endpoints)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddRouting();
        services(builder.Services);
        WebApplication server = builder.Build();
        endpoints(server);
        await server.StartAsync();
        return server;
    }

    /// <summary>The address of a path of one.</summary>
    internal static Uri Address(this WebApplication server, string path) => new(new Uri(server.Urls.Single()), path);
}
