namespace Millrace.Persistence.Loading;

/// <summary>
/// Hears how far the loading of a file is, and says when to give it up. Called by the thread that reads the file, every
/// now and then; must not block.
/// </summary>
public interface ILoadProgress
{
    /// <summary>Whether what is loaded is not wanted any more: the reading ends with a fault then.</summary>
    bool IsStopped { get; }

    /// <summary>The loading begins.</summary>
    /// <param name="totalBytes">How many bytes there are to load.</param>
    void Began(long totalBytes);

    /// <summary>So many of them were read.</summary>
    /// <param name="bytes">From the beginning on.</param>
    void Advanced(long bytes);
}
