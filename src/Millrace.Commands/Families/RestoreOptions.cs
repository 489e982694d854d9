using System.Runtime.InteropServices;

namespace Millrace.Commands.Families;

/// <summary>The options of RESTORE.</summary>
/// <remarks>Of IDLETIME and FREQ only one may be given; each may be given twice, the last one counts.</remarks>
[StructLayout(LayoutKind.Auto)]
internal struct RestoreOptions
{
    private const int MaxFrequency = 255;

    /// <summary>Whether a key that exists is replaced.</summary>
    public bool Replaces { get; private set; }

    /// <summary>Whether the time to live is a point in time.</summary>
    public bool IsAbsolute { get; private set; }

    /// <summary>Seconds since the last use, or -1.</summary>
    public long IdleSeconds { get; private set; }

    /// <summary>The counter of uses, or -1.</summary>
    public int Frequency { get; private set; }

    /// <summary>Reads them from an argument on; writes the error and returns false when they are wrong.</summary>
    public static bool TryRead(in Call call, int first, out RestoreOptions options)
    {
        options = new RestoreOptions { IdleSeconds = -1, Frequency = -1 };
        for (var at = first; at < call.Args.Count; at++)
        {
            if (!options.TryTake(call, ref at)) return false;
        }

        return true;
    }

    private bool TryTake(in Call call, ref int at)
    {
        var hasMore = at + 1 < call.Args.Count;
        if (call.Is(at, "REPLACE"u8)) Replaces = true;
        else if (call.Is(at, "ABSTTL"u8)) IsAbsolute = true;
        else if (hasMore && Frequency < 0 && call.Is(at, "IDLETIME"u8)) return TryTakeIdleTime(call, ++at);
        else if (hasMore && IdleSeconds < 0 && call.Is(at, "FREQ"u8)) return TryTakeFrequency(call, ++at);
        else
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return false;
        }

        return true;
    }

    private bool TryTakeIdleTime(in Call call, int at)
    {
        if (!call.TryInteger(at, out var seconds)) return false;
        IdleSeconds = seconds;
        if (seconds >= 0) return true;
        call.Reply.Error("ERR Invalid IDLETIME value, must be >= 0"u8);
        return false;
    }

    private bool TryTakeFrequency(in Call call, int at)
    {
        if (!call.TryInteger(at, out var frequency)) return false;
        if (frequency is >= 0 and <= MaxFrequency)
        {
            Frequency = (int)frequency;
            return true;
        }

        call.Reply.Error("ERR Invalid FREQ value, must be >= 0 and <= 255"u8);
        return false;
    }
}
