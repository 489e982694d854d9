using System.Buffers.Text;
using Millrace.Resp;

namespace Millrace.Commands;

/// <summary>
/// The effects of a command that differ from the command as it was sent, in the form of requests.
/// </summary>
/// <remarks>
/// A handler says nothing when its request, repeated, has the same effect. It calls <see cref="Replace"/> and adds
/// commands when that is not so (a relative time, a random choice, GETDEL), and <see cref="Suppress"/> when a change
/// needs no record. While nobody reads effects, nothing is stored. One object per loop, reused.
/// </remarks>
public sealed class EffectBuffer
{
    private byte[] _bytes = new byte[512];
    private int _length;

    /// <summary>Whether anybody wants to know effects. Set by the pipeline before the handler runs.</summary>
    public bool IsRecording { get; private set; }

    /// <summary>Whether the request as sent is not its own effect.</summary>
    public bool IsReplaced { get; private set; }

    /// <summary>How many commands have been added.</summary>
    public int Count { get; private set; }

    /// <summary>The added commands as requests. Valid until the next <see cref="Reset"/>.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    /// <summary>Forgets the last command's effects.</summary>
    public void Reset(bool isRecording)
    {
        IsRecording = isRecording;
        IsReplaced = false;
        Count = 0;
        _length = 0;
    }

    /// <summary>The request as sent is not recorded: what is added instead is.</summary>
    public void Replace() => IsReplaced = true;

    /// <summary>The command's changes need no record at all.</summary>
    public void Suppress()
    {
        Replace();
        Count = 0;
        _length = 0;
    }

    /// <summary>Records <c>name key</c> instead of the request, or after what was added before.</summary>
    public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> key)
    {
        if (!Begin(2)) return;
        Argument(name);
        Argument(key);
    }

    /// <summary>Records <c>name key argument</c>.</summary>
    public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> key, ReadOnlySpan<byte> argument)
    {
        if (!Begin(3)) return;
        Argument(name);
        Argument(key);
        Argument(argument);
    }

    /// <summary>Records <c>name key number</c>.</summary>
    public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> key, long number)
    {
        Span<byte> text = stackalloc byte[Numbers.MaxInt64Bytes];
        Add(name, key, text[..Numbers.FormatInt64(number, text)]);
    }

    /// <summary>Starts a command of <paramref name="count"/> arguments; false when nobody records.</summary>
    public bool Begin(int count)
    {
        Replace();
        if (!IsRecording) return false;
        Count++;
        Header((byte)'*', count);
        return true;
    }

    /// <summary>Adds an argument of the command that <see cref="Begin"/> started.</summary>
    public void Argument(ReadOnlySpan<byte> value)
    {
        Header((byte)'$', value.Length);
        value.CopyTo(Room(value.Length));
        "\r\n"u8.CopyTo(Room(2));
    }

    /// <summary>Adds a number as an argument.</summary>
    public void Argument(long value)
    {
        Span<byte> text = stackalloc byte[Numbers.MaxInt64Bytes];
        Argument(text[..Numbers.FormatInt64(value, text)]);
    }

    /// <summary>Adds a whole request as it was sent, behind what is there.</summary>
    public void AddRequest(Args request)
    {
        Count++;
        Header((byte)'*', request.Count);
        for (var i = 0; i < request.Count; i++) Argument(request[i]);
    }

    /// <summary>Adds the commands of another buffer behind what is there.</summary>
    public void AddEncoded(EffectBuffer other)
    {
        Count += other.Count;
        other.Bytes.CopyTo(Room(other.Bytes.Length));
    }

    private void Header(byte kind, long number)
    {
        Span<byte> text = stackalloc byte[Numbers.MaxInt64Bytes + 3];
        text[0] = kind;
        Utf8Formatter.TryFormat(number, text[1..], out var written);
        "\r\n"u8.CopyTo(text[(written + 1)..]);
        text[..(written + 3)].CopyTo(Room(written + 3));
    }

    private Span<byte> Room(int count)
    {
        if (_bytes.Length - _length < count)
        {
            var wanted = Math.Max(_bytes.Length * 2L, (long)_length + count);
            Array.Resize(ref _bytes, (int)Math.Min(wanted, Array.MaxLength));
        }

        var room = _bytes.AsSpan(_length, count);
        _length += count;
        return room;
    }
}
