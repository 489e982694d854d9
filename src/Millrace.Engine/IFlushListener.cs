namespace Millrace.Engine;

/// <summary>Hears that all databases are emptied, while all partitions are held.</summary>
public interface IFlushListener
{
    /// <summary>They are about to be.</summary>
    void Flushing();

    /// <summary>They are.</summary>
    /// <param name="unit">Holds all partitions.</param>
    void Flushed(Unit unit);
}
