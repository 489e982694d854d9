namespace Millrace.Server.Tests.Persistence;

/// <summary>A server that is still loading its file when its clients come: each key takes a while.</summary>
internal sealed class LoadingServer : IDisposable
{
    private readonly Task<string?> _start;

    /// <summary>Starts a server on the file of a directory; returns when it listens.</summary>
    public LoadingServer(SnapshotDirectory directory, params string[] directives)
    {
        Server = InProcessServer.Make(
            1L << 40, ["--dir", directory.FullPath, "--enable-debug-command", "yes", .. directives]);
        _start = Task.Factory.StartNew(Server.Start, TaskCreationOptions.LongRunning);
        while (Server.Loading.TotalBytes == 0 && !_start.IsCompleted) Thread.Sleep(1);
    }

    public MillraceServer Server { get; }

    public Conversation Connect() => new(Server.Parts.Configuration.Settings.Port);

    /// <summary>Returns when the start is over, with what it says.</summary>
    public string? WaitForStart()
    {
        Assert.True(_start.Wait(20_000));
        return _start.Result;
    }

    public void Dispose() => Server.Dispose();
}
