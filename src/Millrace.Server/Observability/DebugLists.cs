// The parts of DEBUG that look into lists and other packed collections.
//
// Source: redis-server 7.0.15, DEBUG LISTPACK and DEBUG QUICKLIST-PACKED-THRESHOLD and their replies.

using System.Globalization;
using System.Text;
using Millrace.Commands;
using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Memory;
using Millrace.Server.Config;

namespace Millrace.Server.Observability;

/// <summary>DEBUG LISTPACK and DEBUG QUICKLIST-PACKED-THRESHOLD.</summary>
internal static class DebugLists
{
    private const ulong MaxPlainBytes = (1UL << 32) - (1UL << 20);
    private const int MaxLinesLogged = 128;
    private const int MaxBytesLogged = 40;

    /// <summary>Writes the elements of a packed collection to the log.</summary>
    internal static void Listpack(ref Call call, ServerParts parts)
    {
        var key = DebugCommand.Hold(ref call, parts, call.Args[2]);
        var entry = call.Unit.Find(key, Access.Peek);
        if (entry.IsMissing)
        {
            call.Reply.Error(ErrorTexts.NoSuchKey);
            return;
        }

        if (!Value.EncodingName(entry).SequenceEqual("listpack"u8))
        {
            call.Reply.Error("ERR Not a listpack encoded object."u8);
            return;
        }

        parts.Journal.Warning(Describe(entry.Value));
        call.Reply.Simple("Listpack structure printed on stdout"u8);
    }

    /// <summary>Sets from which length on an element of a list stands alone, 0 for the usual rule.</summary>
    internal static void SetPlainBytes(ref Call call, ServerParts parts)
    {
        if (!MemorySize.TryParse(Encoding.Latin1.GetString(call.Args[2]), out var bytes) || bytes > MaxPlainBytes)
        {
            call.Reply.Error("ERR argument must be a memory value bigger than 1 and smaller than 4gb"u8);
            return;
        }

        parts.Keyspace.Encodings = parts.Keyspace.Encodings with { ListPlainBytes = (long)bytes };
        call.Reply.Ok();
    }

    private static string Describe(ReadOnlySpan<byte> listpack)
    {
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"DEBUG LISTPACK: {Memory.Listpack.Count(listpack)} elements in {listpack.Length} bytes");
        Span<byte> digits = stackalloc byte[ListpackElement.MaxIntegerBytes];
        var lines = 0;
        for (var place = Memory.Listpack.First(listpack); place >= 0 && lines < MaxLinesLogged; lines++)
        {
            var at = place;
            var size = Memory.Listpack.SizeAt(listpack, at);
            var element = Memory.Listpack.Take(listpack, ref place);
            text.Append(CultureInfo.InvariantCulture, $"\n  at {at}, {size} bytes: ");
            if (element.IsInteger) text.Append("integer ");
            var bytes = element.Text(digits);
            text.Append(Encoding.Latin1.GetString(bytes[..Math.Min(bytes.Length, MaxBytesLogged)]));
            if (bytes.Length > MaxBytesLogged) text.Append("...");
        }

        if (lines == MaxLinesLogged) text.Append("\n  ...");
        return text.ToString();
    }
}
