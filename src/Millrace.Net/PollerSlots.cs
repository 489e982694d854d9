// Who a poller's events are about, by number: a system call carries a tag, and its report finds the owner again.
//
//     tag u64:  [ generation 32 | step 4 | slot 28 ]
//
// A slot's generation goes up when it is freed, so a report that was fetched or under way for an earlier owner is
// recognised. The step tells several operations of one owner apart; epoll has no use for it.
// Take, Free, OwnerOf: O(1).

using System.Diagnostics;

namespace Millrace.Net;

internal sealed class PollerSlots
{
    private const int StepShift = 28;
    private const uint SlotMask = (1u << StepShift) - 1;

    private Slot[] _slots = [];
    private int _free = -1;

    /// <summary>The slot that a tag is about.</summary>
    public static int SlotOf(ulong tag) => (int)((uint)tag & SlotMask);

    /// <summary>The step that a tag was made for.</summary>
    public static uint StepOf(ulong tag) => (uint)tag >> StepShift;

    /// <summary>The tag of a slot's present owner.</summary>
    /// <param name="slot">A taken slot.</param>
    /// <param name="step">Below 16.</param>
    public ulong TagOf(int slot, uint step = 0)
    {
        Debug.Assert(step < 16, "a step has four bits");
        return ((ulong)_slots[slot].Generation << 32) | (step << StepShift) | (uint)slot;
    }

    /// <summary>The owner; null when it has gone.</summary>
    public object? OwnerOf(ulong tag)
    {
        ref Slot slot = ref _slots[SlotOf(tag)];
        return slot.Generation == (uint)(tag >> 32) ? slot.Owner : null;
    }

    public object? OwnerAt(int slot) => _slots[slot].Owner;

    /// <summary>An operation of the slot is in flight: for owners that have only one.</summary>
    public ref bool IsArmed(int slot) => ref _slots[slot].IsArmed;

    public int Take(object owner)
    {
        if (_free < 0) Grow();
        int slot = _free;
        _free = _slots[slot].NextFree;
        _slots[slot].Owner = owner;
        return slot;
    }

    public void Free(int slot)
    {
        ref Slot freed = ref _slots[slot];
        freed.Owner = null;
        freed.IsArmed = false;
        freed.Generation++;
        freed.NextFree = _free;
        _free = slot;
    }

    private void Grow()
    {
        int old = _slots.Length;
        Array.Resize(ref _slots, Math.Max(64, old * 2));
        for (int i = _slots.Length - 1; i >= old; i--)
        {
            _slots[i].NextFree = _free;
            _free = i;
        }
    }

    private struct Slot
    {
        public object? Owner;
        public uint Generation;
        public int NextFree;
        public bool IsArmed;
    }
}
