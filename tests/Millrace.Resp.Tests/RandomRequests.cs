// Random streams of requests, valid and mutated, for property tests.

using System.Text;

namespace Millrace.Resp.Tests;

internal static class RandomRequests
{
    private static readonly string[] Fragments =
    [
        "*", "$", "\r\n", "\n", "\r", "\"", "'", "\\", "\\x4", "-1", "0", "00", "*1\r\n", "$-1\r\n", "$61\r\n", "\0",
        " ", "99999999999", "*11\r\n", "$16385\r\n", "post", "host:", "set \"a\"b\r\n",
    ];

    public static byte[] Make(Random random)
    {
        List<byte> stream = [];
        for (int i = random.Next(1, 6); i > 0; i--)
        {
            if (random.Next(3) == 0) AddInline(random, stream);
            else AddMultibulk(random, stream);
        }

        return [.. stream];
    }

    public static byte[] Mutate(Random random, byte[] stream)
    {
        List<byte> mutated = [.. stream];
        for (int i = random.Next(4); i >= 0; i--)
        {
            int at = random.Next(mutated.Count + 1);
            int left = mutated.Count - at;
            switch (random.Next(4))
            {
                case 0 when left > 0:
                    mutated[at] = (byte)random.Next(256);
                    break;
                case 1 when left > 0:
                    mutated.RemoveRange(at, random.Next(1, Math.Min(9, left + 1)));
                    break;
                case 2 when left > 0:
                    mutated.InsertRange(at, mutated.GetRange(at, Math.Min(20, left)));
                    break;
                default:
                    mutated.InsertRange(at, Encoding.Latin1.GetBytes(Fragments[random.Next(Fragments.Length)]));
                    break;
            }
        }

        return [.. mutated];
    }

    private static void AddMultibulk(Random random, List<byte> stream)
    {
        int count = random.Next(8) == 0 ? random.Next(-1, 40) : random.Next(1, 5);
        stream.AddRange(Encoding.Latin1.GetBytes($"*{count}\r\n"));
        for (int i = 0; i < count; i++)
        {
            byte[] argument = new byte[random.Next(10) == 0 ? random.Next(200) : random.Next(12)];
            random.NextBytes(argument);
            stream.AddRange(Encoding.Latin1.GetBytes($"${argument.Length}\r\n"));
            stream.AddRange(argument);
            stream.AddRange("\r\n"u8);
        }
    }

    private static void AddInline(Random random, List<byte> stream)
    {
        const string letters = "abc \t\v\"'\\xX41nrtq";
        for (int i = random.Next(25); i > 0; i--) stream.Add((byte)letters[random.Next(letters.Length)]);
        stream.AddRange(random.Next(2) == 0 ? "\r\n"u8 : "\n"u8);
    }
}
