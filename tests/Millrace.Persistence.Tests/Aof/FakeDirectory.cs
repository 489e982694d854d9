using Millrace.Persistence.Aof;

namespace Millrace.Persistence.Tests.Aof;

/// <summary>
/// A directory in memory that keeps apart what was written and what would be there after a power failure, and in which
/// one step, counted from 0, fails.
/// </summary>
internal sealed class FakeDirectory : IAofDirectory
{
    private readonly Dictionary<string, byte[]> _files = [];
    private readonly Dictionary<string, byte[]> _synced = [];
    private Dictionary<string, byte[]> _onDisk = [];
    private int _steps;

    /// <summary>The step that fails; before that nothing does.</summary>
    internal int FailingStep { get; set; } = int.MaxValue;

    /// <summary>What was done, in order.</summary>
    internal List<string> Steps { get; } = [];

    /// <summary>Files as a process sees them.</summary>
    internal IReadOnlyDictionary<string, byte[]> Files => _files;

    /// <summary>Files as they are after a power failure: what of a file was not synced is lost.</summary>
    internal IReadOnlyDictionary<string, byte[]> OnDisk => _onDisk;

    public bool Exists(string name) => _files.ContainsKey(name);

    public string? Read(string name, int maxBytes, out byte[] content)
    {
        content = _files.GetValueOrDefault(name) ?? [];
        return Step($"read {name}");
    }

    public string? Write(string name, ReadOnlySpan<byte> content)
    {
        if (Step($"write {name}") is { } fault) return fault;
        _files[name] = content.ToArray();
        _synced.Remove(name);
        return null;
    }

    public string? Sync(string name)
    {
        if (Step($"sync {name}") is { } fault) return fault;
        _synced[name] = _files[name];
        return null;
    }

    public string? Rename(string from, string to)
    {
        if (Step($"rename {from} {to}") is { } fault) return fault;
        _files[to] = _files[from];
        _files.Remove(from);
        _synced[to] = _synced.GetValueOrDefault(from) ?? [];
        _synced.Remove(from);
        return null;
    }

    public string? SyncDirectory()
    {
        if (Step("sync directory") is { } fault) return fault;
        _onDisk = _files.Keys.ToDictionary(name => name, name => _synced.GetValueOrDefault(name) ?? []);
        return null;
    }

    /// <summary>Begins to count again.</summary>
    internal void Restart(int failingStep)
    {
        (_steps, FailingStep) = (0, failingStep);
        Steps.Clear();
    }

    private string? Step(string name)
    {
        Steps.Add(name);
        return _steps++ == FailingStep ? "No space left on device" : null;
    }
}
