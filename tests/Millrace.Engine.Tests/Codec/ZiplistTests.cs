using System.Text;
using Millrace.Engine.Codec;
using Millrace.Memory;

namespace Millrace.Engine.Tests.Codec;

public class ZiplistTests
{
    // total, last at, count, then: "a", 0, 12, -1 (1 byte), 300 (2), -40000 (3), 2^30 (4), 2^40 (8), end
    private const string Right = "2E000000 23000000 0800 000161 03F1 02FD 02FEFF 03C02C01 04F0C063FF 05D000000040"
        + " 06E00000000000010000 FF";

    [Fact]
    public void Strings_and_integers_of_every_width_become_elements_of_a_listpack()
    {
        Assert.Equal(
            ["a", "0", "12", "-1", "300", "-40000", "1073741824", "1099511627776"], Elements(Bytes(Right)));
    }

    [Fact]
    public void Long_strings_and_sizes_of_five_bytes_are_read()
    {
        foreach (var length in (int[])[63, 64, 252, 253, 300, 16_383, 16_384, 70_000])
        {
            var text = new string('x', length);
            Assert.Equal([text, "b"], Elements(Of(text, "b")));
        }
    }

    [Fact]
    public void A_ziplist_without_elements_is_one()
    {
        Assert.Empty(Elements(Bytes("0B000000 0A000000 0000 FF")));
        Assert.False(Ziplist.TryMeasure(Bytes("0B000000 0B000000 0000 FF"), out _, out _));
    }

    [Fact]
    public void A_byte_that_is_changed_is_refused_or_gives_sound_elements()
    {
        var bytes = Bytes(Right);
        for (var at = 0; at < bytes.Length; at++)
        {
            Assert.False(Ziplist.TryMeasure(bytes.AsSpan(0, at), out _, out _));
            for (var value = 0; value < 256; value++)
            {
                var changed = bytes.ToArray();
                changed[at] = (byte)value;
                if (Ziplist.TryMeasure(changed, out var count, out _)) Assert.Equal(count, Elements(changed).Count);
            }
        }
    }

    private static List<string> Elements(byte[] ziplist)
    {
        Assert.True(Ziplist.TryMeasure(ziplist, out var count, out var bytes));
        var listpack = new byte[bytes];
        Ziplist.WriteListpack(ziplist, listpack);
        Assert.True(Listpack.IsValid(listpack, deep: true));
        var texts = new List<string>();
        var scratch = new byte[ListpackElement.MaxIntegerBytes];
        for (var at = Listpack.First(listpack); at >= 0;)
            texts.Add(Encoding.ASCII.GetString(Listpack.Take(listpack, ref at).Text(scratch)));
        Assert.Equal(count, texts.Count);
        return texts;
    }

    private static byte[] Of(params string[] texts)
    {
        var entries = new MemoryStream();
        var before = 0;
        var last = 0;
        foreach (var text in texts)
        {
            last = (int)entries.Length;
            if (before < 254) entries.WriteByte((byte)before);
            else entries.Write([0xFE, (byte)before, (byte)(before >> 8), (byte)(before >> 16), 0]);
            var length = text.Length;
            if (length < 64) entries.WriteByte((byte)length);
            else if (length < 16_384) entries.Write([(byte)(0x40 | (length >> 8)), (byte)length]);
            else entries.Write([0x80, 0, (byte)(length >> 16), (byte)(length >> 8), (byte)length]);
            entries.Write(Encoding.ASCII.GetBytes(text));
            before = (int)entries.Length - last;
        }

        return
        [
            .. BitConverter.GetBytes((int)entries.Length + 11), .. BitConverter.GetBytes(last + 10),
            .. BitConverter.GetBytes((short)texts.Length), .. entries.ToArray(), 0xFF,
        ];
    }

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
}
