using System.Runtime.InteropServices;
using Millrace.Engine.Values;
using Millrace.Resp;

namespace Millrace.Commands.Families;

/// <summary>
/// The arguments of XCLAIM behind the least idle time.
/// </summary>
/// <remarks>
/// <code>
///   id ... [IDLE ms | TIME unix-ms] [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID id]
/// </code>
/// The first argument that is no ID begins the options. Source: Redis 7.2 documentation, "XCLAIM".
/// </remarks>
[StructLayout(LayoutKind.Auto)]
internal struct ClaimOptions
{
    /// <summary>The argument with the first ID.</summary>
    internal const int FirstIdAt = 5;

    private const long NotGiven = -1;

    private long _retryCount;

    /// <summary>The argument behind the last ID.</summary>
    internal int OptionsAt { get; private set; }

    /// <summary>When the entries shall count as delivered, in Unix milliseconds.</summary>
    internal long DeliveredMs { get; private set; }

    /// <summary>Whether entries that are not pending become so.</summary>
    internal bool IsForced { get; private set; }

    /// <summary>Whether the reply is IDs alone, and deliveries are not counted.</summary>
    internal bool JustIds { get; private set; }

    /// <summary>What the group's last ID is to be at least.</summary>
    internal StreamId LastId { get; private set; }

    /// <summary>Counts the IDs.</summary>
    internal static ClaimOptions Begin(in Call call)
    {
        var at = FirstIdAt;
        while (at < call.Args.Count && StreamText.TryParse(call.Args[at], 0, out _)) at++;
        return new ClaimOptions { OptionsAt = at, DeliveredMs = NotGiven, _retryCount = NotGiven };
    }

    /// <summary>How often an entry counts as delivered once it is claimed.</summary>
    internal readonly long CountAfter(long before)
    {
        if (_retryCount >= 0) return _retryCount;
        return JustIds ? before : StreamGroup.OneMore(before);
    }

    /// <summary>Reads the options; writes an error when they are wrong.</summary>
    internal bool TryRead(in Call call)
    {
        for (var at = OptionsAt; at < call.Args.Count; at++)
        {
            var isLast = at + 1 == call.Args.Count;
            if (call.Is(at, "FORCE"u8)) IsForced = true;
            else if (call.Is(at, "JUSTID"u8)) JustIds = true;
            else if (isLast || !IsPair(call, at))
            {
                ErrorTexts.WriteQuoting(call.Reply, "ERR Unrecognized XCLAIM option '"u8, call.Args[at], "'"u8);
                return false;
            }
            else if (!TryReadPair(call, at++))
            {
                return false;
            }
        }

        // A time that makes no sense is no error: clients compute it from clocks of their own.
        var nowMs = call.Unit.NowMs;
        if (DeliveredMs < 0 || DeliveredMs > nowMs) DeliveredMs = nowMs;
        return true;
    }

    private static bool IsPair(in Call call, int at) =>
        call.Is(at, "IDLE"u8) || call.Is(at, "TIME"u8) || call.Is(at, "RETRYCOUNT"u8) || call.Is(at, "LASTID"u8);

    private bool TryReadPair(in Call call, int at)
    {
        if (call.Is(at, "LASTID"u8))
        {
            if (!StreamText.TryReadId(call, at + 1, out var id)) return false;
            LastId = id;
            return true;
        }

        var isNumber = Numbers.TryParseInt64(call.Args[at + 1], out var value);
        if (call.Is(at, "IDLE"u8))
        {
            DeliveredMs = unchecked(call.Unit.NowMs - value);
            if (!isNumber) call.Reply.Error("ERR Invalid IDLE option argument for XCLAIM"u8);
        }
        else if (call.Is(at, "TIME"u8))
        {
            DeliveredMs = value;
            if (!isNumber) call.Reply.Error("ERR Invalid TIME option argument for XCLAIM"u8);
        }
        else
        {
            _retryCount = value;
            if (!isNumber) call.Reply.Error("ERR Invalid RETRYCOUNT option argument for XCLAIM"u8);
        }

        return isNumber;
    }
}
