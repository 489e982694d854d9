// Random streams of replies for property tests, made by the reply writer itself.

namespace Millrace.Resp.Tests;

internal static class RandomReplies
{
    public static byte[] Make(Random random)
    {
        CollectingSource source = new();
        ReplyWriter writer = new();
        writer.Attach(source, source.Segment, 0, random.Next(2, 4));
        for (int i = random.Next(1, 8); i > 0; i--) Value(random, writer, 0);
        source.Take(writer.Detach());
        return [.. source.All];
    }

    private static void Value(Random random, ReplyWriter writer, int depth)
    {
        switch (random.Next(depth < 3 ? 15 : 11))
        {
            case 0: writer.Ok(); break;
            case 1: writer.Error("ERR wrong"u8); break;
            case 2: writer.Integer(random.NextInt64(long.MinValue, long.MaxValue)); break;
            case 3: writer.Bulk(Bytes(random)); break;
            case 4: writer.Null(); break;
            case 5: writer.NullArray(); break;
            case 6: writer.Double(random.NextDouble() * random.Next()); break;
            case 7: writer.Bool(random.Next(2) == 0); break;
            case 8: writer.BigNumber("-12345678901234567890123"u8); break;
            case 9: writer.Verbatim("txt"u8, Bytes(random)); break;
            case 10: writer.Double(random.Next(2) == 0 ? double.NaN : double.NegativeInfinity); break;
            case 11: Values(random, writer, depth, 1, count => writer.Array(count)); break;
            case 12: Values(random, writer, depth, 2, writer.Map); break;
            case 13: Values(random, writer, depth, 1, count => writer.Set(count)); break;
            default:
                if (writer.Protocol == 3) Values(random, writer, depth, 2, writer.Attribute, atLeast: 1);
                Value(random, writer, depth + 1);
                break;
        }
    }

    private static void Values(
        Random random, ReplyWriter writer, int depth, int perElement, Action<int> header, int atLeast = 0)
    {
        int count = random.Next(atLeast, 6);
        header(count);
        for (int i = 0; i < count * perElement; i++) Value(random, writer, depth + 1);
    }

    private static byte[] Bytes(Random random)
    {
        byte[] bytes = new byte[random.Next(20) == 0 ? random.Next(5000) : random.Next(12)];
        random.NextBytes(bytes);
        return bytes;
    }

    private sealed class CollectingSource : SegmentSource
    {
        public List<byte> All { get; } = [];

        public byte[] Segment { get; private set; } = new byte[4096];

        public void Take(int filled) => All.AddRange(Segment.AsSpan(0, filled));

        public override byte[] Next(int filledInCurrent, int minimumFree, out int start)
        {
            Take(filledInCurrent);
            start = 0;
            Segment = new byte[Math.Max(4096, minimumFree)];
            return Segment;
        }
    }
}
