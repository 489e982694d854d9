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
/// And refuses what would not fit: a handler may take memory in the middle of its work and must not run out of it
/// there. What it takes is bounded by its request, by what its keys hold (<see cref="CommandSpec.CopiesOfKeys"/>), or
/// it asks itself (<see cref="Call.HasRoomFor"/>); little things need not ask, the source has a reserve for them.
/// </remarks>
public static class LargeValues
{
    /// <summary>Arguments over this size are copied before the unit begins.</summary>
    public const int MinStagedBytes = StringValue.MaxInlineBytes;

    // What is made of a request takes more than its bytes: a member of one byte came in seven, and takes some forty.
    private const int MostPerRequestByte = 8;

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
            // What finds no room is left to TryAdmit, which refuses the request.
            if (slice.Length > MinStagedBytes && unit.HasRoomFor(slice.Length))
                unit.Staged.Add(input, start + slice.Offset, slice.Length);
        }
    }

    /// <summary>Whether a call may run, as far as memory goes: no key is longer than one can be, and there is room for
    /// what it may make. Writes the error otherwise. Requires: the unit holds the keys' partitions.</summary>
    public static bool TryAdmit(in Call call)
    {
        var isLong = call.Args.MostBytes > MinStagedBytes;
        return !(isLong || call.Spec.NeedsRoom)
            || ((!isLong || TryAdmitLong(call)) && TryAdmitCopies(call) && TryAdmitToReserve(call));
    }

    /// <summary>Copies the values that the unit's replies wait for. Requires: the unit has ended.</summary>
    public static void Fill(Unit unit, ReplyWriter reply)
    {
        var retained = unit.Retained;
        for (var i = 0; i < retained.Count; i++) reply.FillLate(retained[i]);
        retained.Clear();
    }

    /// <summary>Asks for the room that it takes to change a string, which may be missing, and be copied or moved for
    /// it; writes the error when there is none.</summary>
    /// <param name="call">The call.</param>
    /// <param name="entry">A string, or missing.</param>
    /// <param name="length">Its length afterwards, unless it is longer already.</param>
    internal static bool HasRoomFor(in Call call, in Entry entry, long length)
    {
        if (!entry.IsMissing) length = Math.Max(length, StringValue.Length(entry));
        return length <= StringValue.MaxInlineBytes || call.HasRoomFor(length + StringValue.MaxSpareBytes);
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

    private static bool TryAdmitLong(in Call call)
    {
        foreach (ref readonly var key in call.Keys)
        {
            if (call.Args[key.ArgIndex].Length <= Entry.MaxKeyBytes) continue;
            call.Reply.Error(ErrorTexts.KeyTooLong);
            return false;
        }

        var takesMemory = (call.Spec.Flags & CommandFlags.DenyOom) != 0;
        return !takesMemory || call.HasRoomFor((long)call.Args.MostBytes * MostPerRequestByte);
    }

    private static bool TryAdmitToReserve(in Call call)
    {
        if (!call.Spec.TakesReserve || !call.Unit.Keyspace.Budget.IsSpent) return true;
        call.Reply.Error(ErrorTexts.NoRoom);
        return false;
    }

    private static bool TryAdmitCopies(in Call call)
    {
        var unit = call.Unit;
        var copies = call.Spec.CopiesOfKeys;
        if (copies == 0 || unit.Keyspace.Budget.HasPlentyFor(copies)) return true;
        var sum = 0L;
        foreach (ref readonly var at in call.Keys)
        {
            var key = call.Key(at.ArgIndex);
            var entry = unit.Find(key, Access.Peek);
            if (!entry.IsMissing) sum += Value.SizeBytes(unit.PartitionFor(key).Heap, entry, Value.UsualSamples);
        }

        return call.HasRoomFor(sum * copies);
    }
}
