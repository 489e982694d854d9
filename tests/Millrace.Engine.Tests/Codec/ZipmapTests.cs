using System.Text;
using Millrace.Engine.Codec;

namespace Millrace.Engine.Tests.Codec;

public class ZipmapTests
{
    [Theory]
    [InlineData("02 03666F6F 0300626172 0161 02036869000000 FF", "foo bar a hi")]
    [InlineData("FE 0161 010062 FF", "a b")]
    [InlineData("FF 0161 010062 FF", "a b")]
    [InlineData("01 00 0000 FF", " ")]
    [InlineData("01 FE01000000 61 FE01000000 00 62 FF", "a b")]
    [InlineData("02 0161 010062 FF", null)] // one field, says two
    [InlineData("01 0161 010062 FFFF", null)]
    [InlineData("01 0161 010062", null)]
    [InlineData("01 0161 010562 FF", null)]
    [InlineData("01 FF61 010062 FF", null)]
    [InlineData("01 FEFFFFFFFF 61 FF", null)]
    [InlineData("01", null)]
    public void Fields_are_taken_one_by_one(string hex, string? expected) =>
        Assert.Equal(expected, Fields(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal))));

    private static string? Fields(byte[] zipmap)
    {
        var words = new List<string>();
        for (var at = Zipmap.First; at >= 0;)
        {
            if (!Zipmap.TryTake(zipmap, ref at, out var name, out var value)) return null;
            words.Add(Encoding.ASCII.GetString(name));
            words.Add(Encoding.ASCII.GetString(value));
        }

        return Zipmap.IsCount(zipmap, words.Count / 2) ? string.Join(' ', words) : null;
    }
}
