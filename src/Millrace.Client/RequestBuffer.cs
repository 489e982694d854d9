// Requests in protocol form, collected until they are sent: a growing array that is reused.

using Millrace.Resp;

namespace Millrace.Client;

/// <summary>Collects requests as bytes. Not thread-safe.</summary>
public sealed class RequestBuffer
{
    private const int FirstBytes = 4096;
    private const int KeptBytes = 1024 * 1024;
    private const int MaxHeaderBytes = 24;

    private byte[] _bytes = new byte[FirstBytes];
    private int _filled;

    /// <summary>The bytes collected; valid until the next change.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes.AsMemory(0, _filled);

    /// <summary>How many bytes are collected.</summary>
    public int Length => _filled;

    /// <summary>Forgets everything; an array that grew large is let go.</summary>
    public void Clear()
    {
        _filled = 0;
        if (_bytes.Length > KeptBytes) _bytes = new byte[FirstBytes];
    }

    /// <summary>Opens a request; that many <see cref="Argument(ReadOnlySpan{byte})"/> calls follow.</summary>
    /// <param name="argumentCount">Arguments, the command's name included.</param>
    public void Request(int argumentCount) => Header((byte)'*', argumentCount);

    /// <summary>Adds an argument.</summary>
    /// <param name="value">Its bytes.</param>
    public void Argument(ReadOnlySpan<byte> value)
    {
        Header((byte)'$', value.Length);
        Raw(value);
        Raw("\r\n"u8);
    }

    /// <summary>Adds an argument as UTF-8.</summary>
    /// <param name="value">Its text.</param>
    public void Argument(string value)
    {
        int length = System.Text.Encoding.UTF8.GetByteCount(value);
        Header((byte)'$', length);
        MakeRoom(length);
        _filled += System.Text.Encoding.UTF8.GetBytes(value, _bytes.AsSpan(_filled));
        Raw("\r\n"u8);
    }

    /// <summary>Adds a whole request of texts.</summary>
    /// <param name="arguments">The command's name and its arguments.</param>
    public void Request(params ReadOnlySpan<string> arguments)
    {
        Request(arguments.Length);
        foreach (string argument in arguments) Argument(argument);
    }

    /// <summary>Adds a whole request of bytes.</summary>
    /// <param name="arguments">The command's name and its arguments.</param>
    public void Request(params ReadOnlySpan<byte[]> arguments)
    {
        Request(arguments.Length);
        foreach (byte[] argument in arguments) Argument(argument);
    }

    /// <summary>Adds bytes that are in protocol form already.</summary>
    /// <param name="bytes">The bytes.</param>
    public void Raw(ReadOnlySpan<byte> bytes)
    {
        MakeRoom(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(_filled));
        _filled += bytes.Length;
    }

    private void Header(byte type, int value)
    {
        MakeRoom(MaxHeaderBytes);
        _bytes[_filled++] = type;
        _filled += Numbers.FormatInt64(value, _bytes.AsSpan(_filled));
        _bytes[_filled++] = (byte)'\r';
        _bytes[_filled++] = (byte)'\n';
    }

    private void MakeRoom(int more)
    {
        long needed = (long)_filled + more;
        if (needed > _bytes.Length)
            Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max(needed, 2L * _bytes.Length)));
    }
}
