// The pollers that every behaviour is tested on, as rows of a theory.

namespace Millrace.Net.Tests;

/// <summary>Each poller that this system has.</summary>
public sealed class Pollers : TheoryData<PollerKind>
{
    public Pollers()
    {
        if (OperatingSystem.IsLinux())
        {
            Add(PollerKind.Epoll);
            Add(PollerKind.IoUring);    // where the system refuses it this is epoll once more
        }
        Add(PollerKind.Sockets);
    }
}

/// <summary>Tests that count the process's descriptors or limit them: they run alone.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}
