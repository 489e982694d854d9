using System.Buffers.Binary;
using System.Globalization;
using Millrace.Memory;

namespace Millrace.Engine.Codec;

/// <summary>
/// Writes the pieces that encoded values are made of.
/// </summary>
/// <remarks>
/// <code>
///   length   00llllll                              below 64
///            01llllll llllllll                     below 16384, the high bits first
///            10000000 llllllll x 4                 below 2^32, big-endian
///            10000001 llllllll x 8                 big-endian
///
///   text     length, bytes
///            11000000 b x 1                        the decimal text of an integer of one byte,
///            11000001 b x 2                        two bytes,
///            11000010 b x 4                        or four, little-endian
///            11000011 length, length, bytes        LZF: how many bytes, how many they make, the bytes
/// </code>
/// A copy writes to the same sink: whoever hands one around gives it back. Nothing is allocated on the managed heap.
/// Source: redis-rdb-tools, "Redis RDB Dump File Format".
/// </remarks>
public ref struct ValueWriter
{
    /// <summary>Shorter texts are not compressed.</summary>
    private const int MinCompressedBytes = 21;

    // What an LZF text takes beyond its bytes is not counted when it is decided whether one gains anything.
    private const int MinGainBytes = 4;
    private const int MaxShortIntegerText = 11;
    private const int MaxStackBytes = 1024;
    private const byte Int8 = 0xC0;
    private const byte Int16 = 0xC1;
    private const byte Int32 = 0xC2;
    private const byte Compressed = 0xC3;

    private readonly ValueSink _sink;
    private readonly Heap? _heap; // null: nothing is compressed
    private Span<byte> _room;
    private int _at;

    /// <summary>Begins to write what belongs to no key; texts are not compressed.</summary>
    /// <param name="sink">Where to.</param>
    public ValueWriter(ValueSink sink)
    {
        _sink = sink;
        Format = RdbFormat.Usual with { Compresses = false };
        _room = sink.Next(0);
    }

    /// <summary>Begins to write to a sink.</summary>
    /// <param name="sink">Where to.</param>
    /// <param name="heap">Lends memory while a long text is compressed.</param>
    /// <param name="format">What may be written.</param>
    public ValueWriter(ValueSink sink, Heap heap, RdbFormat format)
    {
        _sink = sink;
        _heap = heap;
        Format = format;
        _room = sink.Next(0);
    }

    /// <summary>What may be written.</summary>
    public RdbFormat Format { get; }

    /// <summary>Hands over what was written last. Once.</summary>
    public readonly void End() => _sink.End(_at);

    /// <summary>A type.</summary>
    public void Type(RdbType type)
    {
        Reserve(1);
        _room[_at++] = (byte)type;
    }

    /// <summary>A length or a count.</summary>
    public void Length(long length) => Number((ulong)length);

    /// <summary>A number from 0.</summary>
    public void Number(ulong length)
    {
        Reserve(1 + sizeof(long));
        var to = _room[_at..];
        switch (length)
        {
            case < 1 << 6:
                to[0] = (byte)length;
                _at++;
                break;
            case < 1 << 14:
                BinaryPrimitives.WriteUInt16BigEndian(to, (ushort)((1 << 14) | length));
                _at += sizeof(ushort);
                break;
            case <= uint.MaxValue:
                to[0] = 0x80;
                BinaryPrimitives.WriteUInt32BigEndian(to[1..], (uint)length);
                _at += 1 + sizeof(uint);
                break;
            default:
                to[0] = 0x81;
                BinaryPrimitives.WriteUInt64BigEndian(to[1..], length);
                _at += 1 + sizeof(long);
                break;
        }
    }

    /// <summary>Bytes as they are.</summary>
    public void Bytes(scoped ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > _room.Length - _at)
        {
            var free = _room.Length - _at;
            bytes[..free].CopyTo(_room[_at..]);
            bytes = bytes[free..];
            _room = _sink.Next(_room.Length);
            _at = 0;
        }

        bytes.CopyTo(_room[_at..]);
        _at += bytes.Length;
    }

    /// <summary>Eight bytes, little-endian.</summary>
    public void Int64(long value)
    {
        Reserve(sizeof(long));
        BinaryPrimitives.WriteInt64LittleEndian(_room[_at..], value);
        _at += sizeof(long);
    }

    /// <summary>A score, little-endian.</summary>
    public void Double(double value)
    {
        Reserve(sizeof(double));
        BinaryPrimitives.WriteDoubleLittleEndian(_room[_at..], value);
        _at += sizeof(double);
    }

    /// <summary>A text: as an integer or compressed where that is shorter.</summary>
    public void Text(scoped ReadOnlySpan<byte> text)
    {
        if (text.Length <= MaxShortIntegerText)
        {
            var element = ListpackElement.Of(text);
            if (element.IsInteger && TryInteger(element.Integer)) return;
        }

        if (Format.Compresses && text.Length >= MinCompressedBytes)
        {
            if (_sink.CompressesLater)
            {
                _sink.NoteText(_at, text.Length);
                Bytes(text);
                return;
            }

            if (TryCompress(text)) return;
        }

        Length(text.Length);
        Bytes(text);
    }

    /// <summary>A text, compressed where that is shorter, for who has room to try.</summary>
    /// <param name="text">The text.</param>
    /// <param name="room">As many bytes as the text has.</param>
    public void Text(scoped ReadOnlySpan<byte> text, scoped Span<byte> room)
    {
        var bytes = text.Length < MinCompressedBytes ? 0 : Lzf.Compress(text, room[..(text.Length - MinGainBytes)]);
        if (bytes > 0)
        {
            CompressedText(room[..bytes], text.Length);
            return;
        }

        Length(text.Length);
        Bytes(text);
    }

    /// <summary>The text of an integer.</summary>
    public void Integer(long value)
    {
        if (TryInteger(value)) return;
        Span<byte> digits = stackalloc byte[ListpackElement.MaxIntegerBytes];
        value.TryFormat(digits, out var written, default, CultureInfo.InvariantCulture);
        Length(written);
        Bytes(digits[..written]);
    }

    /// <summary>The text of an element.</summary>
    public void Text(scoped ListpackElement element)
    {
        if (element.IsInteger) Integer(element.Integer);
        else Text(element.Bytes);
    }

    /// <summary>A text that was compressed before.</summary>
    /// <param name="compressed">What <see cref="Lzf"/> made of it.</param>
    /// <param name="rawBytes">How long the text is.</param>
    public void CompressedText(scoped ReadOnlySpan<byte> compressed, int rawBytes)
    {
        BeginCompressedText(compressed.Length, rawBytes);
        Bytes(compressed);
    }

    /// <summary>What stands in front of the bytes of a text that was compressed before.</summary>
    /// <param name="storedBytes">How many they are.</param>
    /// <param name="rawBytes">How long the text is.</param>
    internal void BeginCompressedText(int storedBytes, int rawBytes)
    {
        Reserve(1);
        _room[_at++] = Compressed;
        Length(storedBytes);
        Length(rawBytes);
    }

    private bool TryInteger(long value)
    {
        Reserve(1 + sizeof(int));
        var to = _room[_at..];
        switch (value)
        {
            case >= sbyte.MinValue and <= sbyte.MaxValue:
                to[0] = Int8;
                to[1] = unchecked((byte)value);
                _at += 2;
                return true;
            case >= short.MinValue and <= short.MaxValue:
                to[0] = Int16;
                BinaryPrimitives.WriteInt16LittleEndian(to[1..], (short)value);
                _at += 3;
                return true;
            case >= int.MinValue and <= int.MaxValue:
                to[0] = Int32;
                BinaryPrimitives.WriteInt32LittleEndian(to[1..], (int)value);
                _at += 5;
                return true;
            default:
                return false;
        }
    }

    private bool TryCompress(scoped ReadOnlySpan<byte> text) =>
        text.Length <= MaxStackBytes ? TryCompressShort(text) : TryCompressLong(text);

    private bool TryCompressShort(scoped ReadOnlySpan<byte> text)
    {
        Span<byte> scratch = stackalloc byte[MaxStackBytes];
        scratch = scratch[..(text.Length - MinGainBytes)];
        var bytes = Lzf.Compress(text, scratch);
        if (bytes > 0) CompressedText(scratch[..bytes], text.Length);
        return bytes > 0;
    }

    private bool TryCompressLong(scoped ReadOnlySpan<byte> text)
    {
        var block = _heap!.Allocate(text.Length - MinGainBytes);
        var room = _heap.Span(block, 0, text.Length - MinGainBytes);
        var bytes = Lzf.Compress(text, room);
        if (bytes > 0) CompressedText(room[..bytes], text.Length);
        _heap.Free(block);
        return bytes > 0;
    }

    private void Reserve(int bytes)
    {
        if (_room.Length - _at >= bytes) return;
        _room = _sink.Next(_at);
        _at = 0;
    }
}
