using System.Buffers.Binary;
using Millrace.Memory;

namespace Millrace.Fuzz;

/// <summary>
/// The validator of listpacks, and what may be done with a listpack that passed. Promises: it never throws; what passes
/// is the same from both ends; the elements survive being written anew, and each is found; changes give listpacks that
/// pass.
/// </summary>
public sealed class ListpackTarget : FuzzTarget
{
    /// <summary>The target's name.</summary>
    public const string TargetName = "listpack";

    private const int UnknownCount = ushort.MaxValue;

    private readonly byte[] _copy;
    private readonly byte[] _room;
    private readonly byte[] _text;
    private readonly int[] _places;

    /// <summary>A target with buffers of its own.</summary>
    public ListpackTarget()
    {
        _copy = new byte[MaxInputBytes];
        _room = new byte[8 * MaxInputBytes];
        _text = new byte[MaxInputBytes];
        _places = new int[MaxInputBytes];

        // The code is loaded here and not in the first execution, whose memory is measured.
        Listpack.WriteEmpty(_room);
    }

    /// <inheritdoc/>
    public override string Name => TargetName;

    /// <inheritdoc/>
    public override string Assembly => "Millrace.Memory";

    /// <inheritdoc/>
    public override string[] SourceFiles => ["Listpack.cs", "ListpackElement.cs", "ListpackBuilder.cs"];

    /// <inheritdoc/>
    public override int MaxInputBytes => 512;

    /// <inheritdoc/>
    public override IReadOnlyList<byte[]> Tokens { get; } =
    [
        .. new[]
        {
            "0001", "7f01", "c08002", "dfff02", "f1001003", "f1ffef03", "f200800004", "f2ff7fff04", "f30000800005",
            "f4000000800000000009", "8001", "816102", "82313203", "822d3003", "e00378797a05", "f0010000006106",
            "f0ffffffff", "f0fbffffff", "ff", "efff", "0180", "00ffff", "ffff", "832d303104", "0100",
        }.Select(Convert.FromHexString),
    ];

    /// <inheritdoc/>
    public override long AllocationLimit(int inputBytes) => 16 * 1024;

    /// <inheritdoc/>
    public override void Run(ReadOnlySpan<byte> input)
    {
        Check(input);
        if (input.Length < Listpack.EmptyBytes)
            return;

        // Nearly every change of a listpack makes its total wrong: the entries behind it are worth a look of their own.
        input.CopyTo(_copy);
        Span<byte> repaired = _copy.AsSpan(0, input.Length);
        repaired[^1] = 0xFF;
        BinaryPrimitives.WriteInt32LittleEndian(repaired, repaired.Length);
        if (input[0] % 2 == 0)
            BinaryPrimitives.WriteUInt16LittleEndian(repaired[4..], UnknownCount);
        Check(repaired);
    }

    private static void Promise(bool kept, string sentence)
    {
        if (!kept)
            throw new BrokenPromiseException(sentence);
    }

    private void Check(ReadOnlySpan<byte> input)
    {
        if (!Listpack.IsValid(input, deep: true))
        {
            Listpack.IsValid(input, deep: false);
            return;
        }

        Promise(Listpack.IsValid(input, deep: false), "the deep look passed what the shallow one did not");
        int count = 0;
        for (int at = Listpack.First(input); at >= 0; at = Listpack.Next(input, at))
            _places[count++] = at;
        Promise(Listpack.Count(input) == count, "the count differs from the walk");
        int left = count;
        for (int at = Listpack.Last(input); at >= 0; at = Listpack.Previous(input, at))
            Promise(left > 0 && _places[--left] == at, "the walk from the back came to another place");
        Promise(left == 0, "the walk from the back ended early");
        CheckElements(input, count);
        CheckCopy(input, count);
        if (count > 0)
            CheckChanges(input, count);
    }

    private void CheckElements(ReadOnlySpan<byte> input, int count)
    {
        Span<byte> scratch = stackalloc byte[ListpackElement.MaxIntegerBytes];
        ListpackBuilder builder = ListpackBuilder.Begin(_room);
        int taken = 0;
        for (int at = Listpack.First(input); at >= 0; taken++)
        {
            int place = at;
            ListpackElement element = Listpack.Take(input, ref at);
            ReadOnlySpan<byte> text = element.Text(scratch);
            Promise(text.Length == element.TextLength, "the length of an element is not that of its text");
            Promise(_text.AsSpan(0, element.CopyTo(_text)).SequenceEqual(text), "a copy differs from the text");
            Promise(element.SameAs(text) && element.SameAs(ListpackElement.Of(text)), "an element is not itself");
            int found = Listpack.Find(input, Listpack.First(input), text);
            Promise(found >= 0 && found <= place, "an element was not found");
            Promise(Listpack.Find(input, place, element, skip: 1) == place, "an element was not found at its place");
            Promise(Listpack.Seek(input, taken) == place, "an index gave another place");
            Promise(Listpack.Seek(input, taken - count) == place, "an index from the tail gave another place");
            builder.Append(text);
        }

        int total = builder.Finish();
        ReadOnlySpan<byte> anew = _room.AsSpan(0, total);
        Promise(Listpack.IsValid(anew, deep: true), "what was written anew does not pass");
        int other = Listpack.First(anew);
        for (int at = Listpack.First(input); at >= 0;)
            Promise(Listpack.Take(input, ref at).SameAs(Listpack.Take(anew, ref other)), "an element was lost");
        Promise(other < 0, "an element came from nowhere");
    }

    private void CheckCopy(ReadOnlySpan<byte> input, int count)
    {
        Listpack.WriteEmpty(_room);
        ListpackBuilder builder = ListpackBuilder.Continue(_room);
        int half = count > 0 ? _places[count / 2] : Listpack.EndOf(input);
        builder.AppendEntries(input, Listpack.HeaderBytes, half, count / 2);
        builder.AppendEntries(input, half, Listpack.EndOf(input), count - (count / 2));
        int total = builder.TotalBytes;
        Promise(builder.Finish() == total && total == input.Length, "whole entries changed their size");
        Promise(_room.AsSpan(0, total)[Listpack.HeaderBytes..].SequenceEqual(input[Listpack.HeaderBytes..]), "a copy");
        Promise(Listpack.Count(_room) == count, "a copy has another count");
    }

    // The bytes themselves choose the changes, so that a crash input crashes again.
    private void CheckChanges(ReadOnlySpan<byte> input, int count)
    {
        Span<byte> room = _room;
        input.CopyTo(room);
        int place = _places[input[^2] % count];
        ListpackElement element = Listpack.Get(input, _places[input[^3] % count]);
        int total = Listpack.Replace(room, place, element);
        Promise(Listpack.Get(room, place).SameAs(element), "another element came out than was put in");
        total = Listpack.Insert(room[..(total + Listpack.SizeOf(element))], place, element);
        total = Listpack.Append(room[..(total + Listpack.SizeOf(input[6]))], input[6]);
        total = Listpack.Prepend(room[..(total + Listpack.SizeOf(input[..6]))], input[..6]);
        Expect(total, count + 3);
        int merged = Listpack.MergedBytes(room, input);
        total = input[6] % 2 == 0
            ? Listpack.MergeBehind(room[..merged], input)
            : Listpack.MergeInFront(room[..merged], input);
        Expect(total, count + count + 3);
        int index = input[^2] % count;
        int deleted = 1 + (input[6] % 4);
        total = Listpack.DeleteRange(room, index, deleted);
        int rest = count + count + 3 - Math.Min(deleted, count + count + 3 - index);
        Expect(total, rest);
        total = Listpack.Delete(room, Listpack.First(room), 1);
        Expect(total, rest - 1);
        Expect(Listpack.DeleteRange(room, 0, rest), 0);
    }

    private void Expect(int total, int count)
    {
        ReadOnlySpan<byte> listpack = _room.AsSpan(0, total);
        Promise(Listpack.IsValid(listpack, deep: true), "a change made something that does not pass");
        Promise(Listpack.Count(listpack) == count, "a change made another count");
    }
}
