using Millrace.Engine.Codec;
using Millrace.Memory;

namespace Millrace.Fuzz;

/// <summary>
/// How much memory a reader of files may take for one: ten times its bytes, and a little that every reader takes. Where
/// texts can be compressed they count with the bytes that they are said to make, which the format bounds.
/// </summary>
internal static class MemoryLimit
{
    /// <summary>How many times its bytes a file may take.</summary>
    internal const int Times = 10;

    private const byte CompressedText = 0xC3;

    /// <summary>What a file without compressed texts may take, beside what every reader takes.</summary>
    internal static long Of(int fileBytes) => (long)Times * fileBytes;

    /// <summary>What an RDB file may take. Whatever looks like a compressed text counts as one.</summary>
    internal static long OfRdb(ReadOnlySpan<byte> file, Heap heap)
    {
        long bytes = file.Length;
        for (int at = 0; at < file.Length; at++)
        {
            if (file[at] != CompressedText) continue;
            var reader = new ValueReader(file[at..], heap);
            if (reader.TryText(out var text) && text.Form == TextForm.Compressed) bytes += text.Length;
        }

        return Times * bytes;
    }
}
