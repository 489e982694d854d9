// The arguments of one request, as views of the receive buffer.
//
// A request is never copied: the parser notes where each argument lies (a Slice) and Args shows those places as spans.
// Lifetime: an Args lives no longer than the call that received it, since the next read reuses the buffer.
//
//     buffer   * 2 \r \n $ 3 \r \n G E T \r \n $ 1 \r \n k \r \n
//     slices                       (8,3)                 (17,1)

using System.Runtime.InteropServices;

namespace Millrace.Resp;

/// <summary>The place of one argument: bytes from the start of the message, and its length in bytes.</summary>
/// <param name="Offset">Bytes from the start of the buffer given to the parser.</param>
/// <param name="Length">Length in bytes.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Slice(int Offset, int Length);

/// <summary>The arguments of one request, command name first; a view of the receive buffer.</summary>
public readonly ref struct Args
{
    private readonly ReadOnlySpan<byte> _buffer;
    private readonly ReadOnlySpan<Slice> _slices;

    /// <summary>Makes the view. Both spans stay owned by the caller and must outlive it.</summary>
    /// <param name="buffer">The buffer that was given to the parser.</param>
    /// <param name="slices">The places that the parser found in it.</param>
    public Args(ReadOnlySpan<byte> buffer, ReadOnlySpan<Slice> slices)
    {
        _buffer = buffer;
        _slices = slices;
    }

    /// <summary>The number of arguments, the command name included.</summary>
    public int Count => _slices.Length;

    /// <summary>The arguments have at most so many bytes together.</summary>
    public int MostBytes => _buffer.Length;

    /// <summary>The bytes of one argument. Requires: 0 &lt;= index &lt; Count. Lives as long as the receive buffer is
    /// not refilled.</summary>
    /// <param name="index">0 is the command name.</param>
    public ReadOnlySpan<byte> this[int index]
    {
        get
        {
            Slice slice = _slices[index];
            return _buffer.Slice(slice.Offset, slice.Length);
        }
    }

    /// <summary>The arguments from <paramref name="index"/> on: what a container command hands to its
    /// subcommand.</summary>
    /// <param name="index">The first one kept; at most <see cref="Count"/>.</param>
    public Args From(int index) => new(_buffer, _slices[index..]);
}
