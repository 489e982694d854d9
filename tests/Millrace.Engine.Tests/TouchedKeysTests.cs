using System.Buffers.Binary;

namespace Millrace.Engine.Tests;

public class TouchedKeysTests
{
    [Fact]
    public void A_key_that_is_touched_again_is_one_item_with_the_later_cause()
    {
        var touched = new TouchedKeys();
        touched.Add("a"u8, isOwn: true, default);
        touched.Add("a"u8, isOwn: false, default);
        Assert.Equal(1, touched.Count);
        Assert.False(touched.IsOwn(0));
        touched.Add("b"u8, isOwn: true, default);
        touched.Add("a"u8, isOwn: true, default);
        Assert.Equal(3, touched.Count);
        Assert.True(touched.Key(2).SequenceEqual("a"u8));
    }

    [Fact]
    public void A_touch_that_somebody_tracks_is_an_item_of_its_own_with_its_trackers()
    {
        var touched = new TouchedKeys();
        touched.Add("a"u8, isOwn: true, Words(5, 9));
        touched.Add("a"u8, isOwn: true, default);
        touched.Add("a"u8, isOwn: false, Words(7));
        Assert.Equal((3, 2, 0, 1), (
            touched.Count, touched.TrackerCount(0), touched.TrackerCount(1), touched.TrackerCount(2)));
        Assert.Equal((5UL, 9UL, 7UL), (touched.Tracker(0, 0), touched.Tracker(0, 1), touched.Tracker(2, 0)));
        Assert.True(touched.Key(2).SequenceEqual("a"u8));
    }

    [Fact]
    public void It_is_full_behind_four_megabytes_and_empty_after_a_clear()
    {
        var touched = new TouchedKeys();
        var name = new byte[1024 * 1024];
        for (var i = 0; i < 4; i++)
        {
            Assert.False(touched.IsFull);
            name[0] = (byte)i;
            touched.Add(name, isOwn: true, default);
        }

        touched.Add("x"u8, isOwn: true, default);
        Assert.True(touched.IsFull);
        touched.Clear();
        Assert.True(touched.IsEmpty && !touched.IsFull);
        touched.Flush();
        Assert.True(touched.IsFlushed && !touched.IsEmpty);
        touched.Clear();
        Assert.True(touched.IsEmpty);
    }

    private static byte[] Words(params ulong[] words)
    {
        var bytes = new byte[words.Length * sizeof(ulong)];
        for (var i = 0; i < words.Length; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(i * sizeof(ulong)), words[i]);
        return bytes;
    }
}
