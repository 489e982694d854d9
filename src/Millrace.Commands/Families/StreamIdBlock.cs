using System.Runtime.InteropServices;
using Millrace.Engine.Values;

namespace Millrace.Commands.Families;

/// <summary>
/// A counted list of IDs, with what XDELEX and XACKDEL say beside it.
/// </summary>
/// <remarks>
/// <code>
///   [KEEPREF | DELREF | ACKED] IDS numids id ...      in any order
/// </code>
/// Source: Redis 8.2 documentation, "XDELEX", "XACKDEL".
/// </remarks>
[StructLayout(LayoutKind.Auto)]
internal struct StreamIdBlock
{
    private bool _hasPolicy;

    /// <summary>The argument with the first ID.</summary>
    internal int First { get; private set; }

    /// <summary>How many IDs there are.</summary>
    internal int Count { get; private set; }

    /// <summary>What becomes of the references of groups.</summary>
    internal ReferencePolicy Policy { get; private set; }

    /// <summary>Reads the arguments from an index on; writes an error when they are wrong.</summary>
    internal static bool TryRead(in Call call, int from, out StreamIdBlock block)
    {
        block = default;
        for (var at = from; at < call.Args.Count; at++)
        {
            if (call.Is(at, "IDS"u8) && block.Count == 0)
            {
                if (!TryReadIds(call, ref at, out var first, out var count)) return false;
                block.First = first;
                block.Count = count;
            }
            else if (!block._hasPolicy && TryReadPolicy(call, at, out var policy))
            {
                block._hasPolicy = true;
                block.Policy = policy;
            }
            else
            {
                call.Reply.Error(ErrorTexts.Syntax);
                return false;
            }
        }

        if (block.Count > 0) return true;
        call.Reply.Error(ErrorTexts.Syntax);
        return false;
    }

    /// <summary>Reads <c>IDS numids id ...</c>; writes an error when something is wrong with it.</summary>
    /// <param name="call">The call.</param>
    /// <param name="at">The argument with the word; becomes the last of the list.</param>
    /// <param name="first">The argument with the first ID.</param>
    /// <param name="count">How many there are, at least one.</param>
    internal static bool TryReadIds(in Call call, ref int at, out int first, out int count)
    {
        first = at + 2;
        count = 0;
        var ids = 0L;
        if (first > call.Args.Count)
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return false;
        }

        if (!call.TryInteger(at + 1, out ids)) return false;
        if (ids <= 0)
        {
            call.Reply.Error("ERR The IDs argument must be a positive integer"u8);
            return false;
        }

        if (ids > call.Args.Count - first)
        {
            call.Reply.Error("ERR The `numids` parameter must match the number of arguments"u8);
            return false;
        }

        count = (int)ids;
        for (var i = 0; i < count; i++)
        {
            if (!StreamText.TryReadId(call, first + i, out _)) return false;
        }

        at = first + count - 1;
        return true;
    }

    /// <summary>Reads one of the words that say what becomes of references.</summary>
    internal static bool TryReadPolicy(in Call call, int at, out ReferencePolicy policy)
    {
        policy = ReferencePolicy.Keep;
        if (call.Is(at, "KEEPREF"u8)) return true;
        policy = ReferencePolicy.Remove;
        if (call.Is(at, "DELREF"u8)) return true;
        policy = ReferencePolicy.Respect;
        return call.Is(at, "ACKED"u8);
    }

    /// <summary>The word for what becomes of references.</summary>
    internal static ReadOnlySpan<byte> WordOf(ReferencePolicy policy) => policy switch
    {
        ReferencePolicy.Remove => "DELREF"u8,
        ReferencePolicy.Respect => "ACKED"u8,
        _ => "KEEPREF"u8,
    };

    /// <summary>An ID of the list.</summary>
    internal readonly StreamId IdAt(in Call call, int index)
    {
        _ = StreamText.TryParse(call.Args[First + index], 0, out var id);
        return id;
    }
}
