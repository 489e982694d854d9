using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine.Codec;

/// <summary>
/// Strings in RDB files and payloads: one text.
/// </summary>
internal static class StringCodec
{
    internal static void Write(ref ValueWriter writer, in Entry entry)
    {
        if (StringValue.TryGetInteger(entry, out var integer)) writer.Integer(integer);
        else writer.Text(StringValue.Read(entry, default));
    }

    internal static bool TryRead(scoped ref ValueReader reader, in ValuePlace place, out Entry made)
    {
        made = default;
        if (!reader.TryText(out var text) || text.Length > StringValue.MaxBytes) return false;
        if (text.Length > ListpackElement.MaxIntegerBytes)
        {
            made = StringValue.Make(place, text.Length, out var content);
            if (reader.TryCopy(text, content)) return true;
            place.Drop(made);
            made = default;
            return false;
        }

        // Any text of an integer is stored as one, as it would be if a client had set it.
        Span<byte> room = stackalloc byte[ListpackElement.MaxIntegerBytes];
        room = room[..text.Length];
        if (!reader.TryCopy(text, room)) return false;
        var element = ListpackElement.Of(room);
        if (element.IsInteger)
        {
            made = StringValue.Make(place, element.Integer);
            return true;
        }

        made = StringValue.Make(place, room.Length, out var bytes);
        room.CopyTo(bytes);
        return true;
    }
}
