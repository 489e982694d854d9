namespace Millrace.Engine;

/// <summary>Which keys go when memory is used up (Redis documentation, "Key eviction"). In the order of the directive's
/// choices.</summary>
public enum EvictionPolicy
{
    /// <summary>Of those with a deadline, the ones used least recently.</summary>
    VolatileLru,

    /// <summary>Of those with a deadline, the ones used least frequently.</summary>
    VolatileLfu,

    /// <summary>Any with a deadline.</summary>
    VolatileRandom,

    /// <summary>Those that expire first.</summary>
    VolatileTtl,

    /// <summary>Those used least recently.</summary>
    AllKeysLru,

    /// <summary>Those used least frequently.</summary>
    AllKeysLfu,

    /// <summary>Any.</summary>
    AllKeysRandom,

    /// <summary>None: commands that take memory are refused.</summary>
    NoEviction,
}

/// <summary>How much memory data may take, and what happens then. Immutable.</summary>
public sealed record MemoryLimits
{
    private const int LinearTenacity = 10;
    private const int FullTenacity = 100;
    private const double MicrosecondsPerTenacity = 20;
    private const double Growth = 1.15;
    private const long MaxSamples = 64;

    private readonly long _samples = 5;

    /// <summary>The limit in bytes; 0: none.</summary>
    public long Bytes { get; init; }

    /// <summary>Which keys go.</summary>
    public EvictionPolicy Policy { get; init; } = EvictionPolicy.NoEviction;

    /// <summary>How many entries of a database are looked at for one that goes: at most 64, as more would take long
    /// and hardly choose better.</summary>
    public long Samples
    {
        get => _samples;
        init => _samples = Math.Min(value, MaxSamples);
    }

    /// <summary><c>maxmemory-eviction-tenacity</c>, 0 to 100: for how long a command may be kept waiting.</summary>
    public int Tenacity { get; init; } = LinearTenacity;

    /// <summary>Whether there is a limit.</summary>
    public bool IsLimited => Bytes > 0;

    /// <summary>Whether keys may go.</summary>
    public bool Evicts => Policy != EvictionPolicy.NoEviction;

    /// <summary>Whether only keys with a deadline may go.</summary>
    public bool IsVolatile => Policy <= EvictionPolicy.VolatileTtl;

    /// <summary>Whether the policy counts how often keys are used.</summary>
    public bool CountsFrequency => Policy is EvictionPolicy.AllKeysLfu or EvictionPolicy.VolatileLfu;

    /// <summary>How long one step of eviction may take, in microseconds: 20 for each degree of tenacity up to 10, then
    /// 15 % more with each, and at 100 as long as it takes.</summary>
    public double StepMicroseconds => Tenacity switch
    {
        >= FullTenacity => double.PositiveInfinity,
        <= LinearTenacity => MicrosecondsPerTenacity * Tenacity,
        _ => MicrosecondsPerTenacity * LinearTenacity * Math.Pow(Growth, Tenacity - LinearTenacity),
    };
}
