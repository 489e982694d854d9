// Deleting entries of streams with regard to what consumer groups still know of them.
//
// An entry is needed by a group that has not read it, or that has handed it out and waits for its acknowledgement.
// KEEPREF deletes it all the same and leaves it pending, DELREF makes all groups forget it, ACKED deletes it only when
// no group needs it. Each ID has a number in the reply: -1 when there was nothing to do, 1 when the entry is gone, 2
// when it stays because it is needed.
// Source: Redis 8.2 documentation, "XDELEX", "XACKDEL"; Valkey 9.2 documentation, "XACKDEL", for IDs that are not
// pending.

using Millrace.Engine;
using Millrace.Engine.Values;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands that delete entries with regard to groups.</summary>
public static class StreamDeletionCommands
{
    private const int NotFound = -1;
    private const int Deleted = 1;
    private const int Needed = 2;

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("xackdel", -6, XAckDel)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Stream,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update | KeyFlags.Delete)],
            Syntax = "key group [KEEPREF | DELREF | ACKED] IDS (numids:integer id...)",
            Summary = "Acknowledges entries of a group and deletes them, perhaps only those that no group needs.",
            Since = "8.2.0",
            Complexity = "O(G log N) for each ID, where G is the number of groups.",
            Group = "stream",
        },
        new("xdelex", -5, XDelEx)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Stream,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Delete)],
            Syntax = "key [KEEPREF | DELREF | ACKED] IDS (numids:integer id...)",
            Summary = "Deletes entries of a stream by their IDs, perhaps only those that no group needs.",
            Since = "8.2.0",
            Complexity = "O(G log N) for each ID, where G is the number of groups.",
            Group = "stream",
        },
    ];

    private static void XAckDel(ref Call call)
    {
        if (!StreamIdBlock.TryRead(call, 3, out var ids)) return;
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Stream)) return;
        var log = entry.IsMissing ? default : StreamValue.Log(entry);
        var group = entry.IsMissing ? default : log.Groups.Find(call.Args[2]);
        var counts = default(Counts);
        call.Reply.Array(ids.Count);
        for (var i = 0; i < ids.Count; i++)
        {
            var id = ids.IdAt(call, i);
            var outcome = NotFound;
            if (!group.IsMissing && group.Acknowledge(id))
            {
                counts.Quiet++;
                outcome = Delete(log, id, ids.Policy, ref counts) == Needed ? Needed : Deleted;
            }
            else if (!group.IsMissing && ids.Policy == ReferencePolicy.Remove && !log.Has(id))
            {
                counts.Quiet += log.Groups.Forget(id);
            }

            call.Reply.Integer(outcome);
        }

        counts.Tell(call);
    }

    private static void XDelEx(ref Call call)
    {
        if (!StreamIdBlock.TryRead(call, 2, out var ids)) return;
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Stream)) return;
        var counts = default(Counts);
        call.Reply.Array(ids.Count);
        for (var i = 0; i < ids.Count; i++)
        {
            call.Reply.Integer(entry.IsMissing
                ? NotFound : Delete(StreamValue.Log(entry), ids.IdAt(call, i), ids.Policy, ref counts));
        }

        counts.Tell(call);
    }

    // As Redis has it, without groups nobody has acknowledged anything: with ACKED all entries stay.
    private static int Delete(StreamLog log, StreamId id, ReferencePolicy policy, ref Counts counts)
    {
        var groups = log.Groups;
        if (policy == ReferencePolicy.Remove) counts.Quiet += groups.Forget(id);
        if (policy == ReferencePolicy.Respect && log.Has(id) && (groups.Count == 0 || groups.Need(id))) return Needed;
        if (!log.Delete(id)) return NotFound;
        counts.Deleted++;
        return Deleted;
    }

    // Entries that are gone, of which those are told who watch the stream, and changes of groups, of which they are
    // not.
    private struct Counts
    {
        internal long Deleted;
        internal long Quiet;

        internal readonly void Tell(in Call call)
        {
            call.Unit.Changed(call.Key(1), Deleted);
            call.Unit.ChangedQuietly(call.Key(1), Quiet);
            if (Deleted > 0) call.Unit.Notify(NotifyClasses.Stream, "xdel"u8, call.Key(1));
        }
    }
}
