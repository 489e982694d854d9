using System.Text;

namespace Millrace.Persistence.Rdb;

/// <summary>
/// What an RDB file says beside its keys. Immutable.
/// </summary>
public sealed record RdbContents
{
    /// <summary>The version of the server that writes it: <c>redis-ver</c>.</summary>
    public string ServerVersion { get; init; } = "7.2.4";

    /// <summary>When it is written, in Unix seconds: <c>ctime</c>.</summary>
    public long UnixSeconds { get; init; }

    /// <summary>What the data takes in memory: <c>used-mem</c>.</summary>
    public long UsedBytes { get; init; }

    /// <summary>Whether the file is the base of an append-only file: <c>aof-base</c>.</summary>
    public bool IsAofBase { get; init; }

    /// <summary>Further names and values, in order: those of replication.</summary>
    public IReadOnlyList<(string Name, string Value)> Further { get; init; } = [];

    /// <summary>The texts of the libraries of functions.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Functions { get; init; } = [];

    /// <summary>Writes it, between the magic and the first database.</summary>
    internal void Write(RdbWriter writer)
    {
        writer.Aux("redis-ver"u8, Encoding.UTF8.GetBytes(ServerVersion));
        writer.Aux("redis-bits"u8, 64);
        writer.Aux("ctime"u8, UnixSeconds);
        writer.Aux("used-mem"u8, UsedBytes);
        foreach (var (name, value) in Further)
            writer.Aux(Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(value));
        writer.Aux("aof-base"u8, IsAofBase ? 1 : 0);
        foreach (var code in Functions) writer.Function(code.Span);
    }
}
