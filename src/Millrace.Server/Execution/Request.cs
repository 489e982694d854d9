using Millrace.Commands;
using Millrace.Resp;

namespace Millrace.Server.Execution;

/// <summary>
/// One request of a batch: where it lies in the input, what it calls, where its keys are. Reused.
/// </summary>
public sealed class Request
{
    private const int KeptKeys = 1024;
    private KeyAt[] _keys = new KeyAt[4];

    /// <summary>The places of the arguments, relative to <see cref="Start"/>.</summary>
    public SliceList Slices { get; } = new();

    /// <summary>Index of the first byte in the input array.</summary>
    public int Start { get; private set; }

    /// <summary>Index behind the last byte in the input array.</summary>
    public int End { get; private set; }

    /// <summary>The command or subcommand; null when there is none of that name.</summary>
    public CommandSpec? Spec { get; set; }

    /// <summary>Whether it came as a line of words and was unescaped in place.</summary>
    public bool IsInline { get; private set; }

    /// <summary>The hash of the member that is fetched ahead for it (<see cref="CommandSpec.MemberAt"/>).</summary>
    public ulong MemberHash { get; set; }

    /// <summary>How many keys it has.</summary>
    public int KeyCount { get; private set; }

    /// <summary>The keys, in the order of the key specifications.</summary>
    public ReadOnlySpan<KeyAt> Keys => _keys.AsSpan(0, KeyCount);

    /// <summary>Sets where the request lies and forgets what it was before.</summary>
    public void Place(int start, int end, bool isInline)
    {
        Start = start;
        End = end;
        IsInline = isInline;
        Spec = null;
        KeyCount = 0;
        if (_keys.Length > KeptKeys) _keys = new KeyAt[4];
    }

    /// <summary>Adds a key.</summary>
    public void AddKey(KeyAt key)
    {
        if (KeyCount == _keys.Length) Array.Resize(ref _keys, _keys.Length * 2);
        _keys[KeyCount++] = key;
    }
}
