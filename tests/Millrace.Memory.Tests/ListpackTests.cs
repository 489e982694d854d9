using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Xunit.Abstractions;

namespace Millrace.Memory.Tests;

public class ListpackTests(ITestOutputHelper output)
{
    private const int MostElements = 300;

    [Fact]
    public void The_empty_one_is_seven_bytes()
    {
        var empty = new PackedList();
        Assert.Equal("070000000000ff", PackedList.Hex(empty.Bytes));
        Assert.True(Listpack.IsEmpty(empty.Bytes));
        Assert.Equal(0, Listpack.Count(empty.Bytes));
        Assert.Equal(-1, Listpack.First(empty.Bytes));
        Assert.Equal(-1, Listpack.Last(empty.Bytes));
        Assert.Equal(-1, Listpack.Seek(empty.Bytes, 0));
        Assert.Equal(-1, Listpack.Seek(empty.Bytes, -1));
        Assert.True(Listpack.IsValid(empty.Bytes, deep: true));
    }

    // Redis 7.0.15 gave these bytes in DUMPs of hashes.
    [Theory]
    [InlineData("0", "0001")]
    [InlineData("1", "0101")]
    [InlineData("127", "7f01")]
    [InlineData("128", "c08002")]
    [InlineData("4095", "cfff02")]
    [InlineData("4096", "f1001003")]
    [InlineData("-1", "dfff02")]
    [InlineData("-4096", "d00002")]
    [InlineData("-4097", "f1ffef03")]
    [InlineData("32767", "f1ff7f03")]
    [InlineData("32768", "f200800004")]
    [InlineData("-32768", "f1008003")]
    [InlineData("-32769", "f2ff7fff04")]
    [InlineData("8388607", "f2ffff7f04")]
    [InlineData("8388608", "f30000800005")]
    [InlineData("-8388608", "f200008004")]
    [InlineData("-8388609", "f3ffff7fff05")]
    [InlineData("2147483647", "f3ffffff7f05")]
    [InlineData("2147483648", "f4000000800000000009")]
    [InlineData("-2147483648", "f30000008005")]
    [InlineData("-2147483649", "f4ffffff7fffffffff09")]
    [InlineData("9223372036854775807", "f4ffffffffffffff7f09")]
    [InlineData("-9223372036854775808", "f4000000000000008009")]
    [InlineData("9223372036854775808", "93" + "39323233333732303336383534373735383038" + "14")]
    [InlineData("-9223372036854775809", "94" + "2d39323233333732303336383534373735383039" + "15")]
    [InlineData("18446744073709551616", "94" + "3138343436373434303733373039353531363136" + "15")]
    [InlineData("", "8001")]
    [InlineData("-", "812d02")]
    [InlineData("-0", "822d3003")]
    [InlineData("00", "82303003")]
    [InlineData("01", "82303103")]
    [InlineData("-01", "832d303104")]
    [InlineData("+1", "822b3103")]
    [InlineData(" 1", "82203103")]
    [InlineData("1 ", "82312003")]
    [InlineData("1.0", "83312e3004")]
    [InlineData("1a", "82316103")]
    [InlineData("abc", "8361626304")]
    public void An_element_takes_these_bytes(string text, string entry)
    {
        var one = new PackedList([Encoding.Latin1.GetBytes(text)]);
        var total = (entry.Length / 2) + Listpack.EmptyBytes;
        Assert.Equal($"{total:x2}0000000100{entry}ff", PackedList.Hex(one.Bytes));
        Assert.Equal([text], one.Elements);
        Assert.Equal(entry.Length / 2, Listpack.SizeAt(one.Bytes, Listpack.First(one.Bytes)));
        Assert.True(Listpack.IsValid(one.Bytes, deep: true));
        var element = Listpack.Get(one.Bytes, Listpack.First(one.Bytes));
        Assert.Equal(long.TryParse(text, CultureInfo.InvariantCulture, out var value)
            && value.ToString(CultureInfo.InvariantCulture) == text, element.IsInteger);
        if (!element.IsInteger) return;
        Assert.Equal(value, element.Integer);
        var same = new PackedList();
        same.Append(value);
        Assert.Equal(PackedList.Hex(one.Bytes), PackedList.Hex(same.Bytes));
    }

    // The head is the encoding with the length, the tail the backlen; from the same DUMPs.
    [Theory]
    [InlineData(63, "bf", "40")]
    [InlineData(64, "e040", "42")]
    [InlineData(125, "e07d", "7f")]
    [InlineData(126, "e07e", "0180")]
    [InlineData(4095, "efff", "2081")]
    [InlineData(4096, "f000100000", "2085")]
    [InlineData(16377, "f0f93f0000", "7ffe")]
    [InlineData(16378, "f0fa3f0000", "00ffff")]
    [InlineData(16379, "f0fb3f0000", "018080")]
    [InlineData(2_097_145, "f0f9ff1f00", "7ffffe")]
    [InlineData(2_097_146, "f0faff1f00", "00ffffff")]
    [InlineData(2_097_147, "f0fbff1f00", "01808080")]
    public void A_string_takes_its_length_these_bytes_around_it(int length, string head, string tail) =>
        CheckString(length, head, tail);

    [Fact]
    public void A_string_of_a_quarter_of_a_gigabyte_has_a_backlen_of_five_bytes()
    {
        if (Seeds.Volume(0, 1) == 0)
        {
            // The size alone takes no memory that is touched.
            Assert.Equal(268_435_454 + 4, Listpack.SizeOf(new byte[268_435_449]));
            Assert.Equal(268_435_455 + 5, Listpack.SizeOf(new byte[268_435_450]));
            return;
        }

        CheckString(268_435_449, "f0f9ffff0f", "7ffffffe");
        CheckString(268_435_450, "f0faffff0f", "00ffffffff");
        CheckString(268_435_456, "f000000010", "0180808085");
    }

    [Fact]
    public void Several_elements_follow_each_other_and_are_found_from_both_ends()
    {
        var list = new PackedList(["a"u8.ToArray(), "1"u8.ToArray(), ""u8.ToArray(), "-300"u8.ToArray()]);
        Assert.Equal(
            "11000000" + "0400" + "816102" + "0101" + "8001" + "ded402" + "ff", PackedList.Hex(list.Bytes));
        Assert.Equal(6, Listpack.First(list.Bytes));
        Assert.Equal(9, Listpack.Next(list.Bytes, 6));
        Assert.Equal(13, Listpack.Last(list.Bytes));
        Assert.Equal(11, Listpack.Previous(list.Bytes, 13));
        Assert.Equal(-1, Listpack.Next(list.Bytes, 13));
        Assert.Equal(-1, Listpack.Previous(list.Bytes, 6));
        Assert.Equal(16, Listpack.EndOf(list.Bytes));
    }

    [Fact]
    public void Find_compares_fields_and_passes_over_values()
    {
        var list = new PackedList();
        foreach (var word in "f1 7 f2 f3 7 x f3 y".Split(' ')) list.Append(Encoding.Latin1.GetBytes(word));
        var bytes = list.Bytes;
        var first = Listpack.First(bytes);
        Assert.Equal(Listpack.Seek(bytes, 4), Listpack.Find(bytes, first, "7"u8, skip: 1));
        Assert.Equal(Listpack.Seek(bytes, 1), Listpack.Find(bytes, first, "7"u8));
        Assert.Equal(Listpack.Seek(bytes, 1), Listpack.Find(bytes, first, ListpackElement.Of(7)));
        Assert.Equal(Listpack.Seek(bytes, 6), Listpack.Find(bytes, first, "f3"u8, skip: 1));
        Assert.Equal(Listpack.Seek(bytes, 3), Listpack.Find(bytes, first, "f3"u8));
        Assert.Equal(-1, Listpack.Find(bytes, first, "y"u8, skip: 1));
        Assert.Equal(-1, Listpack.Find(bytes, first, "07"u8));
        Assert.Equal(-1, Listpack.Find(bytes, first, ""u8));
        Assert.Equal(-1, Listpack.Find(bytes, -1, "7"u8));
        Assert.Equal(first, Listpack.Find(bytes, first, "f1"u8, skip: int.MaxValue));
        Assert.Equal(-1, Listpack.Find(bytes, first, "f2"u8, skip: int.MaxValue));
    }

    [Fact]
    public void A_foreign_string_that_is_an_integer_is_the_same_element()
    {
        var foreign = Convert.FromHexString("0b0000000100" + "823132" + "03" + "ff");
        Assert.True(Listpack.IsValid(foreign, deep: true));
        var element = Listpack.Get(foreign, 6);
        Assert.False(element.IsInteger);
        Assert.True(element.SameAs("12"u8));
        Assert.True(element.SameAs(ListpackElement.Of(12)));
        Assert.True(ListpackElement.Of(12).SameAs(element));
        Assert.True(ListpackElement.Of("12"u8).SameAs(element));
        Assert.False(ListpackElement.Of(13).SameAs(element));
        Assert.Equal(6, Listpack.Find(foreign, 6, "12"u8));
        Assert.Equal(6, Listpack.Find(foreign, 6, ListpackElement.Of(12)));
        Assert.Equal(-1, Listpack.Find(foreign, 6, ListpackElement.Of(1)));
    }

    [Fact]
    public void A_room_may_be_longer_and_what_lies_behind_the_total_stays()
    {
        var room = new byte[64];
        room.AsSpan().Fill(0xAB);
        Listpack.WriteEmpty(room);
        var total = Listpack.Append(room, "middle"u8);
        total = Listpack.Prepend(room, -5);
        total = Listpack.Append(room, 1L << 40);
        Assert.Equal(total, Listpack.TotalBytes(room));
        Assert.Equal(["-5", "middle", "1099511627776"], PackedList.Texts(room).Select(Encoding.Latin1.GetString));
        total = Listpack.Replace(room, Listpack.Seek(room, 1), 3);
        total = Listpack.Insert(room, Listpack.EndOf(room), ListpackElement.Of("end"u8));
        Assert.Equal(["-5", "3", "1099511627776", "end"], PackedList.Texts(room).Select(Encoding.Latin1.GetString));
        Assert.Equal(total, Listpack.TotalBytes(room));
        Assert.All(room[36..], one => Assert.Equal(0xAB, one));
    }

    [Fact]
    public void From_65535_elements_on_they_are_counted_by_walking()
    {
        var room = new byte[1 << 18];
        var builder = ListpackBuilder.Begin(room);
        for (var i = 0; i < 65_534; i++) builder.Append(i % 100);
        Assert.Equal(builder.TotalBytes, builder.Finish());
        Assert.Equal(65_534, StoredCount(room));
        Assert.Equal(65_534, Listpack.Count(room));
        Listpack.Append(room, "last"u8);
        Assert.Equal(65_535, StoredCount(room));
        Assert.Equal(65_535, Listpack.Count(room));
        Listpack.Prepend(room, "first"u8);
        Assert.Equal(65_536, Listpack.Count(room));
        Assert.True(Listpack.IsValid(room.AsSpan(0, Listpack.TotalBytes(room)), deep: true));
        Assert.Equal(Listpack.First(room), Listpack.Seek(room, -65_536));
        Assert.Equal(Listpack.Last(room), Listpack.Seek(room, 65_535));
        Assert.Equal(-1, Listpack.Seek(room, 65_536));
        Assert.Equal(-1, Listpack.Seek(room, -65_537));
        Listpack.DeleteRange(room, -2, 100);
        Assert.Equal(65_534, Listpack.Count(room));
        Listpack.DeleteRange(room, 0, long.MaxValue);
        Assert.Equal("070000000000ff", PackedList.Hex(room.AsSpan(0, Listpack.TotalBytes(room))));
    }

    [Fact]
    public void It_agrees_with_a_list()
    {
        var operations = Seeds.Volume(15_000, 300_000);
        Seeds.ForEach(output, seed =>
        {
            var random = new Random(seed);
            var model = new List<byte[]>();
            var list = new PackedList();
            for (var i = 0; i < operations; i++)
            {
                Step(random, model, list);
                Assert.True(Listpack.IsValid(list.Bytes, deep: true));
                Assert.Equal(model.Count, Listpack.Count(list.Bytes));
                Look(random, model, list.Bytes);
                if (i % 50 == 0) PackedList.AssertSame(model, list.Texts());
            }

            PackedList.AssertSame(model, list.Texts());
        });
    }

    [Fact]
    public void Elements_of_the_same_text_are_the_same_in_every_form()
    {
        Seeds.ForEach(output, seed =>
        {
            var random = new Random(seed);
            for (var i = 0; i < 20_000; i++)
            {
                var left = NextElement(random);
                var right = random.Next(3) == 0 ? left : NextElement(random);
                var same = left.AsSpan().SequenceEqual(right);
                var stored = new PackedList([left]);
                var element = Listpack.Get(stored.Bytes, Listpack.First(stored.Bytes));
                Assert.Equal(same, element.SameAs(right));
                Assert.Equal(same, element.SameAs(ListpackElement.Of(right)));
                Assert.Equal(same, ListpackElement.Of(right).SameAs(element));
                Assert.True(element.SameAs(ListpackElement.Of(left)));
                var copy = new byte[element.TextLength];
                Assert.Equal(left.Length, element.CopyTo(copy));
                Assert.Equal(left, copy);
            }
        });
    }

    [Fact]
    public void A_builder_writes_what_appending_writes()
    {
        Seeds.ForEach(output, seed =>
        {
            var random = new Random(seed);
            for (var i = 0; i < 300; i++)
            {
                var elements = Enumerable.Range(0, random.Next(40)).Select(_ => NextElement(random)).ToList();
                var appended = new PackedList(elements);
                var half = random.Next(elements.Count + 1);
                var room = new byte[appended.Bytes.Length];
                var builder = ListpackBuilder.Begin(room);
                foreach (var element in elements.Take(half)) builder.Append(element);
                builder.Finish();
                builder = ListpackBuilder.Continue(room);
                var from = half == elements.Count
                    ? Listpack.EndOf(appended.Bytes)
                    : Listpack.Seek(appended.Bytes, half);
                builder.AppendEntries(
                    appended.Bytes, from, Listpack.EndOf(appended.Bytes), elements.Count - half);
                Assert.Equal(room.Length, builder.Finish());
                Assert.Equal(PackedList.Hex(appended.Bytes), PackedList.Hex(room));
            }
        });
    }

    [Fact]
    public void Nothing_takes_managed_memory()
    {
        var room = new byte[4096];
        var bytes = Churn(room);
        var before = GC.GetAllocatedBytesForCurrentThread();
        bytes += Churn(room);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(2 * ((100 * 5) + 1 + (9 * 4) + (90 * 5)), bytes);
    }

    internal static byte[] NextElement(Random random)
    {
        switch (random.Next(12))
        {
            case 0: return [];
            case 1: return Text(random, random.Next(1, 70));
            case 2: return Text(random, random.Next(100) == 0 ? random.Next(16_370, 16_390) : random.Next(120, 135));
            case 3: return Text(random, random.Next(20) == 0 ? random.Next(4_090, 4_100) : random.Next(58, 70));
            case 4: return Text(random, random.Next(1, 5));
            case 5:
                string[] nearlyIntegers = ["-", "-0", "00", "007", "+1", " 1", "1 ", "9223372036854775808", "1e3",
                    "-1-", "-9223372036854775809", "99999999999999999999", "123456789012345678901", "-01",
                    "--1", "0x1"];
                return Encoding.Latin1.GetBytes(nearlyIntegers[random.Next(nearlyIntegers.Length)]);
            case 6 or 7:
                long[] edges = [0, 127, 4095, 32_767, 8_388_607, int.MaxValue, long.MaxValue - 2];
                return Number((random.Next(2) == 0 ? 1 : -1) * (edges[random.Next(edges.Length)] + random.Next(-2, 3)));
            case 8: return Number(random.Next(10));
            default: return Number(random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64));
        }
    }

    private static byte[] Text(Random random, int length)
    {
        var text = new byte[length];
        random.NextBytes(text);
        return text;
    }

    private static byte[] Number(long value) => Encoding.Latin1.GetBytes(value.ToString(CultureInfo.InvariantCulture));

    private static int StoredCount(ReadOnlySpan<byte> listpack) =>
        BinaryPrimitives.ReadUInt16LittleEndian(listpack[4..]);

    private static void CheckString(int length, string head, string tail)
    {
        var text = new byte[length];
        text.AsSpan().Fill((byte)'x');
        var entry = (head.Length / 2) + length + (tail.Length / 2);
        Assert.Equal(entry, Listpack.SizeOf(text));
        var room = new byte[Listpack.EmptyBytes + entry];
        Listpack.WriteEmpty(room);
        Assert.Equal(room.Length, Listpack.Append(room, text));
        Assert.Equal(head, PackedList.Hex(room.AsSpan(6, head.Length / 2)));
        Assert.Equal(tail + "ff", PackedList.Hex(room.AsSpan()[^((tail.Length / 2) + 1)..]));
        Assert.True(Listpack.IsValid(room, deep: true));
        Assert.Equal(6, Listpack.Last(room));
        Assert.True(Listpack.Get(room, 6).SameAs(text));
        Assert.Equal(entry, Listpack.SizeAt(room, 6));
    }

    private static void Step(Random random, List<byte[]> model, PackedList list)
    {
        var index = model.Count == 0 ? 0 : random.Next(model.Count);
        var element = NextElement(random);
        var place = Listpack.Seek(list.Bytes, random.Next(2) == 0 ? index : index - model.Count);
        var shrink = model.Count > MostElements || random.Next(500) == 0;
        switch (shrink ? 20 : random.Next(model.Count == 0 ? 3 : 16))
        {
            case 0 or 1 or 2 or 3:
                list.Append(element);
                model.Add(element);
                break;
            case 4 or 5:
                list.Prepend(element);
                model.Insert(0, element);
                break;
            case 6 or 7:
                list.Insert(place, element);
                model.Insert(index, element);
                break;
            case 8 or 9 or 10:
                list.Replace(place, element);
                model[index] = element;
                break;
            case 11 or 12:
                var count = random.Next(4);
                list.Delete(place, count);
                model.RemoveRange(index, Math.Min(count, model.Count - index));
                break;
            case 13 or 14:
                count = random.Next(3);
                list.DeleteRange(random.Next(2) == 0 ? index : index - model.Count, count);
                model.RemoveRange(index, Math.Min(count, model.Count - index));
                break;
            case 15:
                Merge(random, model, list);
                break;
            default:
                list.DeleteRange(index, model.Count);
                if (index < model.Count) model.RemoveRange(index, model.Count - index);
                break;
        }
    }

    private static void Merge(Random random, List<byte[]> model, PackedList list)
    {
        var more = Enumerable.Range(0, random.Next(5)).Select(_ => NextElement(random)).ToList();
        if (random.Next(2) == 0)
        {
            list.MergeBehind(new PackedList(more));
            model.AddRange(more);
        }
        else
        {
            list.MergeInFront(new PackedList(more));
            model.InsertRange(0, more);
        }
    }

    // One random look at the list from each side.
    private static void Look(Random random, List<byte[]> model, ReadOnlySpan<byte> list)
    {
        var index = random.Next(-model.Count - 2, model.Count + 2);
        var at = Listpack.Seek(list, index);
        var expected = index < 0 ? index + model.Count : index;
        if (expected < 0 || expected >= model.Count)
        {
            Assert.Equal(-1, at);
            return;
        }

        Assert.True(Listpack.Get(list, at).SameAs(model[expected]));
        var wanted = random.Next(2) == 0 ? model[random.Next(model.Count)] : NextElement(random);
        var skip = random.Next(3);
        var found = Listpack.Find(list, at, wanted, skip);
        while (expected < model.Count && !model[expected].AsSpan().SequenceEqual(wanted)) expected += skip + 1;
        Assert.Equal(expected < model.Count ? Listpack.Seek(list, expected) : -1, found);
        Assert.Equal(found, Listpack.Find(list, at, ListpackElement.Of(wanted), skip));
    }

    private static int Churn(Span<byte> room)
    {
        Listpack.WriteEmpty(room);
        for (var i = 0; i < 100; i++)
        {
            Listpack.Append(room, "field"u8);
            Listpack.Prepend(room, i * 1000);
        }

        Span<byte> scratch = stackalloc byte[ListpackElement.MaxIntegerBytes];
        var bytes = 0;
        for (var at = Listpack.First(room); at >= 0;) bytes += Listpack.Take(room, ref at).Text(scratch).Length;
        if (Listpack.Find(room, Listpack.First(room), "42000"u8) >= 0) Listpack.DeleteRange(room, 10, 50);
        Listpack.Replace(room, Listpack.Last(room), "42"u8);
        return bytes;
    }
}
