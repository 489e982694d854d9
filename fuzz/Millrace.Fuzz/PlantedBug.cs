namespace Millrace.Fuzz;

/// <summary>
/// A bug to be found: it strikes on five rare bytes in one order, which chance alone does not bring together, and which
/// are found one after the other when the fuzzer follows coverage. A fuzzer that does not find it finds nothing.
/// </summary>
public sealed class PlantedBug : FuzzTarget
{
    // Far above the numbers that instrumentation gives out.
    private const int FirstProbe = Probe.MaxProbes - 64;

    private readonly FuzzTarget _inner;

    /// <summary>Plants the bug behind a target.</summary>
    public PlantedBug(FuzzTarget inner) => _inner = inner;

    /// <inheritdoc/>
    public override string Name => _inner.Name;

    /// <inheritdoc/>
    public override string Assembly => _inner.Assembly;

    /// <inheritdoc/>
    public override string[] SourceFiles => _inner.SourceFiles;

    /// <inheritdoc/>
    public override int MaxInputBytes => _inner.MaxInputBytes;

    /// <inheritdoc/>
    public override IReadOnlyList<byte[]> Tokens => _inner.Tokens;

    /// <inheritdoc/>
    public override long AllocationLimit(int inputBytes) => _inner.AllocationLimit(inputBytes);

    /// <inheritdoc/>
    public override void Run(ReadOnlySpan<byte> input)
    {
        _inner.Run(input);
        ReadOnlySpan<byte> wanted = [0xf1, 0xc3, 0x81, 0x1f, 0x03];
        int matched = 0;
        foreach (byte one in input)
        {
            if (matched < wanted.Length && one == wanted[matched])
                Probe.Hit(FirstProbe + matched++);
        }
        if (matched == wanted.Length)
            throw new BrokenPromiseException("the planted bug");
    }
}
