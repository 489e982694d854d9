using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Resp;

namespace Millrace.Commands;

/// <summary>
/// Keeps the copying of large values out of the time that a unit holds its partitions: arguments are copied in before
/// the unit begins, replies are copied out after it has ended.
/// </summary>
/// <remarks>
/// <code>
///   Stage -> TryBegin -> handler: SetBytes takes what was staged      -> End -> Fill
///                                 Bulk leaves room and retains a value
/// </code>
/// </remarks>
public static class LargeValues
{
    /// <summary>Arguments over this size are copied before the unit begins.</summary>
    public const int MinStagedBytes = StringValue.MaxInlineBytes;

    /// <summary>Copies the large arguments of a request that stores them whole.</summary>
    /// <param name="unit">The unit that is going to run it.</param>
    /// <param name="spec">The command.</param>
    /// <param name="input">The array that holds the request.</param>
    /// <param name="start">Where in it the request begins.</param>
    /// <param name="slices">Its arguments, relative to <paramref name="start"/>.</param>
    public static void Stage(Unit unit, CommandSpec spec, byte[] input, int start, ReadOnlySpan<Slice> slices)
    {
        if (!spec.StoresWhole) return;
        foreach (var slice in slices)
        {
            if (slice.Length > MinStagedBytes) unit.Staged.Add(input, start + slice.Offset, slice.Length);
        }
    }

    /// <summary>Copies the values that the unit's replies wait for. Requires: the unit has ended.</summary>
    public static void Fill(Unit unit, ReplyWriter reply)
    {
        var retained = unit.Retained;
        for (var i = 0; i < retained.Count; i++) reply.FillLate(retained[i]);
        retained.Clear();
    }

    /// <summary>Replies with a string: at once when it is small, after the unit otherwise.</summary>
    internal static void Bulk(in Call call, in Entry entry)
    {
        var reply = call.Reply;
        if (StringValue.IsLarge(entry) && reply.TryBeginLate(StringValue.Length(entry)))
            StringValue.Retain(call.Unit, entry);
        else
            reply.Bulk(StringValue.Read(entry, default));
    }
}
