// The owners of a ring's operations, by number: user data names an owner in 28 bits, and a completion finds it.
//
//     user data u64:  [ generation 32 | step 4 | slot 28 ]
//
// A slot's generation goes up when it is freed, so a completion that was meant for an earlier owner is recognised.
// Slots are freed after the last completion of their operations; the generation is there in case that this is ever
// wrong.
// Take, Free, OwnerOf: O(1).

namespace Millrace.Net;

internal sealed class PollerSlots
{
    private const int StepShift = 28;
    private const uint SlotMask = (1u << StepShift) - 1;

    private Slot[] _slots = [];
    private int _free = -1;

    /// <summary>The slot that user data is about.</summary>
    public static int SlotOf(ulong userData) => (int)((uint)userData & SlotMask);

    /// <summary>What kind of operation user data is about.</summary>
    public static RingStep StepOf(ulong userData) => (RingStep)((uint)userData >> StepShift);

    public ulong UserDataOf(int slot, RingStep step) =>
        ((ulong)_slots[slot].Generation << 32) | ((uint)step << StepShift) | (uint)slot;

    /// <summary>The owner; null when it has gone.</summary>
    public object? OwnerOf(ulong userData)
    {
        ref Slot slot = ref _slots[SlotOf(userData)];
        return slot.Generation == (uint)(userData >> 32) ? slot.Owner : null;
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

/// <summary>The kinds of operations.</summary>
internal enum RingStep
{
    Receive = 1,
    Poll = 2,
    SendNow = 3,
    SendWhenPossible = 4,
    Accept = 5,
    Wake = 6,
    Cancel = 7,
}
