namespace Millrace.Server.Observability;

/// <summary>
/// What one loop does per second, as of its last sample.
/// </summary>
/// <remarks>The loop samples itself once a second; others read while all loops stand still.</remarks>
public sealed class LoopRates
{
    private long _sampledAtUs;
    private long _commands;
    private long _bytesIn;
    private long _bytesOut;

    /// <summary>Commands per second.</summary>
    public double CommandsPerSecond { get; private set; }

    /// <summary>Bytes received per second.</summary>
    public double BytesInPerSecond { get; private set; }

    /// <summary>Bytes sent per second.</summary>
    public double BytesOutPerSecond { get; private set; }

    /// <summary>Takes a sample.</summary>
    /// <param name="nowUs">The loop's monotonic clock.</param>
    /// <param name="commands">Commands that it has run so far; less than before after a reset.</param>
    /// <param name="bytesIn">Bytes that it has received so far.</param>
    /// <param name="bytesOut">Bytes that it has sent so far.</param>
    public void Sample(long nowUs, long commands, long bytesIn, long bytesOut)
    {
        var seconds = (nowUs - _sampledAtUs) / 1_000_000.0;
        if (_sampledAtUs != 0 && seconds > 0)
        {
            CommandsPerSecond = Math.Max(commands - _commands, 0) / seconds;
            BytesInPerSecond = (bytesIn - _bytesIn) / seconds;
            BytesOutPerSecond = (bytesOut - _bytesOut) / seconds;
        }

        (_sampledAtUs, _commands, _bytesIn, _bytesOut) = (nowUs, commands, bytesIn, bytesOut);
    }
}
