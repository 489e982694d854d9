namespace Millrace.Persistence.Loading;

/// <summary>The progress within one of several files that are loaded one after the other.</summary>
/// <param name="whole">Hears of all of them; it has heard how many bytes there are.</param>
/// <param name="bytesBefore">The bytes of the files before this one.</param>
public sealed class FileProgress(ILoadProgress whole, long bytesBefore) : ILoadProgress
{
    /// <inheritdoc/>
    public bool IsStopped => whole.IsStopped;

    /// <inheritdoc/>
    public void Began(long totalBytes)
    {
        // The whole has begun.
    }

    /// <inheritdoc/>
    public void Advanced(long bytes) => whole.Advanced(bytesBefore + bytes);
}
