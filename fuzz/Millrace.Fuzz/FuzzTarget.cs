namespace Millrace.Fuzz;

/// <summary>
/// A parser of untrusted bytes. <see cref="Run"/> throws when the parser does, and when what it did breaks one of the
/// promises of its target. A target is used by one thread.
/// </summary>
public abstract class FuzzTarget
{
    /// <summary>All targets by name.</summary>
    public static string[] Names =>
    [
        RequestParserTarget.TargetName, ConfigParserTarget.TargetName, ListpackTarget.TargetName,
        IntSetTarget.TargetName, LzfTarget.TargetName, GeoSearchTarget.TargetName, BitfieldTarget.TargetName,
        HyperLogLogTarget.TargetName, RestoreTarget.TargetName, SortTarget.TargetName, StreamAddTarget.TargetName,
        SortedSetRangeTarget.TargetName, RdbTarget.TargetName, AofTarget.TargetName, ManifestTarget.TargetName,
    ];

    /// <summary>The name on the command line and of the corpus folder.</summary>
    public abstract string Name { get; }

    /// <summary>The assembly that holds the parser.</summary>
    public abstract string Assembly { get; }

    /// <summary>The source files that make up the target: their lines are counted.</summary>
    public abstract string[] SourceFiles { get; }

    /// <summary>The longest input, in bytes.</summary>
    public abstract int MaxInputBytes { get; }

    /// <summary>Byte strings that mean something to the parser.</summary>
    public abstract IReadOnlyList<byte[]> Tokens { get; }

    /// <summary>Managed bytes that one execution may allocate.</summary>
    public abstract long AllocationLimit(int inputBytes);

    /// <summary>One execution.</summary>
    public abstract void Run(ReadOnlySpan<byte> input);

    /// <summary>The target of that name, or null.</summary>
    public static FuzzTarget? Find(string name) => name switch
    {
        RequestParserTarget.TargetName => new RequestParserTarget(),
        ConfigParserTarget.TargetName => new ConfigParserTarget(),
        ListpackTarget.TargetName => new ListpackTarget(),
        IntSetTarget.TargetName => new IntSetTarget(),
        LzfTarget.TargetName => new LzfTarget(),
        GeoSearchTarget.TargetName => new GeoSearchTarget(),
        BitfieldTarget.TargetName => new BitfieldTarget(),
        HyperLogLogTarget.TargetName => new HyperLogLogTarget(),
        RestoreTarget.TargetName => new RestoreTarget(),
        SortTarget.TargetName => new SortTarget(),
        StreamAddTarget.TargetName => new StreamAddTarget(),
        SortedSetRangeTarget.TargetName => new SortedSetRangeTarget(),
        RdbTarget.TargetName => new RdbTarget(),
        AofTarget.TargetName => new AofTarget(),
        ManifestTarget.TargetName => new ManifestTarget(),
        _ => null,
    };
}

/// <summary>A promise of a target that an input broke.</summary>
public sealed class BrokenPromiseException(string message) : Exception(message);
