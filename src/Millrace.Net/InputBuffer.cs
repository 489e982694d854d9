// The unread input of one connection. Most of the time it is empty and holds no memory:
//
//     empty      no bytes, no array
//     borrowed   a view of an array that the poller filled (usually the loop's shared receive buffer), valid until the
//                handler returns
//     owned      an array from the loop's pool, with what the handler left
//
//     [ consumed | unread | free ]
//      0    Start      End     Length
//
// A small rest is put back in front of the shared buffer for the next read, so that one read always has much room and
// small rests never grow. A large one is read into in place; it grows to at most four times the bytes that have really
// arrived, by doubling when nobody has said how much is coming, so the copying is O(1) per byte.

using System.Diagnostics;

namespace Millrace.Net;

internal struct InputBuffer
{
    private const int MostPerReadBytes = 1024 * 1024;
    private const int GrowthLimit = 4;

    private byte[]? _array;
    private bool _owned;
    private int _expected;

    public readonly byte[] Array => _array ?? [];

    public int Start { get; private set; }

    public int End { get; private set; }

    public readonly int Unread => End - Start;

    /// <summary>Bytes of memory that the connection itself holds.</summary>
    public readonly long HeldBytes => _owned ? _array!.Length : 0;

    public void Consume(int count)
    {
        if ((uint)count > (uint)Unread)
            throw new ArgumentOutOfRangeException(nameof(count), count, "more than there is");
        if (count == 0) return;
        Start += count;
        _expected = 0;      // it was about the message that began here
    }

    public void Expect(int totalBytes) => _expected = totalBytes;

    /// <summary>So much is known to be missing, or has come without an end in sight, that it pays to read straight into
    /// an array of its own.</summary>
    public readonly bool PrefersRoom(int sharedBytes) => Unread > 0 &&
        (_expected > Unread ? _expected - Unread >= sharedBytes / 4 : Unread > sharedBytes / 2);

    /// <summary>Where the next read should put its bytes; a length of 0 means that no array can hold more.</summary>
    public void PrepareRead(BufferPool pool, byte[] shared, out byte[] array, out int offset, out int length)
    {
        if (Unread <= shared.Length / 2)
        {
            array = shared;
            offset = Unread;
            Array.AsSpan(Start, Unread).CopyTo(shared);
        }
        else
        {
            Debug.Assert(_owned, "a rest is kept in an array of its own");
            MakeRoom(pool, shared.Length / 4);
            array = _array!;
            offset = End;
        }
        length = Math.Min(array.Length - offset, MostPerReadBytes);
    }

    /// <summary>Takes in bytes read to where <see cref="PrepareRead"/> said, or to any other array of the poller's.
    /// False when no array can hold them.</summary>
    public bool TryTake(BufferPool pool, byte[] shared, byte[] array, int offset, int count)
    {
        if (ReferenceEquals(array, _array) && _owned)
        {
            Debug.Assert(offset == End, "read behind what there was");
            End += count;
        }
        else if (ReferenceEquals(array, shared))
        {
            int unread = Unread;
            Debug.Assert(offset == unread, "the rest stands in front");
            Release(pool);
            Borrow(array, 0, unread + count);
        }
        else if (Unread == 0)
        {
            Release(pool);
            Borrow(array, offset, offset + count);
        }
        else
        {
            if (!TryFree(pool, count)) return false;
            array.AsSpan(offset, count).CopyTo(_array.AsSpan(End));
            End += count;
        }
        return true;
    }

    /// <summary>After the handler: an empty buffer is given back, a rest in borrowed memory is copied.</summary>
    public void Keep(BufferPool pool)
    {
        if (Unread == 0)
        {
            Release(pool);
        }
        else if (!_owned)
        {
            int unread = Unread;
            byte[] kept = pool.Rent(Math.Max(unread, (int)Math.Min(_expected, (long)GrowthLimit * unread)));
            Array.AsSpan(Start, unread).CopyTo(kept);
            _array = kept;
            _owned = true;
            Start = 0;
            End = unread;
        }
    }

    public void Release(BufferPool pool)
    {
        if (_owned) pool.Return(_array!);
        _array = null;
        _owned = false;
        Start = End = 0;
    }

    private void Borrow(byte[] array, int start, int end)
    {
        _array = array;
        Start = start;
        End = end;
    }

    /// <summary>Makes room for the next read in place: for what is expected when that is known, else a fair
    /// amount.</summary>
    private void MakeRoom(BufferPool pool, int wantedFree)
    {
        byte[] array = _array!;
        int unread = Unread;
        int tail = array.Length - End;
        bool isExpected = _expected > unread;
        if (isExpected && _expected <= array.Length)
        {
            if (Start + _expected > array.Length) MoveTo(array);
            return;
        }
        if (tail >= wantedFree) return;
        if (Start > 0 && Start >= array.Length / 2)
        {
            MoveTo(array);
            return;
        }
        long grown = Math.Max(2L * unread, (long)unread + wantedFree);
        if (isExpected) grown = Math.Min(_expected, (long)GrowthLimit * unread);
        MoveTo(pool, grown);
    }

    /// <summary>Makes room for bytes that have already arrived elsewhere.</summary>
    private bool TryFree(BufferPool pool, int count)
    {
        if (_array!.Length - End >= count) return true;
        if (_array.Length - Unread >= count)
        {
            MoveTo(_array);
            return true;
        }
        if ((long)Unread + count > System.Array.MaxLength) return false;
        MoveTo(pool, Math.Max(2L * Unread, (long)Unread + count));
        return true;
    }

    private void MoveTo(BufferPool pool, long length)
    {
        byte[] old = _array!;
        int most = (int)Math.Min(length, System.Array.MaxLength);
        if (most <= old.Length) return;
        MoveTo(pool.Rent(most));
        pool.Return(old);
    }

    private void MoveTo(byte[] target)
    {
        int unread = Unread;
        Array.AsSpan(Start, unread).CopyTo(target);
        _array = target;
        Start = 0;
        End = unread;
    }
}
