using System.Security.Cryptography;
using System.Text;

namespace Millrace.Memory.Tests;

public class Sha1Tests
{
    // FIPS 180-4, examples.
    [Theory]
    [InlineData("", "da39a3ee5e6b4b0d3255bfef95601890afd80709")]
    [InlineData("abc", "a9993e364706816aba3e25717850c26c9cd0d89d")]
    [InlineData(
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1")]
    public void The_examples_of_the_standard_have_their_digests(string text, string digest) =>
        Assert.Equal(digest, Digest(Encoding.ASCII.GetBytes(text)));

    [Fact]
    public void Texts_of_every_length_have_the_digest_of_the_platform()
    {
        var text = new byte[1_000];
        new Random(1).NextBytes(text);
        for (var length = 0; length < 300; length++) Compare(text[..length]);
        Compare(text);
        Compare(new byte[100_000]);
    }

    [Fact]
    public void The_digest_may_be_written_over_the_text()
    {
        var bytes = Encoding.ASCII.GetBytes("abcdefghijklmnopqrst");
        var expected = Digest(bytes);
        Sha1.Hash(bytes, bytes);
        Assert.Equal(expected, Convert.ToHexStringLower(bytes));
    }

    private static void Compare(byte[] text) =>
        Assert.Equal(Convert.ToHexStringLower(SHA1.HashData(text)), Digest(text));

    private static string Digest(byte[] text)
    {
        var digest = new byte[Sha1.DigestBytes];
        Sha1.Hash(text, digest);
        return Convert.ToHexStringLower(digest);
    }
}
