// HRANDFIELD.
//
//     no count, or a negative one    each pick is one field of all, whatever was picked before
//     a positive count               that many different fields, every choice of them with the same chance
//
// A packed hash is walked. Of a large one, a few fields are picked from the table until enough are different; when a
// good part of them is wanted, all are walked and each is taken with chance (still wanted / still to come), which gives
// every subset the same chance (Knuth, The Art of Computer Programming, volume 2, algorithm S).
// Source: Redis 7.2 documentation, "HRANDFIELD".

using System.Buffers;
using System.Numerics;
using Millrace.Engine;
using Millrace.Engine.Values;

namespace Millrace.Commands.Families;

/// <summary>Choosing fields of a hash at random.</summary>
internal static class HashRandom
{
    // A pick may meet a field whose time has come; after so many in a row the fields that are left are counted.
    private const int MaxTries = 100;

    // Up to a third of the fields are picked, more are taken in one walk.
    private const int PickedShare = 3;

    // Those that were picked are remembered in 16 to 32 bytes each: no more than 32 MB.
    private const int MaxPicked = 1024 * 1024;

    /// <summary>The command.</summary>
    internal static void HRandField(ref Call call)
    {
        if (call.Args.Count == 2)
        {
            if (!HashCommands.TryRead(call, out var hash)) return;
            if (hash.IsMissing) call.Reply.Null();
            else ReplyPicks(call, hash, 1, withValues: false);
            return;
        }

        if (!TryReadCount(call, out var count, out var withValues)) return;
        if (!HashCommands.TryRead(call, out var entry)) return;
        if (entry.IsMissing || count == 0)
        {
            call.Reply.Array(0);
            return;
        }

        if (count < 0)
        {
            BeginReply(call, -count, withValues);
            ReplyPicks(call, entry, -count, withValues);
            return;
        }

        var total = HashValue.Count(entry, call.Unit.NowMs);
        count = Math.Min(count, total);
        BeginReply(call, count, withValues);
        if (!HashValue.IsPacked(entry) && count <= Math.Min(total / PickedShare, MaxPicked))
        {
            ReplyDifferent(call, entry, total, count, withValues);
            return;
        }

        var sampler = new Sampler(call, default, total, count, withValues);
        HashValue.Walk(entry, call.Unit.NowMs, ref sampler);
    }

    private static bool TryReadCount(in Call call, out long count, out bool withValues)
    {
        withValues = call.Args.Count > 3;
        if (!call.TryInteger(2, out count)) return false;
        if (count == long.MinValue)
        {
            call.Reply.Error(
                "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"u8);
            return false;
        }

        if (call.Args.Count > 4 || (withValues && !call.Is(3, "WITHVALUES"u8)))
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return false;
        }

        // Repetitions are all sent, so their number is limited by what one reply can count.
        var least = withValues ? -int.MaxValue / 2 : -int.MaxValue;
        if (count >= least && (!withValues || count <= long.MaxValue / 2)) return true;
        call.Reply.Error("ERR value is out of range"u8);
        return false;
    }

    private static void BeginReply(in Call call, long count, bool withValues) =>
        call.Reply.Array((int)(withValues && call.Reply.Protocol == 2 ? count * 2 : count));

    private static void Reply(in Call call, scoped in HashItem item, bool withValues)
    {
        if (withValues && call.Reply.Protocol != 2) call.Reply.Array(2);
        HashCommands.ReplyText(call, item.Name);
        if (withValues) HashCommands.ReplyText(call, item.Value);
    }

    // One field of all, so many times.
    private static void ReplyPicks(in Call call, in Entry entry, long count, bool withValues)
    {
        if (!HashValue.IsPacked(entry))
        {
            for (; count > 0 && TryPick(call, entry, out var item); count--) Reply(call, item, withValues);
        }

        if (count == 0) return;
        var places = new HashPlaces(HashValue.Count(entry, call.Unit.NowMs));
        HashValue.Walk(entry, call.Unit.NowMs, ref places);
        for (; count > 0; count--)
        {
            var place = places[(int)RandomDraw.Below(call.Unit, places.Count)];
            Reply(call, HashValue.ItemAt(entry, place), withValues);
        }

        places.Release();
    }

    // So many different fields of a large hash, few of all.
    private static void ReplyDifferent(in Call call, in Entry entry, long total, long count, bool withValues)
    {
        var slots = (int)BitOperations.RoundUpToPowerOf2((ulong)count * 2);
        var rented = ArrayPool<ulong>.Shared.Rent(slots);
        var picked = new PickedPlaces(rented.AsSpan(0, slots));
        while (picked.Count < count && TryPick(call, entry, out var item))
        {
            if (picked.TryAdd(item.Place)) Reply(call, item, withValues);
        }

        var sampler = new Sampler(call, picked, total - picked.Count, count - picked.Count, withValues);
        if (picked.Count < count) HashValue.Walk(entry, call.Unit.NowMs, ref sampler);
        ArrayPool<ulong>.Shared.Return(rented);
    }

    private static bool TryPick(in Call call, in Entry entry, out HashItem item)
    {
        for (var tries = 0; tries < MaxTries; tries++)
        {
            if (HashValue.TryRandom(entry, RandomDraw.Word(call.Unit), call.Unit.NowMs, out item)) return true;
        }

        item = default;
        return false;
    }

    // Takes each field with chance (wanted / left), so that in the end exactly as many are taken as were wanted.
    private ref struct Sampler(Call call, PickedPlaces picked, long left, long wanted, bool withValues) : IHashVisitor
    {
        private readonly Call _call = call;
        private readonly PickedPlaces _picked = picked;
        private long _left = left;
        private long _wanted = wanted;

        public void Visit(scoped in HashItem item)
        {
            if (_picked.Contains(item.Place)) return;
            if (RandomDraw.Below(_call.Unit, _left--) >= _wanted) return;
            _wanted--;
            Reply(_call, item, withValues);
        }
    }

    // A set of places, none of which is 0: open addressing over a power of two at most half full.
    private ref struct PickedPlaces
    {
        private readonly Span<ulong> _slots;

        public PickedPlaces(Span<ulong> slots)
        {
            slots.Clear();
            _slots = slots;
        }

        public int Count { get; private set; }

        public bool TryAdd(ulong place)
        {
            var slot = SlotOf(place);
            if (_slots[slot] == place) return false;
            _slots[slot] = place;
            Count++;
            return true;
        }

        public readonly bool Contains(ulong place) => !_slots.IsEmpty && _slots[SlotOf(place)] == place;

        // The slot that holds the place, or the free one where it belongs.
        private readonly int SlotOf(ulong place)
        {
            const ulong GoldenRatio = 0x9E3779B97F4A7C15;
            var at = (int)(place * GoldenRatio >> 33) & (_slots.Length - 1);
            while (_slots[at] != 0 && _slots[at] != place) at = (at + 1) & (_slots.Length - 1);
            return at;
        }
    }
}
