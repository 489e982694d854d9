namespace Millrace.Compat.Tests.Servers;

/// <summary>A real Redis and the server under test, fresh, for the tests of one class.</summary>
public sealed class ServerPair : IDisposable
{
    /// <summary>Starts both.</summary>
    public ServerPair()
    {
        Redis = ServerProcess.StartRedis();
        try
        {
            Millrace = ServerProcess.StartMillrace();
        }
        catch
        {
            Redis.Dispose();
            throw;
        }
    }

    /// <summary>The reference.</summary>
    public ServerProcess Redis { get; }

    /// <summary>The server under test.</summary>
    public ServerProcess Millrace { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Millrace.Dispose();
        Redis.Dispose();
    }
}

/// <summary>The server under test alone, fresh, for the tests of one class.</summary>
public sealed class MillraceAlone : IDisposable
{
    /// <summary>The server.</summary>
    public ServerProcess Server { get; } = ServerProcess.StartMillrace();

    /// <inheritdoc/>
    public void Dispose() => Server.Dispose();
}
