using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using Millrace.Memory;

namespace Millrace.Engine.Codec;

/// <summary>
/// Reads the pieces that encoded values are made of, whatever the bytes are.
/// </summary>
/// <remarks>
/// The format is drawn at <see cref="ValueWriter"/>. Every method that begins with Try returns false when the bytes end
/// or are none of the format, with nothing that has to be undone. A text is read in two steps: <see cref="TryText"/>
/// tells how long it is, after comparing that with what can still come, and whoever has made room for it has it copied
/// there, or looks at it where it is.
/// What a value is going to take is claimed before it is taken, text by text: bytes can say of themselves that there is
/// much more of them. Beyond the bound nothing is read any more, and <see cref="IsTooLarge"/> says why.
/// </remarks>
public ref struct ValueReader
{
    /// <summary>The longest text that is read.</summary>
    public const int MaxTextBytes = int.MaxValue - (4 * 1024 * 1024);

    /// <summary>What a member of a collection takes at most, beside its text.</summary>
    public const int MemberBytes = 64;

    private const int EncodedForm = 3;
    private const int LzfEncoding = 3;

    private readonly ValueSource? _source;
    private readonly Heap _heap;
    private ReadOnlySpan<byte> _rest;
    private long _unclaimed = long.MaxValue;

    /// <summary>Reads bytes that are all there.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="heap">Lends memory while a text is put together.</param>
    /// <param name="mostBytes">So much memory the value may take, about.</param>
    public ValueReader(ReadOnlySpan<byte> bytes, Heap heap, long mostBytes = long.MaxValue)
    {
        _rest = bytes;
        _heap = heap;
        _unclaimed = mostBytes;
    }

    /// <summary>Reads from a source.</summary>
    /// <param name="source">The source.</param>
    /// <param name="heap">Lends memory while a text is put together.</param>
    public ValueReader(ValueSource source, Heap heap)
    {
        _source = source;
        _heap = heap;
    }

    /// <summary>At most so many bytes can still come.</summary>
    public readonly long Left => _rest.Length + (_source?.Left ?? 0);

    /// <summary>Whether it was given up because it would take more memory than it may.</summary>
    public readonly bool IsTooLarge => _unclaimed < 0;

    /// <summary>Whether it was given up because there are fewer bytes than there should be.</summary>
    public bool EndsEarly { readonly get; private set; }

    /// <summary>Whether it was given up because a collection has no members, at the end of it: older servers have
    /// written such.</summary>
    public bool HasNoMembers { readonly get; private set; }

    /// <summary>Makes ready for one of several values that follow each other.</summary>
    /// <param name="mostBytes">So much memory the value may take, about.</param>
    public void BeginValue(long mostBytes)
    {
        _unclaimed = mostBytes;
        (EndsEarly, HasNoMembers) = (false, false);
    }

    /// <summary>Reads a byte.</summary>
    public bool TryByte(out byte value)
    {
        value = 0;
        if (_rest.IsEmpty && !TryMore()) return false;
        value = _rest[0];
        _rest = _rest[1..];
        return true;
    }

    /// <summary>Reads as many bytes as there is room for.</summary>
    public bool TryBytes(scoped Span<byte> to)
    {
        while (to.Length > _rest.Length)
        {
            _rest.CopyTo(to);
            to = to[_rest.Length..];
            if (!TryMore()) return false;
        }

        _rest[..to.Length].CopyTo(to);
        _rest = _rest[to.Length..];
        return true;
    }

    /// <summary>Reads a length or another number from 0.</summary>
    public bool TryLength(out ulong length)
    {
        length = 0;
        return TryByte(out var first) && TryLength(first, out length);
    }

    /// <summary>Reads how many parts follow, of at least so many bytes each; none, or more than can still come, is
    /// none of the format.</summary>
    public bool TryCount(int leastBytes, out long count)
    {
        count = 0;
        if (!TryLength(out var length)) return false;
        if (length == 0)
        {
            NoteNoMembers();
            return false;
        }

        count = (long)Math.Min(length, long.MaxValue);
        return CanCome(count, leastBytes);
    }

    /// <summary>Whether so many parts of at least so many bytes each can still come.</summary>
    internal bool CanCome(long parts, int leastBytes) => parts <= Left / leastBytes || Misses();

    /// <summary>Reads eight bytes, little-endian.</summary>
    public bool TryInt64(out long value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        var isThere = TryBytes(bytes);
        value = isThere ? BinaryPrimitives.ReadInt64LittleEndian(bytes) : 0;
        return isThere;
    }

    /// <summary>Reads a number as it is stored.</summary>
    public bool TryDouble(out double value)
    {
        var isThere = TryInt64(out var bits);
        value = BitConverter.Int64BitsToDouble(bits);
        return isThere;
    }

    /// <summary>Reads what is in front of the bytes of a text. The next call must copy it, look at it or skip
    /// it.</summary>
    public bool TryText(out EncodedText text)
    {
        text = default;
        if (!TryByte(out var first)) return false;
        if (first >> 6 == EncodedForm)
            return TryEncodedText(first & 0x3F, out text) && TryClaim((long)text.Length + MemberBytes);
        if (!TryLength(first, out var length)) return false;
        if (length > (ulong)Left) return Misses();
        if (length > MaxTextBytes) return false;
        text = new EncodedText(TextForm.Raw, (int)length, (int)length, 0);
        return TryClaim((long)length + MemberBytes);
    }

    /// <summary>Copies a text.</summary>
    /// <param name="text">What <see cref="TryText"/> said.</param>
    /// <param name="to">As long as the text.</param>
    public bool TryCopy(scoped in EncodedText text, scoped Span<byte> to)
    {
        switch (text.Form)
        {
            case TextForm.Integer:
                return text.Integer.TryFormat(to, out _, default, CultureInfo.InvariantCulture);
            case TextForm.Raw:
                return TryBytes(to);
            default:
                if (text.StoredBytes > _rest.Length) return TryCopyCompressed(text, to);
                var isRight = Lzf.TryDecompress(_rest[..text.StoredBytes], to);
                _rest = _rest[text.StoredBytes..];
                return isRight;
        }
    }

    /// <summary>Gives a text: where it is when it is there as it is and stays, otherwise in <paramref name="room"/>.
    /// Valid until the next call with that room.</summary>
    public bool TryView(scoped in EncodedText text, scoped ref TextRoom room, out ReadOnlySpan<byte> view)
    {
        if (text.Form == TextForm.Raw && _source is null)
        {
            view = default;
            if (text.Length > _rest.Length) return false;
            view = _rest[..text.Length];
            _rest = _rest[text.Length..];
            return true;
        }

        var to = room.Take(_heap, text.Length);
        view = to;
        return TryCopy(text, to);
    }

    /// <summary>Reads a text and gives it as <see cref="TryView"/> does.</summary>
    public bool TryReadText(scoped ref TextRoom room, out ReadOnlySpan<byte> view)
    {
        view = default;
        return TryText(out var text) && TryView(text, ref room, out view);
    }

    /// <summary>Passes over a text, which is not put together for that.</summary>
    /// <param name="text">What <see cref="TryText"/> said.</param>
    public bool TrySkip(scoped in EncodedText text)
    {
        var left = text.StoredBytes;
        while (left > _rest.Length)
        {
            left -= _rest.Length;
            if (!TryMore()) return false;
        }

        _rest = _rest[left..];
        return true;
    }

    /// <summary>Copies a text as it is stored.</summary>
    internal bool TryMoveText(scoped ref ValueWriter to)
    {
        if (!TryText(out var text)) return false;
        switch (text.Form)
        {
            case TextForm.Integer:
                to.Integer(text.Integer);
                return true;
            case TextForm.Raw:
                to.Length(text.Length);
                return TryMove(text.StoredBytes, ref to);
            default:
                to.BeginCompressedText(text.StoredBytes, text.Length);
                return TryMove(text.StoredBytes, ref to);
        }
    }

    /// <summary>Copies bytes as they are.</summary>
    internal bool TryMove(long bytes, scoped ref ValueWriter to)
    {
        while (bytes > _rest.Length)
        {
            to.Bytes(_rest);
            bytes -= _rest.Length;
            if (!TryMore()) return false;
        }

        to.Bytes(_rest[..(int)bytes]);
        _rest = _rest[(int)bytes..];
        return true;
    }

    /// <summary>Claims memory that is about to be taken, beside what texts take. False when there may not be so
    /// much.</summary>
    internal bool TryClaim(long bytes)
    {
        _unclaimed = bytes <= _unclaimed ? _unclaimed - bytes : -1;
        return _unclaimed >= 0;
    }

    /// <summary>Notes that a collection has no members. Requires: at the end of it; it is given up.</summary>
    internal void NoteNoMembers() => HasNoMembers = true;

    private bool TryLength(byte first, out ulong length)
    {
        length = (ulong)first & 0x3F;
        switch (first >> 6)
        {
            case 0:
                return true;
            case 1:
                if (!TryByte(out var low)) return false;
                length = (length << 8) | low;
                return true;
            case 2:
                return TryLongLength(first & 0x3F, out length);
            default:
                return false;
        }
    }

    private bool TryLongLength(int kind, out ulong length)
    {
        length = 0;
        if (kind > 1) return false;
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        bytes = kind == 0 ? bytes[..sizeof(uint)] : bytes;
        if (!TryBytes(bytes)) return false;
        length = kind == 0 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt64BigEndian(bytes);
        return true;
    }

    private bool TryEncodedText(int encoding, out EncodedText text)
    {
        text = default;
        if (encoding == LzfEncoding)
        {
            if (!TryLength(out var stored) || !TryLength(out var length)) return false;
            if (stored > (ulong)Left) return Misses();
            if (stored > MaxTextBytes || length == 0 || length > MaxTextBytes) return false;
            if (length > stored * Lzf.MaxExpansion) return false;
            text = new EncodedText(TextForm.Compressed, (int)length, (int)stored, 0);
            return true;
        }

        if (encoding > LzfEncoding) return false;
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        bytes = bytes[..(1 << encoding)];
        if (!TryBytes(bytes)) return false;
        var integer = encoding switch
        {
            0 => (sbyte)bytes[0],
            1 => BinaryPrimitives.ReadInt16LittleEndian(bytes),
            _ => BinaryPrimitives.ReadInt32LittleEndian(bytes),
        };
        text = new EncodedText(TextForm.Integer, ListpackElement.Of(integer).TextLength, 0, integer);
        return true;
    }

    private bool TryCopyCompressed(scoped in EncodedText text, scoped Span<byte> to)
    {
        var room = default(TextRoom);
        var compressed = room.Take(_heap, text.StoredBytes);
        var isRight = TryBytes(compressed) && Lzf.TryDecompress(compressed, to);
        room.Dispose();
        return isRight;
    }

    private bool TryMore()
    {
        _rest = _source is null ? default : _source.Next();
        return !_rest.IsEmpty || Misses();
    }

    private bool Misses()
    {
        EndsEarly = true;
        return false;
    }
}

/// <summary>How the bytes of a text are stored.</summary>
public enum TextForm
{
    /// <summary>As they are.</summary>
    Raw,

    /// <summary>As an integer, which has been read.</summary>
    Integer,

    /// <summary>Compressed.</summary>
    Compressed,
}

/// <summary>What is in front of the bytes of a text.</summary>
/// <param name="Form">How they are stored.</param>
/// <param name="Length">How long the text is.</param>
/// <param name="StoredBytes">How many bytes of it are still to be read.</param>
/// <param name="Integer">The integer, if it is one.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct EncodedText(TextForm Form, int Length, int StoredBytes, long Integer);

/// <summary>Native memory for one text at a time. Dispose of it.</summary>
[StructLayout(LayoutKind.Auto)]
public struct TextRoom : IDisposable
{
    private const int LeastBytes = 64;

    private Heap? _heap;
    private BlockRef _block;
    private int _bytes;

    /// <summary>Room for so many bytes; what was there before is gone.</summary>
    public Span<byte> Take(Heap heap, int bytes)
    {
        if (bytes > _bytes)
        {
            Dispose();
            _heap = heap;
            _bytes = Math.Max(bytes, LeastBytes);
            _block = heap.Allocate(_bytes);
        }

        return bytes == 0 ? default : _heap!.Span(_block, 0, bytes);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_block.IsNull) _heap!.Free(_block);
        (_block, _bytes) = (default, 0);
    }
}
