namespace Millrace.Net.Tests;

/// <summary>Tags find their owners, and only those that they were made for.</summary>
public class PollerSlotsTests
{
    [Fact]
    public void A_tag_tells_slot_and_step_and_finds_the_owner()
    {
        var slots = new PollerSlots();
        var slot = slots.Take("one");
        var tag = slots.TagOf(slot, step: 15);
        Assert.Equal(slot, PollerSlots.SlotOf(tag));
        Assert.Equal(15u, PollerSlots.StepOf(tag));
        Assert.Equal("one", slots.OwnerOf(tag));
        Assert.Equal("one", slots.OwnerAt(slot));
    }

    [Fact]
    public void A_tag_of_an_earlier_owner_finds_nobody_when_its_slot_is_used_again()
    {
        var slots = new PollerSlots();
        var slot = slots.Take("earlier");
        var stale = slots.TagOf(slot);
        slots.IsArmed(slot) = true;
        slots.Free(slot);
        Assert.Null(slots.OwnerOf(stale));
        Assert.Equal(slot, slots.Take("later"));
        Assert.False(slots.IsArmed(slot));
        Assert.Null(slots.OwnerOf(stale));
        Assert.Equal("later", slots.OwnerOf(slots.TagOf(slot)));
    }

    [Fact]
    public void Growing_keeps_all_owners_and_their_tags()
    {
        var slots = new PollerSlots();
        var tags = Enumerable.Range(0, 1000).Select(i => slots.TagOf(slots.Take(i))).ToList();
        Assert.Equal(1000, tags.Distinct().Count());
        Assert.All(Enumerable.Range(0, 1000), i => Assert.Equal(i, slots.OwnerOf(tags[i])));
    }
}
