// Members chosen at random: SPOP and SRANDMEMBER.
//
// Several different members are chosen in one of two ways, each giving every subset the same chance:
//     many of the set, or a packed set   one walk; a member is taken with chance (still wanted / still to come)
//                                        (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S)
//     few of a large set                 one after the other; what was chosen before is drawn again
//
// SPOP of nearly all members of a table moves the few that stay into a new set instead, as Redis does: the table they
// leave is given to the client and freed in slices, and what stays is packed if it is small.

using System.Buffers;
using System.Numerics;
using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Memory;
using Millrace.Resp;

namespace Millrace.Commands.Families;

/// <summary>Choosing and popping members.</summary>
internal static class SetChoice
{
    /// <summary>Members in one SREM of SPOP's effects.</summary>
    private const int EffectMembers = 1024;

    /// <summary>SPOP moves what stays when it is less than this part of what goes.</summary>
    private const int MovedPart = 5;

    /// <summary>SRANDMEMBER walks the set when it is asked for more than this part of it.</summary>
    private const int WalkedPart = 3;

    /// <summary>More are not noted one by one: the set is walked instead.</summary>
    private const int MaxNoted = 1 << 26;

    /// <summary>Reads SRANDMEMBER's count; writes the error otherwise.</summary>
    public static bool TryReadCount(in Call call, int argIndex, out long count)
    {
        if (!call.TryInteger(argIndex, out count)) return false;

        // A negative count is how long the reply is to be, whatever the size of the set.
        if (count >= -int.MaxValue) return true;
        call.Reply.Error(
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"u8);
        return false;
    }

    /// <summary>Pops one member. Requires: not empty.</summary>
    public static void PopOne(in Call call, in Entry entry)
    {
        var key = call.Key(1);
        var writer = new SetWriter(call.Unit, key, entry);
        var member = SetValue.Random(entry, call.Unit.NextRandom64());
        SetCommands.Reply(call.Reply, member);
        Span<byte> digits = stackalloc byte[ListpackElement.MaxIntegerBytes];
        call.Effects.Add("SREM"u8, key.Bytes, member.Text(digits));
        writer.Remove(member);
        var isGone = writer.Count == 0;
        if (isGone) call.Unit.Remove(key, writer.Entry);
        call.Unit.Changed(key);
        call.Unit.Notify(NotifyClasses.Set, "spop"u8, key, isGone);
    }

    /// <summary>Pops so many members, or all.</summary>
    public static void Pop(in Call call, in Entry entry, long count)
    {
        if (entry.IsMissing || count == 0)
        {
            call.Reply.Set(0);
            return;
        }

        var key = call.Key(1);
        var size = SetValue.Count(entry);
        call.Reply.Set(Math.Min(count, size));
        call.Unit.Changed(key, Math.Min(count, size));
        if (count >= size)
        {
            SetCommands.ReplyAll(call.Reply, entry);
            call.Unit.Remove(key, entry);
            call.Effects.Add("DEL"u8, key.Bytes);
        }
        else if (SetValue.EncodingOf(entry) == SetEncoding.Table
            && (size - count) * MovedPart <= count
            && call.Unit.HasRoomFor(Value.SizeBytes(call.Unit.PartitionFor(key).Heap, entry, Value.UsualSamples)))
        {
            PopMost(call, entry, size - count);
        }
        else
        {
            PopSome(call, entry, count);
        }

        call.Unit.Notify(NotifyClasses.Set, "spop"u8, key, isGone: count >= size);
    }

    /// <summary>Writes so many members, or with a negative count one that many times anew.</summary>
    public static void Write(in Call call, in Entry entry, long count)
    {
        if (entry.IsMissing || count == 0)
        {
            call.Reply.Array(0);
            return;
        }

        var size = SetValue.Count(entry);
        if (count < 0)
        {
            call.Reply.Array(-count);
            for (; count < 0; count++)
                SetCommands.Reply(call.Reply, SetValue.Random(entry, call.Unit.NextRandom64()));
        }
        else if (count >= size)
        {
            call.Reply.Array(size);
            SetCommands.ReplyAll(call.Reply, entry);
        }
        else
        {
            call.Reply.Array(count);
            var isPacked = SetValue.EncodingOf(entry) != SetEncoding.Table;
            if (isPacked || count > size / WalkedPart || count > MaxNoted) WriteWalking(call, entry, count, size);
            else WriteDrawing(call, entry, (int)count);
        }
    }

    private static void PopSome(in Call call, in Entry entry, long count)
    {
        var key = call.Key(1);
        var writer = new SetWriter(call.Unit, key, entry);
        var popped = new PoppedMembers(call, count);
        for (; count > 0; count--)
        {
            var member = SetValue.Random(writer.Entry, call.Unit.NextRandom64());
            popped.Visit(member);
            writer.Remove(member);
        }
    }

    private static void PopMost(in Call call, in Entry entry, long staying)
    {
        var key = call.Key(1);
        var leaving = new SetWriter(call.Unit, key, entry);
        var rest = SetWriter.Apart(call.Unit, key, SetEncoding.Listpack);
        for (; staying > 0; staying--)
        {
            var member = SetValue.Random(entry, call.Unit.NextRandom64());
            rest.Add(member);
            leaving.Remove(member);
        }

        var popped = new PoppedMembers(call, leaving.Count);
        SetValue.Walk(entry, ref popped);
        rest.Commit(entry, keepsDeadline: true);
    }

    private static void WriteWalking(in Call call, in Entry entry, long count, long size)
    {
        var sample = new Sample(call.Reply, call.Unit, count, size);
        SetValue.Walk(entry, ref sample);
    }

    // An open hash table of the blocks chosen so far, at most half full.
    private static void WriteDrawing(in Call call, in Entry entry, int count)
    {
        var length = (int)BitOperations.RoundUpToPowerOf2((uint)count * 2);
        var chosen = ArrayPool<ulong>.Shared.Rent(length);
        var places = chosen.AsSpan(0, length);
        places.Clear();
        var table = SetValue.Table(entry);
        while (count > 0)
        {
            var block = table.Random(call.Unit.NextRandom64());
            if (!TryNote(places, block.Value)) continue;
            SetCommands.Reply(call.Reply, SetValue.Member(entry, block));
            count--;
        }

        ArrayPool<ulong>.Shared.Return(chosen);
    }

    private static bool TryNote(Span<ulong> places, ulong block)
    {
        const ulong GoldenRatio = 0x9E3779B97F4A7C15;
        var at = (int)((block * GoldenRatio) >> 33) & (places.Length - 1);
        while (places[at] != 0)
        {
            if (places[at] == block) return false;
            at = (at + 1) & (places.Length - 1);
        }

        places[at] = block;
        return true;
    }

    /// <summary>Writes popped members to the reply and, in SREMs of a limited length, to the effects.</summary>
    private ref struct PoppedMembers : IMemberVisitor
    {
        private readonly Call _call;
        private long _left;
        private int _leftInEffect;

        internal PoppedMembers(in Call call, long count)
        {
            _call = call;
            _left = count;
        }

        public bool Visit(scoped ListpackElement member)
        {
            SetCommands.Reply(_call.Reply, member);
            if (!_call.Effects.IsRecording)
            {
                _call.Effects.Replace();
                return true;
            }

            if (_leftInEffect == 0) BeginEffect();
            Span<byte> digits = stackalloc byte[ListpackElement.MaxIntegerBytes];
            _call.Effects.Argument(member.Text(digits));
            _leftInEffect--;
            _left--;
            return true;
        }

        private void BeginEffect()
        {
            _leftInEffect = (int)Math.Min(_left, EffectMembers);
            _call.Effects.Begin(2 + _leftInEffect);
            _call.Effects.Argument("SREM"u8);
            _call.Effects.Argument(_call.Key(1).Bytes);
        }
    }

    /// <summary>Takes each member with the chance that gives every subset the same.</summary>
    private struct Sample(ReplyWriter reply, Unit unit, long wanted, long toCome) : IMemberVisitor
    {
        public bool Visit(scoped ListpackElement member)
        {
            if (wanted == 0) return false;
            if (Math.BigMul(unit.NextRandom64(), (ulong)toCome, out _) < (ulong)wanted)
            {
                SetCommands.Reply(reply, member);
                wanted--;
            }

            toCome--;
            return wanted > 0;
        }
    }
}
