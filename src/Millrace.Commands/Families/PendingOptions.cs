using System.Runtime.InteropServices;
using Millrace.Engine.Values;

namespace Millrace.Commands.Families;

/// <summary>What XPENDING asks for: a summary, or the pending entries of a range.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct PendingOptions
{
    /// <summary>Whether a summary is wanted; nothing else says anything then.</summary>
    internal bool IsSummary { get; private set; }

    /// <summary>The IDs.</summary>
    internal StreamRange Range { get; private set; }

    /// <summary>The most entries.</summary>
    internal long Count { get; private set; }

    /// <summary>For how long an entry must have been pending; 0: it does not matter.</summary>
    internal long MinIdleMs { get; private set; }

    /// <summary>The argument with a consumer's name; 0: all.</summary>
    internal int ConsumerAt { get; private set; }

    /// <summary>Reads the arguments behind the group; writes an error when they are wrong.</summary>
    internal static bool TryRead(in Call call, ref PendingOptions options)
    {
        const int RangeAt = 3;
        var count = call.Args.Count;
        options.IsSummary = count == RangeAt;
        if (options.IsSummary) return true;
        var at = RangeAt;
        var isRight = count is >= RangeAt + 3 and <= RangeAt + 6;
        if (isRight && call.Is(RangeAt, "IDLE"u8))
        {
            if (!call.TryInteger(RangeAt + 1, out var idleMs)) return false;
            options.MinIdleMs = idleMs;
            isRight = count >= RangeAt + 5;
            at += 2;
        }

        if (!isRight)
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return false;
        }

        if (!call.TryInteger(at + 2, out var most)) return false;
        options.Count = Math.Max(most, 0);
        if (!StreamText.TryReadBound(call, at, isEnd: false, out var from)) return false;
        if (!StreamText.TryReadBound(call, at + 1, isEnd: true, out var to)) return false;
        options.Range = new StreamRange(from, to);
        if (at + 3 < count) options.ConsumerAt = at + 3;
        return true;
    }
}
