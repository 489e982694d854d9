using Millrace.Engine.Values;
using Millrace.Memory;
using Millrace.Resp;

namespace Millrace.Commands.Families;

/// <summary>Entries of streams as replies: an ID, and an array of fields and values by turns.</summary>
internal static class StreamReplies
{
    /// <summary>Replies with the current entry of a walk.</summary>
    /// <param name="reply">Where to.</param>
    /// <param name="cursor">The walk.</param>
    /// <param name="more">How many elements the caller puts behind the fields.</param>
    internal static void Entry(ReplyWriter reply, ref StreamCursor cursor, int more = 0)
    {
        Span<byte> digits = stackalloc byte[ListpackElement.MaxIntegerBytes];
        reply.Array(2 + more);
        StreamText.WriteId(reply, cursor.Id);
        reply.Array(cursor.FieldCount * 2);
        while (cursor.TryNextField(out var field, out var value))
        {
            reply.Bulk(field.Text(digits));
            reply.Bulk(value.Text(digits));
        }
    }

    /// <summary>Replies with the entry of an ID, if it is there.</summary>
    internal static bool TryEntry(ReplyWriter reply, StreamLog log, StreamId id)
    {
        var cursor = log.Walk(new StreamRange(id, id));
        if (!cursor.TryNext()) return false;
        Entry(reply, ref cursor);
        return true;
    }

    /// <summary>Replies with an array of the entries of a range.</summary>
    /// <param name="reply">Where to.</param>
    /// <param name="log">The stream.</param>
    /// <param name="range">The IDs.</param>
    /// <param name="max">How many at most; 0: all.</param>
    /// <param name="isBackwards">Whether the greatest ID comes first.</param>
    internal static void Range(
        ReplyWriter reply, StreamLog log, StreamRange range, long max, bool isBackwards = false)
    {
        var mark = reply.BeginDeferred();
        var count = 0L;
        var cursor = log.Walk(range, isBackwards);
        while ((max == 0 || count < max) && cursor.TryNext())
        {
            Entry(reply, ref cursor);
            count++;
        }

        reply.EndDeferredArray(mark, count);
    }

    /// <summary>Replies that there is no such group.</summary>
    internal static void NoGroup(
        in Call call, ReadOnlySpan<byte> before, int firstWord, ReadOnlySpan<byte> between, int secondWord,
        ReadOnlySpan<byte> after)
    {
        const int MaxWordBytes = 1024;
        Span<byte> text = stackalloc byte[(2 * MaxWordBytes) + 128];
        var length = 0;
        Add(text, ref length, before);
        Add(text, ref length, ErrorTexts.Quotable(call.Args[firstWord], MaxWordBytes));
        Add(text, ref length, between);
        Add(text, ref length, ErrorTexts.Quotable(call.Args[secondWord], MaxWordBytes));
        Add(text, ref length, after);
        call.Reply.Error(text[..length].Trim("\r\n"u8));
    }

    private static void Add(Span<byte> text, ref int length, ReadOnlySpan<byte> part)
    {
        part.CopyTo(text[length..]);
        length += part.Length;
    }
}
