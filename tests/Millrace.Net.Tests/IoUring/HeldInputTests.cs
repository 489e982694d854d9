// Held bytes come back in their order, however adding and taking alternate.

namespace Millrace.Net.Tests.IoUring;

public class HeldInputTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public void Pieces_come_back_in_their_order(int fixedSeed)
    {
        int seed = fixedSeed == 0 ? Environment.TickCount : fixedSeed;
        var random = new Random(seed);
        var held = new HeldInput();
        var model = new Queue<HeldPiece>();
        for (int i = 0; i < 5_000; i++)
        {
            if (model.Count == 0 || random.Next(100) < (i / 500 % 2 == 0 ? 60 : 40))
            {
                var piece = new HeldPiece([], i, random.Next(10), random.Next(2) == 0 ? -1 : i);
                held.Add(piece);
                model.Enqueue(piece);
            }
            else
            {
                Assert.True(model.Dequeue() == held.Take(), $"seed {seed}");
            }
            if (model.Count > 0 && random.Next(10) == 0)
            {
                int index = random.Next(model.Count);
                HeldPiece moved = held.PieceAt(index) with { Offset = -i, BufferId = -1 };
                held.Replace(index, moved);
                model = new Queue<HeldPiece>(model.Select((piece, at) => at == index ? moved : piece));
            }
            Assert.Equal(model.Count, held.Count);
            Assert.Equal(model.Count(static piece => piece.BufferId >= 0), held.BufferCount);
            Assert.Equal(model.Count == 0, held.IsEmpty);
        }
    }

    [Fact]
    public void An_end_without_bytes_before_it_is_held_too()
    {
        var held = new HeldInput();
        Assert.True(held.IsEmpty);
        held.End = HeldEnd.Broken;
        Assert.False(held.IsEmpty);
    }
}
