using System.Runtime.InteropServices;
using Millrace.Resp;

namespace Millrace.Commands.Families;

/// <summary>
/// The options of XREAD and XREADGROUP.
/// </summary>
/// <remarks>
/// <code>
///   [GROUP group consumer] [COUNT count] [BLOCK milliseconds] [CLAIM min-idle-time] [NOACK] STREAMS key ... id ...
/// </code>
/// Source: Redis 7.2 documentation, "XREAD", "XREADGROUP"; of 8.4, CLAIM.
/// </remarks>
[StructLayout(LayoutKind.Auto)]
internal struct StreamReadOptions
{
    /// <summary>There is no BLOCK.</summary>
    internal const long DoesNotWait = -1;

    private const long ClaimsNothing = -1;

    /// <summary>The argument with the group's name, the consumer's behind it; 0: there is none.</summary>
    internal int GroupAt { get; private set; }

    /// <summary>The most entries of each stream; 0: all.</summary>
    internal long Count { get; private set; }

    /// <summary>For how long to wait, in milliseconds; 0: for ever.</summary>
    internal long TimeoutMs { get; private set; }

    /// <summary>Whether what is read counts as acknowledged.</summary>
    internal bool NeedsNoAck { get; private set; }

    /// <summary>For how long entries must have been pending that are claimed, in milliseconds.</summary>
    internal long MinIdleMs { get; private set; }

    /// <summary>Whether pending entries are claimed.</summary>
    internal readonly bool Claims => MinIdleMs != ClaimsNothing;

    /// <summary>The argument with the first key.</summary>
    internal int KeysAt { get; private set; }

    /// <summary>How many keys there are, and IDs behind them.</summary>
    internal int Keys { get; private set; }

    /// <summary>The argument with the first ID.</summary>
    internal readonly int IdsAt => KeysAt + Keys;

    /// <summary>The argument with the first key, behind the word STREAMS; 0 when there is none.</summary>
    internal static int FindKeys(Args args)
    {
        for (var at = 1; at < args.Count; at++)
        {
            var more = args.Count - at - 1;
            if (more > 0 && Words.Equal(args[at], "STREAMS"u8)) return at + 1;
            if (more > 0 && (Words.Equal(args[at], "BLOCK"u8) || Words.Equal(args[at], "COUNT"u8)
                || Words.Equal(args[at], "CLAIM"u8))) at++;
            else if (more > 1 && Words.Equal(args[at], "GROUP"u8)) at += 2;
            else if (!Words.Equal(args[at], "NOACK"u8)) return 0;
        }

        return 0;
    }

    /// <summary>Reads the options; writes an error when they are wrong.</summary>
    internal static bool TryRead(in Call call, bool isForGroup, out StreamReadOptions options)
    {
        options = new StreamReadOptions { TimeoutMs = DoesNotWait, MinIdleMs = ClaimsNothing };
        var at = 1;
        while (options.KeysAt == 0 && at < call.Args.Count)
        {
            if (!options.TryReadOne(call, isForGroup, ref at)) return false;
        }

        if (options.KeysAt == 0) call.Reply.Error(ErrorTexts.Syntax);
        else if (isForGroup && options.GroupAt == 0) call.Reply.Error("ERR Missing GROUP option for XREADGROUP"u8);
        else return true;
        return false;
    }

    private bool TryReadOne(in Call call, bool isForGroup, ref int at)
    {
        var more = call.Args.Count - at - 1;
        if (more > 0 && call.Is(at, "BLOCK"u8)) return TryReadTimeout(call, ref at);
        if (more > 0 && call.Is(at, "STREAMS"u8)) return TryReadStreams(call, isForGroup, at + 1);
        if (more > 0 && call.Is(at, "COUNT"u8))
        {
            if (!call.TryInteger(at + 1, out var count)) return false;
            Count = Math.Max(count, 0);
            at += 2;
            return true;
        }

        if (more > 1 && call.Is(at, "GROUP"u8))
        {
            GroupAt = at + 1;
            at += 3;
            return isForGroup || Refuse(call, "GROUP"u8);
        }

        if (more > 0 && call.Is(at, "CLAIM"u8))
            return isForGroup ? TryReadMinIdle(call, ref at) : Refuse(call, "CLAIM"u8);
        if (!call.Is(at, "NOACK"u8))
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return false;
        }

        NeedsNoAck = true;
        at++;
        return isForGroup || Refuse(call, "NOACK"u8);
    }

    private static bool Refuse(in Call call, ReadOnlySpan<byte> option)
    {
        ErrorTexts.WriteQuoting(
            call.Reply, "ERR The "u8, option, " option is only supported by XREADGROUP. You called XREAD instead."u8);
        return false;
    }

    private bool TryReadMinIdle(in Call call, ref int at)
    {
        if (!Numbers.TryParseInt64(call.Args[at + 1], out var minIdleMs))
        {
            call.Reply.Error("ERR Invalid min-idle-time argument for XREADGROUP"u8);
            return false;
        }

        MinIdleMs = Math.Max(minIdleMs, 0);
        at += 2;
        return true;
    }

    private bool TryReadTimeout(in Call call, ref int at)
    {
        if (!Numbers.TryParseInt64(call.Args[at + 1], out var timeoutMs))
            call.Reply.Error("ERR timeout is not an integer or out of range"u8);
        else if (timeoutMs < 0) call.Reply.Error("ERR timeout is negative"u8);
        else if (timeoutMs > long.MaxValue - call.Unit.NowMs) call.Reply.Error("ERR timeout is out of range"u8);
        else
        {
            TimeoutMs = timeoutMs;
            at += 2;
            return true;
        }

        return false;
    }

    private bool TryReadStreams(in Call call, bool isForGroup, int keysAt)
    {
        KeysAt = keysAt;
        Keys = (call.Args.Count - keysAt) / 2;
        if ((call.Args.Count - keysAt) % 2 == 0) return true;
        call.Reply.Error(isForGroup
            ? "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified."u8
            : "ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified."u8);
        return false;
    }
}
